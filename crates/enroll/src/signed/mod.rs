//! CMS SignedData (RFC 5652 §5): made in two steps for keys that are elsewhere, read and checked over the bytes received.
//!
//! Written of parts that are DER already, and read with types that keep what was signed as bytes, since a SET that is sorted
//! again on the way is a broken signature.

mod attributes;
mod build;
mod element;
mod message;
mod received;
mod signer;
mod verify;

pub use build::{BuildError, MessageToSign, SignWithError, ToSign};
pub use message::MessageError;
pub use received::{ReceivedCertificate, ReceivedExtension};
pub use signer::{ReadySigner, Signer};
pub use verify::SignatureError;

pub(crate) use build::unsigned;
pub(crate) use message::{SignedMessage, certificate, framed};
pub(crate) use signer::RequestKey;
pub(crate) use verify::{SignerInfo, has_key_identifier, is_issuer_and_serial};
