//! Status words: the two bytes that end every response, and what they mean.

mod meaning;

#[cfg(test)]
mod tests;

pub use meaning::Status;

use core::fmt;

/// The status bytes SW1-SW2 as one number (ISO 7816-4:2013 §5.1.3).
///
/// Compare with the constants, or ask for the [`meaning`](Self::meaning). `Display` says the number and what it means.
///
/// ```
/// use obnova_apdu::{Status, StatusWord};
///
/// assert_eq!(StatusWord(0x63C2).meaning(), Status::TriesLeft(2));
/// assert_eq!(StatusWord(0x6A82).to_string(), "6A82: file or application not found");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// `9000`: done.
    pub const SUCCESS: Self = Self(0x9000);
    /// `6281`: part of the returned data may be corrupted.
    pub const DATA_CORRUPTED: Self = Self(0x6281);
    /// `6282`: the end of the file was reached before N<sub>e</sub> bytes were read.
    pub const END_OF_FILE: Self = Self(0x6282);
    /// `6283`: the selected file is deactivated.
    pub const FILE_DEACTIVATED: Self = Self(0x6283);
    /// `6285`: the selected file is in termination state.
    pub const FILE_TERMINATED: Self = Self(0x6285);
    /// `6300`: verification failed, no counter given.
    pub const VERIFICATION_FAILED: Self = Self(0x6300);
    /// `6400`: execution error, memory unchanged.
    pub const EXECUTION_ERROR: Self = Self(0x6400);
    /// `6581`: memory failure.
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    /// `6700`: wrong length.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// `6881`: logical channel not supported.
    pub const LOGICAL_CHANNEL_NOT_SUPPORTED: Self = Self(0x6881);
    /// `6882`: secure messaging not supported.
    pub const SECURE_MESSAGING_NOT_SUPPORTED: Self = Self(0x6882);
    /// `6883`: the last command of the chain was expected.
    pub const LAST_COMMAND_EXPECTED: Self = Self(0x6883);
    /// `6884`: command chaining not supported.
    pub const CHAINING_NOT_SUPPORTED: Self = Self(0x6884);
    /// `6900`: command not allowed.
    pub const COMMAND_NOT_ALLOWED: Self = Self(0x6900);
    /// `6981`: command incompatible with the file structure.
    pub const INCOMPATIBLE_FILE_STRUCTURE: Self = Self(0x6981);
    /// `6982`: security status not satisfied.
    pub const SECURITY_STATUS_NOT_SATISFIED: Self = Self(0x6982);
    /// `6983`: authentication method blocked.
    pub const AUTHENTICATION_BLOCKED: Self = Self(0x6983);
    /// `6984`: reference data not usable.
    pub const REFERENCE_DATA_NOT_USABLE: Self = Self(0x6984);
    /// `6985`: conditions of use not satisfied.
    pub const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    /// `6986`: command not allowed, no current elementary file.
    pub const NO_CURRENT_FILE: Self = Self(0x6986);
    /// `6A80`: incorrect parameters in the command data.
    pub const INCORRECT_DATA: Self = Self(0x6A80);
    /// `6A81`: function not supported.
    pub const FUNCTION_NOT_SUPPORTED: Self = Self(0x6A81);
    /// `6A82`: file or application not found.
    pub const FILE_NOT_FOUND: Self = Self(0x6A82);
    /// `6A83`: record not found.
    pub const RECORD_NOT_FOUND: Self = Self(0x6A83);
    /// `6A84`: not enough memory space.
    pub const NOT_ENOUGH_SPACE: Self = Self(0x6A84);
    /// `6A86`: incorrect P1-P2.
    pub const INCORRECT_P1_P2: Self = Self(0x6A86);
    /// `6A88`: referenced data or reference data not found.
    pub const REFERENCED_DATA_NOT_FOUND: Self = Self(0x6A88);
    /// `6A89`: the file exists already.
    pub const FILE_EXISTS: Self = Self(0x6A89);
    /// `6B00`: wrong parameters P1-P2, say an offset outside the file.
    pub const WRONG_PARAMETERS: Self = Self(0x6B00);
    /// `6D00`: instruction not supported.
    pub const INSTRUCTION_NOT_SUPPORTED: Self = Self(0x6D00);
    /// `6E00`: class not supported.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x6E00);
    /// `6F00`: no precise diagnosis.
    pub const UNKNOWN_ERROR: Self = Self(0x6F00);

    /// `63Cx`: the verification failed or was only asked for, and `tries` are left. More than 15 cannot be said: 15 is.
    #[must_use]
    pub const fn tries_left(tries: u8) -> Self {
        Self(0x63C0 | if tries > 15 { 15 } else { tries as u16 })
    }

    /// `61xx`: `available` more bytes can be fetched by GET RESPONSE. 256 and more are said as `6100`.
    #[must_use]
    pub const fn more_data(available: usize) -> Self {
        Self(0x6100 | if available > 255 { 0 } else { available as u16 })
    }

    /// `6Cxx`: L<sub>e</sub> was wrong, `available` bytes are there. 256 and more are said as `6C00`.
    #[must_use]
    pub const fn wrong_le(available: usize) -> Self {
        Self(0x6C00 | if available > 255 { 0 } else { available as u16 })
    }

    /// The first status byte.
    #[must_use]
    pub const fn sw1(self) -> u8 {
        self.to_bytes()[0]
    }

    /// The second status byte.
    #[must_use]
    pub const fn sw2(self) -> u8 {
        self.to_bytes()[1]
    }

    /// SW1 and SW2 as they stand at the end of a response.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// What the number means.
    #[inline]
    #[must_use]
    pub const fn meaning(self) -> Status {
        Status::from_word(self)
    }

    /// Whether the number is `9000`.
    #[inline]
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == 0x9000
    }

    /// Whether processing was normal: `9000` or `61xx`.
    #[must_use]
    pub const fn is_normal(self) -> bool {
        self.is_success() || self.sw1() == 0x61
    }

    /// Whether it is a warning, `62xx` or `63xx`: the command was carried out, with a remark that may matter.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(self.sw1(), 0x62 | 0x63)
    }

    /// Whether it is an error, `64xx` to `6Fxx`: the command was not, or not wholly, carried out.
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(self.sw1(), 0x64..=0x6F)
    }
}

impl From<u16> for StatusWord {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl From<[u8; 2]> for StatusWord {
    fn from(bytes: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(bytes))
    }
}

impl From<StatusWord> for u16 {
    fn from(status: StatusWord) -> Self {
        status.0
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}: {}", self.0, self.meaning())
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusWord({:04X})", self.0)
    }
}

impl fmt::UpperHex for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::UpperHex::fmt(&self.0, f)
    }
}
