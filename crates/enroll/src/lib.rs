#![doc = include_str!("../README.md")]
//!
//! # Modules
//! - [`cmc`]: Full PKI requests and responses.
//! - [`est`]: the HTTP messages that carry them.
//! - [`certs_only`]: lists of certificates, and the files they are mailed in.
//! - [`envelope`]: what only the CA may read.
//! - [`limits`]: how much is read of what others send.
//! - [`names`]: whether two names are the same, however each is written.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod ber;
mod one_time;
mod secret;
mod signed;
mod transfer;

pub mod certs_only;
pub mod cmc;
pub mod envelope;
pub mod est;
pub mod limits;
pub mod names;

pub use ber::FramingError;
pub use one_time::{OneTimePassword, TypingError};
pub use secret::Secret;
pub use signed::{MessageError, SignatureError};
