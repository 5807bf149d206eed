//! A CA in a directory, and a holder whose pair ends soon: the orders that it sends, all signed beforehand.

use std::{
    path::Path,
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

pub const DAY: Duration = Duration::from_secs(86_400);
const EMAIL: &str = "jana@example.cz";

/// A CA that approves by itself, in a directory that is not there yet.
pub fn new_house(home: &Path) -> House {
    let policy = Policy::TEMPLATE.replace("\"manual\"", "\"automatic\"");
    let options = InitOptions { backdate_days: 400, policy, ..InitOptions::default() };
    house::init(home, &options, SystemTime::now()).unwrap();
    House::open(home).unwrap()
}

pub struct Holder {
    subject: String,
    old: Vec<(CaKey, IssuedCertificate)>,
}

/// An order before it is sent.
pub struct Message {
    pub transaction: TransactionId,
    pub message: Vec<u8>,
}

impl Holder {
    /// Has a pair of this CA that ends in 20 days.
    pub fn certified(ca: &Ca, number: usize) -> Self {
        let subject = format!("CN=Jana Nováková,SERIALNUMBER=IDCCZ-{number:08},C=CZ");
        let keys = [key(), key()];
        let not_after = SystemTime::now() + 20 * DAY;
        let pair = FirstPair {
            subject: subject.parse().unwrap(),
            email: EMAIL.into(),
            authentication: keys[0].public_key().clone(),
            signature: keys[1].public_key().clone(),
            not_before: not_after - 365 * DAY,
            not_after,
        };
        let certificates = ca.issue_first_pair(&pair).unwrap();
        Self { subject, old: keys.into_iter().zip(certificates).collect() }
    }

    /// One of the old certificates, and where its serial number stands in it.
    pub fn certificate(&self, which: usize) -> (Vec<u8>, std::ops::Range<usize>) {
        let certificate = &self.old[which].1;
        let serial = certificate.serial();
        let at = certificate.der.windows(serial.len()).position(|bytes| bytes == serial).unwrap();
        (certificate.der.clone(), at..at + serial.len())
    }

    pub fn order(&self, number: usize) -> Message {
        let mut random = [1; 16];
        random[8..].copy_from_slice(&(number as u64).to_be_bytes());
        let transaction = TransactionId::from_random(random);
        let mut builder = FullRequestBuilder::new(transaction.clone(), nonce());
        for usage in [KeyUsages::DigitalSignature, KeyUsages::NonRepudiation] {
            let key = key();
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
        Message { transaction, message }
    }
}

impl Message {
    /// The two certificates in its answer.
    pub fn read(&self, chain: &[Certificate], answer: &[u8]) -> Vec<Certificate> {
        let expected =
            Expected { transaction: &self.transaction, nonce: &nonce(), ca: chain, asked: Asked::Certificates };
        match FullResponse::parse(answer, &expected).unwrap().answer {
            Answer::Issued { certificates, .. } if certificates.len() == 2 => certificates,
            other => panic!("{other:?}"),
        }
    }

    /// The message that says that they arrived.
    pub fn receipt(&self, certificates: &[Certificate]) -> Vec<u8> {
        FollowUp::new(self.transaction.clone(), nonce()).confirm_acceptance(None, certificates).unwrap()
    }
}

fn key() -> CaKey {
    CaKey::generate(KeyAlgorithm::P256).unwrap()
}

fn nonce() -> Nonce {
    Nonce::from_random([7; 16])
}
