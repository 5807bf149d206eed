//! Signatures by mechanisms that take a digest.

use cryptoki::{
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsPssParams},
    },
    object::ObjectHandle,
};
use der::{Encode, asn1::UintRef};
use obnova_algorithm::{Digest, DigestValue, KeyAlgorithm, SignatureAlgorithm};

use super::{conversation::Conversation, objects::Pair};
use crate::{TokenError, check::check_signature};

const CALL: &str = "C_Sign";

/// A signature by the private key of a pair, that verifies under its public key. `about` says where the key is.
pub(super) fn sign(
    card: &Conversation,
    about: &str,
    (pair, private): (&Pair, ObjectHandle),
    algorithm: SignatureAlgorithm,
    digest: &DigestValue,
) -> Result<Vec<u8>, TokenError> {
    let (mechanism, data) = order(pair.algorithm, algorithm, digest);
    let signature = card.sign(&format!("{algorithm} {about}"), &mechanism, private, &data)?;
    let signature = if pair.algorithm.is_rsa() {
        signature
    } else {
        ecdsa_der(pair.algorithm, &signature).ok_or(TokenError::WrongSignature { command: CALL })?
    };
    check_signature(CALL, &pair.key, algorithm, digest, &signature)?;
    Ok(signature)
}

/// What a token with these mechanisms signs with such a key; what suits it best comes first.
pub(super) fn algorithms(key: KeyAlgorithm, mechanisms: &[MechanismType]) -> Vec<SignatureAlgorithm> {
    let of_mechanism = |algorithm: &SignatureAlgorithm| match algorithm {
        SignatureAlgorithm::RsaPkcs1(_) => MechanismType::RSA_PKCS,
        SignatureAlgorithm::RsaPss(_) => MechanismType::RSA_PKCS_PSS,
        SignatureAlgorithm::Ecdsa(_) => MechanismType::ECDSA,
    };
    let mut algorithms = crate::check::algorithms(key);
    algorithms.retain(|algorithm| mechanisms.contains(&of_mechanism(algorithm)));
    algorithms
}

/// The mechanism, and what it is given to sign.
fn order(key: KeyAlgorithm, algorithm: SignatureAlgorithm, digest: &DigestValue) -> (Mechanism<'static>, Vec<u8>) {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(_) => (Mechanism::RsaPkcs, digest.digest_info()),
        SignatureAlgorithm::RsaPss(hash) => (Mechanism::RsaPkcsPss(pss(hash)), digest.as_bytes().to_vec()),
        SignatureAlgorithm::Ecdsa(_) => {
            // FIPS 186-4 §6.4: the leftmost bits of the hash, as many as the curve's order has; modules that do not cut
            // it themselves refuse a longer one.
            let hash = digest.as_bytes();
            let longest = hash.len().min(key.bits() as usize / 8);
            (Mechanism::Ecdsa, hash[..longest].to_vec())
        }
    }
}

fn pss(digest: Digest) -> PkcsPssParams {
    let (hash_alg, mgf) = match digest {
        Digest::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        Digest::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        Digest::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
    };
    let s_len = match digest {
        Digest::Sha256 => 32,
        Digest::Sha384 => 48,
        Digest::Sha512 => 64,
    };
    PkcsPssParams { hash_alg, mgf, s_len: s_len.into() }
}

/// `Ecdsa-Sig-Value` (RFC 3279 §2.2.3).
#[derive(der::Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// DER of what CKM_ECDSA returns: r and s, each as long as the curve's order.
fn ecdsa_der(key: KeyAlgorithm, raw: &[u8]) -> Option<Vec<u8>> {
    let half = key.bits() as usize / 8;
    if raw.len() != 2 * half {
        return None;
    }
    let (r, s) = raw.split_at(half);
    EcdsaSignature { r: UintRef::new(r).ok()?, s: UintRef::new(s).ok()? }.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_ecdsa_signatures_of_another_length_are_refused() {
        assert!(ecdsa_der(KeyAlgorithm::P256, &[1; 63]).is_none());
        assert!(ecdsa_der(KeyAlgorithm::P256, &[]).is_none());
        assert!(ecdsa_der(KeyAlgorithm::P384, &[1; 64]).is_none());
        let der = ecdsa_der(KeyAlgorithm::P256, &[0x80; 64]).unwrap();
        assert_eq!((der.len(), der[2], der[3], der[4]), (72, 2, 33, 0));
    }

    #[test]
    fn the_best_algorithm_comes_first() {
        let all = [MechanismType::RSA_PKCS_PSS, MechanismType::RSA_PKCS, MechanismType::ECDSA];
        for key in KeyAlgorithm::ALL {
            let algorithms = algorithms(key, &all);
            assert_eq!(algorithms[0], SignatureAlgorithm::default_for(key));
            assert_eq!(algorithms.len(), if key.is_rsa() { 6 } else { 3 });
        }
        assert!(algorithms(KeyAlgorithm::P256, &[MechanismType::RSA_PKCS]).is_empty());
    }
}
