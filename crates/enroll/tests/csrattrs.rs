//! What a CA wants in a request is read before the request is made, and checked when it comes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use base64ct::{Base64, Encoding};
use common::{HOLDER, Key, World, craft, extension};
use const_oid::AssociatedOid;
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_enroll::est::{Client, CsrAttributes, CsrAttrsError, EstError, HttpResponse, Server, Shape, ShapeError};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use proptest::{collection::vec, prelude::*};
use x509_cert::ext::{
    Extension,
    pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages},
};

const ECDSA_256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
const ECDSA_384: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha384);
const RSA_256: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(Digest::Sha256);
const PSS_256: SignatureAlgorithm = SignatureAlgorithm::RsaPss(Digest::Sha256);

const ALL: [(KeyAlgorithm, SignatureAlgorithm); 6] = [
    (KeyAlgorithm::Rsa2048, RSA_256),
    (KeyAlgorithm::Rsa3072, PSS_256),
    (KeyAlgorithm::Rsa4096, RSA_256),
    (KeyAlgorithm::P256, ECDSA_256),
    (KeyAlgorithm::P384, ECDSA_256),
    (KeyAlgorithm::P384, ECDSA_384),
];

fn usage(usage: KeyUsages) -> Extension {
    extension(&KeyUsage(usage.into()), true)
}

fn shape(attributes: CsrAttributes) -> Shape {
    CsrAttributes::from_der(&attributes.to_der().unwrap()).unwrap().shape().unwrap()
}

/// RFC 7030 §4.5.2: challengePassword, a key on secp384r1, ecdsa-with-SHA384, and an extension whose value is not said.
#[test]
fn the_example_of_the_standard_is_read() {
    let example = "MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw==";
    let der = Base64::decode_vec(example).unwrap();
    let response = HttpResponse {
        status: 200,
        headers: [("Content-Type", "application/csrattrs")].into_iter().collect(),
        body: example.into(),
    };
    let attributes = Client::new().csrattrs_response(&response).unwrap();
    assert_eq!(attributes.to_der().unwrap(), der);
    let shape = attributes.shape().unwrap();
    let taken = ALL.into_iter().filter(|(key, algorithm)| shape.takes_key(*key) && shape.takes_signature(*algorithm));
    assert_eq!(taken.collect::<Vec<_>>(), [(KeyAlgorithm::P384, ECDSA_384)]);
    assert_eq!(shape.choose(&ALL), Some((KeyAlgorithm::P384, ECDSA_384)));
    let world = World::new();
    assert_eq!(shape.check(&world.requests()[0]), Err(ShapeError::ChallengePassword));
}

#[test]
fn they_go_there_and_come_back_in_both_styles() {
    use obnova_enroll::est::Transfer;
    let extensions = [usage(KeyUsages::DigitalSignature), extension(&ExtendedKeyUsage(vec![KeyUsage::OID]), false)];
    let attributes = CsrAttributes::new().key(KeyAlgorithm::Rsa3072).unwrap().key(KeyAlgorithm::P256).unwrap();
    let attributes = attributes.signature(RSA_256).signature(ECDSA_256).extensions(&extensions).unwrap();
    for transfer in [Transfer::Unwrapped, Transfer::Wrapped] {
        let response = Server::new().transfer(transfer).csrattrs(&attributes).unwrap();
        assert_eq!(response.headers.get("content-type"), Some("application/csrattrs"));
        let read = Client::new().csrattrs_response(&response).unwrap();
        assert_eq!(read, attributes);
        assert_eq!(read.shape().unwrap().extensions(), extensions);
    }
    let listed = {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a"), attributes.to_der().unwrap()).unwrap();
        let listed = common::openssl::openssl(directory.path(), &["asn1parse", "-inform", "DER", "-in", "a", "-i"]);
        String::from_utf8(listed).unwrap()
    };
    for part in ["rsaEncryption", ":0C00", "prime256v1", "ecdsa-with-SHA256", "Extension Request", "X509v3 Key Usage"] {
        assert!(listed.contains(part), "no {part} in {listed}");
    }
    for status in [204, 404] {
        let none = HttpResponse { status, headers: [("", ""); 0].into_iter().collect(), body: Vec::new() };
        assert_eq!(Client::new().csrattrs_response(&none), Ok(CsrAttributes::new()));
    }
    let page = HttpResponse {
        headers: [("Content-Type", "text/html")].into_iter().collect(),
        ..Server::new().csrattrs(&attributes).unwrap()
    };
    assert_eq!(Client::new().csrattrs_response(&page), Err(EstError::ContentType { found: "text/html".into() }));
}

#[test]
fn keys_and_signatures_are_chosen_by_them() {
    let key = |keys: &[KeyAlgorithm]| {
        shape(keys.iter().fold(CsrAttributes::new(), |attributes, key| attributes.key(*key).unwrap()))
    };
    let taken = |shape: &Shape| KeyAlgorithm::ALL.into_iter().filter(|key| shape.takes_key(*key)).collect::<Vec<_>>();
    assert_eq!(taken(&shape(CsrAttributes::new())), KeyAlgorithm::ALL);
    for one in KeyAlgorithm::ALL {
        assert_eq!(taken(&key(&[one])), [one]);
    }
    assert_eq!(taken(&key(&[KeyAlgorithm::P256, KeyAlgorithm::Rsa4096])), [KeyAlgorithm::Rsa4096, KeyAlgorithm::P256]);
    let read =
        |entries: &[Vec<u8>]| CsrAttributes::from_der(&craft::seq(&[&entries.concat()])).unwrap().shape().unwrap();
    // A family; a member that is not known here; members beside their family.
    let rsa = craft::oid("1.2.840.113549.1.1.1");
    assert_eq!(taken(&read(std::slice::from_ref(&rsa))), &KeyAlgorithm::ALL[..3]);
    let rsa_8192 = craft::attribute("1.2.840.113549.1.1.1", &[2, 2, 0x20, 0]);
    assert_eq!(taken(&read(std::slice::from_ref(&rsa_8192))), []);
    assert_eq!(taken(&read(&[rsa_8192, rsa])), &KeyAlgorithm::ALL[..3]);
    let brainpool = craft::attribute("1.2.840.10045.2.1", &craft::oid("1.3.36.3.3.2.8.1.1.7"));
    assert_eq!(taken(&read(&[brainpool])), []);
    // What means nothing here is ignored, and kept.
    let strange = [craft::oid("1.2.3"), craft::attribute("1.2.3.4", &[5, 0])];
    assert_eq!(read(&strange), Shape::default());
    let kept = craft::seq(&[&strange.concat()]);
    assert_eq!(CsrAttributes::from_der(&kept).unwrap().to_der().unwrap(), kept);

    let signed = |algorithm| shape(CsrAttributes::new().signature(algorithm));
    assert!(signed(ECDSA_384).takes_signature(ECDSA_384) && !signed(ECDSA_384).takes_signature(ECDSA_256));
    assert!(signed(RSA_256).takes_signature(RSA_256) && !signed(RSA_256).takes_signature(PSS_256));
    assert!(signed(PSS_256).takes_signature(SignatureAlgorithm::RsaPss(Digest::Sha512)));
    assert_eq!(signed(ECDSA_384).choose(&ALL), Some((KeyAlgorithm::P384, ECDSA_384)));
    assert_eq!(signed(SignatureAlgorithm::RsaPkcs1(Digest::Sha512)).choose(&ALL), None);
    // What does not go together is not chosen, whoever offers it.
    assert_eq!(Shape::default().choose(&[(KeyAlgorithm::P256, RSA_256)]), None);
}

fn made(key: &Key, shape: &Shape, usages: KeyUsages) -> CertificationRequest {
    let builder = RequestBuilder::new(HOLDER.parse().unwrap(), key.public(), key.algorithm());
    let to_sign = shape.apply(builder.key_usage(KeyUsage(usages.into()))).unwrap().finalize().unwrap();
    to_sign.assemble(&key.sign(to_sign.bytes())).unwrap()
}

#[test]
fn a_request_is_made_as_the_ca_wants_it_and_checked_when_it_comes() {
    let purposes = extension(&ExtendedKeyUsage(vec![KeyUsage::OID]), false);
    let wanted = [usage(KeyUsages::NonRepudiation), purposes];
    let attributes = CsrAttributes::new().key(KeyAlgorithm::P256).unwrap().signature(ECDSA_256);
    let strict = shape(attributes.extensions(&wanted).unwrap());
    // The CA's keyUsage takes the place of the holder's own.
    let key = Key::p256();
    let request = made(&key, &strict, KeyUsages::DigitalSignature);
    assert_eq!(request.extensions(), wanted);
    assert_eq!(strict.check(&request), Ok(()));
    // A client that does as it likes.
    let own = made(&key, &Shape::default(), KeyUsages::DigitalSignature);
    assert_eq!(own.extensions(), [usage(KeyUsages::DigitalSignature)]);
    assert_eq!(strict.check(&own), Err(ShapeError::Extension { oid: KeyUsage::OID }));
    let half = made(&key, &Shape::default(), KeyUsages::NonRepudiation);
    assert_eq!(strict.check(&half), Err(ShapeError::Extension { oid: ExtendedKeyUsage::OID }));
    assert_eq!(strict.check(&made(&Key::p384(), &strict, KeyUsages::NonRepudiation)), Err(ShapeError::Key));
    let sha_384 = shape(CsrAttributes::new().signature(ECDSA_384));
    assert_eq!(sha_384.check(&own), Err(ShapeError::Signature));
    let challenge = shape(CsrAttributes::new().challenge_password());
    let builder = RequestBuilder::new(HOLDER.parse().unwrap(), key.public(), ECDSA_256);
    assert_eq!(challenge.apply(builder).err(), Some(ShapeError::ChallengePassword));
}

#[test]
fn what_cannot_be_read_is_named() {
    let shape = |entries: &[Vec<u8>]| CsrAttributes::from_der(&craft::seq(&[&entries.concat()]))?.shape();
    let extensions = craft::attribute("1.2.840.113549.1.9.14", &craft::seq(&[]));
    assert!(shape(std::slice::from_ref(&extensions)).is_ok());
    assert_eq!(shape(&[extensions.clone(), extensions]), Err(CsrAttrsError::Extensions));
    for value in [&[5, 0][..], &[5, 0, 5, 0], &[]] {
        assert_eq!(shape(&[craft::attribute("1.2.840.113549.1.9.14", value)]).err(), Some(CsrAttrsError::Extensions));
    }
    for (kind, value) in [("1.2.840.113549.1.1.1", &[5, 0][..]), ("1.2.840.10045.2.1", &[2, 1, 1])] {
        assert_eq!(shape(&[craft::attribute(kind, value)]).err(), Some(CsrAttrsError::Key));
    }
    for wrong in [&b""[..], &[0x31, 0], &[0x30, 2, 5, 0], &[0x30, 1], b"heslo", &[0x30, 0, 0]] {
        assert!(matches!(CsrAttributes::from_der(wrong), Err(CsrAttrsError::Malformed(_))), "{wrong:?}");
    }
    let many = craft::oid("1.2.3").repeat(CsrAttributes::MAX_ENTRIES + 1);
    assert_eq!(CsrAttributes::from_der(&craft::seq(&[&many])), Err(CsrAttrsError::TooMany));
}

#[test]
fn cut_or_with_any_bit_flipped_they_are_refused_or_read() {
    let wanted = [usage(KeyUsages::NonRepudiation)];
    let attributes = CsrAttributes::new().key(KeyAlgorithm::Rsa2048).unwrap().signature(RSA_256);
    let der = attributes.extensions(&wanted).unwrap().challenge_password().to_der().unwrap();
    for length in 0..der.len() {
        assert!(CsrAttributes::from_der(&der[..length]).is_err(), "{length}");
    }
    for position in 0..der.len() * 8 {
        let mut flipped = der.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        if let Ok(read) = CsrAttributes::from_der(&flipped) {
            assert_eq!(read.to_der().unwrap(), flipped, "bit {position}");
            let _ = read.shape();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_asked_for_is_what_is_taken(
        keys in vec(proptest::sample::select(&KeyAlgorithm::ALL[..]), 0..4),
        signatures in vec(proptest::sample::select(&[RSA_256, ECDSA_256, ECDSA_384][..]), 0..3),
        values in vec((1..200_u32, vec(any::<u8>(), 0..20)), 0..4),
    ) {
        let base = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999");
        let extensions = values.into_iter().map(|(arc, value)| Extension {
            extn_id: base.push_arc(arc).unwrap(),
            critical: false,
            extn_value: der::asn1::OctetString::new(value).unwrap(),
        }).collect::<Vec<_>>();
        let attributes = keys.iter().fold(CsrAttributes::new(), |attributes, key| attributes.key(*key).unwrap());
        let attributes = signatures.iter().fold(attributes, |attributes, one| attributes.signature(*one));
        let shape = shape(attributes.extensions(&extensions).unwrap());
        for key in KeyAlgorithm::ALL {
            prop_assert_eq!(shape.takes_key(key), keys.is_empty() || keys.contains(&key));
        }
        for one in [RSA_256, ECDSA_256, ECDSA_384] {
            prop_assert_eq!(shape.takes_signature(one), signatures.is_empty() || signatures.contains(&one));
        }
        prop_assert_eq!(shape.extensions(), extensions);
    }

    #[test]
    fn any_bytes_are_refused_or_kept(bytes in vec(any::<u8>(), 0..100)) {
        if let Ok(read) = CsrAttributes::from_der(&bytes) {
            prop_assert_eq!(read.to_der().unwrap(), bytes);
        }
    }
}

/// The values of the attributes are sets, which DER sorts.
#[test]
fn several_values_of_one_attribute_are_choices() {
    let values = [craft::oid("1.3.132.0.34"), craft::oid("1.2.840.10045.3.1.7")].concat();
    let der = craft::seq(&[&craft::attribute("1.2.840.10045.2.1", &values)]);
    let shape = CsrAttributes::from_der(&der).unwrap().shape().unwrap();
    assert!(shape.takes_key(KeyAlgorithm::P256) && shape.takes_key(KeyAlgorithm::P384));
    assert!(!shape.takes_key(KeyAlgorithm::Rsa2048));
}
