//! What holds for every request.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::LazyLock;

use common::Card;
use const_oid::{AssociatedOid, ObjectIdentifier};
use der::{
    Encode,
    asn1::{OctetString, SetOfVec},
    flagset::FlagSet,
};
use obnova_algorithm::{Digest, SignatureAlgorithm};
use obnova_pkcs10::{BuildError, CertificationRequest, RequestBuilder};
use proptest::{collection::vec, prelude::*};
use x509_cert::{
    ext::{
        Extension,
        pkix::{KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier, name::GeneralName},
    },
    name::Name,
    request::{CertReqInfo, ExtensionReq, Version},
};

const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
static CARD: LazyLock<Card> = LazyLock::new(Card::p256);

/// What somebody asks for.
#[derive(Clone, Debug)]
struct Wish {
    subject: Name,
    usage: Option<FlagSet<KeyUsages>>,
    mails: Vec<String>,
    others: Vec<Extension>,
}

impl Wish {
    fn builder(&self) -> RequestBuilder {
        let mut builder = RequestBuilder::new(self.subject.clone(), CARD.key(), ECDSA);
        if let Some(usage) = self.usage {
            builder = builder.key_usage(KeyUsage(usage));
        }
        if !self.mails.is_empty() {
            builder = builder.subject_alt_name(self.names());
        }
        self.others.iter().fold(builder, |builder, other| builder.extension(other.clone()))
    }

    /// The CertificationRequestInfo as the crates `der` and `x509-cert` write it.
    fn encoded_by_der(&self) -> Vec<u8> {
        let mut extensions = self.others.clone();
        if !self.mails.is_empty() {
            let names = SubjectAltName(self.names());
            extensions.insert(0, extension(&names, self.subject.is_empty()));
        }
        if let Some(usage) = self.usage {
            extensions.insert(0, extension(&KeyUsage(usage), true));
        }
        let mut attributes = SetOfVec::new();
        if !extensions.is_empty() {
            attributes.insert(ExtensionReq(extensions).try_into().unwrap()).unwrap();
        }
        let (subject, public_key) = (self.subject.clone(), CARD.key());
        CertReqInfo { version: Version::V1, subject, public_key, attributes }.to_der().unwrap()
    }

    fn names(&self) -> Vec<GeneralName> {
        let name = |mail: &String| GeneralName::Rfc822Name(der::asn1::Ia5String::new(mail).unwrap());
        self.mails.iter().map(name).collect()
    }
}

fn extension<T: AssociatedOid + Encode>(value: &T, critical: bool) -> Extension {
    Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der().unwrap()).unwrap() }
}

fn wish() -> impl Strategy<Value = Wish> {
    let text = "[A-Za-zÀ-ž][A-Za-zÀ-ž0-9 .'-]{0,30}[A-Za-z0-9]";
    let subject = prop_oneof![
        Just(Name::default()),
        (text, text, "[A-Z]{2}", prop_oneof![Just(','), Just('+')]).prop_map(|(name, house, country, between)| {
            format!("CN={name}{between}O={house},C={country}").parse().unwrap()
        }),
    ];
    let usage = proptest::option::of(1..0x1FF_u16).prop_map(|bits| bits.map(FlagSet::new_truncated));
    let other = (1..40_u32, any::<bool>(), vec(any::<u8>(), 0..300)).prop_map(|(arc, critical, value)| Extension {
        extn_id: ObjectIdentifier::new("1.3.6.1.4.1.99999").unwrap().push_arc(arc).unwrap(),
        critical,
        extn_value: OctetString::new(value).unwrap(),
    });
    let mails = vec("[a-z]{1,12}@[a-z]{1,12}\\.example", 0..4);
    (subject, usage, mails, vec(other, 0..5)).prop_map(|(subject, usage, mails, others)| Wish {
        subject,
        usage,
        mails,
        others,
    })
}

fn made(wish: &Wish) -> Result<CertificationRequest, BuildError> {
    let to_sign = wish.builder().finalize()?;
    to_sign.assemble(&CARD.sign(to_sign.bytes()))
}

/// RFC 7093 §2, 1: 160 bits of SHA-256 over the key without tag, length and unused bits.
#[test]
fn a_key_is_named_by_its_own_hash() {
    let key = CARD.key();
    let builder = || RequestBuilder::new(Name::default(), key.clone(), ECDSA).key_identifier();
    let to_sign = builder().finalize().unwrap();
    let request = to_sign.assemble(&CARD.sign(to_sign.bytes())).unwrap();
    assert_eq!(request.signature_algorithm(), Ok(ECDSA));
    let (critical, identifier) = request.extension::<SubjectKeyIdentifier>().unwrap().unwrap();
    let hash = Digest::Sha256.of(key.subject_public_key.as_bytes().unwrap());
    assert_eq!((critical, identifier.0.as_bytes()), (false, &hash.as_bytes()[..20]));
    let twice = builder().key_identifier().finalize().unwrap_err();
    assert!(matches!(twice, BuildError::DuplicateExtension { .. }));
}

/// What is asked for once more takes the place of what was asked for before, and nothing else's.
#[test]
fn an_extension_is_replaced_by_one_of_its_type() {
    let arc = |arc| ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999").push_arc(arc).unwrap();
    let extension =
        |extn_id, value: &[u8]| Extension { extn_id, critical: false, extn_value: OctetString::new(value).unwrap() };
    let builder = RequestBuilder::new(Name::default(), CARD.key(), ECDSA);
    let builder = builder.extension(extension(arc(1), b"a")).extension(extension(arc(2), b"b"));
    let builder = builder.replace_extension(extension(arc(1), b"c")).replace_extension(extension(arc(3), b"d"));
    let to_sign = builder.finalize().unwrap();
    let request = to_sign.assemble(&CARD.sign(to_sign.bytes())).unwrap();
    assert_eq!(request.extensions(), [extension(arc(2), b"b"), extension(arc(1), b"c"), extension(arc(3), b"d")]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn what_was_asked_for_is_what_is_read(wish in wish()) {
        let twice = wish.others.iter().enumerate().any(|(at, one)| {
            wish.others[..at].iter().any(|earlier| earlier.extn_id == one.extn_id)
        });
        let request = match made(&wish) {
            Ok(request) => request,
            Err(error) => {
                prop_assert!(twice && matches!(error, BuildError::DuplicateExtension { .. }), "{}", error);
                return Ok(());
            }
        };
        prop_assert!(!twice);
        prop_assert!(request.verify().is_ok());
        for again in [
            CertificationRequest::from_der(request.der()).unwrap(),
            CertificationRequest::from_pem(&request.to_pem().unwrap()).unwrap(),
        ] {
            prop_assert_eq!(&again, &request);
            prop_assert_eq!(again.subject(), &wish.subject);
            prop_assert_eq!(again.public_key(), &CARD.key());
            let usage = again.extension::<KeyUsage>().unwrap();
            prop_assert_eq!(usage, wish.usage.map(|usage| (true, KeyUsage(usage))));
            let names = again.extension::<SubjectAltName>().unwrap();
            let asked = (!wish.mails.is_empty()).then(|| (wish.subject.is_empty(), SubjectAltName(wish.names())));
            prop_assert_eq!(names, asked);
            prop_assert!(again.extensions().ends_with(&wish.others));
            prop_assert!(!again.has_challenge_password());
        }
    }

    #[test]
    fn what_is_signed_is_what_another_encoder_writes(wish in wish()) {
        if let Ok(to_sign) = wish.builder().finalize() {
            prop_assert_eq!(to_sign.bytes(), wish.encoded_by_der());
        }
    }

    #[test]
    fn a_changed_byte_is_refused(wish in wish(), at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let Ok(request) = made(&wish) else { return Ok(()) };
        let mut bytes = request.der().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(changed) = CertificationRequest::from_der(&bytes) {
            prop_assert!(changed.verify().is_err(), "byte {} of {}", at, bytes.len());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_kept(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(request) = CertificationRequest::from_der(&bytes) {
            prop_assert_eq!(request.der(), &bytes[..]);
        }
    }

    #[test]
    fn a_signature_over_something_else_is_not_assembled(wish in wish(), other in vec(any::<u8>(), 0..64)) {
        let Ok(to_sign) = wish.builder().finalize() else { return Ok(()) };
        prop_assert!(to_sign.assemble(&CARD.sign(&other)).is_err());
        prop_assert!(to_sign.assemble(&other).is_err());
    }
}
