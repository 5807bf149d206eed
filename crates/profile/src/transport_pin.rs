use crate::PasswordReference;

/// How a card that was never used is told from one that was, and what its holder must know to activate it (§6). Families of
/// cards differ in that; the model is a parameter that the status tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportPinModel {
    /// A transport PIN of its own, [`PasswordReference::TransportPin`], and no other password yet: VERIFY it, set each
    /// password with its new value only, ACTIVATE. After that it is gone.
    Separate,
    /// The transport PIN stands in the place of every password (gematik's cards, "Transport-PIN"): CHANGE REFERENCE DATA
    /// replaces it, password by password, and the last one activates the card. An empty VERIFY answers `62C1`.
    InPlace,
    /// There is none, and no password has a value (gematik's cards, "Leer-PIN"): each is set with its new value only, and the
    /// last one activates the card. An empty VERIFY answers `62C7`.
    Empty,
    /// [Six zero bytes](Self::NULL_PIN) stand in the place of every password (TCOS, "NullPIN"). An empty VERIFY answers
    /// `6985`.
    Null,
    /// As [`InPlace`](Self::InPlace), and VERIFY answers `6984` until the transport PIN was replaced (SmartCard-HSM).
    MustChange,
    /// A transport PIN of its own that works once (D-Trust): CHANGE REFERENCE DATA of the authentication PIN takes it as the
    /// old value, and it is used up, right or wrong. The authentication PIN opens the rest.
    SingleUse,
    /// The transport PIN has five digits and stands in the place of every password, and PINs have six in use (German identity
    /// cards). An empty VERIFY answers as for any PIN.
    FiveDigits,
}

impl TransportPinModel {
    /// Every model, in the order of their codes.
    pub const ALL: [Self; 7] =
        [Self::Separate, Self::InPlace, Self::Empty, Self::Null, Self::MustChange, Self::SingleUse, Self::FiveDigits];

    /// What stands in the place of every password in the model [`Null`](Self::Null). It is no secret.
    pub const NULL_PIN: [u8; 6] = [0; 6];

    /// The byte in the status template.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Separate => 0x01,
            Self::InPlace => 0x02,
            Self::Empty => 0x03,
            Self::Null => 0x04,
            Self::MustChange => 0x05,
            Self::SingleUse => 0x06,
            Self::FiveDigits => 0x07,
        }
    }

    /// Reads the byte.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.code() == code)
    }

    /// Whether the transport PIN is a password of its own, [`PasswordReference::TransportPin`].
    #[must_use]
    pub const fn is_own_password(self) -> bool {
        matches!(self, Self::Separate | Self::SingleUse)
    }

    /// Whether a transport PIN stands in the place of every password.
    #[must_use]
    pub const fn stands_in_place(self) -> bool {
        matches!(self, Self::InPlace | Self::Null | Self::MustChange | Self::FiveDigits)
    }

    /// Whether the transport PIN and a new value go in one data field, back to back and without padding (§3.2): the card cuts by
    /// the length of the one that it keeps, so whoever sends them has to know that length.
    #[must_use]
    pub const fn is_joined(self) -> bool {
        self.stands_in_place() || matches!(self, Self::SingleUse)
    }

    /// Whether there is a transport PIN that only its holder knows. Without one, whoever has the card activates it.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        !matches!(self, Self::Empty | Self::Null)
    }

    /// Whether the last password that is set activates the card. In the other models that takes ACTIVATE FILE.
    #[must_use]
    pub const fn ends_by_itself(self) -> bool {
        !self.is_own_password()
    }

    /// The password whose VERIFY opens activation, where one does.
    #[must_use]
    pub const fn opener(self) -> Option<PasswordReference> {
        match self {
            Self::Separate => Some(PasswordReference::TransportPin),
            Self::SingleUse => Some(PasswordReference::AuthenticationPin),
            Self::InPlace | Self::Empty | Self::Null | Self::MustChange | Self::FiveDigits => None,
        }
    }

    /// Shortest and longest value of a password in bytes. For the transport PIN (0, 0) says that there is none; how long that of one
    /// card is, the [status](crate::CardStatus::transport_pin_lengths) tells.
    #[must_use]
    pub const fn lengths(self, password: PasswordReference) -> (u8, u8) {
        match (self, password) {
            (Self::FiveDigits, PasswordReference::TransportPin) => (5, 5),
            (Self::FiveDigits, password) if password.is_pin() => (6, 6),
            (Self::Null, PasswordReference::TransportPin) => (6, 6),
            (Self::Empty, PasswordReference::TransportPin) => (0, 0),
            // It must be what every password could be.
            (Self::InPlace | Self::MustChange, PasswordReference::TransportPin) => (6, 8),
            (_, password) => (password.minimum(), password.maximum()),
        }
    }

    /// Shortest and longest value in bytes of a transport PIN that [is secret](Self::is_secret), on a card of whichever model: for who takes
    /// one down and does not see the card.
    #[must_use]
    pub fn secret_lengths() -> (u8, u8) {
        let secret = Self::ALL.into_iter().filter(|model| model.is_secret());
        let lengths = secret.map(|model| model.lengths(PasswordReference::TransportPin));
        lengths.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::TransportPinModel;

    /// As the tables in PROFILE.md §3 and §6 have it.
    #[test]
    fn a_secret_transport_pin_has_as_many_bytes_as_some_model_has_it() {
        assert_eq!(TransportPinModel::secret_lengths(), (5, 8));
    }
}
