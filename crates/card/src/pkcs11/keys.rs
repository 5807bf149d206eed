//! Public keys as PKCS#11 has them, as SubjectPublicKeyInfo.

use cryptoki::{mechanism::Mechanism, object::Attribute, types::Ulong};
use der::{
    Decode, Encode,
    asn1::{Any, BitString, OctetStringRef, UintRef},
    oid::ObjectIdentifier,
};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use spki::AlgorithmIdentifierOwned;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// `RSAPublicKey` (RFC 8017 §A.1.1).
#[derive(der::Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// From CKA_MODULUS and CKA_PUBLIC_EXPONENT.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<SubjectPublicKeyInfoOwned> {
    let key = RsaPublicKey { modulus: UintRef::new(modulus).ok()?, exponent: UintRef::new(exponent).ok()? };
    public_key(RSA_ENCRYPTION, Any::null(), &key.to_der().ok()?)
}

/// From CKA_EC_PARAMS and CKA_EC_POINT. The point is DER (PKCS#11 2.40 §2.3.3), and bare in some modules.
pub(super) fn elliptic(parameters: &[u8], point: &[u8]) -> Option<SubjectPublicKeyInfoOwned> {
    let bare = <&OctetStringRef>::from_der(point).map_or(point, OctetStringRef::as_bytes);
    public_key(EC_PUBLIC_KEY, Any::from_der(parameters).ok()?, bare)
}

fn public_key(oid: ObjectIdentifier, parameters: Any, key: &[u8]) -> Option<SubjectPublicKeyInfoOwned> {
    let key = SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned { oid, parameters: Some(parameters) },
        subject_public_key: BitString::from_bytes(key).ok()?,
    };
    KeyAlgorithm::try_from(&key).is_ok().then_some(key)
}

/// Mechanism and attributes that make a key of this kind.
pub(super) fn generation(algorithm: KeyAlgorithm) -> Option<(Mechanism<'static>, Vec<Attribute>)> {
    match algorithm.curve() {
        Some(curve) => Some((Mechanism::EccKeyPairGen, vec![Attribute::EcParams(curve.to_der().ok()?)])),
        None => {
            let bits = Attribute::ModulusBits(Ulong::new(algorithm.bits().into()));
            let exponent = Attribute::PublicExponent(vec![1, 0, 1]);
            Some((Mechanism::RsaPkcsKeyPairGen, vec![bits, exponent]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_none_are_refused() {
        assert!(rsa(&[], &[]).is_none());
        assert!(rsa(&[0xFF; 256], &[2]).is_none());
        assert!(rsa(&[0xFF; 257], &[1, 0, 1]).is_none());
        assert!(rsa(&[0xFF; 256], &[1, 0, 1]).is_some());
        let curve = KeyAlgorithm::P256.curve().unwrap().to_der().unwrap();
        let point = [&[4][..], &[1; 64]].concat();
        assert!(elliptic(&curve, &point).is_some(), "bare");
        assert!(elliptic(&curve, &[&[4, 65][..], &point].concat()).is_some(), "in an OCTET STRING");
        assert!(elliptic(&curve, &point[..64]).is_none());
        assert!(elliptic(&[], &point).is_none());
        assert!(elliptic(&[0x30, 0x80], &point).is_none());
    }
}
