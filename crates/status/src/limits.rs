//! How much is read. An honest OCSP request has about 120 bytes, a response with its responder's certificate 1,000 to 3,000, an
//! entry of a CRL 40 to 80.

/// The longest OCSP request, in bytes, that is looked into.
pub const MAX_REQUEST: usize = 16 * 1024;

/// Certificates that one OCSP request may ask about.
pub const MAX_ASKED: usize = 32;

/// The longest OCSP response, in bytes, that is looked into.
pub const MAX_RESPONSE: usize = 64 * 1024;

/// Certificates in an OCSP response.
pub const MAX_CERTIFICATES: usize = 8;

/// The longest CRL, in bytes, that is looked into: room for more than a million entries. It is read where it lies; what
/// is copied of it is not more than [`MAX_CRL_PART`] at a time.
pub const MAX_CRL: usize = 128 * 1024 * 1024;

/// The longest issuer, crlExtensions and extensions of one entry, in bytes, that are looked into. Honest ones have less than 1,000.
pub const MAX_CRL_PART: usize = 16 * 1024;

/// The longest AlgorithmIdentifier of a signature, in bytes. That of RSA PSS, the longest that is known, has about 70.
pub(crate) const MAX_ALGORITHM: usize = 1024;

/// The longest certificate, in bytes, that is looked into: what lengths of two bytes can say.
pub const MAX_CERTIFICATE: usize = 0xFFFF;
