//! Certificate enrollment protocols without I/O.
//!
//! - [`cmc`]: Full PKI requests and responses.
//! - [`limits`]: how much is read of what others send.
//!
//! No sockets, no clock, no randomness: numbers that have to be random, and times, are arguments.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod ber;
mod encode;
mod signed;

pub mod cmc;
pub mod limits;

pub use ber::FramingError;
pub use signed::{MessageError, SignatureError};
