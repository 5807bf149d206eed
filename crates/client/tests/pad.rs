//! A renewal whose passwords are entered at the reader's own keys (PC/SC part 10): none comes to this computer.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "../../card/tests/common/pad.rs"]
mod pad;

use std::sync::{Arc, Mutex};

use common::{
    Face, World,
    support::{AUTHENTICATION_PIN, SIGNATURE_PIN},
};
use obnova_card::{NewPasswords, PasswordKind, PasswordPolicy, ProfileToken, Secret, TokenError, Tries};
use obnova_client::{Finish, RunError, SharedToken, Turn, activate, share};
use obnova_profile::{PasswordReference, TransportPinModel};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::PinPadError;
use pad::{Desk, Enters, MODIFY, PadReader, VERIFY, digits, features};

fn knows(reference: u8) -> &'static str {
    if reference == PasswordReference::SignaturePin.code() { SIGNATURE_PIN } else { AUTHENTICATION_PIN }
}

/// A holder at a reader with a pad, who enters these first.
fn world(enters: impl IntoIterator<Item = Enters>) -> (World, Arc<Mutex<Desk>>) {
    let mut world = World::new();
    let desk = Desk { enters: enters.into_iter().collect(), knows: Some(knows), ..Desk::default() };
    let (token, desk) = at(world.holder.connection.clone(), desk);
    world.token = token;
    world.face = Face { takes_pad: true, ..Face::default() };
    (world, desk)
}

fn at(connection: SimulatorConnection, desk: Desk) -> (SharedToken, Arc<Mutex<Desk>>) {
    let desk = Arc::new(Mutex::new(desk));
    let features = features(&[(0x06, VERIFY), (0x07, MODIFY)]);
    (share(ProfileToken::new(PadReader { card: connection, features, desk: desk.clone() })), desk)
}

fn entered(desk: &Mutex<Desk>) -> usize {
    desk.lock().unwrap().asked.iter().filter(|code| **code == VERIFY).count()
}

#[test]
fn a_renewal_goes_by_what_is_entered_at_the_pad() {
    let (mut world, desk) = world([]);
    while !matches!(world.run().unwrap(), Turn::Done(_)) {}
    world.assert_renewed();
    assert!(world.face.asked.is_empty(), "nothing is asked for at the keyboard");
    let said: Vec<_> = world.face.at_pad.iter().map(|request| request.password).collect();
    assert!(said.contains(&PasswordKind::AuthenticationPin) && said.contains(&PasswordKind::SignaturePin), "{said:?}");
    assert!(world.face.at_pad.iter().all(|request| !request.uses.is_empty() && request.phase.is_some()));
    // Whoever stands at the reader was told before each time that it asks.
    assert_eq!(entered(&desk), said.len());
}

#[test]
fn what_is_wrong_at_the_pad_is_asked_for_again_and_the_last_try_takes_a_yes() {
    let (mut world, desk) = world([digits(&["0000"]), digits(&["0000"])]);
    world.face.keeps_last_try = true;
    let kept = world.run();
    assert!(matches!(kept, Err(RunError::LastTryKept { password: PasswordKind::AuthenticationPin, .. })), "{kept:?}");
    let tries: Vec<_> = world.face.at_pad.iter().map(|request| (request.was_wrong, request.tries)).collect();
    assert_eq!(tries, [(false, Tries::Known(3)), (true, Tries::Known(2))]);
    assert_eq!(world.face.last_tries, [(Tries::Known(1), true)]);
    assert_eq!(entered(&desk), 2);
}

/// The right one gives all tries back: what is asked for after it, each time anew, is told of no last try.
#[test]
fn after_the_right_one_nobody_is_told_of_a_last_try() {
    let (mut world, desk) = world([]);
    let summary = loop {
        if let Turn::Done(summary) = world.run().unwrap() {
            break summary;
        }
    };
    desk.lock().unwrap().enters = [digits(&["000000"]), digits(&["000000"])].into();
    world.face = Face { takes_pad: true, ..Face::default() };
    let mut finish = Finish::new(&world.token, &mut world.face, &summary.certificates, &[]);
    assert!(finish.prove_signature().unwrap() && finish.prove_signature().unwrap());
    let tries: Vec<_> = world.face.at_pad.iter().map(|request| (request.was_wrong, request.tries)).collect();
    assert_eq!(tries, [3, 2, 1, 3].map(|left| (left < 3, Tries::Known(left))));
    assert_eq!(world.face.last_tries, [(Tries::Known(1), true)]);
}

#[test]
fn who_cancels_at_the_pad_or_goes_away_loses_nothing_and_goes_on_later() {
    let (mut world, _desk) = world([Enters::Cancel, Enters::Nothing]);
    for named in [PinPadError::Cancelled, PinPadError::Timeout] {
        let stopped = world.run();
        assert!(matches!(stopped, Err(RunError::Token(TokenError::PinPad(problem))) if problem == named), "{named}");
    }
    while !matches!(world.run().unwrap(), Turn::Done(_)) {}
    world.assert_renewed();
}

#[test]
fn a_face_that_takes_no_pad_is_asked_at_the_keyboard() {
    let (mut world, desk) = world([]);
    world.face.takes_pad = false;
    while !matches!(world.run().unwrap(), Turn::Done(_)) {}
    assert!(world.face.at_pad.is_empty() && !world.face.asked.is_empty());
    assert_eq!(entered(&desk), 0);
}

/// Activates a card of a model, whose holder enters these at the pad: how often he was asked for something there, and at the keyboard.
fn brought_to_life(model: TransportPinModel, takes_pad: bool, enters: &[&'static str]) -> (usize, usize) {
    let card = Personalisation::new("OBN1").inactive(model, b"135790").finish().unwrap();
    let enters = enters.iter().map(|one| digits(&[one])).collect();
    let (token, desk) = at(SimulatorConnection::new(card), Desk { enters, ..Desk::default() });
    let mut face = Face { takes_pad, wrong: vec!["135790"], ..Face::default() };
    let mut new = NewPasswords::new(&token.lock().unwrap().passwords().unwrap(), PasswordPolicy::CAREFUL);
    for value in ["482915", "730264", "91827364"] {
        new.take(Secret::from(value), &Secret::from(value)).unwrap();
    }
    activate(&token, &mut face, &new.finish().unwrap()).unwrap();
    assert_eq!(token.lock().unwrap().capabilities().unwrap().activation, None, "{model:?}");
    assert_eq!(
        entered(&desk),
        face.at_pad.len(),
        "whoever stands at the reader was told before each time that it asks"
    );
    assert!(face.at_pad.iter().all(|request| request.password == PasswordKind::TransportPin));
    (face.at_pad.len(), face.asked.len())
}

#[test]
fn a_card_is_brought_to_life_at_the_pad_where_its_transport_pin_goes_alone() {
    assert_eq!(brought_to_life(TransportPinModel::Separate, true, &["135790"]), (1, 0));
    assert_eq!(brought_to_life(TransportPinModel::Separate, true, &["246801", "135790"]), (2, 0));
    assert_eq!(brought_to_life(TransportPinModel::Separate, false, &[]), (0, 1));
    for model in [TransportPinModel::InPlace, TransportPinModel::MustChange, TransportPinModel::SingleUse] {
        assert_eq!(brought_to_life(model, true, &[]), (0, 1), "{model:?}");
    }
}
