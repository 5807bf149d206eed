//! A CA whose memory can be looked into, and holders with old pairs that end in 20 days.

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{Ca, FirstPair, IssuedCertificate, Issuer, PickUpSecret, Policy};
use x509_cert::Certificate;

use super::{
    DAY,
    certificate::{Names, Subject},
    keys::Whose,
    now,
    store::{Kept, MemoryStore},
};

pub struct House {
    pub ca: Ca,
    pub store: MemoryStore,
    /// The holder's, authentication first.
    pub old: [IssuedCertificate; 2],
    /// Those of the other holders, where there are some.
    others: Vec<[IssuedCertificate; 2]>,
    /// What it knew before the first order.
    begin: Kept,
}

/// Who has an old pair. What tells one holder from another is either the name or the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum Holder {
    Jana,
    /// The same name, another address.
    Namesake,
    /// Another name, the same address.
    Housemate,
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

fn ca(policy: Policy, store: &MemoryStore) -> Ca {
    let issuer = Issuer::new(Whose::Issuing.copy(), CHAIN[0].clone(), CHAIN[1..].to_vec()).expect("it is a chain");
    let secret = PickUpSecret::generate().expect("there is randomness");
    Ca::new(policy, issuer, secret, Box::new(store.clone()))
}

impl House {
    pub fn new(policy: Policy) -> Self {
        let store = MemoryStore::default();
        // The old keys are on P-256, which the policy took a year ago, whatever it takes now.
        let mut former = policy.clone();
        for profile in [&mut former.authentication, &mut former.signature] {
            profile.keys = vec![KeyAlgorithm::P256];
        }
        let old = Holder::Jana.first_pair(&ca(former, &store));
        let ca = ca(policy, &store);
        let begin = store.kept().clone();
        Self { ca, store, old, others: Vec::new(), begin }
    }

    /// With the other holders.
    pub fn of_all_holders(policy: Policy) -> Self {
        let mut house = Self::new(policy);
        house.others = Holder::OTHERS.map(|holder| holder.first_pair(&house.ca)).into();
        house.begin = house.store.kept().clone();
        house
    }

    /// The old pairs, with whose they are.
    pub fn pairs(&self) -> impl Iterator<Item = (Holder, &[IssuedCertificate; 2])> {
        [(Holder::Jana, &self.old)].into_iter().chain(Holder::OTHERS.into_iter().zip(&self.others))
    }

    /// The old pair of one of the holders that there are.
    pub fn pair(&self, whose: Holder) -> &[IssuedCertificate; 2] {
        self.pairs().find(|(holder, _)| *holder == whose).map_or(&self.old, |(_, pair)| pair)
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

impl Holder {
    const OTHERS: [Self; 2] = [Self::Namesake, Self::Housemate];

    pub fn subject(self) -> Subject {
        if self == Self::Housemate { Subject::Other } else { Subject::Holder }
    }

    pub fn names(self) -> Names {
        if self == Self::Namesake { Names::Other } else { Names::Holder }
    }

    /// Those of the old pair, authentication first.
    pub fn keys(self) -> [Whose; 2] {
        match self {
            Self::Jana => [Whose::OldAuthentication, Whose::OldSignature],
            Self::Namesake => [Whose::NamesakeAuthentication, Whose::NamesakeSignature],
            Self::Housemate => [Whose::HousemateAuthentication, Whose::HousemateSignature],
        }
    }

    fn first_pair(self, ca: &Ca) -> [IssuedCertificate; 2] {
        let [authentication, signature] = self.keys().map(|key| key.key().public_key().clone());
        let pair = FirstPair {
            subject: self.subject().name(),
            email: self.names().email().unwrap_or_default().into(),
            authentication,
            signature,
            not_before: now() - 345 * DAY,
            not_after: now() + 20 * DAY,
        };
        ca.issue_first_pair(&pair).expect("the first pair is issued")
    }
}

/// The policy of the template, changed by hand.
pub fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy: Policy = Policy::TEMPLATE.parse().expect("the template is a policy");
    change(&mut policy);
    policy
}
