use std::time::SystemTime;

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{InstallCertificate, KeyRole, SlotId};
use x509_cert::name::Name;

use crate::{
    CardView, Expected, Pair, ParsedCertificate, Policy, Refusal, Terms, check_pair, eligibility::candidates,
    plan::label,
};

/// A key without a certificate: what a renewal leaves whose journal was lost, or that was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Where.
    pub slot: SlotId,
    /// What it is for.
    pub role: KeyRole,
    /// Which kind.
    pub algorithm: KeyAlgorithm,
    /// Its public half; `None` where the token cannot tell it.
    pub public_key: Option<SubjectPublicKeyInfoOwned>,
}

impl Orphan {
    /// What can become of it.
    #[must_use]
    pub const fn prospect(&self) -> Prospect {
        if self.public_key.is_some() { Prospect::Certificate } else { Prospect::Nothing }
    }
}

/// What can become of a key without a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// A certificate for it, from a link or a mailed file, completes it.
    Certificate,
    /// Nothing: no certificate can be matched to it. It can be removed.
    Nothing,
}

/// Finds the keys without certificates on a card.
#[must_use]
pub fn scan(card: &CardView) -> Vec<Orphan> {
    let bare = card.slots.iter().filter(|slot| slot.certificates.is_empty());
    let orphans = bare.filter_map(|slot| {
        let key = slot.key.as_ref()?;
        Some(Orphan { slot: slot.id, role: key.role, algorithm: key.algorithm, public_key: key.public_key.clone() })
    });
    orphans.collect()
}

/// A pair of certificates for keys that waited for them, ready to be installed without a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The certificates.
    pub certificates: Pair<ParsedCertificate>,
    /// What goes where.
    pub jobs: Vec<InstallCertificate>,
    /// Slots of the old pair, to be marked as superseded where the card can.
    pub superseded: Vec<SlotId>,
}

impl Completion {
    /// Matches loose certificates to the keys on a card that wait for them, by public key, and measures them as a running
    /// process would: against the pair of the same subject that is on the card.
    ///
    /// # Errors
    /// [`Refusal`], by name; [`Refusal::AnotherKey`] also when no key waits.
    pub fn make(
        card: &CardView,
        came: &[Vec<u8>],
        policy: &Policy,
        terms: &Terms,
        now: SystemTime,
    ) -> Result<Self, Refusal> {
        let orphans = scan(card);
        let certificates: Vec<_> = came.iter().filter_map(|der| ParsedCertificate::from_der(der).ok()).collect();
        let waiting = Pair::from_fn(|role| {
            let mut of_role = orphans.iter().filter(|orphan| orphan.role == role);
            of_role.find_map(|orphan| {
                let key = orphan.public_key.as_ref()?;
                Some((orphan.slot, key, certificates.iter().find(|one| one.public_key() == key)?))
            })
        });
        let (authentication, signature) = match (waiting.authentication, waiting.signature) {
            (Some(authentication), Some(signature)) => (authentication, signature),
            (Some(_), None) => return Err(Refusal::OnlyOneOfTwo { missing: KeyRole::Signature }),
            (None, Some(_)) => return Err(Refusal::OnlyOneOfTwo { missing: KeyRole::Authentication }),
            (None, None) => return Err(Refusal::AnotherKey),
        };
        let old = old_pair(card, authentication.2.subject())?;
        let expected = Expected {
            keys: Pair { authentication: authentication.1, signature: signature.1 },
            old: Pair { authentication: old.authentication.1, signature: old.signature.1 },
            rules: Pair { authentication: &policy.rules.authentication, signature: &policy.rules.signature },
            terms,
        };
        let pair = check_pair(came, &expected, now)?;
        let slots = Pair { authentication: authentication.0, signature: signature.0 };
        let jobs = pair.iter().map(|(role, certificate)| InstallCertificate {
            slot: *slots.get(role),
            certificate: certificate.der().to_vec(),
            label: label(card, role, now),
        });
        let jobs = jobs.collect();
        let marks = card.capabilities.marks_superseded;
        let superseded = old.iter().filter(|_| marks).map(|(_, (slot, _))| *slot).collect();
        Ok(Self { certificates: pair, jobs, superseded })
    }
}

/// The youngest pair of a subject, valid or not.
fn old_pair<'a>(card: &'a CardView, subject: &Name) -> Result<Pair<(SlotId, &'a ParsedCertificate)>, Refusal> {
    Pair::try_from_fn(|role| {
        let same = candidates(card).filter(|one| one.key.role == role && one.certificate.subject() == subject);
        let youngest = same.max_by_key(|one| one.certificate.not_before());
        youngest.map(|one| (one.slot.id, one.certificate)).ok_or(Refusal::AnotherSubject { role })
    })
}
