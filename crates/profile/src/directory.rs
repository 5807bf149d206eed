use obnova_apdu::tlv::{Reader, Tlv, TlvError};

use crate::pkcs15::{CertificateEntry, EntryError, PrivateKeyEntry, PublicKeyEntry};
use crate::{SlotNumber, nesting};

/// Where the three directories stand in the one directory file (§2.2). They change together, in one UPDATE BINARY, so that
/// certificate, public and private key never disagree; the ODF points into the file by offset and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryLayout {
    slots: u8,
}

/// One directory in the file: offset and length in bytes. What entries leave free is `00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Bytes before it.
    pub offset: u16,
    /// Bytes it takes.
    pub length: u16,
}

impl DirectoryLayout {
    /// Bytes in each region for each slot. The longest entry with the longest label fits.
    pub const PER_SLOT: u16 = 160;

    /// The layout for a card with so many slots ([`SlotNumber::MOST`] at most).
    #[must_use]
    pub const fn for_slots(slots: u8) -> Self {
        Self { slots: if slots > SlotNumber::MOST { SlotNumber::MOST } else { slots } }
    }

    /// Private keys (PrKDF).
    #[must_use]
    pub const fn private_keys(self) -> Region {
        self.region(0)
    }

    /// Public keys (PuKDF).
    #[must_use]
    pub const fn public_keys(self) -> Region {
        self.region(1)
    }

    /// Certificates (CDF).
    #[must_use]
    pub const fn certificates(self) -> Region {
        self.region(2)
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn length(self) -> u16 {
        3 * self.region(0).length
    }

    const fn region(self, number: u16) -> Region {
        let length = self.slots as u16 * Self::PER_SLOT;
        Region { offset: number * length, length }
    }
}

/// What the directory file says (ISO/IEC 7816-15 §8.4): the entries of the three directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// PrKDF.
    pub private_keys: Vec<PrivateKeyEntry>,
    /// PuKDF.
    pub public_keys: Vec<PublicKeyEntry>,
    /// CDF.
    pub certificates: Vec<CertificateEntry>,
}

impl Directory {
    /// The whole file, as long as the layout says.
    ///
    /// # Errors
    /// [`DirectoryError::Full`] when a region cannot hold its entries.
    pub fn encode(&self, layout: DirectoryLayout) -> Result<Vec<u8>, DirectoryError> {
        let mut file = Vec::with_capacity(layout.length().into());
        let private_keys = self.private_keys.iter().map(PrivateKeyEntry::encode);
        fill(&mut file, layout.private_keys(), private_keys, "private keys")?;
        let public_keys = self.public_keys.iter().map(PublicKeyEntry::encode);
        fill(&mut file, layout.public_keys(), public_keys, "public keys")?;
        let certificates = self.certificates.iter().map(CertificateEntry::encode);
        fill(&mut file, layout.certificates(), certificates, "certificates")?;
        Ok(file)
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// [`DirectoryError::Length`] when it is not as long as the layout says, [`DirectoryError::Entry`] when an entry is broken.
    pub fn decode(file: &[u8], layout: DirectoryLayout) -> Result<Self, DirectoryError> {
        if file.len() != usize::from(layout.length()) {
            return Err(DirectoryError::Length { expected: layout.length(), found: file.len() });
        }
        let (private_keys, rest) = file.split_at(layout.private_keys().length.into());
        let (public_keys, certificates) = rest.split_at(layout.public_keys().length.into());
        Ok(Self {
            private_keys: entries(private_keys, PrivateKeyEntry::decode, "private keys")?,
            public_keys: entries(public_keys, PublicKeyEntry::decode, "public keys")?,
            certificates: entries(certificates, CertificateEntry::decode, "certificates")?,
        })
    }
}

fn fill(
    file: &mut Vec<u8>,
    region: Region,
    entries: impl Iterator<Item = Vec<u8>>,
    directory: &'static str,
) -> Result<(), DirectoryError> {
    let end = file.len() + usize::from(region.length);
    for entry in entries {
        file.extend(entry);
    }
    if file.len() > end {
        return Err(DirectoryError::Full { directory });
    }
    file.resize(end, 0);
    Ok(())
}

fn entries<T>(
    region: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, EntryError>,
    directory: &'static str,
) -> Result<Vec<T>, DirectoryError> {
    let decode = |object: Result<Tlv<'_>, TlvError>| {
        let entry = object?.encoded();
        decode(entry).map_err(|refused| nesting::too_deep(entry).map_or(refused, EntryError::Tlv))
    };
    Reader::padded(region)
        .map(|object| decode(object).map_err(|source| DirectoryError::Entry { directory, source }))
        .collect()
}

/// Why the directory file cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The entries do not fit: remove what is not needed.
    #[error("the card's directory of {directory} is full: remove superseded entries first")]
    Full {
        /// Which directory.
        directory: &'static str,
    },
    /// The file has another length than the layout gives it.
    #[error("the card's directory file has {found} bytes, not {expected}: the card does not follow the profile")]
    Length {
        /// Bytes it should have.
        expected: u16,
        /// Bytes it has.
        found: usize,
    },
    /// An entry is broken.
    #[error("the card's directory of {directory} cannot be read: {source}")]
    Entry {
        /// Which directory.
        directory: &'static str,
        /// What is wrong.
        source: EntryError,
    },
}

#[cfg(test)]
mod tests;
