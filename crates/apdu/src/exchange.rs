//! One logical command, carried over as many physical APDUs as the card needs.
//!
//! [`Exchange`] does no input or output: [`step`](Exchange::step) says which bytes to send,
//! [`receive`](Exchange::receive) takes what came back and hands out the response data in it. Any loop can drive it, and so
//! can a test or a fuzzer. [`run`] (with `alloc`) and [`run_into`] are such loops.
//!
//! What the card can do is said by [`Limits`]; nothing is tried out at the card's expense:
//!
//! * data or N<sub>e</sub> beyond a short APDU: extended length where the card has it (ISO 7816-4:2013 §5.1);
//! * data beyond one APDU: command chaining by bit 5 of the class byte (§5.1.1.1), where the card has it;
//! * `61xx`: GET RESPONSE until all is there (§5.1.3), if the command expects a response;
//! * `6Cxx`: the same APDU once more with the right L<sub>e</sub>, if it had one. A command without L<sub>e</sub>, such as
//!   VERIFY, is never sent twice.
//!
//! Every other status word ends the exchange and is the caller's to judge. A card that breaks the rules, or tries to keep
//! the exchange going for ever, is told by an [`ExchangeError`].
//!
//! ```
//! use obnova_apdu::exchange::{Exchange, Limits, Step};
//! use obnova_apdu::{Command, StatusWord, ins};
//!
//! let command = Command::new(0x00, ins::GET_CHALLENGE, 0, 0).with_ne(8);
//! let mut exchange = Exchange::new(command, Limits::SHORT)?;
//! let mut buffer = [0; Limits::SHORT.buffer_len()];
//!
//! let Step::Send(apdu) = exchange.step(&mut buffer)? else { unreachable!() };
//! assert_eq!(apdu, [0x00, 0x84, 0x00, 0x00, 0x08]);
//! assert_eq!(exchange.receive(&[0x61, 0x02])?, []);
//! let Step::Send(apdu) = exchange.step(&mut buffer)? else { unreachable!() };
//! assert_eq!(apdu, [0x00, 0xC0, 0x00, 0x00, 0x02]);
//! assert_eq!(exchange.receive(&[0xAB, 0xCD, 0x90, 0x00])?, [0xAB, 0xCD]);
//! assert_eq!(exchange.step(&mut buffer)?, Step::Done(StatusWord::SUCCESS));
//! assert_eq!(exchange.counts().apdus, 2);
//! # Ok::<(), obnova_apdu::exchange::ExchangeError>(())
//! ```

mod driver;
mod error;
mod limits;
mod machine;

#[cfg(all(test, feature = "alloc"))]
mod tests;

pub use driver::run_into;
#[cfg(feature = "alloc")]
pub use driver::{run, run_counted};
pub use error::{ExchangeError, RunError};
pub use limits::Limits;
pub use machine::{Counts, Exchange, Step};
