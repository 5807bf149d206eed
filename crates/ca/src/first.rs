//! First certificates: a user id and a one-time password speak for who has none yet.
//!
//! - [`FirstDesk`]: the operator's side: who may ask, one-time passwords, and what checks both.
//! - [`CredentialSecret`]: the file outside the database without which its passwords cannot even be guessed.
//! - [`RevocationPasswords`]: what holders set to end their certificates with.
//! - `order`: what a first order must be like, and [`Ca::enroll`](crate::Ca::enroll), plain EST.

mod credential;
mod desk;
mod order;
mod revocation;
mod secret;

pub use credential::IssuedPassword;
pub use desk::{FirstDesk, FirstError, Subject};
pub use revocation::{ReplacedRevocationPassword, RevocationPasswordError, RevocationPasswords};
pub use secret::CredentialSecret;

pub(crate) use order::has_key_usage;
