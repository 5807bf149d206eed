#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The card's list of what it holds was spoiled, and the holder repairs it.

mod support;

use obnova_apdu::LengthForm;
use obnova_card::{KeyRole, Pin, ProfileToken, Secret, SignDigest, Slot, Token};
use obnova_profile::{PasswordReference, command};
use obnova_simulator::{Card, SimulatorConnection};
use obnova_transport::CardConnection;
use support::{Desk, ca::House};

const PINS: [&str; 2] = ["80214957", "73159264"];

fn connection(desk: &Desk) -> SimulatorConnection {
    SimulatorConnection::new(Card::open(desk.file("card.state")).unwrap())
}

fn slots(desk: &Desk) -> Vec<Slot> {
    ProfileToken::new(connection(desk)).slots().unwrap()
}

/// What a program without care writes in the place of the list.
fn spoil(desk: &Desk) {
    let mut connection = connection(desk);
    let length =
        connection.with_card(|card| card.directory().unwrap().encode(card.status().directory()).unwrap().len());
    let mut conversation = connection.begin().unwrap();
    let verify = command::verify(PasswordReference::CONTENT, PINS[0].as_bytes());
    for command in [command::select(), verify, command::update_directory(vec![0x31; length])] {
        let mut answer = Vec::new();
        conversation.transmit(&command.encode(LengthForm::Extended).unwrap(), &mut answer).unwrap();
        assert_eq!(answer[answer.len() - 2..], [0x90, 0x00]);
    }
}

#[test]
fn a_spoiled_list_is_shown_and_repaired_once_the_holder_agrees_and_no_key_is_touched() {
    let desk = Desk::in_memory();
    let house = House::open(&desk);
    desk.write("pin", PINS[0]);
    desk.write("pin2", PINS[1]);
    let pins = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
    desk.run([&["simulator", "new", "card.state", "--house", "ca"], &pins[..]].concat()).ends_with(0);
    drop(house);
    let card = ["--token", "sim:card.state"];
    let repair = |more: &[&str]| desk.run([&["card", "repair"], &card[..], more].concat());
    repair(&[]).ends_with(0).says(&["nothing to repair"]);

    let before = slots(&desk);
    spoil(&desk);
    let list = desk.run([&["card", "list"], &card[..]].concat()).ends_with(3);
    assert!(list.err.contains("obnova card repair"), "{}", list.err);

    // It is shown, and nothing is done that nobody agreed to.
    let state = std::fs::read(desk.file("card.state")).unwrap();
    let said = repair(&["--pin-file", "pin"]).ends_with(2);
    said.says(&[
        "will be done",
        "write it anew",
        "key in slot 1",
        "certificate in slot 1",
        "key in slot 2",
        "not touched",
    ]);
    assert!(said.err.contains("beforehand: --yes"), "{}", said.err);
    let said = repair(&["--yes"]).ends_with(2);
    said.says(&["will be done"]);
    assert!(said.err.contains("beforehand: --pin-file, --pin-fd"), "{}", said.err);
    assert_eq!(std::fs::read(desk.file("card.state")).unwrap(), state);

    repair(&["--yes", "--pin-file", "pin"]).ends_with(0).says(&["will be done", "was repaired"]);
    repair(&[]).ends_with(0).says(&["nothing to repair"]);
    let after = slots(&desk);
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.key, after.key);
        let ders = |slot: &Slot| slot.certificates.iter().map(|one| one.der.clone()).collect::<Vec<_>>();
        assert_eq!(ders(before), ders(after));
        let Some(key) = &after.key else { continue };
        let pin = Pin::new(Secret::from(PINS[usize::from(key.role == KeyRole::Signature)]));
        let algorithm = key.signs[0];
        let job = SignDigest { slot: after.id, algorithm, digest: algorithm.digest().of(b"still") };
        ProfileToken::new(connection(&desk)).sign(&[job], &pin).unwrap();
    }
}
