//! Keys that stand for a card: they show a public key and sign.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{self as sig, KeyPair as _},
};
use der::Decode;
use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned};

pub enum Card {
    Rsa(rsa::KeyPair, &'static dyn sig::RsaEncoding),
    Ec(sig::EcdsaKeyPair),
}

impl Card {
    pub fn new(algorithm: SignatureAlgorithm, p384: bool) -> Self {
        let rsa = || rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let ec = |with| Self::Ec(sig::EcdsaKeyPair::generate(with).unwrap());
        match algorithm {
            SignatureAlgorithm::RsaPkcs1(Digest::Sha256) => Self::Rsa(rsa(), &sig::RSA_PKCS1_SHA256),
            SignatureAlgorithm::RsaPkcs1(Digest::Sha512) => Self::Rsa(rsa(), &sig::RSA_PKCS1_SHA512),
            SignatureAlgorithm::RsaPss(Digest::Sha256) => Self::Rsa(rsa(), &sig::RSA_PSS_SHA256),
            SignatureAlgorithm::RsaPss(Digest::Sha384) => Self::Rsa(rsa(), &sig::RSA_PSS_SHA384),
            SignatureAlgorithm::Ecdsa(Digest::Sha256) if !p384 => ec(&sig::ECDSA_P256_SHA256_ASN1_SIGNING),
            SignatureAlgorithm::Ecdsa(Digest::Sha384) if p384 => ec(&sig::ECDSA_P384_SHA384_ASN1_SIGNING),
            other => unimplemented!("no test needs {other}"),
        }
    }

    pub fn p256() -> Self {
        Self::new(SignatureAlgorithm::Ecdsa(Digest::Sha256), false)
    }

    pub fn key(&self) -> SubjectPublicKeyInfoOwned {
        let der = match self {
            Self::Rsa(key, _) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ec(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
        };
        SubjectPublicKeyInfoOwned::from_der(&der).unwrap()
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key, padding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*padding, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        }
    }
}
