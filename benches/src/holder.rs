//! A CA in a directory, and holders whose pairs end soon: the orders that they send, all signed beforehand.

#![allow(clippy::unwrap_used, reason = "what is prepared for a measurement works, or there is none")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{Ca, CaKey, FirstPair, IssuedCertificate, Policy};
use obnova_enroll::cmc::{
    Answer, Asked, Expected, FollowUp, FullRequestBuilder, FullResponse, Nonce, Signer, TransactionId,
};
use obnova_pkcs10::RequestBuilder;
use obnova_reference_ca::{
    House,
    house::{self, InitOptions},
};
use x509_cert::{
    Certificate,
    der::asn1::Ia5String,
    ext::pkix::{KeyUsage, KeyUsages, name::GeneralName},
};

/// 24 hours.
pub const DAY: Duration = Duration::from_secs(86_400);
const EMAIL: &str = "jana@example.cz";

/// A CA with a key of this kind that approves by itself, in a directory that is not there yet.
///
/// # Panics
/// When the directory cannot be made; as everything here does when it fails.
#[must_use]
pub fn new_house(home: &Path, key: KeyAlgorithm) -> House {
    let policy = Policy::TEMPLATE.replace("\"manual\"", "\"automatic\"");
    let options = InitOptions { backdate_days: 400, policy, key, ..InitOptions::default() };
    house::init(home, &options, SystemTime::now()).unwrap();
    House::open(home).unwrap()
}

/// Somebody with a pair of the CA that ends in 20 days, and the keys of the next pair.
pub struct Holder {
    subject: String,
    old: Vec<(Arc<CaKey>, IssuedCertificate)>,
    new: [Arc<CaKey>; 2],
}

/// A holder's old and new keys. They may be his in many CAs, since making keys takes long.
pub type Keys = [Arc<CaKey>; 4];

/// Keys of one kind.
///
/// # Panics
/// When they cannot be made.
#[must_use]
pub fn new_keys(algorithm: KeyAlgorithm) -> Keys {
    std::array::from_fn(|_| Arc::new(CaKey::generate(algorithm).unwrap()))
}

/// An order before it is sent.
pub struct Order {
    /// Its name.
    pub transaction: TransactionId,
    /// The CMC message.
    pub message: Vec<u8>,
}

impl Holder {
    /// Has the CA certify the old keys.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn certified(ca: &Ca, number: usize, keys: &Keys) -> Self {
        let subject = format!("CN=Jana Nováková,SERIALNUMBER=IDCCZ-{number:08},C=CZ");
        let [old @ .., authentication, signature] = keys.clone();
        let not_after = SystemTime::now() + 20 * DAY;
        let pair = FirstPair {
            subject: subject.parse().unwrap(),
            email: EMAIL.into(),
            authentication: old[0].public_key().clone(),
            signature: old[1].public_key().clone(),
            not_before: not_after - 365 * DAY,
            not_after,
        };
        let certificates = ca.issue_first_pair(&pair).unwrap();
        Self { subject, old: old.into_iter().zip(certificates).collect(), new: [authentication, signature] }
    }

    /// One of the two old certificates.
    #[must_use]
    pub fn certificate(&self, which: usize) -> &IssuedCertificate {
        &self.old[which].1
    }

    /// An order for two new certificates, named after a number.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn order(&self, number: usize) -> Order {
        let mut random = [1; 16];
        random[8..].copy_from_slice(&(number as u64).to_be_bytes());
        let transaction = TransactionId::from_random(random);
        let mut builder = FullRequestBuilder::new(transaction.clone(), nonce());
        for (key, usage) in self.new.iter().zip([KeyUsages::DigitalSignature, KeyUsages::NonRepudiation]) {
            let names = vec![GeneralName::Rfc822Name(Ia5String::new(EMAIL).unwrap())];
            let request = RequestBuilder::new(self.subject.parse().unwrap(), key.public_key().clone(), key.algorithm())
                .subject_alt_name(names)
                .key_usage(KeyUsage(usage.into()))
                .finalize()
                .unwrap();
            builder = builder.request(request.assemble(&key.sign(request.bytes()).unwrap()).unwrap());
        }
        let signers = self.old.iter().map(|(key, certificate)| Signer {
            certificate: certificate.certificate.clone(),
            algorithm: key.algorithm(),
        });
        let message = builder.finalize(&signers.collect::<Vec<_>>()).unwrap();
        let message = message.sign_with(|to_sign| self.old[to_sign.signer].0.sign(&to_sign.bytes)).unwrap();
        Order { transaction, message }
    }
}

impl Order {
    /// The two certificates in its answer.
    ///
    /// # Panics
    /// When it holds something else.
    #[must_use]
    pub fn read(&self, chain: &[Certificate], answer: &[u8]) -> Vec<Certificate> {
        let expected =
            Expected { transaction: &self.transaction, nonce: &nonce(), ca: chain, asked: Asked::Certificates };
        match FullResponse::parse(answer, &expected).unwrap().answer {
            Answer::Issued { certificates, .. } if certificates.len() == 2 => certificates,
            other => panic!("{other:?}"),
        }
    }

    /// The message that says that they arrived.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn receipt(&self, certificates: &[Certificate]) -> Vec<u8> {
        FollowUp::new(self.transaction.clone(), nonce()).confirm_acceptance(None, certificates).unwrap()
    }
}

fn nonce() -> Nonce {
    Nonce::from_random([7; 16])
}
