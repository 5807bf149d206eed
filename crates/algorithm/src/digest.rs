use const_oid::{ObjectIdentifier, db::rfc5912};
use sha2::{
    Digest as _, Sha256, Sha384, Sha512,
    digest::{FixedOutputReset, Output},
};
use spki::AlgorithmIdentifierOwned;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::UnknownAlgorithm;

/// A hash function of FIPS 180-4 that signatures here are made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Digest {
    /// Every digest, weakest first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Hashes `message`.
    #[must_use]
    pub fn of(self, message: &[u8]) -> DigestValue {
        let mut bytes = [0; 64];
        match self {
            Self::Sha256 => bytes[..32].copy_from_slice(&Sha256::digest(message)),
            Self::Sha384 => bytes[..48].copy_from_slice(&Sha384::digest(message)),
            Self::Sha512 => bytes.copy_from_slice(&Sha512::digest(message)),
        }
        DigestValue { digest: self, bytes }
    }

    /// Hashes `message` to a secret: a password's hash, or a key. Unlike a [`DigestValue`] it is wiped when dropped, and so is
    /// what computed it.
    #[must_use]
    pub fn of_secret(self, message: &[u8]) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha256 => secret::<Sha256, 32>(message),
            Self::Sha384 => secret::<Sha384, 48>(message),
            Self::Sha512 => secret::<Sha512, 64>(message),
        }
    }

    /// Length of the hash in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Object identifier of the hash (RFC 5754 §2).
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => rfc5912::ID_SHA_256,
            Self::Sha384 => rfc5912::ID_SHA_384,
            Self::Sha512 => rfc5912::ID_SHA_512,
        }
    }

    /// AlgorithmIdentifier with absent parameters, as RFC 5754 §2 asks of writers.
    #[must_use]
    pub const fn identifier(self) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned { oid: self.oid(), parameters: None }
    }

    /// DER that stands before the hash in a DigestInfo (RFC 8017 §9.2, note 1).
    #[must_use]
    pub const fn digest_info_prefix(self) -> &'static [u8; 19] {
        match self {
            Self::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
            Self::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
            Self::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        }
    }
}

fn secret<H, const N: usize>(message: &[u8]) -> Zeroizing<Vec<u8>>
where
    H: sha2::Digest + FixedOutputReset + ZeroizeOnDrop,
    for<'a> &'a mut Output<H>: From<&'a mut [u8; N]>,
{
    let (mut hasher, mut hash) = (H::new(), Zeroizing::new([0; N]));
    sha2::Digest::update(&mut hasher, message);
    // Into the room that is wiped, and without moving the hasher: what is moved leaves a copy behind.
    sha2::Digest::finalize_into_reset(&mut hasher, (&mut *hash).into());
    Zeroizing::new(hash.to_vec())
}

impl TryFrom<&AlgorithmIdentifierOwned> for Digest {
    type Error = UnknownAlgorithm;

    /// Reads the identifier; parameters may be absent or NULL (RFC 5754 §2 asks readers for both).
    fn try_from(identifier: &AlgorithmIdentifierOwned) -> Result<Self, UnknownAlgorithm> {
        let parameters_are_plain = identifier.parameters.as_ref().is_none_or(der::asn1::Any::is_null);
        Self::ALL
            .into_iter()
            .find(|digest| digest.oid() == identifier.oid && parameters_are_plain)
            .ok_or(UnknownAlgorithm { oid: identifier.oid })
    }
}

/// A hash together with the function that made it: what is handed to a card to be signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DigestValue {
    digest: Digest,
    bytes: [u8; 64],
}

impl DigestValue {
    /// Takes a hash that was computed elsewhere; `None` when its length is not `digest`'s.
    #[must_use]
    pub fn from_bytes(digest: Digest, hash: &[u8]) -> Option<Self> {
        let mut bytes = [0; 64];
        (hash.len() == digest.size()).then(|| bytes[..hash.len()].copy_from_slice(hash))?;
        Some(Self { digest, bytes })
    }

    /// The function.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.digest.size()]
    }

    /// The hash as DER DigestInfo (RFC 8017 §9.2), what a PKCS#1 v1.5 card pads and signs.
    #[must_use]
    pub fn digest_info(&self) -> Vec<u8> {
        [self.digest.digest_info_prefix(), self.as_bytes()].concat()
    }
}

impl AsRef<[u8]> for DigestValue {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl std::fmt::Debug for DigestValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}(", self.digest)?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use der::{Decode, Encode, Sequence, asn1::OctetString};

    use super::*;

    #[derive(Sequence)]
    struct DigestInfo {
        algorithm: AlgorithmIdentifierOwned,
        hash: OctetString,
    }

    #[test]
    fn digest_info_is_the_der_it_claims_to_be() {
        for digest in Digest::ALL {
            let value = digest.of(b"abc");
            let info = DigestInfo::from_der(&value.digest_info()).unwrap();
            assert_eq!(Digest::try_from(&info.algorithm).unwrap(), digest);
            assert_eq!(info.hash.as_bytes(), value.as_bytes());
            assert_eq!(info.to_der().unwrap(), value.digest_info());
        }
    }

    #[test]
    fn a_secret_is_hashed_to_the_same_and_wiped() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        for digest in Digest::ALL {
            for length in [0, 3, 64, 129] {
                let message = vec![7; length];
                let hash = digest.of_secret(&message);
                assert_eq!(*hash, digest.of(&message).as_bytes());
                wiped(&hash);
            }
        }
        wiped(&Sha256::new());
        wiped(&Sha384::new());
        wiped(&Sha512::new());
    }

    #[test]
    fn a_hash_of_another_length_is_refused() {
        assert!(DigestValue::from_bytes(Digest::Sha256, &[0; 31]).is_none());
        assert!(DigestValue::from_bytes(Digest::Sha256, &[0; 33]).is_none());
        assert_eq!(DigestValue::from_bytes(Digest::Sha256, &[7; 32]).unwrap().as_bytes(), [7; 32]);
    }
}
