//! Directories with any entries that can be made.

use arbitrary::{Arbitrary, Result, Unstructured};
use obnova_algorithm::KeyAlgorithm;
use obnova_profile::pkcs15::{CertificateEntry, KeyUsage, MAX_ID, PrivateKeyEntry, PublicKeyEntry};
use obnova_profile::{Directory, FileId, Label, PasswordReference, SlotNumber};

/// Entries, and the slots of the card that they are for.
#[derive(Debug)]
pub struct Entries {
    /// What stands in the directory.
    pub directory: Directory,
    /// Slots of the card.
    pub slots: u8,
}

impl<'a> Arbitrary<'a> for Entries {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        let slots = from.int_in_range(1..=SlotNumber::MOST)?;
        let mut directory = Directory::default();
        while !from.is_empty() {
            let (label, id, slot) = (label(from)?, id(from)?, slot(from)?);
            match from.int_in_range(0..=2)? {
                0 => directory.private_keys.push(PrivateKeyEntry {
                    label,
                    password: *from.choose(&PasswordReference::ALL)?,
                    user_consent: from.arbitrary()?,
                    id,
                    usage: KeyUsage(from.arbitrary()?),
                    algorithm: *from.choose(&KeyAlgorithm::ALL)?,
                    slot,
                }),
                1 => {
                    let algorithm = *from.choose(&KeyAlgorithm::ALL)?;
                    directory.public_keys.push(PublicKeyEntry { label, id, algorithm, slot });
                }
                _ => directory.certificates.push(CertificateEntry { label, id, file: FileId(from.arbitrary()?) }),
            }
        }
        Ok(Self { directory, slots })
    }
}

fn label(from: &mut Unstructured<'_>) -> Result<Label> {
    let text: &str = from.arbitrary()?;
    Ok(Label::fitting(text))
}

/// Identifiers may be too short or too long: such entries must not be taken.
fn id(from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = from.int_in_range(0..=MAX_ID + 4)?;
    Ok(from.bytes(length.min(from.len()))?.to_vec())
}

fn slot(from: &mut Unstructured<'_>) -> Result<SlotNumber> {
    let number = from.int_in_range(1..=SlotNumber::MOST)?;
    SlotNumber::new(number).ok_or(arbitrary::Error::IncorrectFormat)
}
