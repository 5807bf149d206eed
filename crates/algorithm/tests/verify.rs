//! Signatures made by aws-lc-rs, checked, altered, and checked with the wrong key.

#![allow(clippy::unwrap_used)]

use aws_lc_rs::{encoding::AsDer, rand::SystemRandom, rsa, signature as sig};
use der::Decode;
use obnova_algorithm::{
    Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, Verifier, VerifyError, key_id,
};

const MESSAGE: &[u8] = b"two certificates or none";

fn spki(der: &[u8]) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned::from_der(der).unwrap()
}

fn ecdsa() -> (SubjectPublicKeyInfoOwned, Vec<u8>) {
    let key = sig::EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let signature = key.sign(&SystemRandom::new(), MESSAGE).unwrap();
    (spki(sig::KeyPair::public_key(&key).as_der().unwrap().as_ref()), signature.as_ref().to_vec())
}

fn rsa(padding: &'static dyn sig::RsaEncoding) -> (SubjectPublicKeyInfoOwned, Vec<u8>) {
    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
    (spki(sig::KeyPair::public_key(&key).as_der().unwrap().as_ref()), signature)
}

/// The verdict, which is the same whether the key is read for this signature or was read before.
fn verify(
    spki: &SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    let verdict = obnova_algorithm::verify(spki, algorithm, message, signature);
    let digest = algorithm.digest().of(message);
    assert_eq!(Verifier::new(spki, algorithm).and_then(|key| key.verify_digest(&digest, signature)), verdict);
    verdict
}

#[test]
fn a_digest_of_another_function_has_no_signature() {
    let (spki, signature) = ecdsa();
    let verifier = Verifier::new(&spki, SignatureAlgorithm::Ecdsa(Digest::Sha256)).unwrap();
    assert_eq!(verifier.verify_digest(&Digest::Sha256.of(MESSAGE), &signature), Ok(()));
    for digest in [Digest::Sha384, Digest::Sha512] {
        assert_eq!(verifier.verify_digest(&digest.of(MESSAGE), &signature), Err(VerifyError::WrongSignature));
    }
}

#[test]
fn a_signature_is_good_for_its_message_key_and_algorithm_only() {
    let cases = [
        (ecdsa(), KeyAlgorithm::P256, SignatureAlgorithm::Ecdsa(Digest::Sha256)),
        (rsa(&sig::RSA_PKCS1_SHA384), KeyAlgorithm::Rsa2048, SignatureAlgorithm::RsaPkcs1(Digest::Sha384)),
        (rsa(&sig::RSA_PSS_SHA512), KeyAlgorithm::Rsa2048, SignatureAlgorithm::RsaPss(Digest::Sha512)),
    ];
    for ((spki, signature), key, algorithm) in &cases {
        assert_eq!(KeyAlgorithm::try_from(spki), Ok(*key));
        assert_eq!(verify(spki, *algorithm, MESSAGE, signature), Ok(()));
        assert_eq!(verify(spki, *algorithm, b"another", signature), Err(VerifyError::WrongSignature));
        for length in 0..signature.len() {
            let truncated = &signature[..length];
            assert_eq!(verify(spki, *algorithm, MESSAGE, truncated), Err(VerifyError::WrongSignature));
        }
        let over_long = [signature.as_slice(), &[0]].concat();
        assert_eq!(verify(spki, *algorithm, MESSAGE, &over_long), Err(VerifyError::WrongSignature));
        for (_, other_key, other) in &cases {
            if other != algorithm {
                let verdict = verify(spki, *other, MESSAGE, signature);
                let wrong_kind = VerifyError::WrongKind { algorithm: *other, key: *key };
                let expected =
                    if other_key.is_rsa() == key.is_rsa() { VerifyError::WrongSignature } else { wrong_kind };
                assert_eq!(verdict, Err(expected));
            }
        }
    }
}

#[test]
fn the_key_id_is_the_sha1_of_modulus_or_point() {
    use sha1::{Digest as _, Sha1};
    let (spki, _) = ecdsa();
    let point = spki.subject_public_key.raw_bytes();
    assert_eq!(key_id(&spki).unwrap().as_slice(), Sha1::digest(point).as_slice());

    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let public = sig::KeyPair::public_key(&key);
    let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
    let spki = self::spki(public.as_der().unwrap().as_ref());
    assert_eq!(key_id(&spki).unwrap().as_slice(), Sha1::digest(&modulus).as_slice());
}
