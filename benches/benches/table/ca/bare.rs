//! What no CA can do without, and nothing around it.
//!
//! A transaction is four signatures of the CA (two certificates, the answer with them, the answer to the receipt) and four
//! verifications (two proofs of possession, and each old key's signature on the order). A connection is one ECDSA signature
//! with P-256 and one key agreement, the one that the server prefers: X25519 with ML-KEM-768.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use aws_lc_rs::{
    agreement::{PrivateKey, UnparsedPublicKey, X25519, agree},
    kem::{DecapsulationKey, EncapsulationKey, ML_KEM_768},
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_SHA256, UnparsedPublicKey as VerifyKey, VerificationAlgorithm,
    },
};
use obnova_algorithm::KeyAlgorithm;

use super::{Spent, process::Cpu};

const SIGNATURES: usize = 4;
const VERIFICATIONS: usize = 4;
/// About as long as what is signed.
const MESSAGE: [u8; 512] = [7; 512];

pub struct Bare {
    /// Of the TLS server.
    server: EcdsaKeyPair,
    key: Key,
    public: Vec<u8>,
    signature: Vec<u8>,
    client_x25519: Vec<u8>,
    client_ml_kem: Vec<u8>,
    handshakes: f64,
}

enum Key {
    Ec(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl Key {
    fn sign(&self) -> Vec<u8> {
        match self {
            Self::Ec(key) => key.sign(&SystemRandom::new(), &MESSAGE).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &MESSAGE, &mut signature).unwrap();
                signature
            }
        }
    }

    fn verified_by(&self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ec(_) => &ECDSA_P256_SHA256_ASN1,
            Self::Rsa(_) => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

impl Bare {
    /// With keys of this kind, and so many handshakes for each transaction.
    pub fn new(algorithm: KeyAlgorithm, handshakes: f64) -> Self {
        let curve = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let (key, public) = match algorithm {
            KeyAlgorithm::P256 => {
                let key = curve();
                let public = key.public_key().as_ref().to_vec();
                (Key::Ec(key), public)
            }
            KeyAlgorithm::Rsa2048 => {
                let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
                let public = key.public_key().as_ref().to_vec();
                (Key::Rsa(key), public)
            }
            other => panic!("no row for {other}"),
        };
        let signature = key.sign();
        let client_x25519 = PrivateKey::generate(&X25519).unwrap().compute_public_key().unwrap().as_ref().to_vec();
        let client_ml_kem = DecapsulationKey::generate(&ML_KEM_768).unwrap();
        let client_ml_kem = client_ml_kem.encapsulation_key().unwrap().key_bytes().unwrap().as_ref().to_vec();
        Self { server: curve(), key, public, signature, client_x25519, client_ml_kem, handshakes }
    }

    /// Works so long on so many threads.
    pub fn run(&self, threads: usize, time: Duration) -> Spent {
        let done = AtomicUsize::new(0);
        let (before, begin) = (Cpu::of_this_process(), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut handshakes = 0.0;
                    while begin.elapsed() < time {
                        (0..SIGNATURES).for_each(|_| drop(std::hint::black_box(self.key.sign())));
                        (0..VERIFICATIONS).for_each(|_| self.verify());
                        handshakes += self.handshakes;
                        while handshakes >= 1.0 {
                            handshakes -= 1.0;
                            self.handshake();
                        }
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let (time, processor) = (begin.elapsed(), Cpu::of_this_process() - before);
        let transactions = done.into_inner() as f64;
        Spent { time: time.as_secs_f64() / transactions, processor: processor.as_secs_f64() / transactions }
    }

    fn verify(&self) {
        VerifyKey::new(self.key.verified_by(), &self.public).verify(&MESSAGE, &self.signature).unwrap();
    }

    fn handshake(&self) {
        std::hint::black_box(self.server.sign(&SystemRandom::new(), &MESSAGE).unwrap());
        let own = PrivateKey::generate(&X25519).unwrap();
        std::hint::black_box(own.compute_public_key().unwrap());
        let theirs = UnparsedPublicKey::new(&X25519, &self.client_x25519);
        agree(&own, theirs, aws_lc_rs::error::Unspecified, |secret| Ok(std::hint::black_box(secret.len()))).unwrap();
        let theirs = EncapsulationKey::new(&ML_KEM_768, &self.client_ml_kem).unwrap();
        std::hint::black_box(theirs.encapsulate().unwrap());
    }
}
