//! The primitive without anything around it.

use aws_lc_rs::{digest as lc, encoding::AsDer, rsa, signature as sig};
use obnova_algorithm::{
    Digest::{Sha256, Sha384},
    DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, Verifier,
};
use x509_cert::der::Decode;

pub enum BareKey {
    Rsa(rsa::KeyPair),
    Ec(sig::EcdsaKeyPair),
}

impl BareKey {
    pub fn generate(algorithm: KeyAlgorithm) -> Self {
        let rsa = |size| Self::Rsa(rsa::KeyPair::generate(size).unwrap());
        let ec = |curve| Self::Ec(sig::EcdsaKeyPair::generate(curve).unwrap());
        match algorithm {
            KeyAlgorithm::Rsa2048 => rsa(rsa::KeySize::Rsa2048),
            KeyAlgorithm::Rsa3072 => rsa(rsa::KeySize::Rsa3072),
            KeyAlgorithm::Rsa4096 => rsa(rsa::KeySize::Rsa4096),
            KeyAlgorithm::P256 => ec(&sig::ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyAlgorithm::P384 => ec(&sig::ECDSA_P384_SHA384_ASN1_SIGNING),
        }
    }

    /// Reads the public key, to check signatures.
    pub fn verifier(&self, algorithm: SignatureAlgorithm) -> Verifier {
        Verifier::new(&self.public_key(), algorithm).unwrap()
    }

    pub fn public_key(&self) -> SubjectPublicKeyInfoOwned {
        let der = match self {
            Self::Rsa(key) => sig::KeyPair::public_key(key).as_der().unwrap(),
            Self::Ec(key) => sig::KeyPair::public_key(key).as_der().unwrap(),
        };
        SubjectPublicKeyInfoOwned::from_der(der.as_ref()).unwrap()
    }

    pub fn sign(&self, algorithm: SignatureAlgorithm, digest: &DigestValue) -> Vec<u8> {
        let hash = if digest.digest() == Sha384 { &lc::SHA384 } else { &lc::SHA256 };
        let digest = lc::Digest::import_less_safe(digest.as_bytes(), hash).unwrap();
        match self {
            Self::Ec(key) => key.sign_digest(&digest).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let padding: &'static dyn sig::RsaEncoding = match algorithm {
                    SignatureAlgorithm::RsaPkcs1(Sha256) => &sig::RSA_PKCS1_SHA256,
                    SignatureAlgorithm::RsaPss(Sha256) => &sig::RSA_PSS_SHA256,
                    other => panic!("no row for {other}"),
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(padding, &digest, &mut signature).unwrap();
                signature
            }
        }
    }
}
