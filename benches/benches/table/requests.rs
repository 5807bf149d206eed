//! Certification requests built and encoded, beside `rcgen` and OpenSSL: one key, one subject, the same extensions. And read, as a CA
//! does, beside `x509-cert`.
//!
//! Ours checks the signature that is put into a request before the request leaves; where that check is measured with, `rcgen` is
//! shown with the same check of the same signature as well: *rcgen, checked*. What is signed is the same to the byte, and the same
//! code signs it.

use std::{cell::RefCell, hint::black_box};

use aws_lc_rs::encoding::AsDer;
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_benches::{Report, Row, Sides};
use obnova_pkcs10::{CertificationRequest, RequestToSign};
use rcgen::{PublicKeyData, SigningKey};
use rustls_pki_types::PrivatePkcs8KeyDer;

use crate::{
    bare::BareKey,
    encoding::{self, Checked, Given, MAIL, SUBJECT, Wanted},
    openssl::OpensslKey,
};

const GROUP: &str = "certification requests";
const ROUNDS: usize = 251;

pub fn measure(report: &mut Report) {
    for (key, algorithm) in [
        (KeyAlgorithm::Rsa2048, SignatureAlgorithm::RsaPkcs1(Digest::Sha256)),
        (KeyAlgorithm::P256, SignatureAlgorithm::Ecdsa(Digest::Sha256)),
    ] {
        let keys = Keys::generate(key, algorithm);
        report.add(keys.encoded());
        report.add(keys.assembled());
        report.add(keys.signed());
        report.add(keys.read());
    }
}

/// One key in everybody's hands.
struct Keys {
    key: KeyAlgorithm,
    algorithm: SignatureAlgorithm,
    rcgen: rcgen::KeyPair,
    openssl: OpensslKey,
    public: SubjectPublicKeyInfoOwned,
    wanted: Wanted,
}

impl Keys {
    fn generate(key: KeyAlgorithm, algorithm: SignatureAlgorithm) -> Self {
        let bare = BareKey::generate(key);
        let (pkcs8, name) = match &bare {
            BareKey::Rsa(pair) => (pair.as_der().unwrap().as_ref().to_vec(), &rcgen::PKCS_RSA_SHA256),
            BareKey::Ec(pair) => (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), &rcgen::PKCS_ECDSA_P256_SHA256),
        };
        let public = bare.public_key();
        let openssl = OpensslKey::from_pkcs8(&pkcs8);
        let rcgen = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), name).unwrap();
        let wanted = Wanted::new(public.clone(), algorithm);
        let keys = Self { key, algorithm, rcgen, openssl, public, wanted };
        keys.check();
        keys
    }

    /// All three make requests that say the same, and that hold; `rcgen` also with the signature of ours.
    fn check(&self) {
        let ours = self.ours(|request| self.sign(request));
        let given = self.given();
        let theirs = self.wanted.rcgen(&given);
        let seen = RefCell::new(Vec::new());
        self.wanted.rcgen_unsigned(&given, |bytes| seen.borrow_mut().extend_from_slice(bytes));
        let to_sign = seen.into_inner();
        assert!(!to_sign.is_empty() && theirs.der().windows(to_sign.len()).any(|part| part == to_sign));
        assert!(
            ours.der().windows(self.wanted.obnova().bytes().len()).any(|part| part == self.wanted.obnova().bytes())
        );
        let openssl = self.openssl.request(SUBJECT, MAIL);
        for other in [theirs.der().as_ref(), &openssl] {
            let other = CertificationRequest::from_der(other).unwrap();
            other.verify().unwrap();
            assert_eq!(other.public_key(), ours.public_key());
            assert_eq!(other.subject().to_string(), ours.subject().to_string());
            assert_eq!(other.extensions().len(), ours.extensions().len());
            assert!(ours.extensions().iter().all(|extension| other.extensions().contains(extension)));
        }
    }

    fn ours(&self, sign: impl Fn(&RequestToSign) -> Vec<u8>) -> CertificationRequest {
        let request = self.wanted.obnova();
        let signature = sign(&request);
        request.assemble(&signature).unwrap()
    }

    fn sign(&self, request: &RequestToSign) -> Vec<u8> {
        self.rcgen.sign(request.bytes()).unwrap()
    }

    /// The bytes to sign, on both sides: as far as one gets without a signature.
    fn encoded(&self) -> Row {
        let given = self.given();
        let sides = Sides::new().side("obnova", || black_box(&self.wanted).obnova()).side("rcgen", || {
            black_box(&self.wanted).rcgen_unsigned(&given, |bytes| {
                black_box(bytes);
            })
        });
        Row::times(GROUP, format!("{}, bytes to sign", self.key), &sides.quartiles(ROUNDS)).target("rcgen", 1.0)
    }

    /// With a signature that is given, as from a card: encoded, checked, put together.
    fn assembled(&self) -> Row {
        let given = self.given();
        let sides = Sides::new()
            .side("obnova", || black_box(self).ours(|_| given.signature.clone()))
            .side("rcgen", || black_box(&self.wanted).rcgen(&given))
            .side("rcgen, checked", || black_box(&self.wanted).rcgen(&self.checked(&given)));
        let row = Row::times(GROUP, format!("{}, a signature put in and checked", self.key), &sides.quartiles(ROUNDS));
        row.target("rcgen, checked", 1.0)
    }

    fn given(&self) -> Given {
        Given {
            public: self.rcgen.der_bytes().to_vec(),
            algorithm: PublicKeyData::algorithm(&self.rcgen),
            signature: self.sign(&self.wanted.obnova()),
        }
    }

    fn checked<'a, K>(&'a self, key: &'a K) -> Checked<'a, K> {
        Checked { key, public: &self.public, algorithm: self.algorithm }
    }

    /// With the signature, made in memory.
    fn signed(&self) -> Row {
        let sides = Sides::new()
            .side("obnova", || black_box(self).ours(|request| self.sign(request)))
            .side("rcgen", || black_box(&self.wanted).rcgen(&self.rcgen))
            .side("rcgen, checked", || black_box(&self.wanted).rcgen(&self.checked(&self.rcgen)))
            .side("OpenSSL", || self.openssl.request(SUBJECT, MAIL));
        let row = Row::times(GROUP, format!("{}, signed and checked", self.key), &sides.quartiles(ROUNDS));
        row.target("rcgen, checked", 1.0)
    }

    /// From its bytes, with what it asks for.
    fn read(&self) -> Row {
        let request = self.ours(|request| self.sign(request));
        let der = request.der();
        assert_eq!(encoding::obnova_read(der), 2);
        assert_eq!(encoding::x509_cert_read(der), 2);
        let sides = Sides::new()
            .side("obnova", || encoding::obnova_read(black_box(der)))
            .side("x509-cert", || encoding::x509_cert_read(black_box(der)));
        Row::times(GROUP, format!("{}, read", self.key), &sides.quartiles(ROUNDS))
    }
}
