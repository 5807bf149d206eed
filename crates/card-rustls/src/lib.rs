#![doc = include_str!("../README.md")]
//!
//! # The parts
//! - [`CardKey`]: one key on the card with its certificate, and what TLS can be done with it: [`versions`](CardKey::versions),
//!   and the [`Limitation`] to tell the user.
//! - [`PinSource`], [`HeldPin`]: who is asked for the PIN, for which [`PinUse`].
//! - [`Login`]: one login. It makes the `ClientConfig`, and says [in the end](Login::finish) whether the key was used.
//! - [`LoginError`]: why not, with the card's own [`TokenError`](obnova_card::TokenError).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod error;
mod key;
mod login;
mod pin;
mod scheme;
mod signer;

pub use error::{KeyError, LoginError};
pub use key::{CardKey, SharedToken, share};
pub use login::Login;
pub use pin::{HeldPin, PinSource, PinUnavailable, PinUse};
pub use scheme::Limitation;
