//! A card that is there twice: each goes its own way from where they parted.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify_digest};
use obnova_profile::PasswordReference::AuthenticationPin;
use obnova_profile::{KeyRole, Label, PasswordState, command};
use obnova_simulator::{Fault, FaultPlan};
use support::{AUTHENTICATION, Host, personalisation, slot};

#[test]
fn both_go_on_from_where_they_parted_and_none_follows_the_other() {
    let mut card = personalisation().finish().unwrap();
    let label = Label::new("Login").unwrap();
    let key = card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label).unwrap();
    card.ok(command::verify(AuthenticationPin, AUTHENTICATION));
    card.set_faults(FaultPlan::new().at(2, Fault::TearBefore));

    let mut other = card.fork();
    let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
    let hash = Digest::Sha256.of(b"message");
    for card in [&mut other, &mut card] {
        assert!(card.send(command::password_status(AuthenticationPin)).status.is_success(), "it stays verified");
    }
    other.ok(command::set_signature(slot(1), algorithm));
    let signature = other.ok(command::sign(hash.as_bytes()));
    verify_digest(&key, algorithm, &hash, &signature).unwrap();

    // Of the faults, the contents and the resets of one the other knows nothing.
    card.try_send(command::read_status()).unwrap_err();
    let before = card.status();
    other.ok(command::delete_key(slot(1)));
    assert_eq!(card.status(), before);
    card.reset();
    card.ok(command::set_signature(slot(1), algorithm));
    other.refused(command::set_signature(slot(1), algorithm), 0x6A88);
}

#[test]
fn what_becomes_of_the_second_card_is_not_written_to_the_file_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    let card = personalisation().create(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut other = card.fork();
    other.refused(command::verify(AuthenticationPin, b"0000"), 0x63C2);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(card.status().passwords[0].state, PasswordState::Active { left: 3 });
}
