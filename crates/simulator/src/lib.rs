#![doc = include_str!("../README.md")]
//!
//! - [`Personalisation`] makes a card, in memory or in a state file; [`Card`] is the applet: command bytes in, response bytes
//!   out.
//! - [`SimulatorConnection`] is the card in a reader, inside the process.
//! - [`vpcd`] puts it into a virtual reader of the real PC/SC service.
//! - [`VirtualCard`] is what these two take: an applet of your own can stand in its place.
//! - [`FaultPlan`] makes things go wrong inside the card.
//!
//! What the card does is in [`obnova_profile::document`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod card;
mod connection;
mod fault;
mod hex;
mod key_pair;
mod password;
mod personalisation;
mod raw_rsa;
mod rsa_key;
#[cfg(test)]
mod secrets;
mod session;
mod state;
mod store;
mod virtual_card;
pub mod vpcd;

pub use card::{Card, FactoryError, Torn};
pub use connection::SimulatorConnection;
pub use fault::{Fault, FaultPlan};
pub use personalisation::{Personalisation, PersonalisationError};
pub use store::StateFileError;
pub use virtual_card::VirtualCard;
