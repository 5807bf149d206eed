#![doc = include_str!("../README.md")]
//!
//! - [`CardTransport`] and [`CardConnection`]: the one method, and where conversations come from.
//! - [`Decorator`]: a thing that stands around transmissions; [`Decorated`] puts it around every conversation of a
//!   connection, [`Around`] around a single one.
//! - [`Trace`] and [`Record`] write down what is said, [`TraceFile`] reads it, [`Replay`] plays it back.
//! - [`FaultInjector`] tears, spoils and delays by a script. [`Count`] counts.
//! - [`Patient`] tells when another program has the card. [`open_exclusive`] keeps others from what no reader guards.
//! - [`Redactor`] hides secrets by instruction; whatever writes APDUs down goes through it.
//! - [`pin_pad`]: PINs that are entered at the reader.
//! - `pcsc` (feature `pcsc`): real readers.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod connection;
mod count;
mod decorate;
mod error;
mod exclusive;
mod fault;
mod patient;
#[cfg(feature = "pcsc")]
pub mod pcsc;
pub mod pin_pad;
mod record;
mod redact;
mod replay;
mod trace;
mod trace_file;

pub use connection::{CardConnection, CardTransport};
pub use count::{Count, Counts};
pub use decorate::{Around, Decorated, Decorator};
pub use error::TransportError;
pub use exclusive::{ExclusiveError, open_exclusive};
pub use fault::{Fault, FaultInjector, When};
pub use patient::Patient;
pub use pin_pad::{PinPad, PinPadError};
pub use record::Record;
pub use redact::{Redactor, Shown};
pub use replay::Replay;
pub use trace::Trace;
pub use trace_file::{Conversation, Exchange, RecordedCommand, TraceFile, TraceFileError, TraceProblem};
