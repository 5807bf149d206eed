//! What is offered works, and what is not offered is refused before a secret is sent: on cards in every state that their
//! passwords can get into.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    AUTHENTICATION, PUK, SIGNATURE, Setup,
    arrived::{KINDS, arrived, good, transport, wrong},
};
use obnova_card::{
    Activation, Dead, PasswordKind, PasswordState, PasswordStep, PasswordSteps, Pin, ProfileToken, Secret, Token,
    TokenError, Tries,
};
use obnova_profile::{PasswordReference, TransportPinModel, command};
use obnova_simulator::{Card, Fault, FaultPlan, SimulatorConnection};

const STEPS: [PasswordStep; 6] = [
    PasswordStep::Activate,
    PasswordStep::Change(PasswordKind::AuthenticationPin),
    PasswordStep::Change(PasswordKind::SignaturePin),
    PasswordStep::Change(PasswordKind::Puk),
    PasswordStep::Unblock(PasswordKind::AuthenticationPin),
    PasswordStep::Unblock(PasswordKind::SignaturePin),
];

fn steps(token: &mut impl Token) -> PasswordSteps {
    let seen = token.overview().unwrap();
    PasswordSteps::of(&seen.capabilities, &seen.passwords)
}

fn right(kind: PasswordKind) -> Pin {
    Pin::with_last_try(Secret::from(match kind {
        PasswordKind::AuthenticationPin => AUTHENTICATION,
        PasswordKind::SignaturePin => SIGNATURE,
        PasswordKind::Puk => PUK,
        PasswordKind::TransportPin => panic!("it is given apart"),
    }))
}

/// Each step is tried on a card of its own, with the right passwords.
fn every_offer_is_true(card: &Card, model: TransportPinModel) {
    let fork = || ProfileToken::new(SimulatorConnection::new(card.fork()));
    let offered = steps(&mut fork());
    for step in STEPS {
        let simulator = SimulatorConnection::new(card.fork());
        let mut token = ProfileToken::new(simulator.clone());
        let new = Secret::from("73028461");
        let outcome = match step {
            PasswordStep::Activate => token.activate(&transport(model), &good()),
            PasswordStep::Change(kind) => token.change_password(kind, &right(kind), &new),
            PasswordStep::Unblock(kind) => token.unblock_password(kind, &right(PasswordKind::Puk), &new),
        };
        match offered.offer(step) {
            Some(_) => outcome.unwrap_or_else(|error| panic!("{step:?} was offered: {error}")),
            None => {
                let error = outcome.expect_err("it was not offered");
                let is_plain = matches!(
                    error,
                    TokenError::Blocked { .. }
                        | TokenError::NotActive
                        | TokenError::Finished { .. }
                        | TokenError::Unsupported { .. }
                );
                assert!(is_plain, "{step:?}: {error}");
                assert_eq!(simulator.with_card(|card| card.status()), card.status(), "{step:?} touched the card");
            }
        }
    }
}

/// Wrong values until no try is left.
fn block(card: &mut Card, password: PasswordReference) {
    let wrong = match password {
        PasswordReference::Puk => command::unblock_password(PasswordReference::SignaturePin, b"00000000", b"1111"),
        pin => command::verify(pin, b"0000"),
    };
    let apdu = wrong.encode(wrong.as_command().shortest_form()).unwrap();
    while !card.process(&apdu).unwrap().ends_with(&[0x69, 0x83]) {}
}

#[test]
fn what_is_offered_on_an_active_card_works_and_the_rest_is_refused() {
    let passwords = PasswordReference::LASTING;
    for blocked in 0..8_u8 {
        let setup = Setup::new();
        let mut card = setup.simulator.with_card(|card| card.fork());
        let is_blocked = |index: usize| blocked & (1 << index) != 0;
        // The PUK last: it takes a PIN that can be set.
        for (index, password) in passwords.into_iter().enumerate().filter(|(index, _)| is_blocked(*index)) {
            block(&mut card, password);
            assert!(is_blocked(index));
        }
        card.reset();
        let steps = steps(&mut ProfileToken::new(SimulatorConnection::new(card.fork())));
        let expected = usize::from(!is_blocked(0)) + usize::from(!is_blocked(1)) + if is_blocked(2) { 0 } else { 3 };
        assert_eq!(steps.offers.len(), expected, "{blocked:03b}: {steps:?}");
        assert_eq!(steps.dead.contains(&Dead::Puk), is_blocked(2));
        every_offer_is_true(&card, TransportPinModel::Separate);
    }
}

#[test]
fn before_activation_nothing_else_is_offered_and_then_it_works() {
    for model in TransportPinModel::ALL {
        let (card, mut token) = arrived(model);
        assert_eq!(steps(&mut token).offers.len(), 1);
        every_offer_is_true(&card.with_card(|card| card.fork()), model);
        // The transport PIN is told with its tries, wherever the card keeps it.
        let told = token.passwords().unwrap().into_iter().find(|status| status.kind == PasswordKind::TransportPin);
        assert_eq!(told.is_some(), model.is_secret());
        let tries = if model == TransportPinModel::SingleUse { 1 } else { 3 };
        assert!(told.is_none_or(|told| told.state == PasswordState::Active(Tries::Known(tries))), "{model:?}");
    }
}

#[test]
fn a_finished_card_is_offered_nothing() {
    let (card, mut token) = arrived(TransportPinModel::SingleUse);
    token.activate(&Pin::with_last_try(Secret::from("000000")), &good()).unwrap_err();
    let steps = steps(&mut token);
    assert_eq!((steps.offers, steps.dead), (vec![], vec![Dead::Token(PasswordKind::TransportPin)]));
    every_offer_is_true(&card.with_card(|card| card.fork()), TransportPinModel::SingleUse);
}

#[test]
fn a_dead_puk_is_said_plainly() {
    let blocked = |password| TokenError::Blocked { password }.to_string();
    let puk = blocked(PasswordKind::Puk);
    assert!(puk.contains("nothing unblocks a PIN of this card any more") && !puk.contains("with the PUK"), "{puk}");
    assert!(blocked(PasswordKind::SignaturePin).contains("unblock it with the PUK"));
    assert!(!blocked(PasswordKind::TransportPin).contains("PUK"));
}

/// Wrong ones until one try is left, which is kept.
fn spend(mut wrong: impl FnMut() -> Result<(), TokenError>) {
    let kept = loop {
        match wrong() {
            Err(TokenError::WrongSecret { .. }) => {}
            other => break other,
        }
    };
    assert!(matches!(kept, Err(TokenError::TooFewTries { tries: Tries::Known(1), .. })), "{kept:?}");
}

/// What is advised for a password instead of its last try, once it was tried on a card like this one: it works, or there is
/// nothing that would.
fn advised(card: &Card, kind: PasswordKind) -> Option<PasswordStep> {
    let simulator = SimulatorConnection::new(card.fork());
    let mut token = ProfileToken::new(simulator.clone());
    let advice = steps(&mut token).instead_of(kind);
    let new = Secret::from("73028461");
    let unblocked = token.unblock_password(kind, &right(PasswordKind::Puk), &new);
    let Some(advice) = advice else {
        assert!(unblocked.is_err(), "{kind}: nothing is advised, and the PUK sets it");
        assert_eq!(simulator.with_card(|card| card.status()), card.status(), "{kind}: it touched the card");
        return None;
    };
    unblocked.unwrap_or_else(|error| panic!("{kind}: the PUK is advised: {error}"));
    assert!(matches!(advice.takes, Some((PasswordKind::Puk, Tries::Known(1..)))), "{advice:?}");
    token.change_password(kind, &Pin::new(new), &Secret::from("82736451")).unwrap();
    Some(advice.step)
}

#[test]
fn instead_of_a_last_try_only_what_works_on_that_card_is_advised() {
    let new = Secret::from("73028461");
    for (index, kind) in KINDS.into_iter().enumerate() {
        // What else is blocked on the card.
        for blocked in (0..8_u8).filter(|blocked| blocked & (1 << index) == 0) {
            let mut card = Setup::new().simulator.with_card(|card| card.fork());
            for (other, password) in PasswordReference::LASTING.into_iter().enumerate() {
                if blocked & (1 << other) != 0 {
                    block(&mut card, password);
                }
            }
            card.reset();
            let mut token = ProfileToken::new(SimulatorConnection::new(card.fork()));
            spend(|| match kind {
                PasswordKind::Puk => {
                    token.unblock_password(PasswordKind::SignaturePin, &Pin::new(Secret::from("00000000")), &new)
                }
                kind => token.change_password(kind, &Pin::new(Secret::from("00000000")), &new),
            });
            let card = token.into_connection().with_card(|card| card.fork());
            let puk_works = blocked & 0b100 == 0 && kind != PasswordKind::Puk;
            let expected = puk_works.then_some(PasswordStep::Unblock(kind));
            assert_eq!(advised(&card, kind), expected, "{kind} {blocked:03b}");
            // To be sure of it is always a way.
            let mut token = ProfileToken::new(SimulatorConnection::new(card));
            match kind {
                PasswordKind::Puk => token.change_password(kind, &right(kind), &Secret::from("73028462")),
                kind => token.change_password(kind, &right(kind), &new),
            }
            .unwrap_or_else(|error| panic!("{kind} {blocked:03b}: {error}"));
        }
    }
}

#[test]
fn before_activation_nothing_stands_in_for_a_last_try() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_secret()) {
        let (card, mut token) = arrived(model);
        let first_try = Pin::new(wrong(model).secret);
        spend(|| token.activate(&first_try, &good()));
        let card = card.with_card(|card| card.fork());
        for kind in KINDS.into_iter().chain([PasswordKind::TransportPin]) {
            assert_eq!(advised(&card, kind), None, "{model:?} {kind}");
        }
        ProfileToken::new(SimulatorConnection::new(card)).activate(&transport(model), &good()).unwrap();
    }
    // The transport PIN is used up, and the PIN that goes on with the activation has one try left.
    let (card, mut token) = arrived(TransportPinModel::SingleUse);
    card.with_card(|card| card.set_faults(FaultPlan::new().at(2, Fault::TearAfter)));
    token.activate(&transport(TransportPinModel::SingleUse), &good()).unwrap_err();
    let mut others = good();
    others[0].1 = Secret::from("00000000");
    spend(|| token.activate(&Pin::new(transport(TransportPinModel::SingleUse).secret), &others));
    let goes_on = Activation::GoesOn { password: PasswordKind::AuthenticationPin, tries: Tries::Known(1) };
    assert_eq!(token.capabilities().unwrap().activation, Some(goes_on));
    let card = card.with_card(|card| card.fork());
    assert_eq!(advised(&card, PasswordKind::AuthenticationPin), None);
    token.activate(&transport(TransportPinModel::SingleUse), &good()).unwrap();
}
