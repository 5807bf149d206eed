//! A CA, two holders' certificates and a delegated responder: keys by aws-lc-rs, certificates by hand, so that each of them can be
//! made to lie.

#![allow(dead_code, reason = "each test file uses its part")]

use std::time::{Duration, SystemTime};

use aws_lc_rs::{
    digest as lc,
    encoding::AsDer,
    rsa,
    signature::{self as sig, KeyPair as _},
};
use const_oid::{ObjectIdentifier, db::rfc5280};
use der::{
    Decode, Encode, Sequence,
    asn1::{BitString, OctetString},
};
use obnova_algorithm::{DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_status::{
    Authority, SerialNumber,
    crl::{CrlBuilder, CrlNumber, Entry},
    ocsp::{Answer, CertStatus, Nonce, Question, Responder, responder_extensions},
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{
    ext::{
        Extension,
        pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    name::Name,
    time::{Time, Validity},
};

pub enum Key {
    Rsa(rsa::KeyPair),
    Ec(sig::EcdsaKeyPair),
}

impl Key {
    pub fn new(kind: KeyAlgorithm) -> Self {
        let ec = |curve| Self::Ec(sig::EcdsaKeyPair::generate(curve).unwrap());
        match kind {
            KeyAlgorithm::P256 => ec(&sig::ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyAlgorithm::P384 => ec(&sig::ECDSA_P384_SHA384_ASN1_SIGNING),
            KeyAlgorithm::Rsa2048 => Self::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap()),
            other => unimplemented!("no test needs {other}"),
        }
    }

    pub fn p256() -> Self {
        Self::new(KeyAlgorithm::P256)
    }

    pub fn public(&self) -> SubjectPublicKeyInfoOwned {
        let der = match self {
            Self::Rsa(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ec(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
        };
        SubjectPublicKeyInfoOwned::from_der(&der).unwrap()
    }

    pub fn pkcs8(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.as_der().unwrap().as_ref().to_vec(),
            Self::Ec(key) => key.to_pkcs8v1().unwrap().as_ref().to_vec(),
        }
    }

    pub fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::default_for(KeyAlgorithm::try_from(&self.public()).unwrap())
    }

    /// As a card signs: a digest goes in.
    pub fn sign(&self, digest: &DigestValue) -> Vec<u8> {
        let hash = if digest.as_bytes().len() == 32 { &lc::SHA256 } else { &lc::SHA384 };
        let digest = lc::Digest::import_less_safe(digest.as_bytes(), hash).unwrap();
        match self {
            Self::Ec(key) => key.sign_digest(&digest).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(&sig::RSA_PKCS1_SHA256, &digest, &mut signature).unwrap();
                signature
            }
        }
    }

    /// `SEQUENCE { bytes, algorithm, signature }`, without its header.
    pub fn signed(&self, bytes: &[u8]) -> Vec<u8> {
        let signature = BitString::from_bytes(&self.sign(&self.algorithm().digest().of(bytes))).unwrap();
        [bytes, &self.algorithm().identifier().to_der().unwrap(), &signature.to_der().unwrap()].concat()
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
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// What a certificate says; everything that is not about the test has a sound default.
pub struct Wanted<'a> {
    pub subject: &'a str,
    pub key: SubjectPublicKeyInfoOwned,
    pub issuer: &'a str,
    pub serial: u64,
    pub extensions: Vec<Extension>,
    pub validity: (u64, u64),
}

pub const LONG: (u64, u64) = (1_700_000_000, 4_000_000_000);

impl Wanted<'_> {
    pub fn signed_by(self, key: &Key) -> Vec<u8> {
        let time = |seconds| Time::try_from(at(seconds)).unwrap();
        let tbs = Tbs {
            version: 2,
            serial: SerialNumber::from(self.serial),
            algorithm: key.algorithm().identifier(),
            issuer: self.issuer.parse().unwrap(),
            validity: Validity::new(time(self.validity.0), time(self.validity.1)),
            subject: self.subject.parse().unwrap(),
            key: self.key,
            extensions: (!self.extensions.is_empty()).then_some(self.extensions),
        };
        sequence(&key.signed(&tbs.to_der().unwrap()))
    }
}

pub fn sequence(content: &[u8]) -> Vec<u8> {
    tlv(0x30, content)
}

pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    der.extend(der::Length::try_from(content.len()).unwrap().to_der().unwrap());
    [&der, content].concat()
}

pub fn extension(oid: ObjectIdentifier, critical: bool, value: &impl Encode) -> Extension {
    Extension { extn_id: oid, critical, extn_value: OctetString::new(value.to_der().unwrap()).unwrap() }
}

pub fn ca_extensions(usage: KeyUsage, key: &Key) -> Vec<Extension> {
    let identifier = OctetString::new(&key.public().subject_public_key.raw_bytes()[..20]).unwrap();
    vec![
        extension(rfc5280::ID_CE_BASIC_CONSTRAINTS, true, &BasicConstraints { ca: true, path_len_constraint: None }),
        extension(rfc5280::ID_CE_KEY_USAGE, true, &usage),
        extension(rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER, false, &SubjectKeyIdentifier(identifier)),
    ]
}

pub fn all_usages() -> KeyUsage {
    KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyCertSign | KeyUsages::CRLSign)
}

pub const CA: &str = "CN=Vzor CA,C=CZ";
pub const JANA: u64 = 0x1001;
pub const PETR: u64 = 0x8002;
pub const RESPONDER: &str = "CN=Vzor OCSP,C=CZ";

pub struct World {
    pub ca_key: Key,
    pub ca: Vec<u8>,
    pub jana: Vec<u8>,
    pub petr: Vec<u8>,
    pub holder_key: Key,
    pub responder_key: Key,
    pub responder: Vec<u8>,
}

impl World {
    pub fn new() -> Self {
        Self::with(KeyAlgorithm::P256, KeyAlgorithm::P256)
    }

    pub fn with(ca: KeyAlgorithm, responder: KeyAlgorithm) -> Self {
        let (ca_key, responder_key) = (Key::new(ca), Key::new(responder));
        let holder = Key::p256();
        let of = |subject, key: &Key, serial, extensions| {
            Wanted { subject, key: key.public(), issuer: CA, serial, extensions, validity: LONG }.signed_by(&ca_key)
        };
        Self {
            ca: of(CA, &ca_key, 1, ca_extensions(all_usages(), &ca_key)),
            jana: of("CN=Jana,C=CZ", &holder, JANA, Vec::new()),
            petr: of("CN=Petr,C=CZ", &holder, PETR, Vec::new()),
            responder: of(RESPONDER, &responder_key, 2, responder_extensions().unwrap()),
            ca_key,
            holder_key: holder,
            responder_key,
        }
    }

    pub fn authority(&self) -> Authority {
        Authority::from_der(&self.ca).unwrap()
    }

    /// What the client asks of Jana's certificate.
    pub fn question(&self) -> Question {
        Question::about(&self.jana, &self.authority()).unwrap().nonce(nonce(1))
    }

    pub fn delegated(&self) -> Responder {
        Responder::delegated(self.authority(), &self.responder).unwrap()
    }

    pub fn direct(&self) -> Responder {
        Responder::direct(self.authority()).unwrap()
    }

    /// The delegated responder's answer, made at noon, which is the same for every certificate.
    pub fn answer(&self, request: &[u8], status: CertStatus) -> Vec<u8> {
        let answer = self.delegated().answer(request, noon(), |_| Ok(status)).unwrap();
        let Answer::ToSign(answer) = answer else { panic!("an error: {answer:?}") };
        answer.assemble(&self.responder_key.sign(&answer.digest())).unwrap()
    }

    pub fn crl(&self, entries: &[Entry]) -> Vec<u8> {
        self.crl_at(noon(), entries)
    }

    pub fn crl_at(&self, now: SystemTime, entries: &[Entry]) -> Vec<u8> {
        let builder = CrlBuilder::new(&self.authority(), CrlNumber::from(7), now, now + DAY);
        let to_sign = builder.finalize(|| entries.iter().cloned().map(Ok)).unwrap();
        to_sign.assemble(&self.ca_key.sign(to_sign.digest())).unwrap()
    }
}

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Some noon of 2027.
pub fn noon() -> SystemTime {
    at(1_800_014_400)
}

pub fn nonce(byte: u8) -> Nonce {
    Nonce::from_random([byte; 32])
}
