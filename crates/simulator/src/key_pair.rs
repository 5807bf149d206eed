use aws_lc_rs::digest as lc;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    RsaKeyPair,
};
use obnova_algorithm::{Digest, DigestValue, KeyAlgorithm};
use obnova_profile::PublicKeyTemplate;
use zeroize::Zeroizing;

use crate::{raw_rsa, rsa_key};

/// A key in a slot, ready to sign. It cannot be shown.
pub(crate) struct KeyPair {
    algorithm: KeyAlgorithm,
    /// PKCS#8.
    private: Zeroizing<Vec<u8>>,
    signer: Signer,
}

enum Signer {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

/// The key could not be made, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyFailure;

impl KeyPair {
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyFailure> {
        let private = match algorithm {
            KeyAlgorithm::Rsa2048 => rsa_key::generate(KeySize::Rsa2048)?,
            KeyAlgorithm::Rsa3072 => rsa_key::generate(KeySize::Rsa3072)?,
            KeyAlgorithm::P256 => ecdsa_private(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            KeyAlgorithm::P384 => ecdsa_private(&ECDSA_P384_SHA384_ASN1_SIGNING)?,
            KeyAlgorithm::Rsa4096 => return Err(KeyFailure),
        };
        Self::from_pkcs8(algorithm, private)
    }

    /// Reads a key, which must be of this algorithm.
    pub(crate) fn from_pkcs8(algorithm: KeyAlgorithm, private: Zeroizing<Vec<u8>>) -> Result<Self, KeyFailure> {
        let ecdsa =
            |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, &private).map(Signer::Ecdsa).map_err(|_| KeyFailure);
        let signer = match algorithm {
            KeyAlgorithm::P256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            KeyAlgorithm::P384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING)?,
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
                let pair = RsaKeyPair::from_pkcs8(&private).map_err(|_| KeyFailure)?;
                if pair.public_modulus_len() * 8 != algorithm.bits() as usize {
                    return Err(KeyFailure);
                }
                Signer::Rsa(pair)
            }
        };
        Ok(Self { algorithm, private, signer })
    }

    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// PKCS#8.
    /// PKCS#8, in what wipes it.
    pub(crate) fn private(&self) -> &Zeroizing<Vec<u8>> {
        &self.private
    }

    pub(crate) fn public(&self) -> PublicKeyTemplate {
        match &self.signer {
            Signer::Rsa(pair) => PublicKeyTemplate::Rsa {
                modulus: pair.public_key().modulus().big_endian_without_leading_zero().to_vec(),
                exponent: pair.public_key().exponent().big_endian_without_leading_zero().to_vec(),
            },
            Signer::Ecdsa(pair) => PublicKeyTemplate::Point(pair.public_key().as_ref().to_vec()),
        }
    }

    /// RSASSA-PKCS1-v1_5 over a hash.
    pub(crate) fn sign_pkcs1(&self, hash: &DigestValue) -> Result<Vec<u8>, KeyFailure> {
        self.sign_rsa(
            hash,
            match hash.digest() {
                Digest::Sha256 => &RSA_PKCS1_SHA256,
                Digest::Sha384 => &RSA_PKCS1_SHA384,
                Digest::Sha512 => &RSA_PKCS1_SHA512,
            },
        )
    }

    /// RSASSA-PSS over a hash, salt as long as the hash.
    pub(crate) fn sign_pss(&self, hash: &DigestValue) -> Result<Vec<u8>, KeyFailure> {
        self.sign_rsa(
            hash,
            match hash.digest() {
                Digest::Sha256 => &RSA_PSS_SHA256,
                Digest::Sha384 => &RSA_PSS_SHA384,
                Digest::Sha512 => &RSA_PSS_SHA512,
            },
        )
    }

    fn sign_rsa(&self, hash: &DigestValue, encoding: &'static dyn RsaEncoding) -> Result<Vec<u8>, KeyFailure> {
        let Signer::Rsa(pair) = &self.signer else {
            return Err(KeyFailure);
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign_digest(encoding, &import(hash)?, &mut signature).map_err(|_| KeyFailure)?;
        Ok(signature)
    }

    /// RSASP1 over a block as long as the modulus, padded by whoever sent it. A block that is PKCS#1 v1.5 of a hash we know
    /// takes the fast road.
    pub(crate) fn sign_block(&self, block: &[u8]) -> Result<Vec<u8>, KeyFailure> {
        let Signer::Rsa(pair) = &self.signer else {
            return Err(KeyFailure);
        };
        if block.len() != pair.public_modulus_len() {
            return Err(KeyFailure);
        }
        match pkcs1_hash(block) {
            Some(hash) => self.sign_pkcs1(&hash),
            None => raw_rsa::sign(&self.private, block),
        }
    }

    /// RSASSA-PKCS1-v1_5 over a DigestInfo that comes ready (or anything else that leaves room for the padding).
    pub(crate) fn sign_digest_info(&self, info: &[u8]) -> Result<Vec<u8>, KeyFailure> {
        let modulus = self.algorithm.bits() as usize / 8;
        let padding = modulus.checked_sub(info.len() + 3).filter(|padding| *padding >= 8).ok_or(KeyFailure)?;
        self.sign_block(&[&[0, 1], &vec![0xFF; padding][..], &[0], info].concat())
    }

    /// ECDSA over a hash of any length (FIPS 186-5 §6.4.1: its leftmost bits count), as DER.
    pub(crate) fn sign_ecdsa(&self, hash: &[u8]) -> Result<Vec<u8>, KeyFailure> {
        let Signer::Ecdsa(pair) = &self.signer else {
            return Err(KeyFailure);
        };
        let (size, name) = match self.algorithm {
            KeyAlgorithm::P256 => (32, &lc::SHA256),
            _ => (48, &lc::SHA384),
        };
        let mut number = vec![0; size];
        let leftmost = &hash[..hash.len().min(size)];
        number[size - leftmost.len()..].copy_from_slice(leftmost);
        let hash = lc::Digest::import_less_safe(&number, name).map_err(|_| KeyFailure)?;
        pair.sign_digest(&hash).map(|signature| signature.as_ref().to_vec()).map_err(|_| KeyFailure)
    }
}

fn ecdsa_private(algorithm: &'static EcdsaSigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| KeyFailure)?;
    Ok(Zeroizing::new(pair.to_pkcs8v1().map_err(|_| KeyFailure)?.as_ref().to_vec()))
}

fn import(hash: &DigestValue) -> Result<lc::Digest, KeyFailure> {
    let name = match hash.digest() {
        Digest::Sha256 => &lc::SHA256,
        Digest::Sha384 => &lc::SHA384,
        Digest::Sha512 => &lc::SHA512,
    };
    lc::Digest::import_less_safe(hash.as_bytes(), name).map_err(|_| KeyFailure)
}

/// The hash in a block that is EMSA-PKCS1-v1_5 (RFC 8017 §9.2) of one.
fn pkcs1_hash(block: &[u8]) -> Option<DigestValue> {
    let padded = block.strip_prefix(&[0, 1])?;
    let padding = padded.iter().take_while(|byte| **byte == 0xFF).count();
    let info = padded[padding..].strip_prefix(&[0])?;
    Digest::ALL
        .into_iter()
        .filter(|_| padding >= 8)
        .find_map(|digest| DigestValue::from_bytes(digest, info.strip_prefix(digest.digest_info_prefix())?))
}

#[cfg(test)]
mod tests {
    use obnova_algorithm::{SignatureAlgorithm, verify_digest};

    use super::*;

    fn check(key: &KeyPair, algorithm: SignatureAlgorithm, hash: &DigestValue, signature: &[u8]) {
        verify_digest(&key.public().to_spki().unwrap(), algorithm, hash, signature).unwrap();
    }

    #[test]
    fn an_rsa_key_signs_hashes_padded_blocks_and_digest_infos_alike() {
        let key = KeyPair::generate(KeyAlgorithm::Rsa2048).unwrap();
        for digest in Digest::ALL {
            let hash = digest.of(b"message");
            check(&key, SignatureAlgorithm::RsaPkcs1(digest), &hash, &key.sign_pkcs1(&hash).unwrap());
            check(&key, SignatureAlgorithm::RsaPss(digest), &hash, &key.sign_pss(&hash).unwrap());
            assert_eq!(key.sign_digest_info(&hash.digest_info()), key.sign_pkcs1(&hash));
        }
        let hash = Digest::Sha256.of(b"message");
        let block = [&[0, 1][..], &[0xFF; 202], &[0], &hash.digest_info()].concat();
        assert_eq!(raw_rsa::sign(key.private(), &block), key.sign_pkcs1(&hash), "the slow road gives the same");
        assert_eq!(key.sign_ecdsa(hash.as_bytes()), Err(KeyFailure));
    }

    #[test]
    fn blocks_of_another_size_or_not_below_the_modulus_are_refused() {
        let key = KeyPair::generate(KeyAlgorithm::Rsa2048).unwrap();
        for length in [0, 1, 255, 257] {
            assert_eq!(key.sign_block(&vec![1; length]), Err(KeyFailure));
        }
        assert_eq!(key.sign_block(&[0xFF; 256]), Err(KeyFailure));
        assert_eq!(key.sign_digest_info(&[0; 246]), Err(KeyFailure));
        assert!(key.sign_digest_info(&[0; 245]).is_ok());
    }

    #[test]
    fn elliptic_curve_keys_sign_hashes_of_every_length() {
        for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384] {
            let key = KeyPair::generate(algorithm).unwrap();
            for digest in Digest::ALL {
                let hash = digest.of(b"message");
                let signature = key.sign_ecdsa(hash.as_bytes()).unwrap();
                check(&key, SignatureAlgorithm::Ecdsa(digest), &hash, &signature);
            }
            assert_eq!(key.sign_pkcs1(&Digest::Sha256.of(b"")), Err(KeyFailure));
            assert_eq!(key.sign_block(&[0; 256]), Err(KeyFailure));
        }
    }

    #[test]
    fn a_key_is_read_back_only_as_what_it_is() {
        let key = KeyPair::generate(KeyAlgorithm::P256).unwrap();
        let private = || Zeroizing::new(key.private().to_vec());
        assert_eq!(KeyPair::from_pkcs8(KeyAlgorithm::P256, private()).unwrap().public(), key.public());
        for algorithm in [KeyAlgorithm::P384, KeyAlgorithm::Rsa2048] {
            assert!(KeyPair::from_pkcs8(algorithm, private()).is_err());
        }
        for end in 0..key.private().len() {
            let cut = Zeroizing::new(key.private()[..end].to_vec());
            assert!(KeyPair::from_pkcs8(KeyAlgorithm::P256, cut).is_err());
        }
    }
}
