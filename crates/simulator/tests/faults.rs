//! Power is lost at each command of a renewal, in three ways; the card is afterwards as before the command or as after it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, key_id};
use obnova_apdu::CommandApdu;
use obnova_profile::pkcs15::{CertificateEntry, PrivateKeyEntry, PublicKeyEntry};
use obnova_profile::{
    CardStatus, Directory, KeyRole, Label, PasswordReference, PasswordState, PublicKeyTemplate, command,
};
use obnova_simulator::{Card, Fault, FaultPlan, SimulatorConnection, Torn};
use obnova_transport::{CardConnection, TransportError};
use support::{AUTHENTICATION, Host, SIGNATURE, personalisation, slot};

/// What can be seen of a card from outside.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    status: CardStatus,
    directory: Directory,
    certificates: Vec<Vec<u8>>,
}

fn look(card: &mut Card) -> Seen {
    let faults = card.faults().clone();
    card.set_faults(FaultPlan::new());
    card.reset();
    let status = card.select();
    let directory =
        Directory::decode(&card.ok(command::read_directory(status.directory())), status.directory()).unwrap();
    let mut certificates = Vec::new();
    for record in &status.slots {
        for certificate in &record.certificates {
            certificates.push(card.ok(command::read_certificate(record.slot, certificate)));
        }
    }
    card.reset();
    card.set_faults(faults);
    Seen { status, directory, certificates }
}

/// The steps of a renewal of one key, each a command; what a step needs from the ones before it reads from the card.
type Step = fn(&mut Card) -> Result<Vec<u8>, Torn>;

fn send(card: &mut Card, command: CommandApdu) -> Result<Vec<u8>, Torn> {
    let response = card.try_send(command)?;
    assert!(response.status.is_success(), "{}", response.status);
    Ok(response.data)
}

const STEPS: [Step; 9] = [
    |card| send(card, command::select()),
    |card| send(card, command::verify(PasswordReference::CONTENT, AUTHENTICATION)),
    |card| send(card, command::generate(slot(2), KeyRole::Signature, KeyAlgorithm::P256).unwrap()),
    |card| {
        let directory = with_keys(card);
        send(card, command::update_directory(directory))
    },
    |card| send(card, command::set_signature(slot(1), SignatureAlgorithm::Ecdsa(Digest::Sha256))),
    |card| send(card, command::verify(PasswordReference::SignaturePin, SIGNATURE)),
    |card| send(card, command::sign(&[7; 32])),
    |card| send(card, command::put_certificate(slot(2), &[0x30, 2, 5, 0])),
    |card| {
        let directory = with_certificate(card);
        send(card, command::update_directory(directory))
    },
];

/// Identifier of the new key; the card does not look into its directories.
const NEW_ID: [u8; 20] = [0x42; 20];

fn with_keys(card: &Card) -> Vec<u8> {
    let mut directory = card.directory().unwrap();
    let (label, id) = (Label::new("New").unwrap(), NEW_ID.to_vec());
    let algorithm = KeyAlgorithm::P256;
    directory.private_keys.push(PrivateKeyEntry::new(label.clone(), KeyRole::Signature, algorithm, slot(2), &id));
    directory.public_keys.push(PublicKeyEntry { label, id, algorithm, slot: slot(2) });
    directory.encode(card.status().directory()).unwrap()
}

fn with_certificate(card: &Card) -> Vec<u8> {
    let mut directory = card.directory().unwrap();
    let old = &mut directory.certificates[0];
    old.label = old.label.superseded();
    directory.certificates.push(CertificateEntry::new(Label::new("New").unwrap(), slot(2), &NEW_ID));
    directory.encode(card.status().directory()).unwrap()
}

fn card() -> Card {
    let mut card = personalisation().finish().unwrap();
    let label = Label::new("Old").unwrap();
    card.personalise_key(slot(1), KeyRole::Signature, KeyAlgorithm::P256, &label).unwrap();
    card.personalise_certificate(slot(1), &[0x30, 0], &label).unwrap();
    card
}

#[test]
fn a_card_torn_at_any_command_is_as_before_it_or_as_after_it() {
    for torn_at in 0..STEPS.len() {
        for fault in [Fault::TearBefore, Fault::TearInside, Fault::TearAfter] {
            let mut card = card();
            for step in &STEPS[..torn_at] {
                step(&mut card).unwrap();
            }
            let before = card.status();
            let directory = card.directory().unwrap();
            card.set_faults(FaultPlan::new().at(1, fault.clone()));
            assert_eq!(STEPS[torn_at](&mut card), Err(Torn), "step {torn_at} {fault:?}");
            assert_eq!(card.process(&[0, 0xA4, 0, 0]), Err(Torn), "no power, no answer");

            let after = look(&mut card);
            let acted = fault != Fault::TearBefore;
            assert_eq!(after.directory != directory, acted && matches!(torn_at, 3 | 8), "step {torn_at} {fault:?}");
            let slots_changed = after.status.slots != before.slots;
            assert_eq!(slots_changed, acted && matches!(torn_at, 2 | 7), "step {torn_at} {fault:?}");
            let verifies = matches!(torn_at, 1 | 5) && fault == Fault::TearInside;
            let tries: Vec<_> = after.status.passwords.iter().map(|password| password.state).collect();
            let lowered = tries.contains(&PasswordState::Active { left: 2 });
            assert_eq!(lowered, verifies, "a VERIFY torn inside has counted down: step {torn_at} {fault:?}");
        }
    }
}

#[test]
fn a_torn_verify_never_gives_tries_back_and_a_later_success_does() {
    let mut card = personalisation().finish().unwrap();
    for left in [2, 1] {
        card.set_faults(FaultPlan::new().at(1, Fault::TearInside));
        assert_eq!(card.process(b"\x00\x20\x00\x01\x041234"), Err(Torn));
        card.reset();
        card.refused(command::password_status(PasswordReference::AuthenticationPin), 0x63C0 | left);
    }
    card.ok(command::verify(PasswordReference::AuthenticationPin, AUTHENTICATION));
    card.reset();
    card.refused(command::password_status(PasswordReference::AuthenticationPin), 0x63C3);
}

#[test]
fn a_torn_change_of_a_pin_leaves_one_of_the_two_values() {
    for (fault, works) in
        [(Fault::TearBefore, AUTHENTICATION), (Fault::TearInside, AUTHENTICATION), (Fault::TearAfter, &b"9999"[..])]
    {
        let mut card = personalisation().finish().unwrap();
        card.set_faults(FaultPlan::new().at(1, fault));
        let change = command::change_password(PasswordReference::AuthenticationPin, AUTHENTICATION, b"9999");
        assert_eq!(card.try_send(change), Err(Torn));
        card.reset();
        card.ok(command::verify(PasswordReference::AuthenticationPin, works));
    }
}

#[test]
fn a_renewal_that_was_torn_can_go_on() {
    let mut card = card();
    for step in &STEPS[..2] {
        step(&mut card).unwrap();
    }
    card.set_faults(FaultPlan::new().at(1, Fault::TearAfter));
    assert_eq!(STEPS[2](&mut card), Err(Torn));
    card.reset();
    card.select();
    let orphan = card.ok(command::read_public_key(slot(2)));
    let key = PublicKeyTemplate::decode(&orphan).unwrap().to_spki().unwrap();
    assert_eq!(key_id(&key).unwrap().len(), 20);
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    for step in &STEPS[3..] {
        step(&mut card).unwrap_or_else(|torn| panic!("{torn}"));
        card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    }
    let seen = look(&mut card);
    let labels: Vec<_> = seen.directory.certificates.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(labels, ["Old (superseded)", "New"]);
    assert_eq!(seen.certificates, [vec![0x30, 0], vec![0x30, 2, 5, 0]]);
}

#[test]
fn scripted_answers_come_in_place_of_the_right_ones_and_once() {
    let mut card = card();
    let plan = FaultPlan::new()
        .at(1, Fault::Status(obnova_apdu::StatusWord::MEMORY_FAILURE))
        .at(3, Fault::Answer(vec![0xDE, 0xAD]))
        .at(4, Fault::Truncate(1))
        .at(5, Fault::Slow(std::time::Duration::from_millis(20)));
    card.set_faults(plan);
    let verify = b"\x00\x20\x00\x01\x041234";
    let status = [0x00, 0x20, 0x00, 0x01];
    assert_eq!(card.process(verify), Ok(vec![0x65, 0x81]));
    assert_eq!(card.process(&status), Ok(vec![0x63, 0xC3]), "it was not acted on");
    assert_eq!(card.process(verify), Ok(vec![0xDE, 0xAD]));
    assert_eq!(card.process(&status), Ok(vec![0x90]), "that one was acted on");
    let start = std::time::Instant::now();
    assert_eq!(card.process(&status), Ok(vec![0x90, 0x00]));
    assert!(start.elapsed().as_millis() >= 20);
    assert_eq!((card.faults().seen(), card.faults().waiting()), (5, 0));
    assert_eq!(card.counts().apdus, 5);
    assert_eq!((card.counts().bytes_out, card.counts().bytes_in), (2 * 9 + 3 * 4, 2 + 2 + 2 + 1 + 2));
}

#[test]
fn over_a_connection_a_tear_takes_the_card_out_until_the_next_conversation() {
    let mut connection = SimulatorConnection::new(card());
    connection.with_card(|card| card.set_faults(FaultPlan::new().at(2, Fault::TearAfter)));
    let select = command::select().encode(obnova_apdu::LengthForm::Extended).unwrap();
    let mut response = Vec::new();
    let mut conversation = connection.begin().unwrap();
    conversation.transmit(&select, &mut response).unwrap();
    for _ in 0..2 {
        assert_eq!(conversation.transmit(&select, &mut response), Err(TransportError::CardRemoved));
        assert!(response.is_empty());
    }
    drop(conversation);
    connection.begin().unwrap().transmit(&select, &mut response).unwrap();
    assert!(response.ends_with(&[0x90, 0x00]));
}

#[test]
fn conversations_are_exclusive_and_leave_nothing_verified() {
    let mut connection = SimulatorConnection::new(card());
    let mut other = connection.clone();
    let mut response = Vec::new();
    let mut conversation = connection.begin().unwrap();
    assert!(matches!(other.begin().err(), Some(TransportError::Sharing)));
    conversation.transmit(b"\x00\x20\x00\x01\x041234", &mut response).unwrap();
    conversation.transmit(&[0x00, 0x20, 0x00, 0x01], &mut response).unwrap();
    assert_eq!(response, [0x90, 0x00]);
    drop(conversation);
    other.begin().unwrap().transmit(&[0x00, 0x20, 0x00, 0x01], &mut response).unwrap();
    assert_eq!(response, [0x63, 0xC3]);
    assert_eq!(other.atr(), obnova_profile::application::ATR);
    assert_eq!(other.description(), "in process");
}
