//! Public keys that are none: wrong sizes, wrong curves, torn and over-long encodings.

#![allow(clippy::unwrap_used)]

use const_oid::ObjectIdentifier;
use der::{
    Encode, Sequence, Tag,
    asn1::{Any, BitString, UintRef},
};
use obnova_algorithm::{KeyAlgorithm, KeyError, SubjectPublicKeyInfoOwned, key_id, spki::AlgorithmIdentifierOwned};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

fn spki(oid: ObjectIdentifier, parameters: Option<Any>, key: &[u8]) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned { oid, parameters },
        subject_public_key: BitString::from_bytes(key).unwrap(),
    }
}

fn rsa_der(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = RsaPublicKey { modulus: UintRef::new(modulus).unwrap(), exponent: UintRef::new(exponent).unwrap() };
    key.to_der().unwrap()
}

fn verdict(key: &SubjectPublicKeyInfoOwned) -> Result<KeyAlgorithm, KeyError> {
    let verdict = KeyAlgorithm::try_from(key);
    assert_eq!(key_id(key).err(), verdict.err(), "key_id refuses what KeyAlgorithm refuses");
    verdict
}

#[test]
fn rsa_keys_of_odd_sizes_and_exponents_are_refused() {
    let key = |modulus: &[u8], exponent: &[u8]| verdict(&spki(RSA, Some(Any::null()), &rsa_der(modulus, exponent)));
    assert_eq!(key(&[0xC1; 256], &[1, 0, 1]), Ok(KeyAlgorithm::Rsa2048));
    assert_eq!(key(&[0xC1; 384], &[3]), Ok(KeyAlgorithm::Rsa3072));
    assert_eq!(key(&[0xC1; 128], &[1, 0, 1]), Err(KeyError::RsaSize { bits: 1024 }));
    assert_eq!(key(&[0x41; 256], &[1, 0, 1]), Err(KeyError::RsaSize { bits: 2047 }));
    assert_eq!(key(&[0xC1; 65_000], &[1, 0, 1]), Err(KeyError::RsaSize { bits: 520_000 }));
    for exponent in [&[0][..], &[1], &[2], &[1, 0, 0]] {
        assert_eq!(key(&[0xC1; 256], exponent), Err(KeyError::Malformed));
    }
}

#[test]
fn a_torn_or_over_long_rsa_key_is_malformed() {
    let whole = rsa_der(&[0xC1; 256], &[1, 0, 1]);
    for length in 0..whole.len() {
        assert_eq!(verdict(&spki(RSA, Some(Any::null()), &whole[..length])), Err(KeyError::Malformed));
    }
    assert_eq!(verdict(&spki(RSA, Some(Any::null()), &[whole.as_slice(), &[0]].concat())), Err(KeyError::Malformed));
}

#[test]
fn rsa_parameters_are_null_and_nothing_else() {
    let whole = rsa_der(&[0xC1; 256], &[1, 0, 1]);
    assert_eq!(verdict(&spki(RSA, Some(Any::null()), &whole)), Ok(KeyAlgorithm::Rsa2048));
    for parameters in [None, Some(Any::new(Tag::OctetString, []).unwrap()), Some(Any::encode_from(&P256).unwrap())] {
        assert_eq!(verdict(&spki(RSA, parameters, &whole)), Err(KeyError::Malformed));
    }
}

#[test]
fn points_must_be_uncompressed_and_of_their_curves_size() {
    let on = |curve, point: &[u8]| verdict(&spki(EC, Some(Any::encode_from(&curve).unwrap()), point));
    let mut point = [7; 65];
    point[0] = 4;
    assert_eq!(on(P256, &point), Ok(KeyAlgorithm::P256));
    for length in 0..65 {
        assert_eq!(on(P256, &point[..length]), Err(KeyError::Malformed));
    }
    point[0] = 2;
    assert_eq!(on(P256, &point), Err(KeyError::Malformed));
    assert_eq!(on(P521, &point), Err(KeyError::UnknownAlgorithm { oid: P521 }));
    assert_eq!(verdict(&spki(EC, None, &point)), Err(KeyError::Malformed));
    assert_eq!(verdict(&spki(EC, Some(Any::null()), &point)), Err(KeyError::Malformed));
    assert_eq!(verdict(&spki(P256, None, &point)), Err(KeyError::UnknownAlgorithm { oid: P256 }));
}
