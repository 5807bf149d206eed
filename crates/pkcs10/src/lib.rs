#![doc = include_str!("../README.md")]
//!
//! - [`RequestBuilder`]: who asks, for which key, with which extensions.
//! - [`RequestToSign`]: the bytes, and their digest, that the key's holder signs; the signature comes back in.
//! - [`CertificationRequest`]: a request as it was received, byte for byte, and what stands in it.
//! - [`CertificationRequest::verify`]: the strict check on the CA's side.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod backwards;
mod builder;
mod error;
mod request;
mod to_sign;
mod verify;

pub use builder::RequestBuilder;
pub use error::{BuildError, ParseError, Rejected};
pub use request::CertificationRequest;
pub use to_sign::RequestToSign;
