use std::fmt;

/// Which password (P2 of VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER, §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PasswordReference {
    /// Guards authentication keys and the card's content: keys are made, certificates and directories written with it.
    AuthenticationPin,
    /// Guards signature keys. Asked for at every signature: using it consumes it.
    SignaturePin,
    /// Unblocks the two PINs.
    Puk,
    /// Activates a card whose [model](crate::TransportPinModel::is_own_password) has one of its own; after that it is gone.
    TransportPin,
}

impl PasswordReference {
    /// Every password, in the order of their references.
    pub const ALL: [Self; 4] = [Self::AuthenticationPin, Self::SignaturePin, Self::Puk, Self::TransportPin];

    /// Passwords that stay: all but the transport PIN.
    pub const LASTING: [Self; 3] = [Self::AuthenticationPin, Self::SignaturePin, Self::Puk];

    /// The password that guards the card's content.
    pub const CONTENT: Self = Self::AuthenticationPin;

    /// The reference on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::AuthenticationPin => 1,
            Self::SignaturePin => 2,
            Self::Puk => 3,
            Self::TransportPin => 4,
        }
    }

    /// Reads a reference.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::AuthenticationPin),
            2 => Some(Self::SignaturePin),
            3 => Some(Self::Puk),
            4 => Some(Self::TransportPin),
            _ => None,
        }
    }

    /// Whether it is one of the two PINs.
    #[must_use]
    pub const fn is_pin(self) -> bool {
        matches!(self, Self::AuthenticationPin | Self::SignaturePin)
    }

    /// Shortest value in bytes, on most cards: a [model](crate::TransportPinModel::lengths) may say otherwise.
    #[must_use]
    pub const fn minimum(self) -> u8 {
        match self {
            Self::AuthenticationPin | Self::SignaturePin => 4,
            Self::Puk => 6,
            Self::TransportPin => 5,
        }
    }

    /// Longest value in bytes: what OpenSC's MyEID driver can send.
    #[must_use]
    pub const fn maximum(self) -> u8 {
        8
    }
}

impl fmt::Display for PasswordReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthenticationPin => "authentication PIN",
            Self::SignaturePin => "signature PIN",
            Self::Puk => "PUK",
            Self::TransportPin => "transport PIN",
        })
    }
}

/// A password as the [status](crate::CardStatus) tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRecord {
    /// Which one.
    pub reference: PasswordReference,
    /// How it stands.
    pub state: PasswordState,
    /// Wrong attempts in a row that block it.
    pub tries: u8,
    /// Shortest value in bytes.
    pub minimum: u8,
    /// Longest value in bytes.
    pub maximum: u8,
}

/// How a password stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PasswordState {
    /// It has no value yet.
    Unset,
    /// The transport PIN stands in its place, with so many tries left (at least one).
    Transport {
        /// Tries left.
        left: u8,
    },
    /// It can be used, with so many tries left (at least one).
    Active {
        /// Tries left.
        left: u8,
    },
    /// No try is left.
    Blocked,
    /// No try is left of the transport PIN that stands in its place (since version 1.1). Its record is that of one that is
    /// [blocked](Self::Blocked); a data object of its own tells the two apart.
    TransportBlocked,
}

impl PasswordState {
    /// State and tries as the two bytes of the status template.
    #[must_use]
    pub const fn code(self) -> [u8; 2] {
        match self {
            Self::Unset => [0, 0],
            Self::Transport { left } => [1, left],
            Self::Active { left } => [2, left],
            Self::Blocked | Self::TransportBlocked => [3, 0],
        }
    }

    /// Reads the two bytes; a state that has tries has at least one, the others none.
    #[must_use]
    pub const fn from_code(code: [u8; 2]) -> Option<Self> {
        match code {
            [0, 0] => Some(Self::Unset),
            [3, 0] => Some(Self::Blocked),
            [_, 0] => None,
            [1, left] => Some(Self::Transport { left }),
            [2, left] => Some(Self::Active { left }),
            _ => None,
        }
    }
}
