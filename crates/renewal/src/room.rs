//! Whether what is new fits on the card.

use obnova_card::SlotId;

use crate::{CardView, SlotView};

/// How many certificates the key in this slot can have, where it has as many.
pub(crate) fn full(card: &CardView, slot: &SlotView) -> Option<usize> {
    card.capabilities.certificates_per_key.filter(|most| slot.certificates.len() >= *most)
}

/// Whether certificates with these labels fit into the list of those on the card, where what is in these slots is marked as superseded.
pub(crate) fn fit<'a>(
    card: &CardView,
    labels: impl Iterator<Item = &'a str>,
    superseded: impl Iterator<Item = SlotId>,
) -> bool {
    let Some(directory) = card.capabilities.directory else { return true };
    let superseded: Vec<_> = superseded.collect();
    let there = card.slots.iter().flat_map(|slot| {
        let marked = superseded.contains(&slot.id);
        slot.certificates.iter().map(move |entry| directory.takes(&entry.label, entry.superseded || marked))
    });
    let new = labels.map(|label| directory.takes(label, false));
    there.chain(new).sum::<usize>() <= directory.length
}
