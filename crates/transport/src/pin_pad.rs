//! PINs that are entered at the reader and never reach the host: PC/SC part 10.
//!
//! A reader with a pad takes a command without its PIN through the control channel, asks its user, puts what was entered into
//! the command and sends that to the card. [`PinPad::detect`] asks a reader whether it can; some say so and cannot, so whoever
//! offers a pad offers to do without it, too.
//!
//! PINs are entered as digits and go to the card as they are (ASCII), not padded.

use obnova_apdu::StatusWord;

use crate::{CardTransport, TransportError};

/// The control code of this number: SCARD_CTL_CODE.
#[must_use]
pub const fn control_code(number: u32) -> u32 {
    if cfg!(windows) { 0x0031_0000 | number << 2 } else { 0x4200_0000 + number }
}

/// CM_IOCTL_GET_FEATURE_REQUEST: which features the reader has, and by which control codes.
pub const GET_FEATURE_REQUEST: u32 = control_code(3400);
/// FEATURE_VERIFY_PIN_DIRECT.
pub const FEATURE_VERIFY_PIN_DIRECT: u8 = 0x06;
/// FEATURE_MODIFY_PIN_DIRECT.
pub const FEATURE_MODIFY_PIN_DIRECT: u8 = 0x07;

/// The pad of a reader, and what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinPad {
    verify: u32,
    modify: Option<u32>,
}

/// What may be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinEntry {
    /// Fewest digits.
    pub minimum: u8,
    /// Most digits.
    pub maximum: u8,
    /// Seconds until the reader gives up; 0 for its own patience.
    pub timeout: u8,
}

/// What is entered to change a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The one that allows it, then the new one, twice.
    OldAndNew,
    /// The new one, twice.
    New,
}

impl PinPad {
    /// Asks the reader. A reader that does not understand the question has no pad.
    ///
    /// # Errors
    /// [`TransportError`], when the card or the service is gone.
    pub fn detect(card: &mut dyn CardTransport) -> Result<Option<Self>, TransportError> {
        match card.control(GET_FEATURE_REQUEST, &[]) {
            Ok(features) => Ok(Self::read(&features)),
            Err(gone @ (TransportError::CardRemoved | TransportError::CardReset | TransportError::ServiceStopped)) => {
                Err(gone)
            }
            Err(_) => Ok(None),
        }
    }

    /// Reads the list of features: tag, length 4, control code in network order. A pad that cannot verify is none.
    fn read(features: &[u8]) -> Option<Self> {
        let (entries, rest) = features.as_chunks::<6>();
        if !rest.is_empty() {
            return None;
        }
        let code = |feature: u8| {
            let entry = entries.iter().find(|[tag, length, ..]| (*tag, *length) == (feature, 4))?;
            let [_, _, code @ ..] = *entry;
            Some(u32::from_be_bytes(code))
        };
        Some(Self { verify: code(FEATURE_VERIFY_PIN_DIRECT)?, modify: code(FEATURE_MODIFY_PIN_DIRECT) })
    }

    /// Whether passwords can be changed at it.
    #[must_use]
    pub const fn can_change(self) -> bool {
        self.modify.is_some()
    }

    /// Has a PIN entered and sent to the card with this header (CLA, INS, P1, P2); the answer is the card's.
    ///
    /// # Errors
    /// [`PinPadError`]; but for [`PinPadError::Transport`] and [`PinPadError::Malformed`] nothing was sent to the card.
    pub fn verify(
        self,
        card: &mut dyn CardTransport,
        header: [u8; 4],
        entry: PinEntry,
    ) -> Result<StatusWord, PinPadError> {
        let answer = card.control(self.verify, &verify_structure(header, entry))?;
        outcome(&answer)
    }

    /// Has one or two passwords entered, the new one twice, and sent to the card with this header.
    ///
    /// # Errors
    /// [`PinPadError`]; but for [`PinPadError::Transport`] and [`PinPadError::Malformed`] nothing was sent to the card.
    pub fn modify(
        self,
        card: &mut dyn CardTransport,
        header: [u8; 4],
        entry: PinEntry,
        entered: Entered,
    ) -> Result<StatusWord, PinPadError> {
        let code = self.modify.ok_or(PinPadError::CannotChange)?;
        let answer = card.control(code, &modify_structure(header, entry, entered))?;
        outcome(&answer)
    }
}

/// bmFormatString: units are bytes, the PIN begins with the data, is justified left, and is ASCII.
const FORMAT: u8 = 0x82;
/// bEntryValidationCondition: the validation key.
const VALIDATION_KEY: u8 = 0x02;
/// wLangId: English, United States.
const LANGUAGE: u16 = 0x0409;

/// PIN_VERIFY_STRUCTURE. Numbers of several bytes are as the host has them.
fn verify_structure(header: [u8; 4], entry: PinEntry) -> Vec<u8> {
    // bmPINBlockString, bmPINLengthFormat: no block, no length in the data.
    let mut bytes = vec![entry.timeout, entry.timeout, FORMAT, 0, 0];
    bytes.extend(lengths(entry));
    // bNumberMessage: one.
    bytes.extend([VALIDATION_KEY, 1]);
    bytes.extend(LANGUAGE.to_ne_bytes());
    // bMsgIndex, bTeoPrologue.
    bytes.extend([0; 4]);
    command(&mut bytes, header);
    bytes
}

/// PIN_MODIFY_STRUCTURE.
fn modify_structure(header: [u8; 4], entry: PinEntry, entered: Entered) -> Vec<u8> {
    let mut bytes = vec![entry.timeout, entry.timeout, FORMAT, 0, 0];
    // bInsertionOffsetOld, bInsertionOffsetNew: one behind the other.
    bytes.extend([0, 0]);
    bytes.extend(lengths(entry));
    // bConfirmPIN: bit 1 the new one is entered twice, bit 2 the old one is entered; and one message for each.
    let (confirm, messages) = match entered {
        Entered::OldAndNew => (0x03, 3),
        Entered::New => (0x01, 2),
    };
    bytes.extend([confirm, VALIDATION_KEY, messages]);
    bytes.extend(LANGUAGE.to_ne_bytes());
    // bMsgIndex1 to 3: of the prompts for the old one, the new one, the new one again.
    bytes.extend(if entered == Entered::OldAndNew { [0, 1, 2] } else { [1, 2, 0] });
    bytes.extend([0; 3]);
    command(&mut bytes, header);
    bytes
}

/// wPINMaxExtraDigit: fewest and most digits.
fn lengths(entry: PinEntry) -> [u8; 2] {
    u16::from_be_bytes([entry.minimum, entry.maximum]).to_ne_bytes()
}

/// ulDataLength and abData: the header and an Lc that the reader sets.
fn command(bytes: &mut Vec<u8>, header: [u8; 4]) {
    bytes.extend((header.len() as u32 + 1).to_ne_bytes());
    bytes.extend(header);
    bytes.push(0);
}

/// What the reader says of itself (PC/SC part 10 §2.5), or passes on from the card. A card that says one of these four itself
/// cannot be told from its reader; in ISO/IEC 7816-4 §5.6 `64xx` says that a command failed and left the card's memory as it was,
/// so that in either case nothing was done.
fn outcome(answer: &[u8]) -> Result<StatusWord, PinPadError> {
    let &[high, low] = answer else { return Err(PinPadError::Malformed { length: answer.len() }) };
    match u16::from_be_bytes([high, low]) {
        0x6400 => Err(PinPadError::Timeout),
        0x6401 => Err(PinPadError::Cancelled),
        0x6402 => Err(PinPadError::NotTheSame),
        0x6403 => Err(PinPadError::Length),
        0x6B80 => Err(PinPadError::Refused),
        status => Ok(StatusWord(status)),
    }
}

/// Why nothing was entered at a pad.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinPadError {
    /// The way to the reader failed; what became of the command is unknown.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Nothing was entered in time (6400). A card says the same where it failed and changed nothing.
    #[error("nothing was entered at the reader in time: try again")]
    Timeout,
    /// The holder pressed cancel (6401). Few cards say that themselves: in ISO/IEC 7816-4 they want to be asked something first.
    #[error("the entry was cancelled at the reader: nothing was sent to the card")]
    Cancelled,
    /// The new one was entered differently the second time (6402).
    #[error("the new one was entered differently the second time: nothing was sent to the card, try again")]
    NotTheSame,
    /// Too few or too many digits were entered (6403).
    #[error("too few or too many digits were entered: nothing was sent to the card, try again")]
    Length,
    /// The reader does not take what was ordered (6B80).
    #[error("the reader's pad does not take PINs of this card's form: switch the pad off and use the keyboard")]
    Refused,
    /// The pad can verify and nothing else.
    #[error("passwords cannot be changed at this reader's pad: switch the pad off and use the keyboard")]
    CannotChange,
    /// The reader's answer is no status word.
    #[error(
        "the reader answered with {length} bytes where a status word belongs: switch the pad off and use the keyboard"
    )]
    Malformed {
        /// Bytes of the answer.
        length: usize,
    },
}

#[cfg(test)]
mod tests;
