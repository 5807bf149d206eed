//! Changes to the directory, made on a copy and written in one command.

use obnova_algorithm::{SubjectPublicKeyInfoOwned, key_id};
use obnova_profile::{
    CardStatus, Directory, FileId, KeyRecord, SlotNumber, command,
    pkcs15::{CertificateEntry, Label, PrivateKeyEntry, PublicKeyEntry},
};

use super::{conversation::Conversation, names};
use crate::TokenError;

pub(super) fn read(card: &mut Conversation<'_>) -> Result<Directory, TokenError> {
    let layout = card.status.directory();
    let bytes = content(card)?;
    let directory = Directory::decode(&bytes, layout)?;
    if let Some(slot) = doubles(&directory).next() {
        return Err(TokenError::EnteredTwice { slot: names::slot_id(slot) });
    }
    let private = directory.private_keys.iter().map(|entry| entry.slot);
    let mut named = private.chain(directory.public_keys.iter().map(|entry| entry.slot));
    match named.find(|slot| card.status.slot(*slot).is_none()) {
        Some(slot) => Err(TokenError::EnteredBeyond { slot: names::slot_id(slot) }),
        None => Ok(directory),
    }
}

/// Slots that have two private or two public keys.
fn doubles(directory: &Directory) -> impl Iterator<Item = SlotNumber> {
    let twice = |slots: Vec<SlotNumber>| {
        let doubles = slots.iter().enumerate().filter(|(index, slot)| slots[..*index].contains(slot));
        doubles.map(|(_, slot)| *slot).collect::<Vec<_>>()
    };
    let private = twice(directory.private_keys.iter().map(|entry| entry.slot).collect());
    let public = twice(directory.public_keys.iter().map(|entry| entry.slot).collect());
    private.into_iter().chain(public)
}

/// Takes out all but the first entry for a slot.
pub(super) fn drop_doubles(directory: &mut Directory) -> Vec<SlotNumber> {
    let mut dropped: Vec<_> = doubles(directory).collect();
    dropped.sort_unstable();
    dropped.dedup();
    let (mut private, mut public) = (Vec::new(), Vec::new());
    let first = |seen: &mut Vec<SlotNumber>, slot| {
        let new = !seen.contains(&slot);
        seen.push(slot);
        new
    };
    directory.private_keys.retain(|entry| first(&mut private, entry.slot));
    directory.public_keys.retain(|entry| first(&mut public, entry.slot));
    dropped
}

/// The directory file as it is.
pub(super) fn content(card: &mut Conversation<'_>) -> Result<Vec<u8>, TokenError> {
    let layout = card.status.directory();
    let read = command::read_directory(layout);
    let answer = card.read_whole(&read, layout.length())?;
    if answer.status.is_success() { Ok(answer.data) } else { Err(card.refused(&read, answer.status)) }
}

/// The content to write; made before anything is done, it also says whether there is room.
pub(super) fn encode(card: &Conversation<'_>, directory: &Directory) -> Result<Vec<u8>, TokenError> {
    directory.encode(card.status.directory()).map_err(|_| TokenError::Full)
}

pub(super) fn write(card: &mut Conversation<'_>, directory: &Directory) -> Result<(), TokenError> {
    let content = encode(card, directory)?;
    card.ask(&command::update_directory(content)).map(drop)
}

/// Takes out entries for nothing: of slots that are empty, and of certificates whose file is not there.
pub(super) fn drop_dangling(directory: &mut Directory, status: &CardStatus) -> Vec<SlotNumber> {
    let has_key = |slot: SlotNumber| status.slot(slot).is_some_and(|record| record.key.is_some());
    let has_file = |entry: &CertificateEntry| {
        let files = status.slots.iter().flat_map(|record| &record.certificates);
        files.map(|certificate| certificate.file).any(|file| file == entry.file)
    };
    let mut dropped = Vec::new();
    let mut keep = |kept: bool, slot: Option<SlotNumber>| {
        if !kept {
            dropped.extend(slot);
        }
        kept
    };
    directory.private_keys.retain(|entry| keep(has_key(entry.slot), Some(entry.slot)));
    directory.public_keys.retain(|entry| keep(has_key(entry.slot), Some(entry.slot)));
    directory.certificates.retain(|entry| keep(has_file(entry), entry.slot()));
    dropped.sort_unstable();
    dropped.dedup();
    dropped
}

/// Enters a key pair, in place of what stood there for its slot.
pub(super) fn enter_key(directory: &mut Directory, slot: SlotNumber, key: KeyRecord, id: &[u8], label: &Label) {
    directory.private_keys.retain(|entry| entry.slot != slot);
    directory.public_keys.retain(|entry| entry.slot != slot);
    let private = PrivateKeyEntry::new(label.clone(), key.role, key.algorithm, slot, id);
    directory.private_keys.push(private);
    directory.public_keys.push(PublicKeyEntry {
        label: label.clone(),
        id: id.to_vec(),
        algorithm: key.algorithm,
        slot,
    });
}

/// Whether the directory has the pair in a slot as it is.
pub(super) fn has_key(directory: &Directory, slot: SlotNumber, key: KeyRecord, id: &[u8]) -> bool {
    let private = directory.private_keys.iter().any(|entry| {
        entry.slot == slot
            && entry.algorithm == key.algorithm
            && entry.password == key.role.password()
            && entry.id == id
    });
    let public = directory
        .public_keys
        .iter()
        .any(|entry| entry.slot == slot && entry.algorithm == key.algorithm && entry.id == id);
    private && public
}

/// Enters the certificate in a file, in place of what stood there.
pub(super) fn enter_certificate(directory: &mut Directory, file: FileId, id: &[u8], label: Label) {
    let entry = CertificateEntry::in_file(label, file, id);
    directory.certificates.retain(|other| other.file != entry.file);
    directory.certificates.push(entry);
}

/// Marks everything of a slot as superseded; or, when `new` is a certificate that it takes, every other one, and no key.
pub(super) fn mark_superseded(directory: &mut Directory, slot: SlotNumber, new: Option<FileId>) {
    if new.is_some() {
        let others = directory.certificates.iter_mut().filter(|entry| entry.slot() == Some(slot));
        others.filter(|entry| Some(entry.file) != new).for_each(|entry| entry.label = entry.label.superseded());
        return;
    }
    let private = directory.private_keys.iter_mut().filter(|entry| entry.slot == slot).map(|entry| &mut entry.label);
    let public = directory.public_keys.iter_mut().filter(|entry| entry.slot == slot).map(|entry| &mut entry.label);
    let certificates =
        directory.certificates.iter_mut().filter(|entry| entry.slot() == Some(slot)).map(|entry| &mut entry.label);
    for label in private.chain(public).chain(certificates) {
        *label = label.superseded();
    }
}

/// Bytes of a certificate's entry, but for its label: they are the same with every label that fits.
pub(super) fn entry_without_label() -> usize {
    let label = Label::fitting("-");
    let length = label.as_str().len();
    CertificateEntry::in_file(label, FileId::DIRECTORY, &[0; 20]).encode().len() - length
}

/// Takes everything of a slot out.
pub(super) fn remove_slot(directory: &mut Directory, slot: SlotNumber) {
    directory.private_keys.retain(|entry| entry.slot != slot);
    directory.public_keys.retain(|entry| entry.slot != slot);
    directory.certificates.retain(|entry| entry.slot() != Some(slot));
}

/// The identifier that the pair of this key has in the directory.
pub(super) fn identifier(key: &SubjectPublicKeyInfoOwned) -> Result<[u8; 20], TokenError> {
    key_id(key)
        .map_err(|error| TokenError::PublicKey { command: "GENERATE ASYMMETRIC KEY PAIR", problem: error.into() })
}
