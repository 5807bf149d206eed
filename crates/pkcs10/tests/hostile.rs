//! Requests that were cut, altered, blown up or written against the rules.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Card;
use const_oid::{
    ObjectIdentifier,
    db::{rfc5280, rfc5912},
};
use der::{
    Encode, Sequence,
    asn1::{Any, AnyRef, BitStringRef, OctetString},
};
use obnova_algorithm::{
    Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError, spki::AlgorithmIdentifierOwned,
};
use obnova_pkcs10::{BuildError, CertificationRequest, ParseError, Rejected, RequestBuilder};
use x509_cert::{
    ext::{Extension, pkix::KeyUsage},
    name::Name,
};

const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
const CORPUS: [&[u8]; 5] = [
    include_bytes!("data/rsa-pkcs1-sha256.der"),
    include_bytes!("data/rsa-pss-sha256.der"),
    include_bytes!("data/p256-sha256.der"),
    include_bytes!("data/p384-sha384.der"),
    include_bytes!("data/challenge-password.der"),
];

#[test]
fn truncated_at_every_length_it_does_not_parse() {
    for whole in CORPUS {
        for length in 0..whole.len() {
            let cut = CertificationRequest::from_der(&whole[..length]);
            assert!(matches!(cut, Err(ParseError::Malformed(_))), "{length} bytes");
        }
        assert!(CertificationRequest::from_der(whole).is_ok());
        assert!(CertificationRequest::from_der(&[whole, &[0]].concat()).is_err(), "something after the end");
    }
}

#[test]
fn with_any_bit_flipped_it_does_not_verify() {
    for whole in [CORPUS[2], CORPUS[0]] {
        for position in 0..whole.len() * 8 {
            let mut flipped = whole.to_vec();
            flipped[position / 8] ^= 1 << (position % 8);
            if let Ok(request) = CertificationRequest::from_der(&flipped) {
                assert!(request.verify().is_err(), "bit {position}");
            }
        }
    }
}

#[test]
fn over_long_deep_and_endless_input_is_refused() {
    let long = vec![0x30; CertificationRequest::MAX_SIZE + 1];
    assert_eq!(CertificationRequest::from_der(&long), Err(ParseError::TooLong { size: long.len() }));
    assert_eq!(
        CertificationRequest::from_pem(&"A".repeat(3 * CertificationRequest::MAX_SIZE)),
        Err(ParseError::TooLong { size: 3 * CertificationRequest::MAX_SIZE })
    );
    let mut deep = Vec::new();
    while deep.len() < CertificationRequest::MAX_SIZE - 8 {
        deep = Any::new(der::Tag::Sequence, deep).unwrap().to_der().unwrap();
    }
    assert!(matches!(CertificationRequest::from_der(&deep), Err(ParseError::Malformed(_))));
    let endless = [&[0x30, 0x80], [0x30, 0x80].repeat(4000).as_slice()].concat();
    assert!(matches!(CertificationRequest::from_der(&endless), Err(ParseError::Malformed(_))));
}

/// A CertificationRequestInfo in which everything can be wrong.
#[derive(Sequence)]
struct Info {
    version: u8,
    subject: Name,
    public_key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    attributes: Option<Vec<Attribute>>,
}

#[derive(Clone, Sequence)]
struct Attribute {
    oid: ObjectIdentifier,
    values: Any,
}

#[derive(Sequence)]
struct Request<'a> {
    info: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

/// Signs `version` and `attributes` as they are, and reads the result.
fn signed(version: u8, attributes: Option<Vec<Attribute>>) -> Result<CertificationRequest, ParseError> {
    let card = Card::p256();
    let info = Info { version, subject: "CN=Jana".parse().unwrap(), public_key: card.key(), attributes };
    let info = info.to_der().unwrap();
    let signature = card.sign(&info);
    let request = Request {
        info: AnyRef::try_from(info.as_slice()).unwrap(),
        algorithm: ECDSA.identifier(),
        signature: BitStringRef::from_bytes(&signature).unwrap(),
    };
    CertificationRequest::from_der(&request.to_der().unwrap())
}

fn usage(critical: bool) -> Extension {
    Extension {
        extn_id: rfc5280::ID_CE_KEY_USAGE,
        critical,
        extn_value: OctetString::new([3, 2, 7, 0x80].as_slice()).unwrap(),
    }
}

fn attribute(oid: ObjectIdentifier, values: &[Vec<u8>]) -> Attribute {
    Attribute { oid, values: Any::new(der::Tag::Set, values.concat()).unwrap() }
}

#[test]
fn absent_attributes_are_read() {
    assert!(signed(0, None).unwrap().verify().is_ok());
    assert!(signed(0, Some(Vec::new())).unwrap().verify().is_ok());
}

#[test]
fn a_version_of_the_future_is_refused() {
    assert_eq!(signed(1, None).unwrap().verify(), Err(Rejected::Version { version: 1 }));
}

#[test]
fn attributes_out_of_order_verify_over_the_bytes_received() {
    let request = vec![usage(true)].to_der().unwrap();
    let unsorted =
        vec![attribute(rfc5912::ID_EXTENSION_REQ, &[request]), attribute(rfc5280::ANY_POLICY, &[vec![5, 0]])];
    let sorted = unsorted.iter().rev().cloned().collect();
    for attributes in [unsorted, sorted] {
        let request = signed(0, Some(attributes)).unwrap();
        assert!(request.verify().is_ok());
        assert!(request.extension::<KeyUsage>().unwrap().unwrap().1.digital_signature());
    }
}

#[test]
fn nothing_may_stand_twice() {
    let once = vec![usage(true)].to_der().unwrap();
    let twice = vec![usage(true), usage(false)].to_der().unwrap();
    let oid = rfc5912::ID_EXTENSION_REQ;
    let verdict = |attributes| signed(0, Some(attributes)).unwrap().verify();

    let attributes = vec![attribute(oid, std::slice::from_ref(&once)), attribute(oid, std::slice::from_ref(&once))];
    assert_eq!(verdict(attributes), Err(Rejected::DuplicateAttribute { oid }));
    let values = vec![attribute(oid, &[once.clone(), once])];
    assert_eq!(verdict(values), Err(Rejected::AttributeValues { oid, count: 2 }));
    assert_eq!(verdict(vec![attribute(oid, &[])]), Err(Rejected::AttributeValues { oid, count: 0 }));
    let extensions = vec![attribute(oid, &[twice])];
    assert_eq!(verdict(extensions), Err(Rejected::DuplicateExtension { oid: rfc5280::ID_CE_KEY_USAGE }));
}

#[test]
fn an_attribute_that_is_no_set_or_no_list_of_extensions_does_not_parse() {
    let oid = rfc5912::ID_EXTENSION_REQ;
    let no_set = Attribute { oid, values: Any::new(der::Tag::Sequence, []).unwrap() };
    assert!(matches!(signed(0, Some(vec![no_set])), Err(ParseError::Malformed(_))));
    let no_list = attribute(oid, &[vec![5, 0]]);
    assert!(matches!(signed(0, Some(vec![no_list])), Err(ParseError::Malformed(_))));
}

#[test]
fn a_set_of_thousands_takes_no_longer_than_it_is() {
    let many = attribute(rfc5280::ANY_POLICY, &vec![vec![5, 0]; 7000]);
    assert!(signed(0, Some(vec![many])).unwrap().verify().is_ok());
}

#[test]
fn another_key_or_an_altered_signature_is_not_assembled() {
    let (card, other) = (Card::p256(), Card::p256());
    let to_sign = RequestBuilder::new("CN=Jana".parse().unwrap(), card.key(), ECDSA).finalize().unwrap();
    let wrong = Err(BuildError::Signature(VerifyError::WrongSignature));
    assert_eq!(to_sign.assemble(&other.sign(to_sign.bytes())), wrong);
    let good = card.sign(to_sign.bytes());
    for length in 0..good.len() {
        assert_eq!(to_sign.assemble(&good[..length]), wrong);
    }
    for position in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        assert_eq!(to_sign.assemble(&flipped), wrong, "bit {position}");
    }
    assert!(to_sign.assemble(&good).is_ok(), "a failed try costs nothing");
}

#[test]
fn what_cannot_be_asked_for_is_said_at_the_end() {
    let card = Card::p256();
    let builder = || RequestBuilder::new("CN=Jana".parse().unwrap(), card.key(), ECDSA);
    let twice = builder().extension(usage(true)).extension(usage(true)).finalize().unwrap_err();
    assert_eq!(twice, BuildError::DuplicateExtension { oid: rfc5280::ID_CE_KEY_USAGE });
    let empty = builder().subject_alt_name(Vec::new()).extended_key_usage(Vec::new()).finalize().unwrap_err();
    assert_eq!(empty, BuildError::EmptyExtension { oid: rfc5280::ID_CE_SUBJECT_ALT_NAME });
    let rsa = SignatureAlgorithm::RsaPss(Digest::Sha256);
    let misfit = RequestBuilder::new("CN=Jana".parse().unwrap(), card.key(), rsa).finalize().unwrap_err();
    assert!(matches!(misfit, BuildError::Signature(VerifyError::WrongKind { .. })));
    let large = Extension {
        extn_id: rfc5280::ANY_POLICY,
        critical: false,
        extn_value: OctetString::new(vec![0; CertificationRequest::MAX_SIZE]).unwrap(),
    };
    assert!(matches!(builder().extension(large).finalize().unwrap_err(), BuildError::TooLong { .. }));
}

/// A request of exactly this many bytes; nothing in it is true but its shape.
fn of_size(size: usize) -> Vec<u8> {
    let padded = |padding: usize| {
        let filler = Any::new(der::Tag::OctetString, vec![0; padding]).unwrap().to_der().unwrap();
        let attributes = Some(vec![attribute(rfc5280::ANY_POLICY, &[filler])]);
        let info = Info { version: 0, subject: "CN=Jana".parse().unwrap(), public_key: Card::p256().key(), attributes };
        let info = info.to_der().unwrap();
        let request = Request {
            info: AnyRef::try_from(info.as_slice()).unwrap(),
            algorithm: ECDSA.identifier(),
            signature: BitStringRef::from_bytes(&[0; 70]).unwrap(),
        };
        request.to_der().unwrap()
    };
    let around = padded(size / 2).len() - size / 2;
    let made = padded(size - around);
    assert_eq!(made.len(), size);
    made
}

#[test]
fn the_longest_request_is_read_and_one_byte_more_is_not() {
    const MAX: usize = CertificationRequest::MAX_SIZE;
    assert_eq!(CertificationRequest::from_der(&of_size(MAX)).unwrap().der().len(), MAX);
    assert_eq!(CertificationRequest::from_der(&of_size(MAX + 1)), Err(ParseError::TooLong { size: MAX + 1 }));
    let text = CertificationRequest::from_der(&of_size(MAX)).unwrap().to_pem().unwrap();
    assert!(text.len() > MAX);
    assert_eq!(CertificationRequest::from_pem(&text).unwrap().der().len(), MAX);
    assert_eq!(CertificationRequest::from_pem(&"A".repeat(2 * MAX)), Err(ParseError::Pem));
    assert_eq!(
        CertificationRequest::from_pem(&"A".repeat(2 * MAX + 1)),
        Err(ParseError::TooLong { size: 2 * MAX + 1 })
    );
}

#[test]
fn the_longest_request_that_is_made_leaves_room_for_any_signature() {
    let card = Card::p256();
    let made = |filler: usize| {
        let extn_value = OctetString::new(vec![0; filler]).unwrap();
        let extension = Extension { extn_id: rfc5280::ANY_POLICY, critical: false, extn_value };
        RequestBuilder::new("CN=Jana".parse().unwrap(), card.key(), ECDSA).extension(extension).finalize()
    };
    let around = made(8_000).unwrap().bytes().len() - 8_000;
    // What RSA 4096 adds: outer SEQUENCE, AlgorithmIdentifier of PSS with its parameters, BIT STRING.
    let most = CertificationRequest::MAX_SIZE - 640;
    let longest = made(most - around).unwrap();
    assert_eq!(longest.bytes().len(), most);
    assert!(longest.assemble(&card.sign(longest.bytes())).is_ok());
    let refused = made(most - around + 1).unwrap_err();
    assert_eq!(refused, BuildError::TooLong { size: CertificationRequest::MAX_SIZE + 1 });
}

#[test]
fn debug_says_who_asks_and_never_a_challenge_password() {
    let request = CertificationRequest::from_der(CORPUS[4]).unwrap();
    let shown = format!("{request:?}");
    assert!(request.has_challenge_password());
    assert!(shown.contains(&request.subject().to_string()), "{shown}");
    assert!(shown.contains("1.2.840.113549.1.9.7"), "{shown}");
    let there = request.der().windows(14).any(|window| window == b"hunter2hunter2");
    assert!(there && !shown.contains("hunter2") && !shown.contains("104, 117, 110"), "{shown}");
}
