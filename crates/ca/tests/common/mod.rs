//! A CA in a temporary directory, a holder with an old pair, and orders that can be bent in every way.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod first;
pub mod life;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm};
use obnova_ca::{
    Ca, CaKey, CredentialSecret, English, FirstDesk, FirstPair, IssuedCertificate, Issuer, PickUpSecret, Policy,
    RevocationDesk, SqliteStore, StatusDesk, Store, Transaction, store::WriteObserver,
};
use obnova_enroll::{
    cmc::{
        Answer, Asked, Expected, FollowUp, FullRequestBuilder, FullResponse, Nonce, PendToken, SealedPassword, Signer,
        TransactionId,
    },
    envelope::OpeningKey,
};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use obnova_status::RevocationReason;
use x509_cert::{
    Certificate,
    der::{Decode, Encode},
    ext::pkix::{KeyUsage, KeyUsages, name::GeneralName},
    name::Name,
};

pub const DAY: Duration = Duration::from_secs(86_400);
pub const HOLDER: &str = "CN=Jana Nováková,SERIALNUMBER=IDCCZ-123456,C=CZ";
pub const EMAIL: &str = "jana@example.cz";

/// 2027-01-15T08:00:00Z.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub fn key() -> Arc<CaKey> {
    Arc::new(CaKey::generate(KeyAlgorithm::P256).unwrap())
}

/// A holder's two keys and certificates, authentication first.
#[derive(Clone)]
pub struct Pair {
    pub keys: [Arc<CaKey>; 2],
    pub certificates: [IssuedCertificate; 2],
}

pub struct World {
    pub directory: tempfile::TempDir,
    policy: String,
    ca_key: Vec<u8>,
    chain: Vec<IssuedCertificate>,
    pub ca: Ca,
    pub old: Pair,
}

impl World {
    /// Orders wait for approval; the old pair has 20 days left.
    pub fn new() -> Self {
        Self::with(Policy::TEMPLATE, KeyAlgorithm::P256)
    }

    pub fn automatic() -> Self {
        Self::with(&Policy::TEMPLATE.replace("\"manual\"", "\"automatic\""), KeyAlgorithm::P256)
    }

    pub fn with(policy: &str, ca_key: KeyAlgorithm) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let begin = now() - 400 * DAY;
        let root = Issuer::self_signed(
            CaKey::generate(ca_key).unwrap(),
            &"CN=Root,O=Test".parse().unwrap(),
            begin,
            now() + 7300 * DAY,
        );
        let root = root.unwrap();
        let issuing_key = CaKey::generate(ca_key).unwrap();
        let kept = issuing_key.to_pkcs8().unwrap().to_vec();
        let name = "CN=Issuing,O=Test".parse().unwrap();
        let issuing = root.issuing(issuing_key, &name, begin, now() + 3650 * DAY).unwrap();
        let chain: Vec<_> = issuing.chain().cloned().collect();
        PickUpSecret::generate().unwrap().save(&directory.path().join("secret")).unwrap();
        CredentialSecret::generate().unwrap().save(&directory.path().join("credentials")).unwrap();
        let encryption = CaKey::generate(KeyAlgorithm::P256).unwrap();
        let certificate = issuing.encryption_certificate(&encryption, (begin, now() + 3650 * DAY)).unwrap();
        encryption.save(&directory.path().join("encryption.key")).unwrap();
        std::fs::write(directory.path().join("encryption.der"), certificate.der).unwrap();
        let ca = open(directory.path(), policy, &kept, &chain);
        let old = first_pair(&ca, HOLDER, EMAIL, 20);
        Self { directory, policy: policy.into(), ca_key: kept, chain, ca, old }
    }

    /// The same CA in another process: another connection to the same files.
    pub fn another(&self) -> Ca {
        open(self.directory.path(), &self.policy, &self.ca_key, &self.chain)
    }

    /// The same CA with a store of somebody's own.
    pub fn remembering(&self, store: impl Store + 'static) -> Ca {
        remembering(self.directory.path(), &self.policy, &self.ca_key, &self.chain, Box::new(store))
    }

    /// The same CA, after its policy was changed.
    pub fn under(&self, policy: &str) -> Ca {
        remembering(self.directory.path(), policy, &self.ca_key, &self.chain, Box::new(self.store()))
    }

    /// The same CA in another process that may be killed: whatever it writes, and for whichever desk, passes this life.
    pub fn observed(&self, life: &Arc<impl WriteObserver + 'static>) -> Ca {
        let store = || self.store().observed(life.clone());
        let policy: Policy = self.policy.parse().unwrap();
        let revocations = RevocationDesk::new(policy.revocation.clone(), Arc::new(store()), Arc::new(English));
        let first = desk(self.directory.path(), &policy, store());
        self.remembering(store()).with_first(first).with_revocations(revocations)
    }

    /// The same CA, that renews only.
    pub fn without_desk(&self) -> Ca {
        let key = CaKey::from_pkcs8(&self.ca_key).unwrap();
        let issuer = Issuer::new(key, self.chain[0].clone(), self.chain[1..].to_vec()).unwrap();
        let secret = PickUpSecret::load(&self.directory.path().join("secret")).unwrap();
        Ca::new(self.policy.parse().unwrap(), issuer, secret, Box::new(self.store()))
    }

    /// What says who is revoked, in another process.
    pub fn desk(&self) -> StatusDesk {
        let key = CaKey::from_pkcs8(&self.ca_key).unwrap();
        let issuer = Issuer::new(key, self.chain[0].clone(), self.chain[1..].to_vec()).unwrap();
        StatusDesk::new(issuer, self.store()).unwrap()
    }

    /// What ends certificates, in another process.
    pub fn revocations(&self) -> RevocationDesk {
        let policy: Policy = self.policy.parse().unwrap();
        RevocationDesk::new(policy.revocation, Arc::new(self.store()), Arc::new(English))
    }

    /// The operator ends a certificate, or puts it on hold.
    pub fn revoke(&self, serial: &[u8], reason: RevocationReason) {
        self.revocations().by_operator(serial, reason, now()).unwrap();
    }

    /// Another way to the database.
    pub fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.directory.path().join("ca.db")).unwrap()
    }

    /// A CA of the same name and another key.
    pub fn impostor(&self) -> Self {
        Self::with(&self.policy, KeyAlgorithm::P256)
    }

    pub fn ca_certificates(&self) -> Vec<Certificate> {
        self.ca.certificates().map(|one| one.certificate.clone()).collect()
    }

    /// Sends an order and reads the answer.
    pub fn send(&self, draft: &Draft) -> Answer {
        self.ask(&draft.message(), &draft.transaction, Asked::Certificates, now())
    }

    pub fn ask(&self, message: &[u8], transaction: &TransactionId, asked: Asked, now: SystemTime) -> Answer {
        let response = self.ca.answer(message, None, now).unwrap();
        self.read(&response.message, transaction, asked)
    }

    pub fn read(&self, response: &[u8], transaction: &TransactionId, asked: Asked) -> Answer {
        let ca = self.ca_certificates();
        let expected = Expected { transaction, nonce: &nonce(), ca: &ca, asked };
        FullResponse::parse(response, &expected).unwrap().answer
    }

    pub fn query(&self, transaction: &TransactionId, token: &PendToken) -> Answer {
        let message = FollowUp::new(transaction.clone(), nonce()).query_pending(token).unwrap();
        self.ask(&message, transaction, Asked::Certificates, now())
    }

    pub fn confirm(&self, transaction: &TransactionId, token: Option<&PendToken>, got: &[Certificate]) -> Answer {
        let message = FollowUp::new(transaction.clone(), nonce()).confirm_acceptance(token, got).unwrap();
        self.ask(&message, transaction, Asked::Confirmation, now())
    }

    pub fn approve(&self, transaction: &TransactionId) {
        self.ca.approve(&Transaction::new(transaction.as_bytes()).unwrap(), now()).unwrap();
    }
}

fn open(directory: &Path, policy: &str, ca_key: &[u8], chain: &[IssuedCertificate]) -> Ca {
    let store = SqliteStore::open(&directory.join("ca.db")).unwrap();
    remembering(directory, policy, ca_key, chain, Box::new(store))
}

fn remembering(
    directory: &Path,
    policy: &str,
    ca_key: &[u8],
    chain: &[IssuedCertificate],
    store: Box<dyn Store>,
) -> Ca {
    let issuer = Issuer::new(CaKey::from_pkcs8(ca_key).unwrap(), chain[0].clone(), chain[1..].to_vec()).unwrap();
    let secret = PickUpSecret::load(&directory.join("secret")).unwrap();
    let policy: Policy = policy.parse().unwrap();
    let desk = desk(directory, &policy, SqliteStore::open(&directory.join("ca.db")).unwrap());
    Ca::new(policy, issuer, secret, store).with_first(desk)
}

/// The desk for first certificates, with a way of its own to the database.
fn desk(directory: &Path, policy: &Policy, store: SqliteStore) -> FirstDesk {
    let secret = CredentialSecret::load(&directory.join("credentials")).unwrap();
    let key = CaKey::load(&directory.join("encryption.key")).unwrap();
    let certificate = Certificate::from_der(&std::fs::read(directory.join("encryption.der")).unwrap()).unwrap();
    let opening = OpeningKey::from_pkcs8(&key.to_pkcs8().unwrap(), certificate.clone()).unwrap();
    FirstDesk::new(policy.first.clone(), store, secret).opening(opening, certificate)
}

pub fn first_pair(ca: &Ca, subject: &str, email: &str, days_left: u32) -> Pair {
    let keys = [key(), key()];
    let end = now() + DAY * days_left;
    let pair = FirstPair {
        subject: subject.parse().unwrap(),
        email: email.into(),
        authentication: keys[0].public_key().clone(),
        signature: keys[1].public_key().clone(),
        not_before: end - 365 * DAY,
        not_after: end,
    };
    Pair { certificates: ca.issue_first_pair(&pair).unwrap(), keys }
}

pub fn nonce() -> Nonce {
    Nonce::from_random([7; 16])
}

/// One request of an order.
#[derive(Clone)]
pub struct RequestDraft {
    pub subject: String,
    pub email: Option<String>,
    pub usage: Option<KeyUsage>,
    pub key: Arc<CaKey>,
}

impl RequestDraft {
    /// By the holder, with a new key.
    pub fn of(usage: KeyUsages) -> Self {
        let (subject, email) = (HOLDER.into(), Some(EMAIL.into()));
        Self { subject, email, usage: Some(KeyUsage(usage.into())), key: key() }
    }

    pub fn request(&self) -> CertificationRequest {
        let spki = self.key.public_key().clone();
        let subject = if self.subject.is_empty() { Name::default() } else { self.subject.parse().unwrap() };
        let mut builder = RequestBuilder::new(subject, spki, self.key.algorithm()).key_identifier();
        if let Some(email) = &self.email {
            let name = x509_cert::der::asn1::Ia5String::new(email).unwrap();
            builder = builder.subject_alt_name(vec![GeneralName::Rfc822Name(name)]);
        }
        if let Some(usage) = self.usage {
            builder = builder.key_usage(usage);
        }
        let to_sign = builder.finalize().unwrap();
        to_sign.assemble(&self.key.sign(to_sign.bytes()).unwrap()).unwrap()
    }
}

/// An order on its way: right as it is made, to be bent.
#[derive(Clone)]
pub struct Draft {
    pub transaction: TransactionId,
    pub requests: Vec<RequestDraft>,
    pub signers: Vec<(Certificate, Arc<CaKey>)>,
}

impl Draft {
    /// An honest order for a new pair with new keys.
    pub fn renewing(old: &Pair, transaction: u8) -> Self {
        let signer = |index: usize| (old.certificates[index].certificate.clone(), old.keys[index].clone());
        Self {
            transaction: TransactionId::from_random([transaction; 16]),
            requests: [KeyUsages::DigitalSignature, KeyUsages::NonRepudiation].map(RequestDraft::of).to_vec(),
            signers: vec![signer(0), signer(1)],
        }
    }

    pub fn message(&self) -> Vec<u8> {
        self.message_of(self.requests.iter().map(RequestDraft::request).collect())
    }

    /// With a revocation password.
    pub fn message_with(&self, password: Option<SealedPassword>) -> Vec<u8> {
        self.message_that(self.requests.iter().map(RequestDraft::request).collect(), password)
    }

    pub fn message_of(&self, requests: Vec<CertificationRequest>) -> Vec<u8> {
        self.message_that(requests, None)
    }

    fn message_that(&self, requests: Vec<CertificationRequest>, password: Option<SealedPassword>) -> Vec<u8> {
        let mut builder = FullRequestBuilder::new(self.transaction.clone(), nonce());
        if let Some(password) = password {
            builder = builder.revocation_password(password);
        }
        for request in requests {
            builder = builder.request(request);
        }
        let algorithm = |key: &CaKey| -> SignatureAlgorithm { key.algorithm() };
        let signers = self.signers.iter();
        let signers: Vec<_> = signers
            .map(|(certificate, key)| Signer { certificate: certificate.clone(), algorithm: algorithm(key) })
            .collect();
        let to_sign = builder.finalize(&signers).unwrap();
        to_sign.sign_with(|to_sign| self.signers[to_sign.signer].1.sign(&to_sign.bytes)).unwrap()
    }
}

/// The name of the rule in a refusal.
pub fn rule(answer: &Answer) -> &str {
    match answer {
        Answer::Refused { text, .. } => text.split(':').next().unwrap(),
        other => panic!("not refused: {other:?}"),
    }
}

pub fn token(answer: &Answer) -> PendToken {
    match answer {
        Answer::Pending { token, .. } => token.clone(),
        other => panic!("not pending: {other:?}"),
    }
}

/// The pair that an answer brings to the keys of an order.
pub fn issued_pair(draft: &Draft, answer: Answer) -> Pair {
    let certificates = issued(answer);
    let of = |request: &RequestDraft| {
        let key = request.key.public_key();
        let is_for = |one: &&Certificate| one.tbs_certificate().subject_public_key_info() == key;
        IssuedCertificate::from_der(&certificates.iter().find(is_for).unwrap().to_der().unwrap()).unwrap()
    };
    let [authentication, signature] = draft.requests.as_slice() else { panic!("not a pair") };
    Pair {
        keys: [authentication.key.clone(), signature.key.clone()],
        certificates: [of(authentication), of(signature)],
    }
}

pub fn issued(answer: Answer) -> Vec<Certificate> {
    match answer {
        Answer::Issued { certificates, .. } => certificates,
        other => panic!("not issued: {other:?}"),
    }
}
