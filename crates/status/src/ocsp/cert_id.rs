use const_oid::{
    ObjectIdentifier,
    db::rfc5912::{ID_SHA_1, ID_SHA_256},
};
use der::{
    Sequence,
    asn1::{Any, OctetString},
};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use spki::AlgorithmIdentifierOwned;
use x509_cert::serial_number::SerialNumber;

use crate::Authority;

/// Which certificate is meant: its issuer by two hashes, and its serial number (`CertID`, RFC 6960 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertId {
    hash_algorithm: AlgorithmIdentifierOwned,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    serial_number: SerialNumber,
}

impl CertId {
    /// The certificate of `authority` with this number.
    ///
    /// # Errors
    /// None that is known; the encoder's type has one.
    pub fn new(authority: &Authority, serial_number: SerialNumber, digest: IdDigest) -> der::Result<Self> {
        Ok(Self {
            // RFC 5019 and every responder seen write the NULL.
            hash_algorithm: AlgorithmIdentifierOwned { oid: digest.oid(), parameters: Some(Any::null()) },
            issuer_name_hash: OctetString::new(digest.of(&authority.name_der))?,
            issuer_key_hash: OctetString::new(digest.of(authority.key.subject_public_key.raw_bytes()))?,
            serial_number,
        })
    }

    /// The certificate's number.
    #[must_use]
    pub const fn serial_number(&self) -> &SerialNumber {
        &self.serial_number
    }

    /// Whether the issuer that is meant is this one; never for a digest that is none of [`IdDigest`].
    #[must_use]
    pub fn is_of(&self, authority: &Authority) -> bool {
        let digest = IdDigest::ALL.into_iter().find(|digest| digest.oid() == self.hash_algorithm.oid);
        digest.is_some_and(|digest| {
            self.issuer_name_hash.as_bytes() == digest.of(&authority.name_der)
                && self.issuer_key_hash.as_bytes() == digest.of(authority.key.subject_public_key.raw_bytes())
        })
    }

    /// Whether both mean the same certificate in the same way; parameters of the digest may be NULL or absent.
    pub(super) fn means(&self, other: &Self) -> bool {
        self.hash_algorithm.oid == other.hash_algorithm.oid
            && self.issuer_name_hash == other.issuer_name_hash
            && self.issuer_key_hash == other.issuer_key_hash
            && self.serial_number == other.serial_number
    }
}

/// How a [`CertId`] names the issuer. The hash finds a CA among those a responder knows, nothing rests on it: whoever can find a
/// second name with the same hash still cannot sign for the CA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IdDigest {
    /// SHA-1: what every responder understands, and RFC 5019 §2.1.1 wants.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
}

impl IdDigest {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sha1, Self::Sha256];

    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => ID_SHA_1,
            Self::Sha256 => ID_SHA_256,
        }
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
        }
    }
}
