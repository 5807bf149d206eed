use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned, key_id};
use obnova_profile::pkcs15::{CertificateEntry, PrivateKeyEntry, PublicKeyEntry};
use obnova_profile::{Directory, DirectoryError, KeyRole, Label, SlotNumber, TemplateError};

use super::{Card, Refusal};

/// What a card's maker does before it is handed over. No password is asked for, and the card may be inactive; no command
/// reaches this.
impl Card {
    /// Makes a key pair in an empty slot and enters it in the directories.
    ///
    /// # Errors
    /// [`FactoryError`]: the slot is taken or not there, the algorithm is none of the profile's, the card cannot be written.
    pub fn personalise_key(
        &mut self,
        slot: SlotNumber,
        role: KeyRole,
        algorithm: KeyAlgorithm,
        label: &Label,
    ) -> Result<SubjectPublicKeyInfoOwned, FactoryError> {
        let public = self.generate(slot, role, algorithm)?.to_spki()?;
        let id = key_id(&public).map_err(TemplateError::from)?;
        let mut directory = self.directory()?;
        directory.private_keys.push(PrivateKeyEntry::new(label.clone(), role, algorithm, slot, &id));
        directory.public_keys.push(PublicKeyEntry { label: label.clone(), id: id.to_vec(), algorithm, slot });
        self.set_directory(&directory)?;
        Ok(public)
    }

    /// Writes the certificate of a slot that holds a key, and enters it in the directories.
    ///
    /// # Errors
    /// [`FactoryError`]: the slot holds no key, the certificate is too long, the card cannot be written.
    pub fn personalise_certificate(
        &mut self,
        slot: SlotNumber,
        certificate: &[u8],
        label: &Label,
    ) -> Result<(), FactoryError> {
        let most = self.state.largest_certificate;
        if certificate.len() > most.into() {
            return Err(FactoryError::TooLong { length: certificate.len(), most });
        }
        let key = self.key(slot).ok_or(FactoryError::NoKey { slot })?;
        let id = key_id(&key.public().to_spki()?).map_err(TemplateError::from)?;
        let mut directory = self.directory()?;
        let entry = CertificateEntry::new(label.clone(), slot, &id);
        directory.certificates.retain(|other| other.file != entry.file);
        directory.certificates.push(entry);
        // What the directory cannot name is not written.
        directory.encode(self.state.layout())?;
        self.store_certificate(slot, 0, certificate)?;
        self.set_directory(&directory)
    }

    /// What the directory file says.
    ///
    /// # Errors
    /// [`DirectoryError`], when something else was written into it.
    pub fn directory(&self) -> Result<Directory, DirectoryError> {
        Directory::decode(self.state.directory(), self.state.layout())
    }

    fn set_directory(&mut self, directory: &Directory) -> Result<(), FactoryError> {
        let content = directory.encode(self.state.layout())?;
        self.state.directory_mut().copy_from_slice(&content);
        Ok(self.changed()?)
    }
}

/// Why a card cannot be personalised like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactoryError {
    /// The card refuses.
    #[error("the card refuses: {0}")]
    Refused(obnova_apdu::StatusWord),
    /// There is no key that the certificate could be for.
    #[error("slot {slot} holds no key: make one first")]
    NoKey {
        /// Which slot.
        slot: SlotNumber,
    },
    /// The certificate is too long.
    #[error("a certificate of {length} bytes is too long for the card: {most} are the most")]
    TooLong {
        /// Its bytes.
        length: usize,
        /// What the card takes.
        most: u16,
    },
    /// The directories cannot be read or written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] TemplateError),
}

impl From<Refusal> for FactoryError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Status(status) => Self::Refused(status),
            Refusal::Torn => Self::Refused(obnova_apdu::StatusWord::MEMORY_FAILURE),
        }
    }
}
