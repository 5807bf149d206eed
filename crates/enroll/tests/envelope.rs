//! What is sealed for the CA is opened by the CA alone, and by OpenSSL with the CA's key; and the other way round.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fmt::{Debug, Display},
    path::Path,
    sync::LazyLock,
};

use common::{
    Key, certificate_with, craft, extension, for_encryption,
    openssl::{openssl, try_openssl},
};
use const_oid::ObjectIdentifier;
use der::{Decode, Encode, EncodePem, pem::LineEnding};
use obnova_enroll::{
    FramingError,
    envelope::{OpenError, OpeningKey, SealError, seal},
    limits,
};
use proptest::{collection::vec, prelude::*};
use static_assertions::assert_not_impl_any;
use x509_cert::{
    Certificate,
    ext::pkix::{KeyUsage, KeyUsages},
};

struct Recipient {
    key: Key,
    certificate: Certificate,
    opening: OpeningKey,
}

impl Recipient {
    fn new(key: Key) -> Self {
        let (certificate, opening) = for_encryption(&key);
        Self { key, certificate, opening }
    }

    fn seal(&self, content: &[u8]) -> Vec<u8> {
        seal(content, &self.certificate).unwrap()
    }

    fn open(&self, envelope: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.opening.open(envelope).map(|content| content.to_vec())
    }
}

static RECIPIENTS: LazyLock<[Recipient; 3]> =
    LazyLock::new(|| [Key::p256(), Key::p384(), Key::rsa()].map(Recipient::new));

#[test]
fn what_is_sealed_is_opened_by_its_recipient_alone() {
    for recipient in &*RECIPIENTS {
        for content in [&b""[..], b"heslo", &[7; 10_000]] {
            let envelope = recipient.seal(content);
            assert_eq!(recipient.open(&envelope).unwrap(), content);
            assert_ne!(envelope, recipient.seal(content), "nothing in common");
            assert!(content.is_empty() || !envelope.windows(content.len()).any(|window| window == content));
        }
        let envelope = recipient.seal(b"heslo");
        // Another key under the same name.
        let other = Recipient::new(match recipient.key {
            Key::Rsa(..) => Key::rsa(),
            Key::P256(_) => Key::p256(),
            Key::P384(_) => Key::p384(),
        });
        assert_eq!(other.open(&envelope), Err(OpenError::Wrong));
        let renamed = certificate_with("CN=x", &recipient.key, "CN=Another CA", &recipient.key, 77, Vec::new());
        let renamed = OpeningKey::from_pkcs8(&recipient.key.pkcs8(), renamed).unwrap();
        assert_eq!(renamed.open(&envelope).err(), Some(OpenError::OtherRecipient));
    }
    let [curve, _, rsa] = &*RECIPIENTS;
    assert_eq!(rsa.open(&curve.seal(b"heslo")), Err(OpenError::OtherRecipient));
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let [curve, other_curve, rsa] = &*RECIPIENTS;
    for (key, certificate) in [(curve, other_curve), (curve, rsa), (rsa, curve)] {
        let wrong = OpeningKey::from_pkcs8(&key.key.pkcs8(), certificate.certificate.clone());
        assert_eq!(wrong.err(), Some(OpenError::Key));
    }
    for stranger in [Key::p256(), Key::rsa()] {
        let certificate = if matches!(stranger, Key::Rsa(..)) { &rsa.certificate } else { &curve.certificate };
        assert_eq!(OpeningKey::from_pkcs8(&stranger.pkcs8(), certificate.clone()).err(), Some(OpenError::Key));
    }
    assert_eq!(OpeningKey::from_pkcs8(b"key", curve.certificate.clone()).err(), Some(OpenError::Key));
    for (key, usage) in [
        (&curve.key, KeyUsages::DigitalSignature),
        (&curve.key, KeyUsages::KeyEncipherment),
        (&rsa.key, KeyUsages::KeyAgreement),
    ] {
        let usage = vec![extension(&KeyUsage(usage.into()), true)];
        let certificate = certificate_with("CN=x", key, "CN=x", key, 1, usage);
        assert_eq!(seal(b"heslo", &certificate), Err(SealError::NotForEncryption));
    }
    // Without a keyUsage nothing is said against it.
    let plain = certificate_with("CN=x", &curve.key, "CN=x", &curve.key, 1, Vec::new());
    assert!(seal(b"heslo", &plain).is_ok());
}

#[test]
fn an_envelope_cut_or_with_any_bit_flipped_does_not_open_to_something_else() {
    for recipient in &*RECIPIENTS {
        let envelope = recipient.seal(b"heslo");
        for length in 0..envelope.len() {
            assert!(recipient.open(&envelope[..length]).is_err(), "{length}");
        }
        let mut wrong = 0;
        for position in 0..envelope.len() * 8 {
            let mut flipped = envelope.clone();
            flipped[position / 8] ^= 1 << (position % 8);
            match recipient.open(&flipped) {
                Ok(content) => assert_eq!(content, b"heslo", "bit {position}"),
                Err(error) => wrong += usize::from(error == OpenError::Wrong),
            }
        }
        assert!(wrong > 80 * 8, "key, content and tag: {wrong}");
    }
}

#[test]
fn what_is_no_envelope_is_named() {
    let [curve, ..] = &*RECIPIENTS;
    let long = vec![0x30; limits::MAX_MESSAGE + 1];
    assert_eq!(curve.open(&long), Err(FramingError::TooLong { size: long.len() }.into()));
    let data = craft::seq(&[&craft::oid("1.2.840.113549.1.7.1"), &craft::tlv(0xa0, &[&craft::octets(b"x")])]);
    let oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
    assert_eq!(curve.open(&data), Err(OpenError::NotAnEnvelope { oid }));
    assert!(matches!(curve.open(b"heslo"), Err(OpenError::Malformed(_))));
    // signedData inside instead of data, for the same bytes.
    let envelope = curve.seal(b"heslo");
    let oid = craft::oid("1.2.840.113549.1.7.1");
    let at = envelope.windows(oid.len()).position(|window| window == oid).unwrap();
    let mut other = envelope;
    other[at + oid.len() - 1] = 2;
    let found = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
    assert_eq!(curve.open(&other), Err(OpenError::Content { found }));
}

/// A tag that was cut short is forged in no time: whole ones only.
#[test]
fn short_tags_are_refused() {
    let [curve, ..] = &*RECIPIENTS;
    let envelope = curve.seal(b"heslo");
    let info = cms::content_info::ContentInfo::from_der(&envelope).unwrap();
    let honest = info.content.decode_as::<cms::authenveloped_data::AuthEnvelopedData>().unwrap();
    let with = |change: &dyn Fn(&mut cms::authenveloped_data::AuthEnvelopedData)| {
        let mut data = honest.clone();
        change(&mut data);
        let content = der::asn1::Any::encode_from(&data).unwrap();
        curve.open(&cms::content_info::ContentInfo { content_type: info.content_type, content }.to_der().unwrap())
    };
    assert_eq!(with(&|_| ()), Ok(b"heslo".to_vec()));
    let tag = honest.mac.as_bytes();
    assert_eq!(with(&|data| data.mac = der::asn1::OctetString::new(&tag[..12]).unwrap()), Err(OpenError::Wrong));
    assert_eq!(with(&|data| data.mac = der::asn1::OctetString::new(&[][..]).unwrap()), Err(OpenError::Wrong));
    let parameters = |nonce: &[u8], more: &[u8]| {
        let parameters = craft::seq(&[&craft::octets(nonce), more]);
        with(&|data| {
            let algorithm = &mut data.auth_encrypted_content_info.content_enc_alg;
            algorithm.parameters = Some(der::asn1::Any::from_der(&parameters).unwrap());
        })
    };
    for (nonce, more) in [(&[7; 12][..], &[][..]), (&[7; 12], &[2, 1, 15]), (&[7; 11], &[2, 1, 16])] {
        assert_eq!(parameters(nonce, more), Err(OpenError::Unsupported));
    }
    assert_eq!(parameters(&[7; 12], &[2, 1, 16]), Err(OpenError::Wrong), "another nonce");
    assert_eq!(with(&|data| data.auth_encrypted_content_info.encrypted_content = None), Err(OpenError::Unsupported));
}

/// A directory with the recipient's key and certificate.
fn prepared(recipient: &Recipient) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key.der"), recipient.key.pkcs8()).unwrap();
    openssl(directory.path(), &["pkey", "-inform", "DER", "-in", "key.der", "-out", "key.pem"]);
    std::fs::write(directory.path().join("ca.pem"), recipient.certificate.to_pem(LineEnding::LF).unwrap()).unwrap();
    std::fs::write(directory.path().join("content"), "heslo pro odvolání").unwrap();
    directory
}

#[test]
fn openssl_opens_what_is_sealed_here() {
    for recipient in &*RECIPIENTS {
        let directory = prepared(recipient);
        let directory = directory.path();
        let envelope = recipient.seal("heslo pro odvolání".as_bytes());
        std::fs::write(directory.join("envelope.der"), &envelope).unwrap();
        let decrypt = ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", "envelope.der", "-inkey", "key.pem"];
        let decrypt = [&decrypt[..], &["-recip", "ca.pem", "-out", "opened"]].concat();
        openssl(directory, &decrypt);
        assert_eq!(std::fs::read(directory.join("opened")).unwrap(), "heslo pro odvolání".as_bytes());
        let printed = openssl(directory, &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "envelope.der"]);
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("aes-256-gcm"), "{printed}");
        // It is no less strict with one that was altered.
        let mut altered = envelope;
        *altered.last_mut().unwrap() ^= 1;
        std::fs::write(directory.join("envelope.der"), altered).unwrap();
        assert!(!try_openssl(directory, &decrypt).0);
    }
}

fn sealed_by_openssl(directory: &Path, cipher: &str, more: &[&str]) -> Vec<u8> {
    let encrypt = ["cms", "-encrypt", "-binary", "-in", "content", "-outform", "DER", "-out", "sealed.der", cipher];
    openssl(directory, &[&encrypt[..], &["-recip", "ca.pem"], more].concat());
    std::fs::read(directory.join("sealed.der")).unwrap()
}

#[test]
fn what_openssl_seals_is_opened_here() {
    const GCM: &str = "-aes-256-gcm";
    for recipient in &*RECIPIENTS {
        let directory = prepared(recipient);
        let directory = directory.path();
        let good: &[&[&str]] = match recipient.key {
            Key::Rsa(..) => &[
                &["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"],
                &["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha512", "-keyid"],
            ],
            _ => &[
                &["-keyopt", "ecdh_kdf_md:sha256"],
                &["-keyopt", "ecdh_kdf_md:sha384"],
                &["-keyid", "-keyopt", "ecdh_kdf_md:sha256"],
            ],
        };
        for form in good {
            let opened = recipient.open(&sealed_by_openssl(directory, GCM, form));
            assert_eq!(opened.as_deref(), Ok("heslo pro odvolání".as_bytes()), "{form:?}");
        }
        // PKCS#1 v1.5, or OAEP or key derivation with SHA-1: its defaults.
        assert_eq!(recipient.open(&sealed_by_openssl(directory, GCM, &[])), Err(OpenError::Unsupported));
        if let Key::Rsa(..) = recipient.key {
            let sha1 = sealed_by_openssl(directory, GCM, &["-keyopt", "rsa_padding_mode:oaep"]);
            assert_eq!(recipient.open(&sha1), Err(OpenError::Unsupported));
        }
        assert_eq!(recipient.open(&sealed_by_openssl(directory, "-aes-128-gcm", good[0])), Err(OpenError::Unsupported));
        let oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
        let unauthenticated = sealed_by_openssl(directory, "-aes-256-cbc", good[0]);
        assert_eq!(recipient.open(&unauthenticated), Err(OpenError::NotAnEnvelope { oid }));
    }
}

/// One envelope for two recipients, by OpenSSL: each finds its own part.
#[test]
fn an_envelope_for_several_is_opened_by_each() {
    let [curve, _, rsa] = &*RECIPIENTS;
    let directory = prepared(curve);
    let directory = directory.path();
    std::fs::write(directory.join("rsa.pem"), rsa.certificate.to_pem(LineEnding::LF).unwrap()).unwrap();
    let more = ["-keyopt", "ecdh_kdf_md:sha256", "-recip", "rsa.pem", "-keyopt", "rsa_padding_mode:oaep"];
    let envelope =
        sealed_by_openssl(directory, "-aes-256-gcm", &[&more[..], &["-keyopt", "rsa_oaep_md:sha256"]].concat());
    for recipient in [curve, rsa] {
        assert_eq!(recipient.open(&envelope).as_deref(), Ok("heslo pro odvolání".as_bytes()));
    }
}

#[test]
fn an_opening_key_is_not_shown() {
    assert_not_impl_any!(OpeningKey: Debug, Display, Clone);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn any_content_comes_back(content in vec(any::<u8>(), 0..600), which in 0..3_usize) {
        let recipient = &RECIPIENTS[which];
        let envelope = recipient.seal(&content);
        prop_assert_eq!(recipient.open(&envelope), Ok(content));
    }

    #[test]
    fn any_bytes_are_refused(bytes in vec(any::<u8>(), 0..300), which in 0..3_usize) {
        prop_assert!(RECIPIENTS[which].open(&bytes).is_err());
    }
}
