/// Where the card is in its life (§6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LifeCycle {
    /// Personalised, and never activated: the transport PIN is all there is, and no command uses a key.
    Inactive,
    /// In its holder's hands.
    Active,
}

impl LifeCycle {
    /// The byte in the status template.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Inactive => 0x04,
            Self::Active => 0x05,
        }
    }

    /// Reads the byte: life cycle status of ISO/IEC 7816-4 §7.4.10, operational and deactivated or activated.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x04 => Some(Self::Inactive),
            0x05 => Some(Self::Active),
            _ => None,
        }
    }
}

/// How a card that was never used is told from one that was (§6). Families of cards differ; these two are implemented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportPinModel {
    /// A transport PIN of its own, [`PasswordReference::TransportPin`](crate::PasswordReference::TransportPin), and no other
    /// password yet: VERIFY it, set each password with its new value only, ACTIVATE. After that it is gone.
    Separate,
    /// The transport PIN stands in the place of every password: CHANGE REFERENCE DATA replaces it, password by password, and
    /// the last one activates the card.
    InPlace,
}

impl TransportPinModel {
    /// The byte in the status template.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Separate => 0x01,
            Self::InPlace => 0x02,
        }
    }

    /// Reads the byte.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x01 => Some(Self::Separate),
            0x02 => Some(Self::InPlace),
            _ => None,
        }
    }
}
