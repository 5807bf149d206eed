#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod connection;
mod error;

pub use connection::{CardConnection, CardTransport};
pub use error::TransportError;
