//! How much is read. An honest twin request has about 6 KB (RSA 3072), its response about 8 KB with a chain of three.

/// The longest message, in bytes, that is looked into.
pub const MAX_MESSAGE: usize = 256 * 1024;

/// The longest single certificate in a message, in bytes: what lengths of two bytes can say, as cards have them.
pub const MAX_CERTIFICATE: usize = 0xFFFF;

/// Certificates in a message.
pub const MAX_CERTIFICATES: usize = 32;

/// Signers of a message.
pub const MAX_SIGNERS: usize = 8;

/// Certification requests in a message.
pub const MAX_REQUESTS: usize = 16;

/// Controls in a message.
pub const MAX_CONTROLS: usize = 64;

/// How deep structures are nested; a certificate in a message reaches 14.
pub(crate) const MAX_DEPTH: usize = 32;
