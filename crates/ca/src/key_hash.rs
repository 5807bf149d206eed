use der::{Decode, Sequence, asn1::UintRef};
use obnova_algorithm::{KeyAlgorithm, KeyError, SubjectPublicKeyInfoOwned};
use sha2::{Digest, Sha256};

/// Which key it is, however it is written: SHA-256 over what makes the key, the modulus or the point.
///
/// Not over the SubjectPublicKeyInfo: one RSA key can be passed off as another by another public exponent, and must not be
/// certified twice for that. Without NULL parameters it is no key at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 32]);

/// RFC 8017 §A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl KeyHash {
    /// Of a public key.
    ///
    /// # Errors
    /// [`KeyError`] when the key is none of [`KeyAlgorithm::ALL`].
    pub fn of(key: &SubjectPublicKeyInfoOwned) -> Result<Self, KeyError> {
        let algorithm = KeyAlgorithm::try_from(key)?;
        let bits = key.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
        if !algorithm.is_rsa() {
            return Ok(Self(Sha256::digest(bits).into()));
        }
        let rsa = RsaPublicKey::from_der(bits).map_err(|_| KeyError::Malformed)?;
        Ok(Self(Sha256::digest(rsa.modulus.as_bytes()).into()))
    }
}

#[cfg(test)]
mod tests {
    use der::{Encode, asn1::BitString};

    use super::*;
    use crate::CaKey;

    #[test]
    fn a_key_in_another_dress_is_the_same_key() {
        let key = CaKey::generate(KeyAlgorithm::Rsa2048).unwrap();
        let plain = key.public_key();
        let bits = plain.subject_public_key.as_bytes().unwrap();
        let rsa = RsaPublicKey::from_der(bits).unwrap();
        let other = RsaPublicKey { modulus: rsa.modulus, exponent: UintRef::new(&[1, 0, 3]).unwrap() };
        let mut other_exponent = plain.clone();
        other_exponent.subject_public_key = BitString::from_bytes(&other.to_der().unwrap()).unwrap();
        assert_ne!(&other_exponent, plain);
        assert_eq!(KeyHash::of(&other_exponent), KeyHash::of(plain));
        let mut without_null = plain.clone();
        without_null.algorithm.parameters = None;
        assert_eq!(KeyHash::of(&without_null), Err(KeyError::Malformed), "nor is it another key");
    }

    #[test]
    fn other_keys_are_others_and_what_is_no_key_has_no_hash() {
        let keys = [KeyAlgorithm::P256, KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048];
        let keys = keys.map(|algorithm| CaKey::generate(algorithm).unwrap());
        let hashes: std::collections::BTreeSet<_> =
            keys.iter().map(|key| KeyHash::of(key.public_key()).unwrap()).collect();
        assert_eq!(hashes.len(), 4);
        let mut torn = keys[3].public_key().clone();
        torn.subject_public_key = BitString::from_bytes(&torn.subject_public_key.raw_bytes()[..40]).unwrap();
        assert_eq!(KeyHash::of(&torn), Err(KeyError::Malformed));
    }
}
