#[cfg(feature = "alloc")]
use alloc::{vec, vec::Vec};

#[cfg(feature = "alloc")]
use zeroize::Zeroizing;

use super::{Counts, Exchange, Limits, RunError, Step};
#[cfg(feature = "alloc")]
use crate::ResponseApdu;
use crate::{Command, Response};

/// Carries one command to a card and back. `transmit` sends the bytes it is given, and puts the card's answer into the
/// vector, which is empty when it is called.
///
/// The buffers that commands and answers passed through are wiped before they are freed, since they may have held a PIN
/// or the result of a decryption; a vector that `transmit` itself made grow is its own to care for.
///
/// ```
/// use obnova_apdu::exchange::{self, Limits};
/// use obnova_apdu::{Command, ins};
///
/// // A card that knows one command: GET CHALLENGE.
/// let mut card = |apdu: &[u8], response: &mut Vec<u8>| -> Result<(), std::io::Error> {
///     response.extend_from_slice(match apdu {
///         [0x00, ins::GET_CHALLENGE, 0x00, 0x00, 0x04] => &[0xDE, 0xAD, 0xBE, 0xEF, 0x90, 0x00],
///         _ => &[0x6D, 0x00],
///     });
///     Ok(())
/// };
///
/// let challenge = Command::new(0x00, ins::GET_CHALLENGE, 0, 0).with_ne(4);
/// let response = exchange::run(challenge, Limits::SHORT, &mut card)?;
/// assert_eq!(response.data, [0xDE, 0xAD, 0xBE, 0xEF]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RunError::Transport`] is what `transmit` returned; [`RunError::Exchange`] when the card broke the rules. A status word
/// that is an error is no error here: it is in the response.
#[cfg(feature = "alloc")]
pub fn run<E>(
    command: Command<'_>,
    limits: Limits,
    transmit: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), E>,
) -> Result<ResponseApdu, RunError<E>> {
    run_counted(command, limits, transmit).map(|(response, _)| response)
}

/// As [`run`], and says how much went over the wire.
///
/// # Errors
/// As [`run`].
#[cfg(feature = "alloc")]
pub fn run_counted<E>(
    command: Command<'_>,
    limits: Limits,
    mut transmit: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), E>,
) -> Result<(ResponseApdu, Counts), RunError<E>> {
    let mut exchange = Exchange::new(command, limits)?;
    let mut buffer = Zeroizing::new(vec![0; exchange.buffer_len()]);
    let mut answer = Zeroizing::new(Vec::with_capacity(FIRST_ANSWER));
    let mut data = Zeroizing::new(Vec::new());
    loop {
        match exchange.step(&mut buffer)? {
            Step::Send(apdu) => {
                answer.clear();
                transmit(apdu, &mut answer).map_err(RunError::Transport)?;
                append(&mut data, exchange.receive(&answer)?);
            }
            Step::Done(status) => {
                let data = core::mem::take(&mut *data);
                return Ok((ResponseApdu { data, status }, exchange.counts()));
            }
        }
    }
}

/// Appends without leaving a copy behind when the vector has to move.
#[cfg(feature = "alloc")]
fn append(data: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    if data.capacity() - data.len() < piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((data.len() + piece.len()).max(2 * data.len())));
        larger.extend_from_slice(data);
        *data = larger;
    }
    data.extend_from_slice(piece);
}

/// Room for the longest short response, so that `transmit` rarely has to make the vector grow.
#[cfg(feature = "alloc")]
const FIRST_ANSWER: usize = 258;

/// Carries one command to a card and back without allocating. `transmit` sends the bytes of its first argument, puts the
/// card's answer into the front of its second and returns the length of the answer.
///
/// `buffer` is for command APDUs, of [`Exchange::buffer_len`] bytes or, for any command, of [`Limits::buffer_len`]; wipe it
/// if the command held a secret. `response` takes the answers one behind the other: it needs room for all response data and
/// one status word.
///
/// # Errors
/// As [`run`], and [`RunError::ResponseBuffer`].
pub fn run_into<'r, E>(
    command: Command<'_>,
    limits: Limits,
    buffer: &mut [u8],
    response: &'r mut [u8],
    mut transmit: impl FnMut(&[u8], &mut [u8]) -> Result<usize, E>,
) -> Result<(Response<'r>, Counts), RunError<E>> {
    let mut exchange = Exchange::new(command, limits)?;
    let mut filled = 0;
    let status = loop {
        match exchange.step(buffer)? {
            Step::Send(apdu) => {
                let available = response.len();
                let room = &mut response[filled..];
                let len = transmit(apdu, room).map_err(RunError::Transport)?;
                let answer = room
                    .get(..len)
                    .ok_or(RunError::ResponseBuffer { needed: filled.saturating_add(len), available })?;
                filled += exchange.receive(answer)?.len();
            }
            Step::Done(status) => break status,
        }
    };
    Ok((Response { data: &response[..filled], status }, exchange.counts()))
}
