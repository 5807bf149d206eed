#![doc = include_str!("../README.md")]
//!
//! # Modules
//! - [`ocsp`]: questions and answers about single certificates.
//! - [`crl`]: lists of what is revoked.
//! - [`Authority`]: the CA whose certificates it is all about; both need it, on both sides.
//! - [`Revocation`], [`Status`]: what is said of a certificate. [`Rules`]: how new it has to be.
//! - [`limits`]: how much is read of what others send.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod authority;
mod certificate;
mod extensions;
mod revocation;
mod rules;
mod signed;

pub mod crl;
pub mod limits;
pub mod ocsp;

pub use authority::{Authority, AuthorityError, NotIssued};
pub use certificate::CertificateError;
pub use extensions::ExtensionError;
pub use revocation::{Revocation, RevocationReason, Status};
pub use rules::{Rules, TimeError};
pub use signed::SignatureError;

pub use x509_cert::serial_number::SerialNumber;
