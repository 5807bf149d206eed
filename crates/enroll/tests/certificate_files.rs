//! Certificates as they are mailed: alone or as PKCS#7, DER or PEM, with text around them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::World;
use der::{Encode, EncodePem, pem::LineEnding};
use obnova_enroll::{MessageError, certs_only, cmc::BuildError, limits};

#[test]
fn every_form_is_read() {
    let world = World::new();
    let pair = world.issued();
    let one = std::slice::from_ref(&pair[0]);
    assert_eq!(certs_only::read_file(&pair[0].to_der().unwrap()).unwrap(), one);
    assert_eq!(certs_only::read_file(pair[0].to_pem(LineEnding::CRLF).unwrap().as_bytes()).unwrap(), one);

    let message = certs_only::encode(&pair).unwrap();
    let pem = certs_only::encode_pem(&pair).unwrap();
    let bundle = pair
        .iter()
        .map(|certificate| format!("Dobrý den,\nv příloze:\n{}\n", certificate.to_pem(LineEnding::LF).unwrap()));
    let bundle = bundle.collect::<String>();
    for file in [message.as_slice(), pem.as_bytes(), bundle.as_bytes()] {
        let read = certs_only::read_file(file).unwrap();
        assert_eq!(read.len(), 2);
        for (key, certificate) in world.new_keys.iter().zip(&pair) {
            assert_eq!(certs_only::find_by_key(&read, &key.public()), Some(certificate));
        }
        assert_eq!(certs_only::find_by_key(&read, &world.ca_key.public()), None);
    }
}

/// Found by fuzzing: what was read alone could not be read again from a message.
#[test]
fn a_certificate_that_no_message_may_carry_is_no_certificate() {
    let hollow = include_bytes!("data/name-with-a-hollow-constructed-value.der");
    assert!(matches!(certs_only::read_file(hollow), Err(MessageError::Framing(_))));
}

#[test]
fn what_holds_no_certificate_says_so() {
    let pem = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
    let cut = "-----BEGIN CERTIFICATE-----\nMAA=\n";
    let other_end = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END PKCS7-----\n";
    let no_base64 = "-----BEGIN CERTIFICATE-----\n<>\n-----END CERTIFICATE-----\n";
    for file in ["", "Dobrý den", pem, cut, other_end, no_base64, "-----BEGIN "] {
        assert_eq!(certs_only::read_file(file.as_bytes()), Err(MessageError::Pem), "{file}");
    }
    assert_eq!(certs_only::read_file(&[0xff, 0xfe]), Err(MessageError::Pem));
    let long = vec![b' '; 2 * limits::MAX_MESSAGE + 1];
    assert!(matches!(certs_only::read_file(&long), Err(MessageError::Framing(_))));
    let request = World::new().request();
    assert!(matches!(certs_only::read_file(&request), Err(MessageError::WrongContent { .. })));
}

#[test]
fn too_few_and_too_many_are_refused() {
    let world = World::new();
    assert_eq!(certs_only::encode(&[]), Err(BuildError::Empty));
    assert_eq!(certs_only::encode(&vec![world.ca.clone(); limits::MAX_CERTIFICATES + 1]), Err(BuildError::TooMany));
    let pem = world.ca.to_pem(LineEnding::LF).unwrap().repeat(limits::MAX_CERTIFICATES + 1);
    assert!(matches!(certs_only::read_file(pem.as_bytes()), Err(MessageError::TooMany { .. })));
}

/// Certificates of one length most of all: the `cms` crate by itself puts those in another order (X.690 §11.6).
#[test]
fn certificates_are_written_once_and_in_the_order_of_der() {
    let world = World::new();
    let mut all = (0..6).flat_map(|_| world.issued()).collect::<Vec<_>>();
    all.push(all[0].clone());
    let written = certs_only::decode(&certs_only::encode(&all).unwrap()).unwrap();
    let written = written.iter().map(|certificate| certificate.to_der().unwrap()).collect::<Vec<_>>();
    assert!(written.is_sorted());
    assert_eq!(written.len(), 12);
}
