//! Tokens behind a PKCS#11 module (feature `pkcs11`).
//!
//! PKCS#11 knows neither slots for keys nor roles nor "superseded", so the driver writes them into labels, where every
//! program shows them and none stumbles over them:
//!
//! - A key pair has label `TEXT [authentication 3]` or `TEXT [signature 4]`: role and slot number. A pair without such a
//!   suffix (made by another program) gets the lowest number that is free, in the order of its CKA_ID; its role is
//!   signature when a certificate on it has nonRepudiation in its key usage, or else when its label contains "sign".
//! - A pair that is being made has `unfinished` after its number, and one that is being removed `removed`. Where either was
//!   interrupted the slot counts as empty, and the next key that is made there takes up what is left: it is that key, if
//!   both its halves are there and nobody was told of it yet.
//! - A superseded certificate has label `TEXT (superseded)`.
//! - CKA_ID of a pair made here, and of its certificates, is [`obnova_algorithm::key_id`] of the public key.
//!
//! PKCS#11 has nothing that keeps two programs from writing to a token at once, so the driver has it for itself from when it
//! is opened until it is dropped: another process is told which one it has to wait for ([`TokenError::InUse`]). Within a
//! process it may be opened several times. Programs that do not use this driver are not kept away.
//!
//! What a PKCS#11 token cannot do: it has one PIN, which guards both roles, and no PUK; how many tries are left is told
//! by flags only; certificates that are installed together become visible one after the other, and what they supersede is
//! marked when all of them are there. Nothing is known of a key
//! pair whose public key or certificate cannot be read without the PIN, but what [`Token::slots_with_pin`](crate::Token::slots_with_pin)
//! tells of what is left over. Keys that ask for the PIN at each signature
//! (CKA_ALWAYS_AUTHENTICATE) are refused, since the modules tried can do that for hash-and-sign mechanisms only, and here
//! it is digests that are signed.
//!
//! Every call of the module goes through one place, where a [`Pkcs11Observer`] can count it, write it down or refuse it.

mod calls;
mod content;
mod convention;
mod conversation;
mod failure;
mod generation;
mod held;
mod keys;
mod module;
mod names;
mod numbers;
mod objects;
mod options;
mod pin;
mod rests;
mod sign;
mod token;
mod watch;

pub use calls::{Pkcs11Call, Pkcs11Observer};
pub use options::Pkcs11Options;
pub use token::Pkcs11Token;
pub use watch::{Pkcs11Count, Pkcs11Trace};
