//! A holder with two old keys and two new ones, and a CA: keys by aws-lc-rs, certificates by hand.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod craft;
pub mod openssl;

use std::time::{Duration, SystemTime};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa,
    signature::{self as sig, KeyPair as _},
};
use const_oid::AssociatedOid;
use der::{
    Decode, Encode, Sequence,
    asn1::{BitString, OctetString},
};
use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_enroll::cmc::{
    Answer, Asked, Expected, FirstRequestBuilder, FullRequest, FullRequestBuilder, FullResponseBuilder, MessageToSign,
    Nonce, ProofKey, Signer, TransactionId, UserId,
};
use obnova_enroll::envelope::OpeningKey;
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{
    Certificate,
    ext::{
        Extension,
        pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    name::Name,
    serial_number::SerialNumber,
    time::Validity,
};

pub enum Key {
    Rsa(rsa::KeyPair, bool),
    P256(sig::EcdsaKeyPair),
    P384(sig::EcdsaKeyPair),
}

impl Key {
    pub fn rsa() -> Self {
        Self::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap(), false)
    }

    pub fn rsa_pss() -> Self {
        Self::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap(), true)
    }

    pub fn p256() -> Self {
        Self::P256(sig::EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub fn p384() -> Self {
        Self::P384(sig::EcdsaKeyPair::generate(&sig::ECDSA_P384_SHA384_ASN1_SIGNING).unwrap())
    }

    pub fn public(&self) -> SubjectPublicKeyInfoOwned {
        let der = match self {
            Self::Rsa(key, _) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::P256(key) | Self::P384(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
        };
        SubjectPublicKeyInfoOwned::from_der(&der).unwrap()
    }

    pub fn pkcs8(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key, _) => AsDer::<Pkcs8V1Der<'_>>::as_der(key).unwrap().as_ref().to_vec(),
            Self::P256(key) | Self::P384(key) => key.to_pkcs8v1().unwrap().as_ref().to_vec(),
        }
    }

    pub const fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::Rsa(_, false) => SignatureAlgorithm::RsaPkcs1(Digest::Sha256),
            Self::Rsa(_, true) => SignatureAlgorithm::RsaPss(Digest::Sha256),
            Self::P256(_) => SignatureAlgorithm::Ecdsa(Digest::Sha256),
            Self::P384(_) => SignatureAlgorithm::Ecdsa(Digest::Sha384),
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key, pss) => {
                let padding: &dyn sig::RsaEncoding = if *pss { &sig::RSA_PSS_SHA256 } else { &sig::RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Self::P256(key) | Self::P384(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        }
    }
}

/// RFC 5280 §4.1.
#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: SerialNumber,
    algorithm: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

#[derive(Sequence)]
struct Signed {
    tbs: Tbs,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

pub fn certificate(subject: &str, key: &Key, issuer: &str, issuer_key: &Key, serial: u8, ca: bool) -> Certificate {
    let constraints = BasicConstraints { ca, path_len_constraint: None }.to_der().unwrap();
    let constraints = Extension {
        extn_id: const_oid::db::rfc5280::ID_CE_BASIC_CONSTRAINTS,
        critical: true,
        extn_value: OctetString::new(constraints).unwrap(),
    };
    certificate_with(subject, key, issuer, issuer_key, serial, vec![constraints])
}

pub fn certificate_with(
    subject: &str,
    key: &Key,
    issuer: &str,
    issuer_key: &Key,
    serial: u8,
    extensions: Vec<Extension>,
) -> Certificate {
    let tbs = Tbs {
        version: 2,
        serial: SerialNumber::new(&[serial]).unwrap(),
        algorithm: issuer_key.algorithm().identifier(),
        issuer: issuer.parse().unwrap(),
        validity: Validity::from_now(Duration::from_secs(86_400)).unwrap(),
        subject: subject.parse().unwrap(),
        key: key.public(),
        extensions,
    };
    let signature = issuer_key.sign(&tbs.to_der().unwrap());
    let signature = BitString::from_bytes(&signature).unwrap();
    let signed = Signed { tbs, algorithm: issuer_key.algorithm().identifier(), signature };
    Certificate::from_der(&signed.to_der().unwrap()).unwrap()
}

pub fn extension<T: AssociatedOid + Encode>(value: &T, critical: bool) -> Extension {
    Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der().unwrap()).unwrap() }
}

/// A certificate of the CA for encryption, with its key identifier, and what opens envelopes for it.
pub fn for_encryption(key: &Key) -> (Certificate, OpeningKey) {
    let usage = if matches!(key, Key::Rsa(..)) { KeyUsages::KeyEncipherment } else { KeyUsages::KeyAgreement };
    let hash = Digest::Sha256.of(key.public().subject_public_key.raw_bytes());
    let identifier = SubjectKeyIdentifier(OctetString::new(&hash.as_bytes()[..20]).unwrap());
    let extensions = vec![extension(&KeyUsage(usage.into()), true), extension(&identifier, false)];
    let certificate = certificate_with("CN=For encryption", key, CA, key, 77, extensions);
    let opening = OpeningKey::from_pkcs8(&key.pkcs8(), certificate.clone()).unwrap();
    (certificate, opening)
}

pub const CA: &str = "CN=Test CA,O=Vzor,C=CZ";
pub const HOLDER: &str = "CN=Jana Novakova,O=Vzor,C=CZ";

/// Everybody and everything that a renewal needs.
pub struct World {
    pub ca_key: Key,
    pub ca: Certificate,
    pub old_keys: [Key; 2],
    pub old: [Certificate; 2],
    pub new_keys: [Key; 2],
    pub transaction: TransactionId,
    pub nonce: Nonce,
}

impl World {
    /// Elliptic curves: quick.
    pub fn new() -> Self {
        Self::with(Key::p256(), [Key::p256(), Key::p384()], [Key::p256(), Key::p256()])
    }

    pub fn with(ca_key: Key, old_keys: [Key; 2], new_keys: [Key; 2]) -> Self {
        let ca = certificate(CA, &ca_key, CA, &ca_key, 1, true);
        let old = [
            certificate(HOLDER, &old_keys[0], CA, &ca_key, 2, false),
            certificate(HOLDER, &old_keys[1], CA, &ca_key, 3, false),
        ];
        let transaction = TransactionId::from_random([0x4f; 16]);
        let nonce = Nonce::from_random([7; 16]);
        Self { ca_key, ca, old_keys, old, new_keys, transaction, nonce }
    }

    pub fn requests(&self) -> [CertificationRequest; 2] {
        [0, 1].map(|index| {
            let key: &Key = &self.new_keys[index];
            let to_sign = RequestBuilder::new(HOLDER.parse().unwrap(), key.public(), key.algorithm()).finalize();
            let to_sign = to_sign.unwrap();
            to_sign.assemble(&key.sign(to_sign.bytes())).unwrap()
        })
    }

    /// As [`requests`](Self::requests), asking for identifiers of their keys.
    pub fn first_requests(&self) -> [CertificationRequest; 2] {
        [0, 1].map(|index| {
            let key: &Key = &self.new_keys[index];
            let builder = RequestBuilder::new(HOLDER.parse().unwrap(), key.public(), key.algorithm());
            let to_sign = builder.key_identifier().finalize().unwrap();
            to_sign.assemble(&key.sign(to_sign.bytes())).unwrap()
        })
    }

    /// Two requests that a password speaks for, signed by their keys.
    pub fn first_request(&self, user: &UserId, key: &ProofKey) -> Vec<u8> {
        let builder = FirstRequestBuilder::new(self.transaction.clone(), self.nonce.clone());
        let [first, second] = self.first_requests();
        let to_sign = builder.request(first).request(second).finalize(user, key).unwrap();
        to_sign.sign_with(|to_sign| Ok::<_, ()>(self.new_keys[to_sign.signer].sign(&to_sign.bytes))).unwrap()
    }

    pub fn signers(&self) -> [Signer; 2] {
        [0, 1].map(|index| Signer { certificate: self.old[index].clone(), algorithm: self.old_keys[index].algorithm() })
    }

    /// Two requests, two signers, not signed yet.
    pub fn request_to_sign(&self) -> MessageToSign {
        let [first, second] = self.requests();
        let builder = FullRequestBuilder::new(self.transaction.clone(), self.nonce.clone());
        builder.request(first).request(second).finalize(&self.signers()).unwrap()
    }

    pub fn request(&self) -> Vec<u8> {
        let to_sign = self.request_to_sign();
        to_sign.sign_with(|to_sign| Ok::<_, ()>(self.old_keys[to_sign.signer].sign(&to_sign.bytes))).unwrap()
    }

    /// The two new certificates, issued whatever was asked.
    pub fn issued(&self) -> Vec<Certificate> {
        [0, 1].map(|index| certificate(HOLDER, &self.new_keys[index], CA, &self.ca_key, 10 + index as u8, false)).into()
    }

    pub fn ca_signer(&self) -> Signer {
        Signer { certificate: self.ca.clone(), algorithm: self.ca_key.algorithm() }
    }

    pub fn respond(&self, request: &[u8], answer: &Answer) -> Vec<u8> {
        let request = FullRequest::parse(request).unwrap();
        let builder = FullResponseBuilder::reply_to(&request, Nonce::from_random([9; 16]));
        self.sign_response(builder, answer)
    }

    pub fn sign_response(&self, builder: FullResponseBuilder, answer: &Answer) -> Vec<u8> {
        let to_sign = builder.finalize(answer, &self.ca_signer()).unwrap();
        to_sign.sign_with(|to_sign| Ok::<_, ()>(self.ca_key.sign(&to_sign.bytes))).unwrap()
    }

    pub fn expected(&self, asked: Asked) -> Expected<'_> {
        Expected { transaction: &self.transaction, nonce: &self.nonce, ca: std::slice::from_ref(&self.ca), asked }
    }
}

/// A time in whole seconds, as CMC carries it.
pub fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400)
}
