use obnova_profile::{Directory, PasswordReference, pkcs15::Label};

use super::{
    conversation::Conversation,
    directory::{
        content, drop_dangling, drop_doubles, encode, enter_certificate, enter_key, has_key, identifier, write,
    },
    known_keys::KnownKeys,
    listing::certificate,
    names,
};
use crate::{
    Pin, SlotId, TokenError,
    check::{certified_key, same_key},
};

/// What [`Token::repair`](crate::Token::repair) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// The directory could not be read; it was written anew from what is in the slots.
    DirectoryRebuilt,
    /// The key in this slot had no entry, or a wrong one.
    KeyEntered(SlotId),
    /// The certificates in this slot were there and not entered, in a directory that was rebuilt.
    CertificateEntered(SlotId),
    /// There were entries for this slot, and nothing in it that they are for; or two, where one belongs.
    EntriesDropped(SlotId),
}

pub(super) fn repair(card: &mut Conversation<'_>, known: &mut KnownKeys, pin: &Pin) -> Result<Vec<Repair>, TokenError> {
    let (directory, repairs) = survey(card, known)?;
    if !repairs.is_empty() {
        encode(card, &directory)?;
        card.verify(PasswordReference::CONTENT, pin)?;
        write(card, &directory)?;
    }
    Ok(repairs)
}

/// The directory as it should be, and what is to be done for that.
pub(super) fn survey(
    card: &mut Conversation<'_>,
    known: &mut KnownKeys,
) -> Result<(Directory, Vec<Repair>), TokenError> {
    card.must_be_active()?;
    let layout = card.status.directory();
    let bytes = content(card)?;
    let mut repairs = Vec::new();
    let mut directory = Directory::decode(&bytes, layout).unwrap_or_else(|_| {
        repairs.push(Repair::DirectoryRebuilt);
        Directory::default()
    });
    let rebuilt = !repairs.is_empty();
    let mut dropped = drop_doubles(&mut directory);
    dropped.extend(drop_dangling(&mut directory, &card.status));
    dropped.dedup();
    repairs.extend(dropped.into_iter().map(|slot| Repair::EntriesDropped(names::slot_id(slot))));
    for record in card.status.slots.clone() {
        let Some(key) = record.key else { continue };
        let public = known.read(card, record.slot, key)?;
        let id = identifier(&public)?;
        let mut label = Label::fitting(&format!("{} {}", key.role, record.slot));
        if !has_key(&directory, record.slot, key, &id) {
            if let Some(entry) = directory.private_keys.iter().find(|entry| entry.slot == record.slot) {
                label = entry.label.clone();
            }
            enter_key(&mut directory, record.slot, key, &id, &label);
            repairs.push(Repair::KeyEntered(names::slot_id(record.slot)));
        }
        // Only where the directory was lost with every certificate in it. Otherwise a certificate that is not entered was
        // being written when something tore, and whoever wrote it finishes it.
        let mut entered = false;
        for file in record.certificates.iter().filter(|_| rebuilt) {
            if let Some(certified) = certified_key(&certificate(card, record.slot, file)?)
                && same_key(&certified, &public)
            {
                enter_certificate(&mut directory, file.file, &id, label.clone());
                entered = true;
            }
        }
        if entered {
            repairs.push(Repair::CertificateEntered(names::slot_id(record.slot)));
        }
    }
    Ok((directory, repairs))
}
