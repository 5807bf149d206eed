use thiserror::Error;

use crate::{EncodeError, ResponseError, StatusWord};

/// Why an exchange cannot go on. Once one was returned by [`receive`](super::Exchange::receive) the exchange is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The data does not fit into one APDU of this card, and the card does not take command chaining.
    #[error("{len} data bytes exceed the {max} that the card takes in one APDU, and it does not take command chaining")]
    DataTooLong {
        /// Bytes of data in the command.
        len: usize,
        /// The most that fits.
        max: usize,
    },
    /// The data has to be chained, and the class byte is marked as part of a chain already, or would become `FF`.
    #[error("the data has to be chained, but class byte {cla:02X} cannot be marked so")]
    NotChainable {
        /// The class byte.
        cla: u8,
    },
    /// The command cannot be encoded, or not into the buffer that was given.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The card's answer is no response APDU.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// A response was handed in before a command was taken out, or after the end.
    #[error("a response was handed in while none was expected")]
    NotExpected,
    /// The card answered a command that was not the last of its chain neither by `9000` nor by an error.
    #[error("command {index} of the chain was answered by {status}, neither success nor an error")]
    UnexpectedInChain {
        /// Which command of the chain, from 0.
        index: u32,
        /// The card's answer.
        status: StatusWord,
    },
    /// The card sent more data than the APDU asked for.
    #[error("{got} response bytes where at most {asked} were asked for")]
    TooMuchData {
        /// The N<sub>e</sub> of the APDU.
        asked: u32,
        /// Bytes that came.
        got: usize,
    },
    /// The card named the right L<sub>e</sub> (`6Cxx`), was asked with it, and named another.
    #[error("the card asks for another length again: {status}")]
    WrongLeAgain {
        /// The card's second answer.
        status: StatusWord,
    },
    /// The card sent data beside `6Cxx`, which says that it sends none.
    #[error("{got} response bytes beside a status that says there are none: {status}")]
    DataBesideWrongLe {
        /// Bytes that came.
        got: usize,
        /// The status word beside them.
        status: StatusWord,
    },
    /// The card announced more data, was asked for it, sent none and announced more again.
    #[error("the card announces more data but sends none")]
    NoProgress,
    /// All response data together exceeds what the caller allows.
    #[error("the response is longer than the {max} bytes that are allowed")]
    ResponseTooLong {
        /// The most that is allowed.
        max: usize,
    },
    /// The command takes more APDUs than the caller allows.
    #[error("the command takes more than the {max} APDUs that are allowed")]
    TooManyApdus {
        /// The most that is allowed.
        max: u32,
    },
}

/// Why [`run`](super::run()) or [`run_into`](super::run_into) failed: on the way to the card, or because of what the card said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RunError<E> {
    /// The transport failed.
    #[error("the APDU could not be exchanged with the card")]
    Transport(#[source] E),
    /// The exchange cannot go on.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The buffer for the response is too small. Only where the caller gives one.
    #[error("a response buffer of {available} bytes is too small, at least {needed} are needed")]
    ResponseBuffer {
        /// Bytes needed so far.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
}
