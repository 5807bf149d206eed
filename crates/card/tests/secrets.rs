//! Secrets are planted in every operation, and nothing that is written down or shown has them in it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fmt::{Debug, Display},
    hash::Hash,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use common::{AUTHENTICATION, PUK, SIGNATURE, Setup, certificate, digest, installation, order, pin};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_card::{KeyRole, PasswordKind, Pin, ProfileToken, Removal, Secret, SignDigest, SlotId, Token, TokenError};
use obnova_transport::{Decorated, Record, Replay, Trace, TraceFile};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use zeroize::ZeroizeOnDrop;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

const NEW: &str = "97531";
const WRONG: &str = "86420";

fn life(token: &mut dyn Token) -> Vec<TokenError> {
    let mut errors = Vec::new();
    let mut keep = |result: Result<(), TokenError>| errors.extend(result.err());
    let secret = |text: &str| Pin::new(Secret::from(text));
    let key = token.generate(&order(1, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
    token.install(&[installation(1, certificate("Jana", 1, &key, 300))], &[], &pin()).unwrap();
    let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
    let job = SignDigest { slot: SlotId(1), algorithm, digest: digest(b"x") };
    token.sign(std::slice::from_ref(&job), &secret(SIGNATURE)).unwrap();
    keep(token.sign(std::slice::from_ref(&job), &secret(WRONG)).map(drop));
    let kind = PasswordKind::SignaturePin;
    token.change_password(kind, &secret(SIGNATURE), &Secret::from(NEW)).unwrap();
    keep(token.change_password(kind, &secret(WRONG), &Secret::from(NEW)));
    keep(token.change_password(kind, &secret(NEW), &Secret::from("1")));
    keep(token.unblock_password(kind, &secret("86420864"), &Secret::from(NEW)));
    token.unblock_password(kind, &secret(PUK), &Secret::from(NEW)).unwrap();
    token.remove(&[Removal::Slot(SlotId(1))], &pin()).unwrap();
    errors
}

#[test]
fn secrets_cannot_be_shown_and_are_wiped() {
    assert_not_impl_any!(Secret: Debug, Display, Hash, PartialOrd, Default);
    assert_not_impl_any!(Pin: Debug, Display, PartialEq, Hash);
    assert_impl_all!(Secret: ZeroizeOnDrop);
    assert!(Secret::from("1234") == Secret::from("1234") && Secret::from("1234") != Secret::from("1235"));
    assert!(Secret::from("1234") != Secret::from("12345"));
    // What carries it to the module of a PKCS#11 token.
    #[cfg(feature = "pkcs11")]
    {
        use cryptoki::types::{AuthPin, RawAuthPin};
        assert_impl_all!(AuthPin: ZeroizeOnDrop);
        assert_impl_all!(RawAuthPin: ZeroizeOnDrop);
        let shown = format!("{:?} {:?}", AuthPin::from("planted"), RawAuthPin::new(Box::new(b"planted".to_vec())));
        assert!(!shown.contains("planted") && !shown.contains("112, 108"), "{shown}");
    }
}

#[test]
fn no_secret_is_written_down_or_shown() {
    let (trace, record) = (Paper::default(), Paper::default());
    let card = Setup::new();
    let traced = Decorated::new(card.simulator.clone(), Trace::to_writer(trace.clone()));
    let mut token = ProfileToken::new(Decorated::new(traced, Record::to_writer(record.clone())));
    let errors = life(&mut token);
    assert_eq!(errors.len(), 4);
    let told: String = errors.iter().map(|error| format!("{error} {error:?}\n")).collect();
    for secret in [AUTHENTICATION, SIGNATURE, PUK, NEW, WRONG] {
        let hex: Vec<_> = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        for text in [trace.text(), record.text(), told.clone()] {
            assert!(!text.contains(secret) && !text.contains(&hex.join(" ")) && !text.contains(&hex.concat()));
        }
    }
    assert_eq!(record.text().matches("[redacted]").count(), trace.text().matches("[redacted]").count());
    assert!(record.text().matches("> 00 20 00 01 [redacted]").count() >= 3);
}

#[test]
fn a_recorded_conversation_is_replayed_without_card_or_secret() {
    let record = Paper::default();
    let card = Setup::with_pairs(&[1, 2]);
    let act = |token: &mut dyn Token| {
        let slots = token.slots().unwrap();
        let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
        let job = SignDigest { slot: SlotId(1), algorithm, digest: digest(b"x") };
        (slots, token.sign(&[job], &pin()).unwrap())
    };
    let recorded =
        act(&mut ProfileToken::new(Decorated::new(card.simulator.clone(), Record::to_writer(record.clone()))));
    let trace: TraceFile = record.text().parse().unwrap();
    let mut replayed = ProfileToken::new(Replay::new(trace));
    assert_eq!(act(&mut replayed), recorded);
    replayed.into_connection().finish().unwrap();
}
