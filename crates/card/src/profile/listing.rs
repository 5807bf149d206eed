//! What is in the slots.

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned, key_id};
use obnova_profile::{CertificateFile, Directory, FileId, KeyRecord, SlotNumber, SlotRecord, command};

use super::{conversation::Conversation, directory::identifier, known_keys::KnownKeys, names};
use crate::{
    CertificateEntry, KeyEntry, Slot, TokenError,
    check::{algorithms, certified_key},
};

pub(super) fn entered_id(directory: &Directory, slot: SlotNumber) -> Option<&[u8]> {
    directory.private_keys.iter().find(|entry| entry.slot == slot).map(|entry| entry.id.as_slice())
}

/// One slot with its certificates and public key.
pub(super) fn slot(
    card: &mut Conversation<'_>,
    record: &SlotRecord,
    directory: &Directory,
    known: &mut KnownKeys,
) -> Result<Slot, TokenError> {
    let id = names::slot_id(record.slot);
    let Some(key) = record.key else {
        return Ok(Slot { id, key: None, certificates: Vec::new(), left_over: false });
    };
    let mut certificates = Vec::new();
    for file in &record.certificates {
        let Some(entry) = directory.certificates.iter().find(|entry| entry.file == file.file) else { continue };
        certificates.push(CertificateEntry {
            label: entry.label.unmarked().to_owned(),
            der: certificate(card, record.slot, file)?,
            superseded: entry.label.is_superseded(),
        });
    }
    // A certificate tells the key, when it is the one that is entered: that saves a command.
    let certified = certificates.iter().filter_map(|certificate| certified_key(&certificate.der)).find(|certified| {
        KeyAlgorithm::try_from(certified) == Ok(key.algorithm)
            && key_id(certified).is_ok_and(|id| entered_id(directory, record.slot) == Some(&id))
    });
    let public_key = match certified {
        Some(certified) => {
            known.learn(record.slot, certified.clone());
            certified
        }
        None => known.of_slot(card, record.slot, key, directory)?,
    };
    let entry = key_entry(key, entered_id(directory, record.slot), Some(public_key))?;
    Ok(Slot { id, key: Some(entry), certificates, left_over: false })
}

/// What is known of a key without its certificates.
pub(super) fn key_entry(
    key: KeyRecord,
    entered: Option<&[u8]>,
    public_key: Option<SubjectPublicKeyInfoOwned>,
) -> Result<KeyEntry, TokenError> {
    let id = match (entered, &public_key) {
        (Some(id), _) => id.to_vec(),
        (None, Some(public_key)) => identifier(public_key)?.to_vec(),
        (None, None) => Vec::new(),
    };
    Ok(KeyEntry {
        role: names::role(key.role),
        algorithm: key.algorithm,
        signs: algorithms(key.algorithm),
        password: names::password(key.role.password()),
        id,
        public_key,
    })
}

/// The content of a certificate file. What cannot be read is empty, so that one broken file does not hide the others.
pub(super) fn certificate(
    card: &mut Conversation<'_>,
    slot: SlotNumber,
    file: &CertificateFile,
) -> Result<Vec<u8>, TokenError> {
    if file.length == 0 {
        return Ok(Vec::new());
    }
    let read = if file.file == FileId::certificate(slot) {
        command::read_certificate(slot, file)
    } else {
        if !card.send(&command::select_file(file.file))?.status.is_success() {
            return Ok(Vec::new());
        }
        command::read_selected(0, file.length.into())
    };
    let answer = card.read_whole(&read, file.length)?;
    Ok(if answer.status.is_success() { answer.data } else { Vec::new() })
}
