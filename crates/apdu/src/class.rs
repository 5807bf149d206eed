use core::fmt;

/// A class byte, CLA (ISO 7816-4:2013 §5.1.1): which rules the command follows, on which logical channel, whether another
/// command of the same chain follows, and whether it is protected.
///
/// Any byte can be looked at; `FF` is no class byte and is refused where commands are parsed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(u8);

impl Class {
    /// Interindustry, channel 0, last or only command, no secure messaging.
    pub const INTERINDUSTRY: Self = Self(0x00);

    /// The class that `byte` stands for.
    #[must_use]
    pub const fn new(byte: u8) -> Self {
        Self(byte)
    }

    /// The byte itself.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Whose rules the byte follows.
    #[must_use]
    pub const fn range(self) -> ClassRange {
        match self.0 >> 5 {
            0b000 => ClassRange::FirstInterindustry,
            0b010 | 0b011 => ClassRange::FurtherInterindustry,
            0b001 => ClassRange::Reserved,
            _ if self.0 == 0xFF => ClassRange::Invalid,
            _ => ClassRange::Proprietary,
        }
    }

    /// The logical channel, 0 to 19, where the byte is an interindustry one. `None` for every other byte: a proprietary
    /// class puts the channel where it likes.
    #[must_use]
    pub const fn channel(self) -> Option<u8> {
        match self.range() {
            ClassRange::FirstInterindustry => Some(self.0 & 0x03),
            ClassRange::FurtherInterindustry => Some(4 + (self.0 & 0x0F)),
            _ => None,
        }
    }

    /// The interindustry class for a logical channel, 0 to 19, with neither chaining nor secure messaging. `None` above 19.
    #[must_use]
    pub const fn on_channel(channel: u8) -> Option<Self> {
        match channel {
            0..=3 => Some(Self(channel)),
            4..=19 => Some(Self(0x40 | (channel - 4))),
            _ => None,
        }
    }

    /// How the command is protected, where the byte is an interindustry one.
    #[must_use]
    pub const fn secure_messaging(self) -> Option<SecureMessaging> {
        match self.range() {
            ClassRange::FirstInterindustry => Some(match (self.0 >> 2) & 0x03 {
                0 => SecureMessaging::None,
                1 => SecureMessaging::Proprietary,
                2 => SecureMessaging::HeaderNotAuthenticated,
                _ => SecureMessaging::HeaderAuthenticated,
            }),
            ClassRange::FurtherInterindustry if self.0 & 0x20 == 0 => Some(SecureMessaging::None),
            ClassRange::FurtherInterindustry => Some(SecureMessaging::HeaderNotAuthenticated),
            _ => None,
        }
    }

    /// Whether bit 5 says that another command of the same chain follows (ISO 7816-4:2013 §5.1.1.1). The bit is read in
    /// proprietary classes too, where cards use it the same way.
    #[must_use]
    pub const fn is_chained(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// The same class for a command that is not the last of its chain.
    #[must_use]
    pub const fn chained(self) -> Self {
        Self(self.0 | 0x10)
    }

    /// The same class for the last or only command.
    #[must_use]
    pub const fn last(self) -> Self {
        Self(self.0 & !0x10)
    }
}

/// Whose rules a class byte follows (ISO 7816-4:2013 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassRange {
    /// `00` to `1F`: channels 0 to 3.
    FirstInterindustry,
    /// `40` to `7F`: channels 4 to 19.
    FurtherInterindustry,
    /// `20` to `3F`: reserved by ISO.
    Reserved,
    /// `80` to `FE`: the card's own rules.
    Proprietary,
    /// `FF`: no class byte; it would start a PPS request.
    Invalid,
}

/// What an interindustry class byte says of secure messaging (ISO 7816-4:2013 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecureMessaging {
    /// None, or no indication.
    None,
    /// In the card's own format.
    Proprietary,
    /// By ISO 7816-4; the command header is not processed. The only one that channels 4 to 19 can express.
    HeaderNotAuthenticated,
    /// By ISO 7816-4; the command header is authenticated.
    HeaderAuthenticated,
}

impl From<u8> for Class {
    fn from(byte: u8) -> Self {
        Self(byte)
    }
}

impl From<Class> for u8 {
    fn from(class: Class) -> Self {
        class.0
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Class({:02X})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_round_trip() {
        for channel in 0..=19 {
            let class = Class::on_channel(channel).unwrap();
            assert_eq!(class.channel(), Some(channel));
            assert_eq!(class.chained().channel(), Some(channel));
            assert_eq!(class.chained().last(), class);
            assert!(class.chained().is_chained() && !class.is_chained());
            assert_eq!(class.secure_messaging(), Some(SecureMessaging::None));
        }
        assert!((20..=255).all(|channel| Class::on_channel(channel).is_none()));
    }

    #[test]
    fn every_byte_has_a_range_and_only_interindustry_ones_have_a_channel() {
        for byte in 0..=255 {
            let class = Class::new(byte);
            let interindustry = matches!(byte, 0x00..=0x1F | 0x40..=0x7F);
            assert_eq!(class.channel().is_some(), interindustry, "{class:?}");
            assert_eq!(class.secure_messaging().is_some(), interindustry, "{class:?}");
        }
        assert_eq!(Class::new(0xFF).range(), ClassRange::Invalid);
        assert_eq!(Class::new(0x80).range(), ClassRange::Proprietary);
        assert_eq!(Class::new(0x20).range(), ClassRange::Reserved);
    }

    #[test]
    fn secure_messaging_is_read_from_both_ranges() {
        assert_eq!(Class::new(0x04).secure_messaging(), Some(SecureMessaging::Proprietary));
        assert_eq!(Class::new(0x08).secure_messaging(), Some(SecureMessaging::HeaderNotAuthenticated));
        assert_eq!(Class::new(0x0C).secure_messaging(), Some(SecureMessaging::HeaderAuthenticated));
        assert_eq!(Class::new(0x60).secure_messaging(), Some(SecureMessaging::HeaderNotAuthenticated));
    }
}
