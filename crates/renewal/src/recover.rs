use std::time::SystemTime;

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{InstallCertificate, KeyRole, SlotId};

use crate::{
    ByRole, CardView, CertificateView, Expected, ParsedCertificate, Policy, Refusal, SlotView, Terms,
    check_certificates,
    eligibility::{entered, period},
    plan::label,
    room::{fit, full},
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

/// Certificates for keys that waited for them, ready to be installed without a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The certificates.
    pub certificates: ByRole<ParsedCertificate>,
    /// What goes where. One that is on the card already is not among them.
    pub jobs: Vec<InstallCertificate>,
    /// Slots of the old pair, to be marked as superseded where the card can and has not done so.
    pub superseded: Vec<SlotId>,
    /// They renew none.
    pub first: bool,
    /// They are shown to the holder before they are put on the card.
    pub confirm_certificates: bool,
    /// What they renew is marked as superseded, or will be.
    pub marks_superseded: bool,
}

impl Completion {
    /// Matches loose certificates to the keys on a card that wait for them, by public key, and measures them as a running
    /// process would: against the certificates of the same subject that are on the card; or as first ones, when their issuer
    /// has none on it.
    ///
    /// # Errors
    /// [`Refusal`], by name; [`Refusal::AnotherKey`] also when no key waits, [`Refusal::KeyFull`] and
    /// [`Refusal::CardFull`] where there is no room beside what is on it.
    pub fn make(
        card: &CardView,
        came: &[Vec<u8>],
        policy: &Policy,
        terms: &Terms,
        now: SystemTime,
    ) -> Result<Self, Refusal> {
        let certificates: Vec<_> = came.iter().filter_map(|der| ParsedCertificate::from_der(der).ok()).collect();
        let several = card.capabilities.several_certificates();
        let find = |role| card.slots.iter().find_map(|slot| waits_for(slot, role, &certificates, several));
        let found = policy.rules.map(|role, _| find(role));
        let missing = found.iter().find(|(_, one)| one.is_none()).map(|(role, _)| role);
        let waiting = match (found.filter_map(|_, one| *one), missing) {
            (Some(waiting), _) => waiting,
            (None, Some(missing)) if found.iter().any(|(_, one)| one.is_some()) => {
                return Err(Refusal::OnlyOneOfTwo { missing });
            }
            (None, _) => return Err(Refusal::AnotherKey),
        };
        let old = old_ones(card, &waiting.map(|_, (_, _, certificate)| *certificate), &certificates)?;
        let expected = Expected {
            keys: waiting.map(|_, (_, key, _)| *key),
            old: old.map(|_, (_, certificate)| *certificate),
            rules: policy.rules.map(|_, rules| rules),
            terms,
        };
        let new = check_certificates(came, &expected, now)?;
        for (role, certificate) in new.iter() {
            let slot = waiting.get(role).map(|(slot, _, _)| *slot).filter(|slot| !slot.holds(certificate));
            if let Some(most) = slot.and_then(|slot| full(card, slot)) {
                return Err(Refusal::KeyFull { role, most });
            }
        }
        let marks = card.capabilities.marks_superseded;
        let unmarked = old.iter().map(|(_, (slot, _))| slot).filter(|slot| {
            let mut of_slot = slot.certificates.iter();
            // Where the key stays, the new certificate is beside the one that it supersedes.
            let is_new = |entry: &CertificateView| new.iter().any(|(_, new)| entry.certificate.as_ref() == Some(new));
            marks && of_slot.any(|entry| !entry.superseded && !is_new(entry))
        });
        let superseded: Vec<_> = unmarked.map(|slot| slot.id).collect();
        let missing = new.iter().filter_map(|(role, certificate)| {
            let (slot, _, _) = waiting.get(role)?;
            // One that is there is named once more where others beside it are to be marked.
            let is_due = !slot.holds(certificate) || superseded.contains(&slot.id);
            is_due.then(|| InstallCertificate {
                slot: slot.id,
                certificate: certificate.der().to_vec(),
                label: label(card, role, now),
            })
        });
        let jobs = missing.collect();
        let held = |role| waiting.get(role).zip(new.get(role)).is_some_and(|((slot, _, _), new)| slot.holds(new));
        let labels: Vec<_> =
            new.iter().filter(|(role, _)| !held(*role)).map(|(role, _)| label(card, role, now)).collect();
        if !labels.is_empty() && !fit(card, labels.iter().map(String::as_str), superseded.iter().copied()) {
            return Err(Refusal::CardFull);
        }
        let first = old.is_empty();
        let confirm_certificates = policy.confirm_first && first;
        Ok(Self { certificates: new, jobs, superseded, first, confirm_certificates, marks_superseded: marks && !first })
    }

    /// Whether everything is on the card already.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.jobs.is_empty() && self.superseded.is_empty()
    }
}

/// A slot whose key of this role is certified by one of these, and that has this very certificate or none yet; or others, where
/// the card takes several.
fn waits_for<'a>(
    slot: &'a SlotView,
    role: KeyRole,
    certificates: &'a [ParsedCertificate],
    several: bool,
) -> Option<(&'a SlotView, &'a SubjectPublicKeyInfoOwned, &'a ParsedCertificate)> {
    let key = slot.key.as_ref().filter(|key| key.role == role)?.public_key.as_ref()?;
    let certificate = certificates.iter().find(|one| one.public_key() == key)?;
    (slot.certificates.is_empty() || slot.holds(certificate) || several).then_some((slot, key, certificate))
}

/// The youngest certificates of a subject beside those that came, valid or not; those count first that are not marked. None at
/// all where no certificate of their issuer is on the card: then they are the first ones.
fn old_ones<'a>(
    card: &'a CardView,
    new: &ByRole<&ParsedCertificate>,
    came: &[ParsedCertificate],
) -> Result<ByRole<(&'a SlotView, &'a ParsedCertificate)>, Refusal> {
    let others = || entered(card).filter(|(one, _)| !came.contains(one.certificate));
    let is_first = new.iter().all(|(_, new)| others().all(|(one, _)| !one.certificate.has_issuer_of(new)));
    if is_first {
        return Ok(ByRole::default());
    }
    new.try_map(|role, new| {
        let of_subject = others().filter(|(one, _)| one.certificate.has_subject_of(new));
        let of_role = of_subject.filter(|(one, _)| one.key.role == role);
        let youngest = of_role.max_by_key(|(one, superseded)| (!superseded, period(one)));
        youngest.map(|(one, _)| (one.slot, one.certificate)).ok_or(Refusal::AnotherSubject { role })
    })
}
