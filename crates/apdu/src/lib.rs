//! What a host and a smart card say to each other, as bytes and as types: command and response APDUs, status words and
//! BER-TLV data objects of ISO 7816-4, and the machine that carries one logical command through as many physical APDUs as
//! the card needs.
//!
//! The crate does no input or output, allocates nothing in its core and is `no_std`. It is told by four stories:
//!
//! * **A command** is a [`Command`] when you write it and a [`CommandView`] when you read it from bytes. Both borrow their
//!   data; [`CommandApdu`] owns it and wipes it when dropped, since command data may hold a PIN. [`Class`] explains the
//!   class byte, [`ins`] names the instructions.
//! * **A response** is a [`Response`] (borrowed) or a [`ResponseApdu`] (owned): data *and* a [`StatusWord`], whose
//!   [`Status`] says in words what the card meant.
//! * **Data objects**: [`tlv`] reads, walks, finds and writes BER-TLV, to a depth that you set and never by recursion.
//! * **An exchange**: [`exchange::Exchange`] says which bytes to send next and takes the bytes that came back. It splits
//!   long data into a command chain, uses extended lengths where the card can, fetches what `61xx` announces, repeats once
//!   with the length that `6Cxx` names, and gives up with a typed error where a card would keep it busy for ever.
//!
//! ```
//! use obnova_apdu::{Command, LengthForm, Response, Status, ins};
//!
//! // Which bytes select an application?
//! let select = Command::new(0x00, ins::SELECT, 0x04, 0x00)
//!     .with_data(&[0xA0, 0x00, 0x00, 0x00, 0x63])
//!     .with_ne(256);
//! let mut buffer = [0; 16];
//! let bytes = select.encode(&mut buffer, LengthForm::Short)?;
//! assert_eq!(bytes, [0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x00, 0x63, 0x00]);
//!
//! // What did the card answer?
//! let response = Response::parse(&[0x6A, 0x82])?;
//! assert_eq!(response.status.meaning(), Status::FileNotFound);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Features: `alloc` (default) adds the owned forms, [`tlv::VecWriter`] and [`exchange::run`]; `iso7816` adds conversions
//! to and from the types of the crate `iso7816`.
//!
//! Not here: secure messaging (its class bits are read and kept, nothing is wrapped), T=0 procedure bytes below the APDU,
//! and the meaning of any one application's commands.
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod class;
mod command;
pub mod exchange;
pub mod ins;
mod response;
mod status;
pub mod tlv;

#[cfg(feature = "iso7816")]
mod iso7816;

#[cfg(feature = "iso7816")]
pub use crate::iso7816::IsoCommandError;
pub use class::{Class, ClassRange, SecureMessaging};
#[cfg(feature = "alloc")]
pub use command::CommandApdu;
pub use command::{Command, CommandError, CommandView, EncodeError, LengthForm};
#[cfg(feature = "alloc")]
pub use response::ResponseApdu;
pub use response::{Response, ResponseError};
pub use status::{Status, StatusWord};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
