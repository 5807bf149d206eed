//! Certificates that were ordered by a message, over the wire.

use std::time::SystemTime;

use obnova_ca::{IssuedCertificate, Subject};
use obnova_enroll::{
    Secret,
    cmc::{
        Answer, Asked, Expected, FirstRequestBuilder, FullResponse, Nonce as CmcNonce, ProofKey, SealedPassword,
        TransactionId, UserId,
    },
    est::{self, FullCmcReply},
};
use obnova_pkcs10::RequestBuilder;
use x509_cert::{
    der::Encode as _,
    ext::pkix::{KeyUsage, KeyUsages},
};

use crate::common::{Pair, World, new_keys};

/// A holder whose password for revocation is known, with two certificates out of a first order.
pub fn with_password(world: &World, password: &str) -> Pair {
    let desk = world.house.ca().first().unwrap();
    let subject = Subject {
        user: UserId::new("jana").unwrap(),
        module: Subject::MODULE.into(),
        name: "CN=Jana,C=CZ".parse().unwrap(),
        email: "jana@example.cz".into(),
    };
    let issued = desk.issue(desk.enter(&subject, SystemTime::now()).unwrap(), SystemTime::now()).unwrap();
    let secret = Secret::from_bytes(password.as_bytes()).unwrap();
    let sealed = SealedPassword::seal(&secret, desk.encryption_certificate().unwrap()).unwrap();
    let keys = new_keys();
    let (transaction, nonce) = (TransactionId::from_random([7; 16]), CmcNonce::from_random([8; 16]));
    let mut builder = FirstRequestBuilder::new(transaction.clone(), nonce.clone()).revocation_password(sealed);
    for (key, usage) in keys.iter().zip([KeyUsages::DigitalSignature, KeyUsages::NonRepudiation]) {
        let to_sign = RequestBuilder::new(subject.name.clone(), key.public_key().clone(), key.algorithm())
            .key_usage(KeyUsage(usage.into()))
            .key_identifier()
            .finalize()
            .unwrap();
        builder = builder.request(to_sign.assemble(&key.sign(to_sign.bytes()).unwrap()).unwrap());
    }
    let proof = ProofKey::derive(obnova_algorithm::Digest::Sha256, &issued.password.secret(), &subject.user);
    let to_sign = builder.finalize(&subject.user, &proof).unwrap();
    let message = to_sign.sign_with(|to_sign| keys[to_sign.signer].sign(&to_sign.bytes)).unwrap();
    let Answer::Issued { certificates, .. } = cmc(world, &message, &transaction, &nonce, Asked::Certificates) else {
        panic!("not issued")
    };
    let read = |index: usize| IssuedCertificate::from_der(&certificates[index].to_der().unwrap()).unwrap();
    Pair { keys, certificates: [read(0), read(1)] }
}

/// What is answered to a message over HTTPS.
pub fn cmc(world: &World, message: &[u8], transaction: &TransactionId, nonce: &CmcNonce, asked: Asked) -> Answer {
    let reply = world.send(&est::Client::new().fullcmc_request(message), None);
    let FullCmcReply::Cmc(answer) = est::Client::new().fullcmc_response(&reply).unwrap() else { panic!("{reply:?}") };
    let ca = world.ca();
    FullResponse::parse(&answer, &Expected { transaction, nonce, ca: &ca, asked }).unwrap().answer
}
