//! Real readers, through PC/SC (feature `pcsc`).
//!
//! [`Reader::list`] says what is connected, [`ReaderChoice`] picks one, [`PcscConnection`] talks to its card: each
//! conversation is a PC/SC transaction, which ends with a reset unless the card was only read. So another program waits
//! while a conversation is on, and never inherits what a PIN opened.
//!
//! A card that was taken out, a reset by another program and a service that was restarted end a conversation with errors
//! of their own; [`begin`](crate::CardConnection::begin) finds the card again by itself.
//!
//! What PC/SC does not offer: beginning a conversation waits for as long as another program's transaction lasts.

mod choice;
mod connection;
mod failure;

pub use choice::{Reader, ReaderChoice};
pub use connection::PcscConnection;
