//! PINs entered at the reader's pad (PC/SC part 10): a reader with a pad in this process, at the level of control codes. No
//! secret goes through the host, and what is not entered spends no try.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{
    AUTHENTICATION, PUK, SIGNATURE, Setup,
    arrived::{arrived, everything_can_be_used, good, new, nothing_can_be_used, state, transport, transport_pin},
    digest, order,
    pad::{Desk, Enters, MODIFY, PadReader, VERIFY, digits, features},
    pin,
};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_apdu::ins;
use obnova_card::{
    Activation, KeyRole, PasswordKind, Pin, ProfileToken, Secret, SignDigest, SlotId, Token, TokenError, Tries,
};
use obnova_profile::{CardStatus, TransportPinModel};
use obnova_simulator::SimulatorConnection;
use obnova_transport::{
    CardTransport, Decorated, Decorator, PinPadError, TransportError, pin_pad::GET_FEATURE_REQUEST,
};

/// Fails when the host sends a command that carries a password.
struct NoSecrets;

impl Decorator for NoSecrets {
    fn transmit(&mut self, card: &mut dyn CardTransport, sent: &[u8], got: &mut Vec<u8>) -> Result<(), TransportError> {
        let carries =
            [ins::VERIFY, ins::CHANGE_REFERENCE_DATA, ins::RESET_RETRY_COUNTER].contains(&sent[1]) && sent.len() > 5;
        assert!(!carries, "a password went through the host");
        card.transmit(sent, got)
    }
}

type Driver = ProfileToken<Decorated<PadReader, NoSecrets>>;

fn desk(enters: impl IntoIterator<Item = Enters>) -> (Setup, Driver, Arc<Mutex<Desk>>) {
    let setup = Setup::with_pairs(&[1, 2]);
    let (token, desk) = at_desk(setup.simulator.clone(), enters);
    (setup, token, desk)
}

fn at_desk(card: SimulatorConnection, enters: impl IntoIterator<Item = Enters>) -> (Driver, Arc<Mutex<Desk>>) {
    let desk = Arc::new(Mutex::new(Desk { enters: enters.into_iter().collect(), ..Desk::default() }));
    let features = features(&[(0x06, VERIFY), (0x07, MODIFY)]);
    let reader = PadReader { card, features, desk: desk.clone() };
    (ProfileToken::new(Decorated::new(reader, NoSecrets)), desk)
}

fn job(slot: u32, text: &[u8]) -> SignDigest {
    SignDigest { slot: SlotId(slot), algorithm: SignatureAlgorithm::Ecdsa(Digest::Sha256), digest: digest(text) }
}

#[test]
fn everything_is_done_with_what_is_entered_at_the_pad() {
    let (mut setup, mut token, desk) = desk([
        digits(&[SIGNATURE]),
        digits(&[SIGNATURE]),
        digits(&[AUTHENTICATION]),
        digits(&[AUTHENTICATION]),
        digits(&["246813", "246813"]),
        digits(&[PUK]),
        digits(&["9753", "9753"]),
    ]);
    assert!(token.capabilities().unwrap().pin_pad);
    // A signature PIN is entered for each signature.
    assert_eq!(token.sign(&[job(2, b"x"), job(2, b"y")], &Pin::at_pad()).unwrap().len(), 2);
    token.generate(&order(3, KeyRole::Signature, KeyAlgorithm::P256), &Pin::at_pad()).unwrap();
    let none = Secret::new(Vec::new());
    token.change_password(PasswordKind::AuthenticationPin, &Pin::at_pad(), &none).unwrap();
    token.unblock_password(PasswordKind::SignaturePin, &Pin::at_pad(), &none).unwrap();
    {
        let desk = desk.lock().unwrap();
        assert!(desk.enters.is_empty());
        assert_eq!(desk.shown, [0, 0, 0, 0, 1, 2, 0, 1, 2], "each is entered as often as in one command");
        let questions = desk.asked.iter().filter(|code| **code == GET_FEATURE_REQUEST).count();
        assert_eq!(questions, 1, "the reader is asked once what it can do");
    }
    // The new ones are the card's, at the keyboard as well.
    for (slot, value) in [(1, "246813"), (2, "9753")] {
        setup.token.sign(&[job(slot, b"z")], &Pin::new(Secret::from(value))).unwrap();
    }
}

#[test]
fn what_is_wrong_at_the_pad_is_told_with_the_tries_and_the_last_one_takes_a_yes() {
    let (mut setup, mut token, desk) = desk(vec![digits(&["000000"]); 3]);
    for left in [2, 1] {
        let wrong = token.sign(&[job(1, b"x")], &Pin::at_pad());
        let Err(TokenError::WrongSecret { password: PasswordKind::AuthenticationPin, tries }) = wrong else {
            panic!("{wrong:?}")
        };
        assert_eq!(tries, Tries::Known(left));
    }
    let kept = token.sign(&[job(1, b"x")], &Pin::at_pad());
    assert!(matches!(kept, Err(TokenError::TooFewTries { .. })), "{kept:?}");
    assert_eq!(desk.lock().unwrap().enters.len(), 1, "nobody was asked");
    assert_eq!(setup.tries(PasswordKind::AuthenticationPin), Tries::Known(1));
    let blocked = token.sign(&[job(1, b"x")], &Pin::at_pad_with_last_try());
    assert!(matches!(blocked, Err(TokenError::Blocked { .. })), "{blocked:?}");
}

#[test]
fn what_is_not_entered_spends_nothing_and_has_its_name() {
    let verify = [
        (Enters::Nothing, PinPadError::Timeout),
        (Enters::Cancel, PinPadError::Cancelled),
        (digits(&["123"]), PinPadError::Length),
        (digits(&["123456789"]), PinPadError::Length),
    ];
    for (enters, named) in verify {
        let (mut setup, mut token, _) = desk([enters]);
        let refused = token.sign(&[job(1, b"x")], &Pin::at_pad());
        assert!(matches!(refused, Err(TokenError::PinPad(problem)) if problem == named), "{named:?}");
        assert_eq!(setup.tries(PasswordKind::AuthenticationPin), Tries::Known(3));
    }
    let change = [
        (Enters::Nothing, PinPadError::Timeout),
        (Enters::Cancel, PinPadError::Cancelled),
        (digits(&["246813", "246831"]), PinPadError::NotTheSame),
        (digits(&["246", "246"]), PinPadError::Length),
    ];
    for (enters, named) in change {
        let (mut setup, mut token, _) = desk([digits(&[AUTHENTICATION]), enters]);
        let none = Secret::new(Vec::new());
        let refused = token.change_password(PasswordKind::AuthenticationPin, &Pin::at_pad(), &none);
        assert!(matches!(refused, Err(TokenError::PinPad(problem)) if problem == named), "{named:?}");
        assert_eq!(setup.tries(PasswordKind::AuthenticationPin), Tries::Known(3));
        setup.token.sign(&[job(1, b"x")], &pin()).unwrap();
    }
}

#[test]
fn a_puk_that_cannot_be_one_is_not_sent_from_the_pad() {
    for entered in [vec![digits(&["1234"])], vec![digits(&[PUK]), digits(&["975", "975"])]] {
        let (mut setup, mut token, _) = desk(entered);
        let refused = token.unblock_password(PasswordKind::SignaturePin, &Pin::at_pad(), &Secret::new(Vec::new()));
        assert!(matches!(refused, Err(TokenError::PinPad(PinPadError::Length))), "{refused:?}");
        assert_eq!(setup.tries(PasswordKind::Puk), Tries::Known(5));
    }
}

/// The card compares it alone, and whole: its last digit is no part of a PIN that nobody chose.
#[test]
fn an_old_value_with_a_digit_too_many_changes_nothing_at_the_pad_either() {
    let none = || Secret::new(Vec::new());
    let wrong = |refused: Result<(), TokenError>, expected| {
        assert!(
            matches!(refused, Err(TokenError::WrongSecret { password, .. }) if password == expected),
            "{refused:?}"
        );
    };
    let (mut setup, mut token, desk) = desk([digits(&["43215"]), digits(&["2468245"])]);
    // Short enough to be entered with a digit too many.
    let [pin, puk] = [PasswordKind::SignaturePin, PasswordKind::Puk];
    setup.token.change_password(pin, &Pin::new(Secret::from(SIGNATURE)), &Secret::from("4321")).unwrap();
    setup.token.change_password(puk, &Pin::new(Secret::from(PUK)), &Secret::from("246824")).unwrap();
    wrong(token.change_password(pin, &Pin::at_pad(), &none()), pin);
    wrong(token.unblock_password(pin, &Pin::at_pad(), &none()), puk);
    assert!(!desk.lock().unwrap().asked.contains(&MODIFY), "no new one was asked for");
    setup.token.sign(&[job(2, b"z")], &Pin::new(Secret::from("4321"))).unwrap();
}

/// With the older card, which does not compare an old value for a new one, the pad sends both in one command.
#[test]
fn a_card_of_version_1_1_gets_both_in_one_command_from_the_pad() {
    let setup = Setup::with_pairs(&[1, 2]);
    let enters = [digits(&[AUTHENTICATION, "246813", "246813"]), digits(&[PUK, "975310", "975310"])];
    let desk = Arc::new(Mutex::new(Desk { enters: enters.into(), ..Desk::default() }));
    let features = features(&[(0x06, VERIFY), (0x07, MODIFY)]);
    let reader = PadReader { card: setup.simulator.clone(), features, desk: desk.clone() };
    let mut token = ProfileToken::new(Decorated::new(reader, Older));
    let none = Secret::new(Vec::new());
    token.change_password(PasswordKind::AuthenticationPin, &Pin::at_pad(), &none).unwrap();
    token.unblock_password(PasswordKind::SignaturePin, &Pin::at_pad(), &none).unwrap();
    let desk = desk.lock().unwrap();
    assert!(desk.enters.is_empty() && !desk.asked.contains(&VERIFY));
}

/// Says that the card follows version 1.1.
struct Older;

impl Decorator for Older {
    fn transmit(&mut self, card: &mut dyn CardTransport, sent: &[u8], got: &mut Vec<u8>) -> Result<(), TransportError> {
        card.transmit(sent, got)?;
        if sent[1] == ins::SELECT {
            let mut status = CardStatus::from_fci(&got[..got.len() - 2]).unwrap();
            status.version.minor = 1;
            *got = [status.to_fci(), vec![0x90, 0x00]].concat();
        }
        Ok(())
    }
}

#[test]
fn a_pad_takes_what_is_of_different_lengths_one_after_the_other() {
    let model = TransportPinModel::FiveDigits;
    let (card, mut token) = arrived(model);
    token.activate(&transport(model), &good()).unwrap();
    let (mut token, desk) = at_desk(card.clone(), [digits(&[PUK]), digits(&["975310", "975310"])]);
    token.unblock_password(PasswordKind::SignaturePin, &Pin::at_pad(), &Secret::new(Vec::new())).unwrap();
    assert!(desk.lock().unwrap().enters.is_empty());
    // In one command they have one range of lengths, which a card of version 1.1 wants.
    let features = features(&[(0x06, VERIFY), (0x07, MODIFY)]);
    let reader = PadReader { card, features, desk: desk.clone() };
    let mut token = ProfileToken::new(Decorated::new(reader, Older));
    desk.lock().unwrap().asked.clear();
    let refused = token.unblock_password(PasswordKind::SignaturePin, &Pin::at_pad(), &Secret::new(Vec::new()));
    assert!(matches!(refused, Err(TokenError::Unsupported { .. })), "{refused:?}");
    assert!(!desk.lock().unwrap().asked.contains(&MODIFY));
}

#[test]
fn a_pad_can_be_switched_off_and_a_reader_without_one_has_none() {
    let refused = |token: &mut dyn Token| {
        let refused = token.sign(&[job(1, b"x")], &Pin::at_pad());
        assert!(matches!(refused, Err(TokenError::Unsupported { .. })), "{refused:?}");
    };
    let (setup, token, desk) = desk([]);
    let mut token = token.without_pin_pad();
    assert!(!token.capabilities().unwrap().pin_pad);
    refused(&mut token);
    assert!(desk.lock().unwrap().asked.is_empty(), "the reader is not even asked");
    // No control channel at all; an empty list; a list that is broken off.
    let mut without = ProfileToken::new(setup.simulator.clone());
    assert!(!without.capabilities().unwrap().pin_pad);
    refused(&mut without);
    for features in [vec![], features(&[(0x06, VERIFY)])[..5].to_vec(), features(&[(0x07, MODIFY)])] {
        let mut token = ProfileToken::new(PadReader { card: setup.simulator.clone(), features, desk: Arc::default() });
        assert!(!token.capabilities().unwrap().pin_pad);
        refused(&mut token);
    }
    assert_eq!(without.passwords().unwrap()[0].state, obnova_card::PasswordState::Active(Tries::Known(3)));
}

#[test]
fn a_pad_that_only_verifies_changes_nothing() {
    let setup = Setup::with_pairs(&[1, 2]);
    let desk = Arc::new(Mutex::new(Desk { enters: [digits(&[AUTHENTICATION])].into(), ..Desk::default() }));
    let reader = PadReader { card: setup.simulator.clone(), features: features(&[(0x06, VERIFY)]), desk: desk.clone() };
    let mut token = ProfileToken::new(Decorated::new(reader, NoSecrets));
    let none = Secret::new(Vec::new());
    let refused = token.change_password(PasswordKind::Puk, &Pin::at_pad(), &none);
    assert!(matches!(refused, Err(TokenError::PinPad(PinPadError::CannotChange))), "{refused:?}");
    // What was typed here does not go along with what is entered there.
    let mixed = token.change_password(PasswordKind::Puk, &Pin::at_pad(), &Secret::from("87654321"));
    assert!(matches!(mixed, Err(TokenError::Unsupported { .. })), "{mixed:?}");
    token.sign(&[job(1, b"x")], &Pin::at_pad()).unwrap();
}

/// Fails when the transport PIN goes through the host, alone or with another.
struct NoTransportPin;

impl Decorator for NoTransportPin {
    fn transmit(&mut self, card: &mut dyn CardTransport, sent: &[u8], got: &mut Vec<u8>) -> Result<(), TransportError> {
        let transport = transport_pin(TransportPinModel::Separate).as_bytes();
        assert!(!sent.windows(transport.len()).any(|part| part == transport), "it went through the host: {sent:02X?}");
        assert!(sent[1] != ins::VERIFY || sent.len() <= 5, "a password went through the host");
        card.transmit(sent, got)
    }
}

fn arrived_at_pad(
    model: TransportPinModel,
    enters: impl IntoIterator<Item = Enters>,
) -> (SimulatorConnection, ProfileToken<Decorated<PadReader, NoTransportPin>>, Arc<Mutex<Desk>>) {
    let (card, _) = arrived(model);
    let desk = Arc::new(Mutex::new(Desk { enters: enters.into_iter().collect(), ..Desk::default() }));
    let features = features(&[(0x06, VERIFY), (0x07, MODIFY)]);
    let reader = PadReader { card: card.clone(), features, desk: desk.clone() };
    (card, ProfileToken::new(Decorated::new(reader, NoTransportPin)), desk)
}

#[test]
fn a_transport_pin_of_a_command_of_its_own_is_entered_at_the_pad() {
    let right = transport_pin(TransportPinModel::Separate);
    let wrong = [digits(&["000000"]), digits(&["1234"]), digits(&["123456789"]), Enters::Cancel, Enters::Nothing];
    let (card, mut token, desk) =
        arrived_at_pad(TransportPinModel::Separate, wrong.into_iter().chain([digits(&[right])]));
    let before = card.with_card(|card| card.status());
    // What the card's rules do not allow never comes to the pad.
    let short = token.activate(&Pin::at_pad(), &new([AUTHENTICATION, "1", PUK]));
    assert!(matches!(short, Err(TokenError::SecretForm { password: PasswordKind::SignaturePin, .. })), "{short:?}");
    assert!(!desk.lock().unwrap().asked.contains(&VERIFY));
    assert_eq!(card.with_card(|card| card.status()), before);
    let refused = token.activate(&Pin::at_pad(), &good());
    let is_wrong = TokenError::WrongSecret { password: PasswordKind::TransportPin, tries: Tries::Known(2) };
    assert_eq!(refused.unwrap_err().to_string(), is_wrong.to_string());
    for named in [PinPadError::Length, PinPadError::Length, PinPadError::Cancelled, PinPadError::Timeout] {
        let refused = token.activate(&Pin::at_pad(), &good());
        assert!(matches!(refused, Err(TokenError::PinPad(problem)) if problem == named), "{named:?}");
        assert!(matches!(state(&mut token), Some(Activation::TransportPin { tries: Tries::Known(2), .. })));
    }
    token.activate(&Pin::at_pad(), &good()).unwrap();
    let desk = desk.lock().unwrap();
    assert!(desk.enters.is_empty() && !desk.asked.contains(&MODIFY));
    everything_can_be_used(&card);
}

#[test]
fn the_last_try_of_a_transport_pin_is_kept_at_the_pad_too() {
    let (card, mut token, desk) = arrived_at_pad(TransportPinModel::Separate, vec![digits(&["000000"]); 3]);
    for _ in 0..2 {
        token.activate(&Pin::at_pad(), &good()).unwrap_err();
    }
    let kept = token.activate(&Pin::at_pad(), &good());
    let is_kept = matches!(kept, Err(TokenError::TooFewTries { password: PasswordKind::TransportPin, .. }));
    assert!(is_kept, "{kept:?}");
    assert_eq!(desk.lock().unwrap().enters.len(), 1, "nobody was asked");
    let end = token.activate(&Pin::at_pad_with_last_try(), &good());
    assert!(matches!(end, Err(TokenError::Finished { password: PasswordKind::TransportPin })), "{end:?}");
    nothing_can_be_used(&card);
}

#[test]
fn where_a_new_pin_goes_along_with_the_transport_pin_no_pad_takes_it() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| *model != TransportPinModel::Separate) {
        let (card, mut token, desk) = arrived_at_pad(model, []);
        let at_pad = match state(&mut token) {
            Some(Activation::TransportPin { at_pad, .. }) => at_pad,
            _ => false,
        };
        assert!(!at_pad, "{model:?}");
        let before = card.with_card(|card| card.status());
        if model.is_secret() {
            let refused = token.activate(&Pin::at_pad(), &good());
            assert!(matches!(refused, Err(TokenError::Unsupported { .. })), "{model:?}: {refused:?}");
            assert_eq!(card.with_card(|card| card.status()), before);
        }
        let asked = &desk.lock().unwrap().asked;
        assert!(!asked.contains(&VERIFY) && !asked.contains(&MODIFY), "{model:?}");
    }
    // Nor a reader whose pad is switched off.
    let (card, token, desk) = arrived_at_pad(TransportPinModel::Separate, []);
    let mut token = token.without_pin_pad();
    let before = card.with_card(|card| card.status());
    let refused = token.activate(&Pin::at_pad(), &good());
    assert!(matches!(refused, Err(TokenError::Unsupported { .. })), "{refused:?}");
    assert_eq!(card.with_card(|card| card.status()), before);
    assert!(desk.lock().unwrap().asked.is_empty());
}
