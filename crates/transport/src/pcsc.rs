//! Real readers, through PC/SC (feature `pcsc`).
//!
//! [`Reader::list`] says what is connected, [`ReaderChoice`] picks one, [`PcscConnection`] talks to its card: each
//! conversation is a PC/SC transaction, which ends with a reset unless the card was only read. So another program waits
//! while a conversation is on, and never inherits what a PIN opened.
//!
//! A card that was taken out, a reset by another program and a service that was restarted end a conversation with errors
//! of their own; [`begin`](crate::CardConnection::begin) finds the card again by itself.
//!
//! ```no_run
//! use obnova_transport::{CardConnection, pcsc::{PcscConnection, Reader, ReaderChoice}};
//!
//! for reader in Reader::list()? {
//!     println!("{}: {}", reader.name, if reader.card.is_some() { "a card" } else { "empty" });
//! }
//! let mut connection: PcscConnection = ReaderChoice::Only.wait_for_card(None)?;
//! let mut answer = Vec::new();
//! connection.begin()?.transmit(&[0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00], &mut answer)?;
//! # Ok::<(), obnova_transport::TransportError>(())
//! ```
//!
//! What PC/SC does not offer: beginning a conversation waits for as long as another program's transaction lasts, and who that
//! is cannot be asked. [`Patient`](crate::Patient) tells at least that it waits.

mod choice;
mod connection;
mod failure;

pub use choice::{Reader, ReaderChoice};
pub use connection::PcscConnection;
