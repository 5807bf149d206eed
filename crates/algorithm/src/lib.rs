#![doc = include_str!("../README.md")]
//!
//! - [`KeyAlgorithm`]: what kind of key a slot holds, read from a SubjectPublicKeyInfo.
//! - [`SignatureAlgorithm`]: what is signed with it, to and from its AlgorithmIdentifier.
//! - [`Digest`]: the hash under it, with its DigestInfo prefix for cards that pad themselves.
//! - [`key_id`]: the identifier that certificate, public and private key share on a card.
//! - [`Secret`]: a PIN or a password, wiped and never shown.
//! - [`text`]: what others wrote, made fit to be shown.
//! - [`verify`]: one strict check of a signature under a SubjectPublicKeyInfo; [`Verifier`] for many.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod digest;
mod key;
mod secret;
mod signature;
pub mod text;
#[cfg(feature = "verify")]
mod verify;

pub use digest::{Digest, DigestValue};
pub use key::{KeyAlgorithm, KeyError, key_id};
pub use secret::Secret;
pub use signature::{SignatureAlgorithm, UnknownAlgorithm};
#[cfg(feature = "verify")]
pub use verify::{Verifier, VerifyError, verify, verify_digest};

pub use spki::{self, SubjectPublicKeyInfoOwned};
