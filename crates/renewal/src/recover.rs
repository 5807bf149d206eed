use std::time::SystemTime;

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{InstallCertificate, KeyRole, SlotId};
use x509_cert::name::Name;

use crate::{
    CardView, Expected, Pair, ParsedCertificate, Policy, Refusal, SlotView, Terms, check_pair, eligibility::entered,
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
    /// What goes where. One that is on the card already is not among them.
    pub jobs: Vec<InstallCertificate>,
    /// Slots of the old pair, to be marked as superseded where the card can and has not done so.
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
        let certificates: Vec<_> = came.iter().filter_map(|der| ParsedCertificate::from_der(der).ok()).collect();
        let found = Pair::from_fn(|role| card.slots.iter().find_map(|slot| waits_for(slot, role, &certificates)));
        let (authentication, signature) = match (found.authentication, found.signature) {
            (Some(authentication), Some(signature)) => (authentication, signature),
            (Some(_), None) => return Err(Refusal::OnlyOneOfTwo { missing: KeyRole::Signature }),
            (None, Some(_)) => return Err(Refusal::OnlyOneOfTwo { missing: KeyRole::Authentication }),
            (None, None) => return Err(Refusal::AnotherKey),
        };
        let old = old_pair(card, authentication.2.subject(), &certificates)?;
        let expected = Expected {
            keys: Pair { authentication: authentication.1, signature: signature.1 },
            old: Pair { authentication: old.authentication.1, signature: old.signature.1 },
            rules: Pair { authentication: &policy.rules.authentication, signature: &policy.rules.signature },
            terms,
        };
        let pair = check_pair(came, &expected, now)?;
        let slots = Pair { authentication: authentication.0, signature: signature.0 };
        let missing = pair.iter().filter(|(role, certificate)| !slots.get(*role).holds(certificate));
        let jobs = missing.map(|(role, certificate)| InstallCertificate {
            slot: slots.get(role).id,
            certificate: certificate.der().to_vec(),
            label: label(card, role, now),
        });
        let jobs = jobs.collect();
        let marks = card.capabilities.marks_superseded;
        let unmarked = old.iter().map(|(_, (slot, _))| slot).filter(|slot| {
            let mut of_slot = slot.certificates.iter();
            marks && of_slot.any(|entry| !entry.superseded)
        });
        let superseded = unmarked.map(|slot| slot.id).collect();
        Ok(Self { certificates: pair, jobs, superseded })
    }

    /// Whether everything is on the card already.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.jobs.is_empty() && self.superseded.is_empty()
    }
}

/// A slot whose key of this role is certified by one of these, and that has this very certificate or none yet.
fn waits_for<'a>(
    slot: &'a SlotView,
    role: KeyRole,
    certificates: &'a [ParsedCertificate],
) -> Option<(&'a SlotView, &'a SubjectPublicKeyInfoOwned, &'a ParsedCertificate)> {
    let key = slot.key.as_ref().filter(|key| key.role == role)?.public_key.as_ref()?;
    let certificate = certificates.iter().find(|one| one.public_key() == key)?;
    (slot.certificates.is_empty() || slot.holds(certificate)).then_some((slot, key, certificate))
}

/// The youngest pair of a subject beside those that came, valid or not; those count first that are not marked.
fn old_pair<'a>(
    card: &'a CardView,
    subject: &Name,
    came: &[ParsedCertificate],
) -> Result<Pair<(&'a SlotView, &'a ParsedCertificate)>, Refusal> {
    let of_subject = || entered(card).filter(|(one, _)| one.certificate.subject() == subject);
    Pair::try_from_fn(|role| {
        let others = of_subject().filter(|(one, _)| one.key.role == role && !came.contains(one.certificate));
        let youngest = others.max_by_key(|(one, superseded)| (!superseded, one.certificate.not_before()));
        youngest.map(|(one, _)| (one.slot, one.certificate)).ok_or(Refusal::AnotherSubject { role })
    })
}
