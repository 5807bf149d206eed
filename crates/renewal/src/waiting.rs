//! Keys that an earlier renewal left: they are gone on with, so that no key is made in vain and an order that was placed for
//! them is found again.

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyEntry, KeyRole, SlotId};

use crate::{ByRole, CardView};

/// A key that waits for its certificate, or for that of its twin.
pub(crate) struct Waiting<'a> {
    pub(crate) slot: SlotId,
    pub(crate) key: &'a KeyEntry,
    pub(crate) public_key: &'a SubjectPublicKeyInfoOwned,
}

/// The key of this role and kind that a renewal goes on with. One whose certificate is installed already comes first, then
/// the one in the first slot. Keys that are `spent` wait for nothing.
pub(crate) fn find<'a>(
    card: &'a CardView,
    role: KeyRole,
    algorithm: KeyAlgorithm,
    half: Option<(KeyRole, SlotId)>,
    spent: &[SubjectPublicKeyInfoOwned],
) -> Option<Waiting<'a>> {
    let is_half = |slot: SlotId| half == Some((role, slot));
    let waits = card.slots.iter().filter(|slot| slot.certificates.is_empty() || is_half(slot.id));
    let fitting = waits.filter_map(|slot| {
        let key = slot.key.as_ref().filter(|key| key.role == role && key.algorithm == algorithm)?;
        let public_key = key.public_key.as_ref().filter(|public| KeyAlgorithm::try_from(*public) == Ok(algorithm))?;
        let waits = is_half(slot.id) || !spent.contains(public_key);
        waits.then_some(Waiting { slot: slot.id, key, public_key })
    });
    fitting.min_by_key(|found| (!is_half(found.slot), found.slot))
}

/// Where the new keys will be: those that wait where they are, the others in free slots. `None` when there are too few.
pub(crate) fn places(waiting: &ByRole<Option<Waiting<'_>>>, free: &[SlotId]) -> Option<ByRole<SlotId>> {
    let mut free = free.iter().copied();
    waiting.filter_map(|_, found| found.as_ref().map(|found| found.slot).or_else(|| free.next()))
}

/// The slots that nothing is in.
pub(crate) fn free_slots(card: &CardView) -> Vec<SlotId> {
    card.slots.iter().filter(|slot| slot.is_empty()).map(|slot| slot.id).collect()
}
