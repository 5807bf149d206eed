//! Something for the CA's eyes only: CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), its key agreed by ECDH
//! (RFC 5753) or transported by RSA-OAEP (RFC 3560, RFC 8017).
//!
//! What is [sealed](seal) can be written down and sent, and only the [`OpeningKey`] of the recipient's certificate opens it.
//! Nobody signs an envelope, so it says nothing about where it comes from: the message around it does. Its length shows how
//! long the content is.
//!
//! This is the one place of the crate that draws random numbers by itself (a key for each envelope, its nonce and, for ECDH,
//! an ephemeral key; of aws-lc-rs, that takes them from the system).

mod agreement;
mod algorithms;
mod open;
mod seal;

pub(crate) use open::check;
pub use open::{OpenError, OpeningKey};
pub use seal::{SealError, seal};
