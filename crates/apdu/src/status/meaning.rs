use core::fmt;

use super::StatusWord;

/// What a [`StatusWord`] means (ISO 7816-4:2013 §5.1.3, tables 5 and 6).
///
/// Every number has exactly one meaning and every meaning gives its number back; what the standard leaves to the card is
/// [`Other`](Self::Other). Cards of other houses give some numbers a meaning of their own: see the card's profile then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// `9000`.
    Success,
    /// `61xx`: this many more bytes, 1 to 256, can be fetched by GET RESPONSE; 256 may mean more.
    MoreData(u16),
    /// `6Cxx`: L<sub>e</sub> was wrong; this many bytes, 1 to 256, are there.
    WrongLe(u16),

    /// `6200`: a warning without more information; memory unchanged.
    Warning,
    /// `6202` to `6280`: the card wants to be asked for a query of this many bytes.
    Query(u8),
    /// `6281`: part of the returned data may be corrupted.
    DataCorrupted,
    /// `6282`: the file or record ended before N<sub>e</sub> bytes were read, or a search found nothing.
    EndOfFile,
    /// `6283`: the selected file is deactivated.
    FileDeactivated,
    /// `6284`: the file control information is not in the standard's format.
    ControlInformationMalformed,
    /// `6285`: the selected file is in termination state.
    FileTerminated,
    /// `6286`: no input from a sensor of the card.
    NoSensorInput,
    /// `6287`: at least one of the referenced records is deactivated.
    RecordDeactivated,

    /// `6300`: a warning without more information, memory changed; after VERIFY, the password was wrong.
    VerificationFailed,
    /// `6381`: the file was filled by the last write.
    FileFilled,
    /// `63Cx`: a counter, 0 to 15. After VERIFY and its like: this many tries are left.
    TriesLeft(u8),

    /// `6400`: execution error; memory unchanged.
    ExecutionError,
    /// `6401`: the card needs an immediate answer.
    ImmediateResponseRequired,
    /// `6402` to `6480`: the card wants to be asked for a query of this many bytes, and aborted.
    QueryAborted(u8),
    /// `6500`: execution error; memory changed.
    MemoryChanged,
    /// `6581`: memory failure.
    MemoryFailure,
    /// `6600`: an issue related to security.
    SecurityIssue,

    /// `6700`: wrong length.
    WrongLength,

    /// `6800`: a function of the class byte is not supported.
    ClassFunctionNotSupported,
    /// `6881`: logical channel not supported.
    LogicalChannelNotSupported,
    /// `6882`: secure messaging not supported.
    SecureMessagingNotSupported,
    /// `6883`: the last command of the chain was expected.
    LastCommandExpected,
    /// `6884`: command chaining not supported.
    ChainingNotSupported,

    /// `6900`: command not allowed.
    CommandNotAllowed,
    /// `6981`: command incompatible with the file structure.
    IncompatibleFileStructure,
    /// `6982`: security status not satisfied: a password or a key has to be presented first.
    SecurityStatusNotSatisfied,
    /// `6983`: the authentication method is blocked: no tries are left.
    Blocked,
    /// `6984`: the reference data is not usable, say because a transport PIN stands in its place.
    ReferenceDataNotUsable,
    /// `6985`: conditions of use not satisfied.
    ConditionsNotSatisfied,
    /// `6986`: command not allowed: no elementary file is current.
    NoCurrentFile,
    /// `6987`: a secure messaging data object is missing.
    SecureMessagingObjectMissing,
    /// `6988`: a secure messaging data object is incorrect.
    SecureMessagingObjectIncorrect,

    /// `6A00`: wrong parameters P1-P2, without more information.
    WrongParametersUnspecified,
    /// `6A80`: incorrect parameters in the command data.
    IncorrectData,
    /// `6A81`: function not supported.
    FunctionNotSupported,
    /// `6A82`: file or application not found.
    FileNotFound,
    /// `6A83`: record not found.
    RecordNotFound,
    /// `6A84`: not enough memory space in the file.
    NotEnoughSpace,
    /// `6A85`: N<sub>c</sub> inconsistent with the TLV structure.
    LengthAgainstTlv,
    /// `6A86`: incorrect parameters P1-P2.
    IncorrectP1P2,
    /// `6A87`: N<sub>c</sub> inconsistent with P1-P2.
    LengthAgainstP1P2,
    /// `6A88`: referenced data or reference data not found.
    ReferencedDataNotFound,
    /// `6A89`: the file exists already.
    FileExists,
    /// `6A8A`: the DF name exists already.
    DfNameExists,

    /// `6B00`: wrong parameters P1-P2, say an offset outside the file.
    WrongParameters,
    /// `6D00`: instruction not supported or invalid.
    InstructionNotSupported,
    /// `6E00`: class not supported.
    ClassNotSupported,
    /// `6F00`: no precise diagnosis.
    Unknown,
    /// Every other number.
    Other(u16),
}

impl Status {
    /// The meaning of a status word.
    #[must_use]
    pub const fn from_word(word: StatusWord) -> Self {
        let low = word.sw2();
        match word.0 {
            0x9000 => Self::Success,
            0x6100..=0x61FF => Self::MoreData(count(low)),
            0x6200 => Self::Warning,
            0x6202..=0x6280 => Self::Query(low),
            0x6281 => Self::DataCorrupted,
            0x6282 => Self::EndOfFile,
            0x6283 => Self::FileDeactivated,
            0x6284 => Self::ControlInformationMalformed,
            0x6285 => Self::FileTerminated,
            0x6286 => Self::NoSensorInput,
            0x6287 => Self::RecordDeactivated,
            0x6300 => Self::VerificationFailed,
            0x6381 => Self::FileFilled,
            0x63C0..=0x63CF => Self::TriesLeft(low & 0x0F),
            0x6400 => Self::ExecutionError,
            0x6401 => Self::ImmediateResponseRequired,
            0x6402..=0x6480 => Self::QueryAborted(low),
            0x6500 => Self::MemoryChanged,
            0x6581 => Self::MemoryFailure,
            0x6600 => Self::SecurityIssue,
            0x6700 => Self::WrongLength,
            0x6800 => Self::ClassFunctionNotSupported,
            0x6881 => Self::LogicalChannelNotSupported,
            0x6882 => Self::SecureMessagingNotSupported,
            0x6883 => Self::LastCommandExpected,
            0x6884 => Self::ChainingNotSupported,
            0x6900 => Self::CommandNotAllowed,
            0x6981 => Self::IncompatibleFileStructure,
            0x6982 => Self::SecurityStatusNotSatisfied,
            0x6983 => Self::Blocked,
            0x6984 => Self::ReferenceDataNotUsable,
            0x6985 => Self::ConditionsNotSatisfied,
            0x6986 => Self::NoCurrentFile,
            0x6987 => Self::SecureMessagingObjectMissing,
            0x6988 => Self::SecureMessagingObjectIncorrect,
            0x6A00 => Self::WrongParametersUnspecified,
            0x6A80 => Self::IncorrectData,
            0x6A81 => Self::FunctionNotSupported,
            0x6A82 => Self::FileNotFound,
            0x6A83 => Self::RecordNotFound,
            0x6A84 => Self::NotEnoughSpace,
            0x6A85 => Self::LengthAgainstTlv,
            0x6A86 => Self::IncorrectP1P2,
            0x6A87 => Self::LengthAgainstP1P2,
            0x6A88 => Self::ReferencedDataNotFound,
            0x6A89 => Self::FileExists,
            0x6A8A => Self::DfNameExists,
            0x6B00 => Self::WrongParameters,
            0x6C00..=0x6CFF => Self::WrongLe(count(low)),
            0x6D00 => Self::InstructionNotSupported,
            0x6E00 => Self::ClassNotSupported,
            0x6F00 => Self::Unknown,
            other => Self::Other(other),
        }
    }

    /// The status word that says this. Numbers inside a meaning are cut to what the word can hold.
    #[must_use]
    pub const fn to_word(self) -> StatusWord {
        StatusWord(match self {
            Self::Success => 0x9000,
            Self::MoreData(n) => return StatusWord::more_data(n as usize),
            Self::WrongLe(n) => return StatusWord::wrong_le(n as usize),
            Self::Warning => 0x6200,
            Self::Query(n) => 0x6200 | n as u16,
            Self::DataCorrupted => 0x6281,
            Self::EndOfFile => 0x6282,
            Self::FileDeactivated => 0x6283,
            Self::ControlInformationMalformed => 0x6284,
            Self::FileTerminated => 0x6285,
            Self::NoSensorInput => 0x6286,
            Self::RecordDeactivated => 0x6287,
            Self::VerificationFailed => 0x6300,
            Self::FileFilled => 0x6381,
            Self::TriesLeft(n) => return StatusWord::tries_left(n),
            Self::ExecutionError => 0x6400,
            Self::ImmediateResponseRequired => 0x6401,
            Self::QueryAborted(n) => 0x6400 | n as u16,
            Self::MemoryChanged => 0x6500,
            Self::MemoryFailure => 0x6581,
            Self::SecurityIssue => 0x6600,
            Self::WrongLength => 0x6700,
            Self::ClassFunctionNotSupported => 0x6800,
            Self::LogicalChannelNotSupported => 0x6881,
            Self::SecureMessagingNotSupported => 0x6882,
            Self::LastCommandExpected => 0x6883,
            Self::ChainingNotSupported => 0x6884,
            Self::CommandNotAllowed => 0x6900,
            Self::IncompatibleFileStructure => 0x6981,
            Self::SecurityStatusNotSatisfied => 0x6982,
            Self::Blocked => 0x6983,
            Self::ReferenceDataNotUsable => 0x6984,
            Self::ConditionsNotSatisfied => 0x6985,
            Self::NoCurrentFile => 0x6986,
            Self::SecureMessagingObjectMissing => 0x6987,
            Self::SecureMessagingObjectIncorrect => 0x6988,
            Self::WrongParametersUnspecified => 0x6A00,
            Self::IncorrectData => 0x6A80,
            Self::FunctionNotSupported => 0x6A81,
            Self::FileNotFound => 0x6A82,
            Self::RecordNotFound => 0x6A83,
            Self::NotEnoughSpace => 0x6A84,
            Self::LengthAgainstTlv => 0x6A85,
            Self::IncorrectP1P2 => 0x6A86,
            Self::LengthAgainstP1P2 => 0x6A87,
            Self::ReferencedDataNotFound => 0x6A88,
            Self::FileExists => 0x6A89,
            Self::DfNameExists => 0x6A8A,
            Self::WrongParameters => 0x6B00,
            Self::InstructionNotSupported => 0x6D00,
            Self::ClassNotSupported => 0x6E00,
            Self::Unknown => 0x6F00,
            Self::Other(other) => other,
        })
    }
}

const fn count(low: u8) -> u16 {
    if low == 0 { 256 } else { low as u16 }
}

impl From<StatusWord> for Status {
    fn from(word: StatusWord) -> Self {
        Self::from_word(word)
    }
}

impl From<Status> for StatusWord {
    fn from(status: Status) -> Self {
        status.to_word()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::Success => "success",
            Self::MoreData(n) => return write!(f, "{n} more bytes to fetch by GET RESPONSE"),
            Self::WrongLe(n) => return write!(f, "wrong Le, {n} bytes are there"),
            Self::Warning => "warning, nothing changed",
            Self::Query(n) => return write!(f, "the card asks to be queried for {n} bytes"),
            Self::DataCorrupted => "part of the returned data may be corrupted",
            Self::EndOfFile => "end of file or record reached before Ne bytes",
            Self::FileDeactivated => "selected file is deactivated",
            Self::ControlInformationMalformed => "file control information is not in the standard's format",
            Self::FileTerminated => "selected file is terminated",
            Self::NoSensorInput => "no input from a sensor of the card",
            Self::RecordDeactivated => "a referenced record is deactivated",
            Self::VerificationFailed => "verification failed, or memory changed with a warning",
            Self::FileFilled => "file filled up by the last write",
            Self::TriesLeft(1) => "not verified, 1 try left",
            Self::TriesLeft(n) => return write!(f, "not verified, {n} tries left"),
            Self::ExecutionError => "execution error, nothing changed",
            Self::ImmediateResponseRequired => "the card requires an immediate response",
            Self::QueryAborted(n) => {
                return write!(f, "aborted, the card asks to be queried for {n} bytes");
            }
            Self::MemoryChanged => "execution error, memory was changed",
            Self::MemoryFailure => "memory failure",
            Self::SecurityIssue => "an issue related to security",
            Self::WrongLength => "wrong length",
            Self::ClassFunctionNotSupported => "a function of the class byte is not supported",
            Self::LogicalChannelNotSupported => "logical channel not supported",
            Self::SecureMessagingNotSupported => "secure messaging not supported",
            Self::LastCommandExpected => "last command of the chain expected",
            Self::ChainingNotSupported => "command chaining not supported",
            Self::CommandNotAllowed => "command not allowed",
            Self::IncompatibleFileStructure => "command incompatible with the file structure",
            Self::SecurityStatusNotSatisfied => "security status not satisfied",
            Self::Blocked => "authentication method blocked",
            Self::ReferenceDataNotUsable => "reference data not usable",
            Self::ConditionsNotSatisfied => "conditions of use not satisfied",
            Self::NoCurrentFile => "no elementary file is current",
            Self::SecureMessagingObjectMissing => "secure messaging data object missing",
            Self::SecureMessagingObjectIncorrect => "secure messaging data object incorrect",
            Self::WrongParametersUnspecified => "wrong parameters",
            Self::IncorrectData => "incorrect parameters in the command data",
            Self::FunctionNotSupported => "function not supported",
            Self::FileNotFound => "file or application not found",
            Self::RecordNotFound => "record not found",
            Self::NotEnoughSpace => "not enough space",
            Self::LengthAgainstTlv => "Nc inconsistent with the TLV structure",
            Self::IncorrectP1P2 => "incorrect P1-P2",
            Self::LengthAgainstP1P2 => "Nc inconsistent with P1-P2",
            Self::ReferencedDataNotFound => "referenced data not found",
            Self::FileExists => "file exists already",
            Self::DfNameExists => "DF name exists already",
            Self::WrongParameters => "wrong P1-P2",
            Self::InstructionNotSupported => "instruction not supported",
            Self::ClassNotSupported => "class not supported",
            Self::Unknown => "no precise diagnosis",
            Self::Other(word) => {
                return write!(f, "status {word:04X} has no meaning in ISO 7816-4");
            }
        })
    }
}
