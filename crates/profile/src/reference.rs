//! How keys and algorithms are named on the wire (§4).

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};

/// Algorithms for which cards of the profile make keys.
pub const KEY_ALGORITHMS: [KeyAlgorithm; 4] =
    [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072, KeyAlgorithm::P256, KeyAlgorithm::P384];

/// The byte for a key algorithm in GENERATE ASYMMETRIC KEY PAIR and in the status; `None` for those the profile has not.
#[must_use]
pub const fn key(algorithm: KeyAlgorithm) -> Option<u8> {
    match algorithm {
        KeyAlgorithm::Rsa2048 => Some(0x01),
        KeyAlgorithm::Rsa3072 => Some(0x02),
        KeyAlgorithm::P256 => Some(0x11),
        KeyAlgorithm::P384 => Some(0x12),
        KeyAlgorithm::Rsa4096 => None,
    }
}

/// Reads the byte for a key algorithm.
#[must_use]
pub fn key_from(code: u8) -> Option<KeyAlgorithm> {
    KEY_ALGORITHMS.into_iter().find(|algorithm| key(*algorithm) == Some(code))
}

/// The byte for a signature algorithm in MANAGE SECURITY ENVIRONMENT: the card pads, the hash comes in PERFORM SECURITY
/// OPERATION. The high half names the scheme, the low half the hash.
#[must_use]
pub const fn signature(algorithm: SignatureAlgorithm) -> u8 {
    let scheme = match algorithm {
        SignatureAlgorithm::RsaPkcs1(_) => 0x40,
        SignatureAlgorithm::RsaPss(_) => 0x50,
        SignatureAlgorithm::Ecdsa(_) => 0x60,
    };
    scheme
        | match algorithm.digest() {
            Digest::Sha256 => 1,
            Digest::Sha384 => 2,
            Digest::Sha512 => 3,
        }
}

/// Reads the byte for a signature algorithm.
#[must_use]
pub fn signature_from(code: u8) -> Option<SignatureAlgorithm> {
    Digest::ALL
        .into_iter()
        .flat_map(|hash| {
            [SignatureAlgorithm::RsaPkcs1(hash), SignatureAlgorithm::RsaPss(hash), SignatureAlgorithm::Ecdsa(hash)]
        })
        .find(|algorithm| signature(*algorithm) == code)
}

/// MyEID's algorithm reference for RSA: the block comes padded.
pub const MYEID_RSA_RAW: u8 = 0x00;
/// MyEID's algorithm reference for PKCS#1 v1.5 padding by the card over a DigestInfo that comes ready.
pub const MYEID_RSA_PKCS1: u8 = 0x02;
/// MyEID's algorithm reference for ECDSA: the hash comes as it is, the signature goes as DER.
pub const MYEID_ECDSA: u8 = 0x04;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_round_trip_and_do_not_collide() {
        assert_eq!((0..=255).filter_map(key_from).count(), KEY_ALGORITHMS.len());
        let signatures: Vec<_> = (0..=255).filter_map(|code| Some((code, signature_from(code)?))).collect();
        assert_eq!(signatures.len(), 9);
        for (code, algorithm) in signatures {
            assert_eq!(signature(algorithm), code);
            assert!(![MYEID_RSA_RAW, MYEID_RSA_PKCS1, MYEID_ECDSA].contains(&code));
        }
    }
}
