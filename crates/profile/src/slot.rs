use std::fmt;

use obnova_algorithm::KeyAlgorithm;

use crate::{FileId, PasswordReference};

/// Number of a slot, 1 to 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotNumber(u8);

impl SlotNumber {
    /// Fewest slots a card of the profile has: a primary pair, a current pair, and room for the pair that replaces it.
    pub const FEWEST: u8 = 6;
    /// Most slots: short file identifiers end at 30.
    pub const MOST: u8 = 14;

    /// The slot with this number.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            1..=Self::MOST => Some(Self(number)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Every slot that a card can have, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::MOST).map(Self)
    }

    /// The slots of a card that has `count`, in order.
    pub fn first(count: u8) -> impl Iterator<Item = Self> {
        Self::all().take(usize::from(count))
    }
}

impl fmt::Display for SlotNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key is for; fixed when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyRole {
    /// Login, guarded by [`PasswordReference::AuthenticationPin`].
    Authentication,
    /// Signatures that bind their holder, guarded by [`PasswordReference::SignaturePin`].
    Signature,
}

impl KeyRole {
    /// The byte in the status template.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Authentication => 1,
            Self::Signature => 2,
        }
    }

    /// Reads the byte.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Authentication),
            2 => Some(Self::Signature),
            _ => None,
        }
    }

    /// The control reference template that stands for it in GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8 §5.2): `A4`
    /// authentication, `B6` digital signature.
    #[must_use]
    pub const fn template(self) -> u8 {
        match self {
            Self::Authentication => 0xA4,
            Self::Signature => 0xB6,
        }
    }

    /// Reads the tag of a control reference template.
    #[must_use]
    pub const fn from_template(tag: u8) -> Option<Self> {
        match tag {
            0xA4 => Some(Self::Authentication),
            0xB6 => Some(Self::Signature),
            _ => None,
        }
    }

    /// The PIN that guards such keys.
    #[must_use]
    pub const fn password(self) -> PasswordReference {
        match self {
            Self::Authentication => PasswordReference::AuthenticationPin,
            Self::Signature => PasswordReference::SignaturePin,
        }
    }
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentication => "authentication",
            Self::Signature => "signature",
        })
    }
}

/// A slot as the [status](crate::CardStatus) tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRecord {
    /// Which one.
    pub slot: SlotNumber,
    /// The key; `None` when the slot is empty.
    pub key: Option<KeyRecord>,
    /// Certificate files beside the key: none, one, or several where the card's [limits](crate::Limits) say so.
    pub certificates: Vec<CertificateFile>,
}

impl SlotRecord {
    /// An empty slot.
    #[must_use]
    pub const fn empty(slot: SlotNumber) -> Self {
        Self { slot, key: None, certificates: Vec::new() }
    }
}

/// The key in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Kind and size.
    pub algorithm: KeyAlgorithm,
    /// What it is for.
    pub role: KeyRole,
}

/// A certificate file in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateFile {
    /// Its identifier.
    pub file: FileId,
    /// Its length in bytes, which is the certificate's.
    pub length: u16,
}
