use const_oid::ObjectIdentifier;
use obnova_algorithm::{KeyError, UnknownAlgorithm, VerifyError};

/// Why a request could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The key or the signature cannot be used: unknown key, an algorithm for another kind of key, or a signature that
    /// another key made or that was altered on its way.
    #[error("the request was not made: {0}")]
    Signature(#[from] VerifyError),
    /// An extension was asked for twice.
    #[error("the extension {oid} was asked for twice: ask for it once")]
    DuplicateExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// An extension, or the list of names in one, is empty, which its syntax forbids.
    #[error("the extension {oid} has no content: give it at least one entry or leave it out")]
    EmptyExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// The request would be longer than [`CertificationRequest::MAX_SIZE`](crate::CertificationRequest::MAX_SIZE).
    #[error("the request would have {size} bytes, more than a CA accepts: ask for less in it")]
    TooLong {
        /// Bytes it would have.
        size: usize,
    },
    /// A field cannot be written as DER.
    #[error("the request cannot be encoded: {0}")]
    Encode(#[from] der::Error),
}

/// Why bytes are not a certification request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More than [`CertificationRequest::MAX_SIZE`](crate::CertificationRequest::MAX_SIZE); not looked at any further.
    #[error("a certification request of {size} bytes is too long: at most {max} are read", max = crate::CertificationRequest::MAX_SIZE)]
    TooLong {
        /// Bytes there are.
        size: usize,
    },
    /// Not DER, or not a PKCS#10 CertificationRequest (RFC 2986 §4).
    #[error("not a PKCS#10 certification request: {0}")]
    Malformed(#[from] der::Error),
    /// The text is not PEM with the label `CERTIFICATE REQUEST` (RFC 7468 §7).
    #[error("not a PEM certification request: it starts with -----BEGIN CERTIFICATE REQUEST-----")]
    Pem,
}

/// Why a well-formed request is refused, by [`CertificationRequest::verify`](crate::CertificationRequest::verify).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The version is not v1(0), the only one there is (RFC 2986 §4.1).
    #[error("version {version} of the request is unknown: only v1, written as 0, exists")]
    Version {
        /// What stands in the request.
        version: u8,
    },
    /// The public key is of an unsupported kind, malformed, or too short.
    #[error("the public key is refused: {0}")]
    Key(#[from] KeyError),
    /// The RSA public exponent is below 65537, which ETSI TS 119 312 §6.2.2.1 sets as the least.
    #[error("the RSA public exponent is below 65537: make the key again with 65537")]
    SmallExponent,
    /// The signature algorithm is unsupported.
    #[error("the signature is refused: {0}")]
    Algorithm(#[from] UnknownAlgorithm),
    /// The signature was not made by the key that stands in the request: no proof of possession (RFC 2986 §3).
    #[error("no proof that the requester has the private key: {0}")]
    Signature(VerifyError),
    /// An attribute stands twice.
    #[error("the attribute {oid} stands in the request twice")]
    DuplicateAttribute {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// An attribute that has one value has none, or several.
    #[error("the attribute {oid} has {count} values; it has exactly one")]
    AttributeValues {
        /// Which.
        oid: ObjectIdentifier,
        /// How many.
        count: usize,
    },
    /// An extension is asked for twice.
    #[error("the extension {oid} is asked for twice")]
    DuplicateExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// A challengePassword (RFC 2985 §5.4.1) stands readable in the request. Its content is kept out of this error.
    #[error("the request carries a challengePassword in the clear: leave it out, a password travels encrypted only")]
    ChallengePassword,
}
