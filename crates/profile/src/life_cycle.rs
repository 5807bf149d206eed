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
