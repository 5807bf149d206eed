use const_oid::db::rfc6960::ID_PKIX_OCSP_NONCE;
use der::asn1::{OctetString, OctetStringRef};
use subtle::ConstantTimeEq;
use x509_cert::ext::Extension;

use crate::{ExtensionError, extensions};

/// A nonce (RFC 8954 §2.1, RFC 9654 §2.1): ties an answer to the request it was made for.
#[derive(Clone, Debug)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    /// The most bytes it may have (RFC 9654).
    pub const MAX_SIZE: usize = 128;

    /// 32 bytes from a random generator, the length that RFC 9654 wants of clients.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// A nonce of 1 to 128 bytes.
    ///
    /// # Errors
    /// [`NonceLength`] for any other length.
    pub fn new(bytes: &[u8]) -> Result<Self, NonceLength> {
        let sound = (1..=Self::MAX_SIZE).contains(&bytes.len());
        if sound { Ok(Self(bytes.to_vec())) } else { Err(NonceLength { length: bytes.len() }) }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn extension(&self) -> der::Result<Extension> {
        extensions::extension(ID_PKIX_OCSP_NONCE, false, &OctetString::new(self.0.as_slice())?)
    }

    /// The nonce among extensions: an OCTET STRING of 1 to 128 bytes, or an error.
    pub(super) fn find(extensions: &[Extension]) -> Result<Option<Self>, ExtensionError> {
        let malformed = ExtensionError::Malformed { oid: ID_PKIX_OCSP_NONCE };
        let found: Option<&OctetStringRef> = extensions::value(extensions, ID_PKIX_OCSP_NONCE)?;
        found.map(|bytes| Self::new(bytes.as_bytes()).map_err(|_| malformed)).transpose()
    }
}

impl PartialEq for Nonce {
    /// In constant time, for nonces of one length.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Nonce {}

/// A nonce that is too short or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a nonce of {length} bytes: it must have 1 to {max}", max = Nonce::MAX_SIZE)]
pub struct NonceLength {
    /// Bytes it has.
    pub length: usize,
}
