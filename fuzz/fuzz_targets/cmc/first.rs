//! What only comes from strangers and leavers: first requests, revocation, and sealed passwords.

use std::sync::LazyLock;

use obnova_algorithm::Digest;
use obnova_enroll::{
    Secret,
    cmc::{CertificateId, FullRequest, ProofKey, Received, SealedPassphrase, SealedPassword, UserId},
    envelope::OpeningKey,
    limits,
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{Certificate, der::DecodePem};

/// The key that the seeds are sealed for.
static KEY: LazyLock<OpeningKey> = LazyLock::new(|| {
    let certificate = include_bytes!("../../../crates/enroll/tests/data/old-certificate.pem");
    let certificate = Certificate::from_pem(certificate).expect("it is one");
    let key = include_bytes!("../../../crates/enroll/tests/data/old-key.p8");
    OpeningKey::from_pkcs8(key, certificate).unwrap_or_else(|error| panic!("{error}"))
});

/// What a CA may count on, whatever was sent.
pub fn received(bytes: &[u8], request: &Received) {
    assert!(bytes.len() <= limits::MAX_MESSAGE);
    let (transaction, nonce) = match request {
        Received::Known(request) => {
            request.revocation_password.iter().for_each(password);
            (&request.transaction, &request.nonce)
        }
        Received::First(request) => {
            request.revocation_password.iter().for_each(password);
            assert!((1..=limits::MAX_REQUESTS).contains(&request.requests.len()));
            for (_, request) in &request.requests {
                assert!(CertificationRequest::from_der(request.der()).as_ref() == Ok(request));
            }
            assert_eq!(UserId::new(request.user.as_str()).as_ref(), Ok(&request.user));
            // Nobody has proved that he knows what nobody was told.
            let unknown = Secret::from_bytes(b"0f8c7a5d2b9e41638d").unwrap_or_else(|error| panic!("{error}"));
            for digest in Digest::ALL {
                assert!(request.proof.verify(&ProofKey::derive(digest, &unknown, &request.user)).is_err());
            }
            (&request.transaction, &request.nonce)
        }
        Received::Revocation(request) => {
            assert!((1..=limits::MAX_REQUESTS).contains(&request.revocations.len()));
            for (revocation, at) in request.revocations.iter().zip(0..) {
                assert!(!request.signers.is_empty() || revocation.passphrase.is_some());
                assert!(!revocation.comment.contains(char::is_control));
                let earlier = &request.revocations[..at];
                assert!(earlier.iter().all(|earlier| earlier.certificate != revocation.certificate));
                if let Some(holder) = request.by_holder(revocation) {
                    assert_eq!(CertificateId::from(holder), revocation.certificate);
                }
                let sealed = revocation.passphrase.as_ref();
                sealed.map(|sealed| sealed.open(&KEY, &revocation.certificate).is_ok());
            }
            (&request.transaction, &request.nonce)
        }
    };
    assert_eq!(FullRequest::return_address(bytes), Some((transaction.clone(), nonce.clone())));
}

fn password(sealed: &SealedPassword) {
    assert!(SealedPassword::from_der(sealed.der()).as_ref() == Ok(sealed));
    if let Ok(password) = sealed.open(&KEY) {
        assert!((1..=Secret::MAX_SIZE).contains(&password.as_bytes().len()));
    }
}

/// Any bytes as an envelope.
pub fn opened(bytes: &[u8]) {
    match KEY.open(bytes) {
        Ok(content) => assert!(content.len() < bytes.len() && SealedPassword::from_der(bytes).is_ok()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let _ = SealedPassphrase::from_der(bytes);
}
