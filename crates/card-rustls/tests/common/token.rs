//! A token with one key in slot 1, which can do no more than list and sign.

use std::sync::{Arc, Mutex};

use aws_lc_rs::{digest as lc, encoding::AsDer, rsa, signature as sig};
use obnova_algorithm::{
    Digest::{self, Sha256, Sha384},
    DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, key_id,
};
use obnova_card::{
    Capabilities, CertificateEntry, GenerateKey, Identity, InstallCertificate, KeyEntry, KeyRole, PasswordKind,
    PasswordStatus, Pin, Removal, Secret, SignDigest, Slot, SlotId, Token, TokenError, Tries,
};
use obnova_transport::TransportError;
use x509_cert::der::Decode;

use super::pki::Pki;

pub const PIN: &str = "1234";
pub const SLOT: SlotId = SlotId(1);
const PASSWORD: PasswordKind = PasswordKind::AuthenticationPin;

enum Key {
    Rsa(rsa::KeyPair),
    Ec(sig::EcdsaKeyPair),
}

/// What a test may watch and break while a login has the token.
pub struct Wires {
    pub tries: u8,
    pub signatures: usize,
    pub removed: bool,
    pub spoiled: bool,
}

pub struct SoftToken {
    key: Key,
    pub slot: Slot,
    pub wires: Arc<Mutex<Wires>>,
}

impl SoftToken {
    pub fn new(pki: &Pki, algorithm: KeyAlgorithm, signs: &[SignatureAlgorithm]) -> Self {
        let ec = |curve| Key::Ec(sig::EcdsaKeyPair::generate(curve).unwrap());
        let key = match algorithm {
            KeyAlgorithm::P256 => ec(&sig::ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyAlgorithm::P384 => ec(&sig::ECDSA_P384_SHA384_ASN1_SIGNING),
            _ => Key::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap()),
        };
        let public = match &key {
            Key::Rsa(key) => sig::KeyPair::public_key(key).as_der().unwrap(),
            Key::Ec(key) => sig::KeyPair::public_key(key).as_der().unwrap(),
        };
        let public = SubjectPublicKeyInfoOwned::from_der(public.as_ref()).unwrap();
        let certificate =
            CertificateEntry { label: "login".into(), der: pki.holder(public.clone()), superseded: false };
        let entry = KeyEntry {
            role: KeyRole::Authentication,
            algorithm,
            signs: signs.to_vec(),
            password: PASSWORD,
            id: key_id(&public).unwrap().to_vec(),
            public_key: Some(public),
        };
        let slot = Slot { id: SLOT, key: Some(entry), certificates: vec![certificate], left_over: false };
        let wires = Wires { tries: 3, signatures: 0, removed: false, spoiled: false };
        Self { key, slot, wires: Arc::new(Mutex::new(wires)) }
    }

    fn sign_one(&self, algorithm: SignatureAlgorithm, digest: &DigestValue) -> Vec<u8> {
        let imported = imported(digest);
        match &self.key {
            Key::Ec(key) => key.sign_digest(&imported).unwrap().as_ref().to_vec(),
            Key::Rsa(key) => {
                let padding: &'static dyn sig::RsaEncoding = match algorithm {
                    SignatureAlgorithm::RsaPss(Sha256) => &sig::RSA_PSS_SHA256,
                    SignatureAlgorithm::RsaPkcs1(Sha256) => &sig::RSA_PKCS1_SHA256,
                    other => panic!("{other} was not offered"),
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(padding, &imported, &mut signature).unwrap();
                signature
            }
        }
    }
}

fn imported(digest: &DigestValue) -> lc::Digest {
    let algorithm = match digest.digest() {
        Digest::Sha256 => &lc::SHA256,
        Sha384 => &lc::SHA384,
        Digest::Sha512 => &lc::SHA512,
    };
    lc::Digest::import_less_safe(digest.as_bytes(), algorithm).unwrap()
}

impl Token for SoftToken {
    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        if self.wires.lock().unwrap().removed {
            return Err(TransportError::CardRemoved.into());
        }
        Ok(vec![self.slot.clone(), Slot { id: SlotId(2), key: None, certificates: vec![], left_over: false }])
    }

    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        let mut wires = self.wires.lock().unwrap();
        if wires.removed {
            return Err(TransportError::CardRemoved.into());
        }
        let tries = Tries::Known(wires.tries);
        if !pin.may_be_sent(tries) {
            return Err(TokenError::TooFewTries { password: PASSWORD, tries });
        }
        if pin.secret != Secret::from(PIN) {
            wires.tries -= 1;
            return Err(TokenError::WrongSecret { password: PASSWORD, tries: Tries::Known(wires.tries) });
        }
        wires.tries = 3;
        wires.signatures += jobs.len();
        let offered = &self.slot.key.as_ref().unwrap().signs;
        assert!(jobs.iter().all(|job| job.slot == SLOT && offered.contains(&job.algorithm)));
        let mut signatures: Vec<_> = jobs.iter().map(|job| self.sign_one(job.algorithm, &job.digest)).collect();
        if wires.spoiled {
            signatures[0][40] ^= 1;
        }
        Ok(signatures)
    }

    fn identity(&mut self) -> Result<Identity, TokenError> {
        unsupported()
    }
    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        unsupported()
    }
    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        unsupported()
    }
    fn generate(&mut self, _: &GenerateKey, _: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        unsupported()
    }
    fn install(&mut self, _: &[InstallCertificate], _: &[SlotId], _: &Pin) -> Result<(), TokenError> {
        unsupported()
    }
    fn remove(&mut self, _: &[Removal], _: &Pin) -> Result<(), TokenError> {
        unsupported()
    }
    fn change_password(&mut self, _: PasswordKind, _: &Pin, _: &Secret) -> Result<(), TokenError> {
        unsupported()
    }
    fn unblock_password(&mut self, _: PasswordKind, _: &Pin, _: &Secret) -> Result<(), TokenError> {
        unsupported()
    }
    fn activate(&mut self, _: &Pin, _: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        unsupported()
    }
}

fn unsupported<T>() -> Result<T, TokenError> {
    Err(TokenError::Unsupported { what: "do more than list and sign".into() })
}
