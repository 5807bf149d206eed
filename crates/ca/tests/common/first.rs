//! Somebody without a certificate, whom the CA knows, and his orders, that can be bent in every way.

use std::time::SystemTime;

use obnova_algorithm::Digest;
use obnova_ca::{Ca, IssuedPassword, Policy, Subject};
use obnova_enroll::{
    Secret,
    cmc::{Answer, Asked, FirstRequestBuilder, ProofKey, SealedPassword, TransactionId, UserId},
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::ext::pkix::KeyUsages;

use super::{EMAIL, HOLDER, RequestDraft, World, nonce, now};

pub const USER: &str = "jana";

/// A service of one certificate.
pub fn one_certificate(policy: &str) -> String {
    let pair = "profiles = [\"authentication\", \"signature\"]";
    assert!(policy.contains(pair));
    policy.replace(pair, "profiles = [\"authentication\"]")
}

pub fn automatic() -> String {
    Policy::TEMPLATE.replace("\"manual\"", "\"automatic\"")
}

pub fn subject(user: &str, module: &str) -> Subject {
    Subject {
        user: UserId::new(user).unwrap(),
        module: module.into(),
        name: HOLDER.parse().unwrap(),
        email: EMAIL.into(),
    }
}

/// The CA knows her, and a password is on its way to her.
pub fn issue(ca: &Ca, user: &str, module: &str, now: SystemTime) -> IssuedPassword {
    let desk = ca.first().unwrap();
    desk.issue(desk.enter(&subject(user, module), now).unwrap(), now).unwrap()
}

/// A first order on its way: right as it is made.
#[derive(Clone)]
pub struct First {
    pub transaction: TransactionId,
    pub user: UserId,
    pub password: Secret,
    pub digest: Digest,
    pub requests: Vec<RequestDraft>,
    pub revocation_password: Option<SealedPassword>,
}

impl First {
    pub fn of(issued: &IssuedPassword, transaction: u8) -> Self {
        Self {
            transaction: TransactionId::from_random([transaction; 16]),
            user: UserId::new(&issued.subject.user).unwrap(),
            password: issued.password.secret(),
            digest: Digest::Sha256,
            requests: [KeyUsages::DigitalSignature, KeyUsages::NonRepudiation].map(RequestDraft::of).to_vec(),
            revocation_password: None,
        }
    }

    pub fn request(&self, index: usize) -> CertificationRequest {
        self.requests[index].request()
    }

    pub fn message(&self) -> Vec<u8> {
        self.message_of((0..self.requests.len()).map(|index| self.request(index)).collect())
    }

    pub fn message_of(&self, requests: Vec<CertificationRequest>) -> Vec<u8> {
        let builder = FirstRequestBuilder::new(self.transaction.clone(), nonce());
        let mut builder = requests.into_iter().fold(builder, FirstRequestBuilder::request);
        if let Some(sealed) = &self.revocation_password {
            builder = builder.revocation_password(sealed.clone());
        }
        let proof = ProofKey::derive(self.digest, &self.password, &self.user);
        let to_sign = builder.finalize(&self.user, &proof).unwrap();
        to_sign.sign_with(|to_sign| self.requests[to_sign.signer].key.sign(&to_sign.bytes)).unwrap()
    }
}

impl World {
    pub fn first(&self, first: &First) -> Answer {
        self.first_at(first, now())
    }

    pub fn first_at(&self, first: &First, now: SystemTime) -> Answer {
        self.ask(&first.message(), &first.transaction, Asked::Certificates, now)
    }

    /// As a holder types it, sealed.
    pub fn sealed(&self, password: &str) -> SealedPassword {
        let password = Secret::from_bytes(password.as_bytes()).unwrap();
        SealedPassword::seal(&password, self.ca.first().unwrap().encryption_certificate().unwrap()).unwrap()
    }
}
