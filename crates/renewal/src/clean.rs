use std::time::SystemTime;

use der::flagset::FlagSet;
use obnova_card::{KeyRole, Removal, SlotId};
use x509_cert::ext::pkix::KeyUsages;

use crate::{CardView, CertificateView, ParsedCertificate, date, view::SlotView};

/// Something on a card that may be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removable {
    /// What the holder calls it when he confirms: the label, and the slot where that is not unique.
    pub name: String,
    /// Where.
    pub slot: SlotId,
    /// What its key is for, if there is a key.
    pub role: Option<KeyRole>,
    /// The certificate, and which of its slot's; `None` for a key without one.
    pub certificate: Option<(usize, ParsedCertificate)>,
    /// Whether its key stays in any case, for a certificate that is not for removal.
    pub key_stays: bool,
    /// Why it may go.
    pub because: Because,
    /// Why it should not go without a word.
    pub guards: Vec<Guard>,
}

/// Why something may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Another pair took its place.
    Superseded,
    /// Its validity is over.
    Expired,
    /// The key has no certificate: a renewal was not finished.
    NeverCertified,
    /// It is no key that can be used, but what an interruption left of one.
    LeftOver,
}

/// Why something is not removed unless the holder confirms it by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Guard {
    /// It still works.
    #[error("it is valid until {}", date(*.until))]
    StillValid {
        /// Last moment of its validity.
        until: SystemTime,
    },
    /// What was encrypted for it can be read with this key only.
    #[error("its key may be needed to decrypt what was encrypted for it")]
    MayDecrypt,
    /// Its certificate may be on its way.
    #[error("its certificate may still come")]
    MayBeCompleted,
}

impl Guard {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::StillValid { .. } => "guard-still-valid",
            Self::MayDecrypt => "guard-may-decrypt",
            Self::MayBeCompleted => "guard-may-be-completed",
        }
    }

    /// Whether it is about the key: of no account as long as that stays.
    #[must_use]
    pub const fn is_of_key(self) -> bool {
        match self {
            Self::StillValid { .. } => false,
            Self::MayDecrypt | Self::MayBeCompleted => true,
        }
    }
}

/// What may be removed from a card: superseded or expired certificates with their keys, keys of renewals that were not
/// finished, and what is left of keys whose making or removing was interrupted. Nothing else ever is.
#[must_use]
pub fn removable(card: &CardView, now: SystemTime) -> Vec<Removable> {
    let mut found: Vec<_> = card.slots.iter().flat_map(|slot| in_slot(slot, now)).collect();
    let names: Vec<_> = found.iter().map(|one| one.name.clone()).collect();
    for one in &mut found {
        if names.iter().filter(|name| **name == one.name).count() > 1 {
            one.name = format!("{}, slot {}", one.name, one.slot);
        }
    }
    found
}

/// What to tell the card to remove of what was picked. A key goes with the last of its certificates, and with it what may be
/// [needed of it](Guard::is_of_key).
///
/// # Errors
/// [`NotConfirmed`] for the first that has a [`Guard`] and whose name is not among `confirmed`; then nothing is removed.
pub fn removals(card: &CardView, picked: &[Removable], confirmed: &[String]) -> Result<Vec<Removal>, NotConfirmed> {
    let orders = orders(card, picked);
    for one in picked.iter().filter(|one| !confirmed.contains(&one.name)) {
        let key_goes = orders.contains(&Removal::Slot(one.slot));
        let guards: Vec<_> = one.guards.iter().copied().filter(|guard| key_goes || !guard.is_of_key()).collect();
        if !guards.is_empty() {
            return Err(NotConfirmed { name: one.name.clone(), guards });
        }
    }
    Ok(orders)
}

/// The slots whose keys go for good when all that was picked does.
#[must_use]
pub fn keys_lost(card: &CardView, picked: &[Removable]) -> Vec<SlotId> {
    let has_key = |id| card.slot(id).is_some_and(|slot| slot.key.is_some());
    let emptied = orders(card, picked).into_iter().filter_map(|order| match order {
        Removal::Slot(id) => Some(id),
        Removal::Certificate(..) => None,
    });
    emptied.filter(|id| has_key(*id)).collect()
}

fn orders(card: &CardView, picked: &[Removable]) -> Vec<Removal> {
    let mut orders = Vec::new();
    for slot in &card.slots {
        let of_slot = || picked.iter().filter(|one| one.slot == slot.id);
        let mut indices: Vec<_> =
            of_slot().filter_map(|one| one.certificate.as_ref()).map(|(index, _)| *index).collect();
        indices.sort_unstable();
        indices.dedup();
        if of_slot().next().is_some() && indices.len() == slot.certificates.len() {
            orders.push(Removal::Slot(slot.id));
        } else {
            // From the last on, so that the numbers of the others hold.
            orders.extend(indices.into_iter().rev().map(|index| Removal::Certificate(slot.id, index)));
        }
    }
    orders
}

fn in_slot(slot: &SlotView, now: SystemTime) -> Vec<Removable> {
    let role = slot.key.as_ref().map(|key| key.role);
    if slot.left_over {
        let name = format!("rest of a key in slot {}", slot.id);
        return vec![without_certificate(name, slot, Because::LeftOver, Vec::new())];
    }
    if let (Some(role), true) = (role, slot.certificates.is_empty()) {
        let name = format!("{role} key in slot {}", slot.id);
        return vec![without_certificate(name, slot, Because::NeverCertified, scan_guard(slot))];
    }
    let key_stays = slot.certificates.iter().any(|entry| why(entry, now).is_none());
    let of_certificate = |(index, entry): (usize, &CertificateView)| {
        let certificate = entry.certificate.clone()?;
        let because = why(entry, now)?;
        let expired = now > certificate.not_after();
        let mut guards = Vec::new();
        if !expired {
            guards.push(Guard::StillValid { until: certificate.not_after() });
        }
        if !key_stays && certificate.key_usage().is_none_or(may_decrypt) {
            guards.push(Guard::MayDecrypt);
        }
        let name = entry.label.clone();
        let certificate = Some((index, certificate));
        Some(Removable { name, slot: slot.id, role, certificate, key_stays, because, guards })
    };
    slot.certificates.iter().enumerate().filter_map(of_certificate).collect()
}

fn without_certificate(name: String, slot: &SlotView, because: Because, guards: Vec<Guard>) -> Removable {
    let role = slot.key.as_ref().map(|key| key.role);
    Removable { name, slot: slot.id, role, certificate: None, key_stays: false, because, guards }
}

/// Why a certificate may go; `None` for one that may not, which also one is that cannot be read.
fn why(entry: &CertificateView, now: SystemTime) -> Option<Because> {
    let expired = now > entry.certificate.as_ref()?.not_after();
    match (entry.superseded, expired) {
        (true, _) => Some(Because::Superseded),
        (false, true) => Some(Because::Expired),
        (false, false) => None,
    }
}

fn scan_guard(slot: &SlotView) -> Vec<Guard> {
    let known = slot.key.as_ref().is_some_and(|key| key.public_key.is_some());
    known.then_some(Guard::MayBeCompleted).into_iter().collect()
}

fn may_decrypt(usage: FlagSet<KeyUsages>) -> bool {
    let decrypting = KeyUsages::KeyEncipherment | KeyUsages::DataEncipherment | KeyUsages::KeyAgreement;
    !(usage & decrypting).is_empty()
}

/// Something would have been removed that may still be needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{name}\" was not removed, because {}: confirm it by its name if it shall go",
    .guards.iter().map(Guard::to_string).collect::<Vec<_>>().join(" and ")
)]
pub struct NotConfirmed {
    /// Its name.
    pub name: String,
    /// Why.
    pub guards: Vec<Guard>,
}
