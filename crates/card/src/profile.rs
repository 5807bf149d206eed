//! Cards of our own profile.
//!
//! One SELECT tells nearly everything, so every conversation begins with it: it says which slots are taken, how the
//! passwords stand (before one is sent), and how much the card takes at a time. The one directory file is read whole and
//! written whole, in one atomic command, which is the moment at which something new is there for everybody.
//!
//! The order of commands keeps what a tear leaves behind harmless. Something is entered in the directory after it is there,
//! and taken out of it before it goes; so a tear leaves an orphan at worst, and never an entry for nothing:
//!
//! - a key without entry: [`slots`](crate::Token::slots) shows it, a certificate that is installed on it enters it, and so
//!   does [`ProfileToken::repair`];
//! - a certificate file without entry: it is not shown, as if it was not there, and written over.

mod activation;
mod conversation;
mod directory;
mod known_keys;
mod listing;
mod names;
mod operations;
mod passwords;
mod repair;
mod signing;
mod token;

pub use repair::Repair;
pub use token::ProfileToken;
