//! A CA whose memory can be looked into, and a holder with an old pair that ends in 20 days.

use std::sync::LazyLock;

use obnova_ca::{Ca, FirstPair, IssuedCertificate, Issuer, PickUpSecret, Policy};
use x509_cert::Certificate;

use super::{
    DAY, EMAIL, HOLDER,
    keys::Whose,
    now,
    store::{Kept, MemoryStore},
};

pub struct House {
    pub ca: Ca,
    pub store: MemoryStore,
    /// Authentication first.
    pub old: [IssuedCertificate; 2],
    /// What it knew before the first order.
    begin: Kept,
}

/// The issuing CA's certificate and the root's.
pub static CHAIN: LazyLock<Vec<IssuedCertificate>> = LazyLock::new(|| {
    let begin = now() - 400 * DAY;
    let name = |text: &str| text.parse().expect("it is a name");
    let root = Issuer::self_signed(Whose::Root.copy(), &name("CN=Root,O=Test"), begin, now() + 7300 * DAY);
    let root = root.expect("a root can be made");
    let issuing = root.issuing(Whose::Issuing.copy(), &name("CN=Issuing,O=Test"), begin, now() + 7000 * DAY);
    issuing.expect("a CA can be made").chain().cloned().collect()
});

impl House {
    pub fn new(policy: Policy) -> Self {
        let issuer = Issuer::new(Whose::Issuing.copy(), CHAIN[0].clone(), CHAIN[1..].to_vec()).expect("it is a chain");
        let store = MemoryStore::default();
        let secret = PickUpSecret::generate().expect("there is randomness");
        let ca = Ca::new(policy, issuer, secret, Box::new(store.clone()));
        let pair = FirstPair {
            subject: HOLDER.parse().expect("it is a name"),
            email: EMAIL.into(),
            authentication: Whose::OldAuthentication.key().public_key().clone(),
            signature: Whose::OldSignature.key().public_key().clone(),
            not_before: now() - 345 * DAY,
            not_after: now() + 20 * DAY,
        };
        let old = ca.issue_first_pair(&pair).expect("the first pair is issued");
        let begin = store.kept().clone();
        Self { ca, store, old, begin }
    }

    /// As it was before the first order.
    pub fn reset(&self) {
        *self.store.kept() = self.begin.clone();
    }

    /// Certificates that it issued since.
    pub fn issued(&self) -> Vec<obnova_ca::store::CertificateRecord> {
        self.store.kept().certificates[self.begin.certificates.len()..].to_vec()
    }

    pub fn certificates(&self) -> Vec<Certificate> {
        self.ca.certificates().map(|one| one.certificate.clone()).collect()
    }
}

/// The policy of the template, changed by hand.
pub fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy: Policy = Policy::TEMPLATE.parse().expect("the template is a policy");
    change(&mut policy);
    policy
}
