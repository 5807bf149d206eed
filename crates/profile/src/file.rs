use std::fmt;

use crate::SlotNumber;

/// File identifier (ISO/IEC 7816-4 §7.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u16);

impl FileId {
    /// Master file.
    pub const MASTER: Self = Self(0x3F00);
    /// EF.DIR in the master file: names the PKCS#15 application.
    pub const EF_DIR: Self = Self(0x2F00);
    /// The application's dedicated file.
    pub const APPLICATION: Self = Self(0x5015);
    /// Object directory file: where the others are.
    pub const ODF: Self = Self(0x5031);
    /// TokenInfo: label, serial number.
    pub const TOKEN_INFO: Self = Self(0x5032);
    /// Authentication object directory file: the passwords. Constant.
    pub const AODF: Self = Self(0x4401);
    /// The one directory file with private keys, public keys and certificates, see [`DirectoryLayout`](crate::DirectoryLayout).
    pub const DIRECTORY: Self = Self(0x4402);

    /// The key of a slot: `4B01` and up. It cannot be read; [DELETE FILE](crate::command::delete_key) empties the slot.
    #[must_use]
    pub const fn key(slot: SlotNumber) -> Self {
        Self(0x4B00 | slot.get() as u16)
    }

    /// The public key of a slot, `4D01` and up, kept by the card as long as the key is there: DER RSAPublicKey for RSA, DER
    /// SubjectPublicKeyInfo for elliptic curves. Read only.
    #[must_use]
    pub const fn public_key(slot: SlotNumber) -> Self {
        Self(0x4D00 | slot.get() as u16)
    }

    /// The first certificate of a slot: `4301` and up.
    #[must_use]
    pub const fn certificate(slot: SlotNumber) -> Self {
        Self(0x4300 | slot.get() as u16)
    }

    /// A place for a certificate of a slot, from 0: place 0 is that of the [first](Self::certificate), `4311` and up are place 1,
    /// and so on. `None` from [`MOST_CERTIFICATES`](Self::MOST_CERTIFICATES) on.
    #[must_use]
    pub const fn certificate_at(slot: SlotNumber, place: u8) -> Option<Self> {
        if place < Self::MOST_CERTIFICATES {
            Some(Self(0x4300 | (place << 4) as u16 | slot.get() as u16))
        } else {
            None
        }
    }

    /// Most certificates on one key.
    pub const MOST_CERTIFICATES: u8 = 8;

    /// The slot whose [key](Self::key) this file is.
    #[must_use]
    pub fn slot_of_key(self) -> Option<SlotNumber> {
        self.slot_in(0x4B)
    }

    /// The slot whose [public key](Self::public_key) this file is.
    #[must_use]
    pub fn slot_of_public_key(self) -> Option<SlotNumber> {
        self.slot_in(0x4D)
    }

    /// The slot of which this file is a [certificate](Self::certificate_at).
    #[must_use]
    pub fn slot_of_certificate(self) -> Option<SlotNumber> {
        self.place_of_certificate().map(|(slot, _)| slot)
    }

    /// The slot and the [place](Self::certificate_at) whose certificate this file is.
    #[must_use]
    pub fn place_of_certificate(self) -> Option<(SlotNumber, u8)> {
        let [high, low] = self.to_bytes();
        let (place, slot) = (low >> 4, SlotNumber::new(low & 0x0F)?);
        (high == 0x43 && place < Self::MOST_CERTIFICATES).then_some((slot, place))
    }

    /// The two bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// Absolute path of a file of the application: `3F00 5015` and the identifier.
    #[must_use]
    pub const fn path(self) -> [u8; 6] {
        let [high, low] = self.to_bytes();
        [0x3F, 0x00, 0x50, 0x15, high, low]
    }

    /// The file of the application that an absolute path names; `None` for a path into another place.
    #[must_use]
    pub fn from_path(path: &[u8]) -> Option<Self> {
        match path {
            [0x3F, 0x00, 0x50, 0x15, high, low] => Some(Self(u16::from_be_bytes([*high, *low]))),
            _ => None,
        }
    }

    fn slot_in(self, series: u8) -> Option<SlotNumber> {
        let [high, low] = self.to_bytes();
        if high == series { SlotNumber::new(low) } else { None }
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({:04X})", self.0)
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

/// Short file identifier, 1 to 30 (ISO/IEC 7816-4 §7.3.1.1): reads or writes a file without selecting it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShortFileId(u8);

impl ShortFileId {
    /// [`FileId::DIRECTORY`].
    pub const DIRECTORY: Self = Self(0x01);
    /// [`FileId::ODF`].
    pub const ODF: Self = Self(0x02);
    /// [`FileId::TOKEN_INFO`].
    pub const TOKEN_INFO: Self = Self(0x03);
    /// [`FileId::AODF`].
    pub const AODF: Self = Self(0x04);

    /// The certificate of a slot: `11` and up.
    #[must_use]
    pub const fn certificate(slot: SlotNumber) -> Self {
        Self(0x10 | slot.get())
    }

    /// P1 of READ BINARY and UPDATE BINARY with this identifier.
    #[must_use]
    pub const fn p1(self) -> u8 {
        0x80 | self.0
    }

    /// The file that P1 of READ BINARY or UPDATE BINARY names; `None` when P1 is an offset or names no file of the profile.
    #[must_use]
    pub fn file_of_p1(p1: u8) -> Option<FileId> {
        if p1 & 0xE0 != 0x80 {
            return None;
        }
        match Self(p1 & 0x1F) {
            Self::DIRECTORY => Some(FileId::DIRECTORY),
            Self::ODF => Some(FileId::ODF),
            Self::TOKEN_INFO => Some(FileId::TOKEN_INFO),
            Self::AODF => Some(FileId::AODF),
            Self(number @ 0x11..=0x1E) => SlotNumber::new(number & 0x0F).map(FileId::certificate),
            Self(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_its_own_files() {
        for slot in SlotNumber::all() {
            assert_eq!(FileId::key(slot).slot_of_key(), Some(slot));
            assert_eq!(FileId::public_key(slot).slot_of_public_key(), Some(slot));
            assert_eq!(FileId::certificate(slot).slot_of_certificate(), Some(slot));
            assert_eq!(FileId::certificate_at(slot, 0), Some(FileId::certificate(slot)));
            for place in 0..FileId::MOST_CERTIFICATES {
                let file = FileId::certificate_at(slot, place).unwrap();
                assert_eq!(file.place_of_certificate(), Some((slot, place)));
            }
            assert_eq!(FileId::certificate_at(slot, FileId::MOST_CERTIFICATES), None);
            assert_eq!(FileId(0x4380 | u16::from(slot.get())).place_of_certificate(), None);
            assert_eq!(FileId::key(slot).slot_of_certificate(), None);
            assert_eq!(ShortFileId::file_of_p1(ShortFileId::certificate(slot).p1()), Some(FileId::certificate(slot)));
            assert_eq!(FileId::from_path(&FileId::key(slot).path()), Some(FileId::key(slot)));
        }
    }

    #[test]
    fn what_is_no_short_identifier_of_ours_names_no_file() {
        let named = (0..=255).filter_map(ShortFileId::file_of_p1).count();
        assert_eq!(named, 4 + SlotNumber::all().count());
        assert_eq!(ShortFileId::file_of_p1(0x01), None);
        assert_eq!(FileId(0x4B00).slot_of_key(), None);
        assert_eq!(FileId(0x4B0F).slot_of_key(), None);
    }
}
