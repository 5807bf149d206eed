use std::{ffi::CString, time::Duration};

use ::pcsc::{Card, Context, Disposition, Error, MAX_BUFFER_SIZE_EXTENDED, Protocols, ShareMode, Status, Transaction};
use obnova_apdu::ins;

use super::{
    Reader, ReaderChoice,
    choice::establish,
    failure::{meaning, service_is_gone},
};
use crate::{CardConnection, CardTransport, TransportError, pin_pad::GET_FEATURE_REQUEST};

/// How often a card may be found reset before a conversation has begun. Each time another program has ended one of its own, so
/// that among many programs one only waits for its turn; a card that is reset without end is given up.
const MOST_RESETS: u16 = 1_000;

/// A card in a reader. It may be taken out and come back, and so may the service: the next conversation finds it.
pub struct PcscConnection {
    reader: String,
    context: Option<Context>,
    card: Option<Card>,
    atr: Vec<u8>,
    /// Answers are received here; a buffer that is too short would lose one.
    buffer: Vec<u8>,
}

impl PcscConnection {
    /// Opens the card in the reader that `choice` means.
    ///
    /// # Errors
    /// As [`ReaderChoice::choose`]; [`TransportError::NoCard`], [`TransportError::CardMute`],
    /// [`TransportError::Sharing`], [`TransportError::ServiceStopped`].
    pub fn open(choice: &ReaderChoice) -> Result<Self, TransportError> {
        let readers = Reader::list()?;
        Self::to_reader(&choice.choose(&readers)?.name)
    }

    /// Opens the card in the reader of this very name.
    pub(super) fn to_reader(name: &str) -> Result<Self, TransportError> {
        let mut connection = Self {
            reader: name.to_owned(),
            context: None,
            card: None,
            atr: Vec::new(),
            buffer: vec![0; MAX_BUFFER_SIZE_EXTENDED],
        };
        let (card, atr) = connect(&mut connection.context, name)?;
        connection.card = Some(card);
        connection.atr = atr;
        Ok(connection)
    }
}

impl CardConnection for PcscConnection {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        // Each turn mends one thing: a stale service, then a card that was swapped since the last conversation.
        const TURNS: u8 = 3;
        let Self { reader, context, card, atr, buffer } = self;
        let mut card = match card {
            Some(card) => card,
            None => {
                let (fresh, answer) = connect(context, reader)?;
                *atr = answer;
                card.insert(fresh)
            }
        };
        let (mut turns, mut resets) = (TURNS, MOST_RESETS);
        loop {
            let (returned, error) = match card.transaction2() {
                Ok(transaction) => {
                    let transaction = Some(transaction);
                    return Ok(Box::new(PcscTransport { reader, transaction, buffer, only_read: true }));
                }
                Err(failure) => failure,
            };
            card = returned;
            if error == Error::ResetCard && resets > 0 && after_reset(card).is_ok() {
                // Nothing was said yet, so nothing is lost.
                resets -= 1;
                continue;
            }
            turns -= 1;
            if turns == 0 {
                return Err(meaning(error, reader));
            }
            let (fresh, answer) = connect(context, reader)?;
            leave(std::mem::replace(card, fresh));
            *atr = answer;
        }
    }

    fn description(&self) -> String {
        self.reader.clone()
    }

    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }
}

impl Drop for PcscConnection {
    fn drop(&mut self) {
        self.card.take().into_iter().for_each(leave);
    }
}

/// Lets the card be as it is: each conversation has reset it where it had to, and a reset now would be one in the middle of another
/// program's conversation.
fn leave(card: Card) {
    // Where this fails the card or the service is gone.
    let _ = card.disconnect(Disposition::LeaveCard);
}

/// Connects to the card, with a new context when the old one is of a service that is gone.
fn connect(context: &mut Option<Context>, reader: &str) -> Result<(Card, Vec<u8>), TransportError> {
    let name = CString::new(reader)
        .map_err(|_| TransportError::ReaderNotFound { wanted: reader.to_owned(), present: Vec::new() })?;
    let mut result = connect_once(context, &name);
    if let Err(error) = result
        && service_is_gone(error)
    {
        *context = Some(establish()?);
        result = connect_once(context, &name);
    }
    result.map_err(|error| match meaning(error, reader) {
        // There is no conversation yet that the card could have been taken out of.
        TransportError::CardRemoved => TransportError::NoCard { reader: reader.to_owned() },
        TransportError::ReaderNotFound { wanted, .. } => {
            let present = Reader::list().unwrap_or_default().into_iter().map(|reader| reader.name).collect();
            TransportError::ReaderNotFound { wanted, present }
        }
        meaning => meaning,
    })
}

fn connect_once(context: &Option<Context>, reader: &CString) -> Result<(Card, Vec<u8>), Error> {
    let context = context.as_ref().ok_or(Error::InvalidHandle)?;
    let mut card = context.connect(reader, ShareMode::Shared, Protocols::ANY)?;
    let mut resets = MOST_RESETS;
    loop {
        match card.status2_owned() {
            Ok(status) => return Ok((card, status.atr().to_vec())),
            Err(Error::ResetCard) if resets > 0 && after_reset(&mut card).is_ok() => resets -= 1,
            Err(error) => {
                leave(card);
                return Err(error);
            }
        }
    }
}

/// Takes a card up again that another program has reset. It is left as the reset made it.
fn after_reset(card: &mut Card) -> Result<(), Error> {
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)
}

struct PcscTransport<'a> {
    reader: &'a str,
    /// `None` only while it is dropped.
    transaction: Option<Transaction<'a>>,
    buffer: &'a mut Vec<u8>,
    /// No command was sent that could have opened anything.
    only_read: bool,
}

impl CardTransport for PcscTransport<'_> {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        response.clear();
        let transaction = self.transaction.as_ref().ok_or(TransportError::CardReset)?;
        self.only_read &= only_reads(command);
        let answer = transaction.transmit(command, self.buffer).map_err(|error| match error {
            // In a conversation an empty reader means that the card was taken out; the driver may notice before the
            // service does.
            Error::NoSmartcard => TransportError::CardRemoved,
            Error::NotTransacted if was_taken_out(transaction) => TransportError::CardRemoved,
            Error::NotTransacted => TransportError::CardMute,
            error => meaning(error, self.reader),
        })?;
        response.extend_from_slice(answer);
        Ok(())
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        let transaction = self.transaction.as_ref().ok_or(TransportError::CardReset)?;
        // Anything but the question what the reader can do may open something.
        self.only_read &= code == GET_FEATURE_REQUEST;
        let answer = transaction.control(code.into(), data, self.buffer).map_err(|error| match error {
            Error::NoSmartcard => TransportError::CardRemoved,
            error => meaning(error, self.reader),
        })?;
        Ok(answer.to_vec())
    }
}

impl Drop for PcscTransport<'_> {
    fn drop(&mut self) {
        let disposition = if self.only_read { Disposition::LeaveCard } else { Disposition::ResetCard };
        if let Some(transaction) = self.transaction.take() {
            // Where this fails the card or the service is gone, and the status with it.
            let _ = transaction.end(disposition);
        }
    }
}

/// Whether the card is gone. The service looks into some readers every 400 ms only, so it is asked for a little longer.
fn was_taken_out(card: &Card) -> bool {
    const LOOKS: u32 = 20;
    (0..LOOKS).any(|look| {
        if look > 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        match card.status2_owned() {
            Ok(status) => status.status().contains(Status::ABSENT),
            Err(error) => matches!(error, Error::RemovedCard | Error::NoSmartcard | Error::ReaderUnavailable),
        }
    })
}

/// Whether a command leaves the security status as it is: SELECT, the READs, GET CHALLENGE, GET RESPONSE, GET DATA, and a
/// VERIFY without data. Of any other it is not known, so the card is reset after it.
fn only_reads(command: &[u8]) -> bool {
    let reads = |instruction| {
        matches!(instruction, ins::SELECT | ins::GET_CHALLENGE | ins::GET_RESPONSE | ins::GET_DATA | ins::GET_DATA_TLV)
            || (ins::READ_BINARY..ins::READ_BINARY + 4).contains(&instruction)
    };
    match *command {
        [_, ins::VERIFY, _, _] | [_, ins::VERIFY, _, _, _] => true,
        [_, instruction, ..] => reads(instruction),
        _ => false,
    }
}
