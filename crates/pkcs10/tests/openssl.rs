//! Requests written here, read and verified by OpenSSL; requests written by OpenSSL, read and verified here.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::process::Command;

use common::Card;
use const_oid::db::rfc5280;
use der::asn1::Ia5String;
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_pkcs10::{CertificationRequest, ParseError, Rejected, RequestBuilder};
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName};

/// Standard output and standard error of `openssl`; panics when it is not there or fails.
fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl is needed for this test: apt-get install -y --no-install-recommends openssl");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "openssl {arguments:?}: {text}");
    text
}

fn request(card: &Card, algorithm: SignatureAlgorithm) -> CertificationRequest {
    let mail = GeneralName::Rfc822Name(Ia5String::new("jana@example.cz").unwrap());
    let to_sign = RequestBuilder::new("CN=Jana Nováková,O=Vzor,C=CZ".parse().unwrap(), card.key(), algorithm)
        .subject_alt_name(vec![mail])
        .key_usage(KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation))
        .extended_key_usage(vec![rfc5280::ID_KP_CLIENT_AUTH])
        .finalize()
        .unwrap();
    assert_eq!(to_sign.digest(), algorithm.digest().of(to_sign.bytes()));
    to_sign.assemble(&card.sign(to_sign.bytes())).unwrap()
}

#[test]
fn openssl_verifies_what_is_written_here() {
    let directory = tempfile::tempdir().unwrap();
    for (algorithm, p384) in [
        (SignatureAlgorithm::RsaPkcs1(Digest::Sha256), false),
        (SignatureAlgorithm::RsaPkcs1(Digest::Sha512), false),
        (SignatureAlgorithm::RsaPss(Digest::Sha256), false),
        (SignatureAlgorithm::RsaPss(Digest::Sha384), false),
        (SignatureAlgorithm::Ecdsa(Digest::Sha256), false),
        (SignatureAlgorithm::Ecdsa(Digest::Sha384), true),
    ] {
        let request = request(&Card::new(algorithm, p384), algorithm);
        assert_eq!(CertificationRequest::from_der(request.der()).as_ref(), Ok(&request), "{algorithm}: read again");
        let file = directory.path().join("request.pem");
        std::fs::write(&file, request.to_pem().unwrap()).unwrap();
        let said = openssl(&["req", "-verify", "-noout", "-text", "-nameopt", "utf8", "-in", file.to_str().unwrap()]);
        assert!(said.contains("verify OK"), "{algorithm}: {said}");
        for part in ["email:jana@example.cz", "Digital Signature, Non Repudiation", "TLS Web Client Authentication"] {
            assert!(said.contains(part), "{algorithm}: no {part} in {said}");
        }
    }
}

#[test]
fn openssl_finds_empty_attributes_written() {
    let card = Card::p256();
    let to_sign =
        RequestBuilder::new("CN=Jana".parse().unwrap(), card.key(), SignatureAlgorithm::Ecdsa(Digest::Sha256));
    let to_sign = to_sign.finalize().unwrap();
    assert!(to_sign.bytes().ends_with(&[0xa0, 0x00]), "attributes [0] is not optional");
    let request = to_sign.assemble(&card.sign(to_sign.bytes())).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("request.der");
    std::fs::write(&file, request.der()).unwrap();
    let said = openssl(&["req", "-verify", "-noout", "-inform", "DER", "-in", file.to_str().unwrap()]);
    assert!(said.contains("verify OK"), "{said}");
}

#[test]
fn requests_of_openssl_are_read_and_verified() {
    let rsa = CertificationRequest::from_der(include_bytes!("data/rsa-pkcs1-sha256.der")).unwrap();
    assert_eq!(rsa.verify(), Ok(KeyAlgorithm::Rsa2048));
    assert_eq!(rsa.subject().to_string(), "CN=Jana Nováková,O=Vzor,C=CZ");
    let (critical, usage) = rsa.extension::<KeyUsage>().unwrap().unwrap();
    assert!(critical && usage.digital_signature() && !usage.non_repudiation());
    let (critical, SubjectAltName(names)) = rsa.extension().unwrap().unwrap();
    assert!(!critical);
    assert_eq!(names, [GeneralName::Rfc822Name(Ia5String::new("jana@example.cz").unwrap())]);

    let pss = CertificationRequest::from_der(include_bytes!("data/rsa-pss-sha256.der")).unwrap();
    assert_eq!(pss.verify(), Ok(KeyAlgorithm::Rsa2048));
    assert_eq!(pss.extensions(), []);

    let p256 = CertificationRequest::from_der(include_bytes!("data/p256-sha256.der")).unwrap();
    assert_eq!(p256.verify(), Ok(KeyAlgorithm::P256));
    let (_, ExtendedKeyUsage(purposes)) = p256.extension().unwrap().unwrap();
    assert_eq!(purposes, [rfc5280::ID_KP_CLIENT_AUTH, rfc5280::ID_KP_EMAIL_PROTECTION]);
    assert_eq!(p256.extension::<KeyUsage>(), Ok(None));

    let p384 = CertificationRequest::from_der(include_bytes!("data/p384-sha384.der")).unwrap();
    assert_eq!(p384.verify(), Ok(KeyAlgorithm::P384));
    assert_eq!(CertificationRequest::from_pem(&p384.to_pem().unwrap()), Ok(p384));
}

#[test]
fn weak_requests_of_openssl_are_refused_by_name() {
    let verdict = |der: &[u8]| CertificationRequest::from_der(der).unwrap().verify().unwrap_err();
    let short = verdict(include_bytes!("data/rsa-1024.der"));
    assert!(matches!(short, Rejected::Key(obnova_algorithm::KeyError::RsaSize { bits: 1024 })), "{short}");
    assert_eq!(verdict(include_bytes!("data/rsa-exponent-3.der")), Rejected::SmallExponent);
    assert!(matches!(verdict(include_bytes!("data/rsa-sha1.der")), Rejected::Algorithm(_)));
}

#[test]
fn a_challenge_password_is_reported_without_its_content() {
    let der = include_bytes!("data/challenge-password.der");
    assert!(der.windows(7).any(|window| window == b"hunter2"), "the vector carries the password");
    let request = CertificationRequest::from_der(der).unwrap();
    assert!(request.has_challenge_password());
    let refused = request.verify().unwrap_err();
    assert_eq!(refused, Rejected::ChallengePassword);
    let shown = format!("{request:?} {refused:?} {refused}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("104, 117, 110, 116"), "{shown}");
}

#[test]
fn pem_of_something_else_is_refused() {
    let text = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert_eq!(CertificationRequest::from_pem(text), Err(ParseError::Pem));
    assert_eq!(CertificationRequest::from_pem(""), Err(ParseError::Pem));
}
