#![doc = include_str!("../README.md")]
//!
//! - [`house`]: a CA in a directory, and the first pair of a new card.
//! - [`applicants`]: people who apply for a card, for programs.
//! - [`mail`]: what the CA has to say, on its way.
//! - [`Serial`]: a serial number, as it is written.
//! - [`Server`]: the CA behind HTTPS, in a thread of its own.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod applicants;
pub mod house;
pub mod mail;
mod serial;
mod server;

pub use house::House;
pub use serial::{Serial, SerialError};
pub use server::{Access, Patience, Running, Server, ServerConfig, ServerError};
