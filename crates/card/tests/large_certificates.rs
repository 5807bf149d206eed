//! Certificates up to the largest that the profile knows: what they cost, and what happens to one that is longer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{AUTHENTICATION, PUK, SIGNATURE, Setup, certificate, installation, order, pin};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_apdu::ins;
use obnova_card::{KeyRole, ProfileToken, SlotId, Token, TokenError};
use obnova_profile::Limits;
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::{Count, Decorated, Fault, FaultInjector, When};

const LARGEST: usize = Limits::LARGEST_CERTIFICATE as usize;

/// A card that takes the largest certificates there are, with a key in slot 1.
fn card() -> (Setup, SubjectPublicKeyInfoOwned) {
    let [authentication, signature, puk] = [AUTHENTICATION, SIGNATURE, PUK].map(str::as_bytes);
    let card = Personalisation::new("OBN1").largest_certificate(Limits::LARGEST_CERTIFICATE);
    let simulator = SimulatorConnection::new(card.active(authentication, signature, puk).finish().unwrap());
    let count = Count::new();
    let token = ProfileToken::new(Decorated::new(simulator.clone(), count.clone()));
    let mut card = Setup { simulator, count, token };
    let key = card.token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    (card, key)
}

/// A certificate of exactly so many bytes.
fn sized(key: &SubjectPublicKeyInfoOwned, bytes: usize) -> Vec<u8> {
    let less = certificate("Jana", 1, key, bytes - 600).len() - (bytes - 600);
    let made = certificate("Jana", 1, key, bytes - less);
    assert_eq!(made.len(), bytes);
    made
}

#[test]
fn certificates_of_every_size_come_back_as_they_were_written_at_a_cost_that_is_known() {
    // Bytes; APDUs to install and to list, with extended lengths and with short ones.
    let costs = [
        (1_024, (6, 3), (39, 20)),
        (4_096, (6, 3), (51, 32)),
        (16_384, (6, 3), (99, 80)),
        (LARGEST, (7, 3), (292, 274)),
    ];
    for (bytes, extended, short) in costs {
        for (short_only, expected) in [(false, extended), (true, short)] {
            let (card, key) = card();
            let again = || if short_only { card.again().short_only() } else { card.again() };
            let certificate = sized(&key, bytes);
            let before = card.count.counts();
            again().install(&[installation(1, certificate.clone())], &[], &pin()).unwrap();
            let installed = card.count.counts();
            let slots = again().slots().unwrap();
            let listed = card.count.counts() - installed;
            assert_eq!(slots[0].certificates[0].der, certificate, "{bytes}");
            assert_eq!(((installed - before).apdus, listed.apdus), expected, "{bytes}, short: {short_only}");
            // Nothing is sent or read twice: an APDU has a dozen bytes beside its data.
            let fixed = 6_000 + 12 * listed.apdus;
            assert!(listed.bytes_in <= bytes as u64 + fixed, "{bytes}: {listed:?}");
        }
    }
}

#[test]
fn a_certificate_that_is_longer_than_the_card_takes_is_refused_before_a_pin_is_sent() {
    let mut usual = Setup::new();
    let key = usual.token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    let (large, large_key) = card();
    for (mut card, key, longest) in [(usual, key, usize::from(Limits::CERTIFICATE)), (large, large_key, LARGEST)] {
        assert_eq!(card.token.capabilities().unwrap().max_certificate, longest);
        let (before, status) = (card.count.counts(), card.simulator.with_card(|card| card.status()));
        let job = [installation(1, sized(&key, longest + 1))];
        let error = card.token.install(&job, &[], &pin()).unwrap_err();
        assert!(matches!(error, TokenError::Slot { slot: SlotId(1), .. }), "{error}");
        assert!(error.to_string().contains("longer than the token takes"), "{error}");
        // SELECT and the directory.
        assert_eq!((card.count.counts() - before).apdus, 2);
        assert_eq!(card.simulator.with_card(|card| card.status()), status);
        card.token.install(&[installation(1, sized(&key, longest))], &[], &pin()).unwrap();
    }
}

#[test]
fn a_card_that_lies_about_what_stands_far_behind_is_told() {
    let (mut card, key) = card();
    card.token.install(&[installation(1, sized(&key, LARGEST))], &[], &pin()).unwrap();
    let read = |answer: &[u8]| {
        let injector = FaultInjector::new();
        let broken = Decorated::new(card.simulator.clone(), injector.clone());
        injector.schedule(When::Instruction(ins::READ_BINARY_TLV), Fault::Answer(answer.to_vec()));
        let slots = ProfileToken::new(broken).short_only().slots();
        assert_eq!(injector.waiting(), 0);
        slots.map(|slots| slots[0].certificates[0].der.len())
    };
    for nothing in [&[0x53, 0x00, 0x90, 0x00][..], &[0x6D, 0x00], &[0x6B, 0x00]] {
        assert_eq!(read(nothing).unwrap(), 0x8000, "what was read is no certificate");
    }
    for lie in [&[0x54, 0x01, 0x00, 0x90, 0x00][..], &[0x53, 0x05, 0x00, 0x90, 0x00], &[0x90, 0x00]] {
        let error = read(lie).unwrap_err();
        assert!(matches!(error, TokenError::Malformed { command: "READ BINARY", .. }), "{error}");
    }
}
