//! Passwords: counters, unblocking, activation in both models.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_apdu::CommandApdu;
use obnova_profile::PasswordReference::{AuthenticationPin, Puk, SignaturePin, TransportPin};
use obnova_profile::{KeyRole, Label, LifeCycle, PasswordReference, PasswordState, TransportPinModel, command};
use obnova_simulator::{Card, Personalisation};
use support::{AUTHENTICATION, Host, PUK, SIGNATURE, personalisation, slot};

fn state(card: &mut Card, password: PasswordReference) -> PasswordState {
    card.select().password(password).unwrap().state
}

#[test]
fn wrong_values_count_down_and_the_right_one_counts_up() {
    let mut card = personalisation().finish().unwrap();
    card.refused(command::password_status(AuthenticationPin), 0x63C3);
    card.refused(command::verify(AuthenticationPin, b"0000"), 0x63C2);
    card.refused(command::verify(AuthenticationPin, b"00000"), 0x63C1);
    card.refused(command::verify(AuthenticationPin, b"000"), 0x6700);
    card.refused(command::verify(AuthenticationPin, b"000000000"), 0x6700);
    card.refused(command::password_status(AuthenticationPin), 0x63C1);
    card.refused(command::password_status(SignaturePin), 0x63C3);
    card.ok(command::verify(AuthenticationPin, AUTHENTICATION));
    card.ok(command::password_status(AuthenticationPin));
    card.reset();
    card.refused(command::password_status(AuthenticationPin), 0x63C3);
}

#[test]
fn a_wrong_value_takes_back_what_the_right_one_opened() {
    let mut card = personalisation().finish().unwrap();
    card.ok(command::verify(AuthenticationPin, AUTHENTICATION));
    card.refused(command::verify(AuthenticationPin, b"0000"), 0x63C2);
    card.refused(command::generate(slot(1), KeyRole::Authentication, KeyAlgorithm::P256).unwrap(), 0x6982);
}

#[test]
fn a_blocked_pin_is_unblocked_by_the_puk_and_a_blocked_puk_by_nothing() {
    let mut card = personalisation().tries(Puk, 2).finish().unwrap();
    for left in [2, 1, 0] {
        card.refused(command::verify(SignaturePin, b"0000"), 0x63C0 | left);
    }
    card.refused(command::verify(SignaturePin, SIGNATURE), 0x6983);
    card.refused(command::password_status(SignaturePin), 0x6983);
    assert_eq!(state(&mut card, SignaturePin), PasswordState::Blocked);
    card.refused(command::change_password(SignaturePin, SIGNATURE, b"1111"), 0x6983);

    card.refused(command::unblock_password(SignaturePin, b"00000000", b"1111"), 0x63C1);
    card.ok(command::unblock_password(SignaturePin, PUK, b"1111"));
    card.refused(command::verify(SignaturePin, SIGNATURE), 0x63C2);
    card.ok(command::verify(SignaturePin, b"1111"));

    card.refused(command::unblock_password(AuthenticationPin, b"00000000", b"1111"), 0x63C1);
    card.refused(command::unblock_password(AuthenticationPin, b"00000000", b"1111"), 0x63C0);
    card.refused(command::unblock_password(AuthenticationPin, PUK, b"1111"), 0x6983);
    assert_eq!(state(&mut card, Puk), PasswordState::Blocked);
    card.ok(command::verify(AuthenticationPin, AUTHENTICATION));
}

#[test]
fn passwords_are_changed_with_the_old_value() {
    let mut card = personalisation().finish().unwrap();
    for (password, old, new) in [
        (AuthenticationPin, AUTHENTICATION, &b"87654321"[..]),
        (SignaturePin, SIGNATURE, b"9999"),
        (Puk, PUK, b"111111"),
    ] {
        card.ok(command::change_password(password, old, new));
        let expected = if password == Puk { 0x63C4 } else { 0x63C2 };
        card.refused(command::change_password(password, old, b"22222222"), expected);
        card.ok(command::change_password(password, new, b"22222222"));
    }
    card.ok(command::verify(Puk, b"22222222"));
}

/// Were a new value that does not fit told apart from a wrong old one, the length of the old one could be found for free.
#[test]
fn where_the_old_value_ends_cannot_be_found_out() {
    let mut card = personalisation().finish().unwrap();
    card.refused(command::change_password(AuthenticationPin, AUTHENTICATION, b"123"), 0x6700);
    card.refused(command::change_password(AuthenticationPin, AUTHENTICATION, b"123456789"), 0x63C2);
    card.refused(command::change_password(AuthenticationPin, b"12345678", b"123456789"), 0x6700);
    card.ok(command::verify(AuthenticationPin, AUTHENTICATION));
}

/// Alone it is compared whole; before a new value it is cut by its length.
#[test]
fn the_puk_is_compared_and_opens_nothing() {
    let mut card = personalisation().active(AUTHENTICATION, SIGNATURE, b"654321").finish().unwrap();
    card.refused(command::verify(Puk, b"6543215"), 0x63C4);
    card.refused(command::verify(Puk, b"65432"), 0x6700);
    assert_eq!(state(&mut card, Puk), PasswordState::Active { left: 4 });
    card.ok(command::verify(Puk, b"654321"));
    card.refused(command::password_status(Puk), 0x63C5);
    card.refused(command::generate(slot(1), KeyRole::Authentication, KeyAlgorithm::P256).unwrap(), 0x6982);
    card.refused(command::update_directory(vec![0; 3]), 0x6982);
    // It allows no new value by itself either.
    card.refused(command::set_password(AuthenticationPin, b"1234"), 0x6982);
    card.refused(command::unblock_password(SignaturePin, b"000000", b"1111"), 0x63C4);
    for left in [3, 2, 1, 0] {
        card.refused(command::verify(Puk, b"000000"), 0x63C0 | left);
    }
    card.refused(command::verify(Puk, b"654321"), 0x6983);
    card.refused(command::unblock_password(SignaturePin, b"654321", b"1111"), 0x6983);
}

/// Old values are compared whole then: a digit too many is no part of the new one.
#[test]
fn a_new_value_goes_alone_right_behind_its_comparison() {
    let mut card = personalisation().active(b"1234", b"5678", b"654321").finish().unwrap();
    for (password, old, longer, new) in [
        (AuthenticationPin, &b"1234"[..], &b"12345"[..], &b"4321"[..]),
        (SignaturePin, b"5678", b"56789", b"876543"),
        (Puk, b"654321", b"6543219", b"123456"),
    ] {
        let full = card.select().password(password).unwrap().tries;
        card.refused(command::verify_for_new_value(password, longer), 0x63C0 | u16::from(full - 1));
        card.refused(command::set_password(password, new), 0x6982);
        card.ok(command::verify_for_new_value(password, old));
        assert_eq!(state(&mut card, password), PasswordState::Active { left: full });
        // What was asked meanwhile came between.
        card.refused(command::set_password(password, new), 0x6982);
        card.ok(command::verify_for_new_value(password, old));
        card.ok(command::set_password(password, new));
        // Once.
        card.refused(command::set_password(password, old), 0x6982);
        card.refused(command::verify_for_new_value(password, old), 0x63C0 | u16::from(full - 1));
        card.ok(command::verify_for_new_value(password, new));
    }
    for (pin, new) in [(AuthenticationPin, &b"1111"[..]), (SignaturePin, b"22222222")] {
        card.ok(command::verify_for_new_value(Puk, b"123456"));
        card.ok(command::unblock_verified(pin, new));
        card.refused(command::unblock_verified(pin, b"3333"), 0x6982);
        card.ok(command::verify(pin, new));
    }
}

#[test]
fn a_comparison_for_a_new_value_allows_that_alone() {
    let mut card = personalisation().active(b"1234", b"5678", b"654321").finish().unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &Label::new("Login").unwrap()).unwrap();
    let allow = |card: &mut Card, password: PasswordReference| {
        let value: &[u8] = [b"1234", b"5678", &b"654321"[..]][usize::from(password.code()) - 1];
        card.ok(command::verify_for_new_value(password, value));
    };
    // Not what VERIFY itself opens, and not another password.
    allow(&mut card, AuthenticationPin);
    card.refused(command::update_directory(vec![0; 3]), 0x6982);
    allow(&mut card, AuthenticationPin);
    card.refused(command::password_status(AuthenticationPin), 0x63C3);
    for (allowed, command) in [
        (AuthenticationPin, command::set_password(SignaturePin, b"9999")),
        (AuthenticationPin, command::set_password(Puk, b"999999")),
        (AuthenticationPin, command::unblock_verified(SignaturePin, b"9999")),
        (AuthenticationPin, command::unblock_verified(AuthenticationPin, b"9999")),
        (Puk, command::set_password(AuthenticationPin, b"9999")),
    ] {
        allow(&mut card, allowed);
        card.refused(command, 0x6982);
        // It was used up by that.
        card.refused(command::set_password(allowed, b"999999"), 0x6982);
    }
    // VERIFY that opens something allows no new value, or whoever comes to an open card could set one.
    for (password, value) in [(AuthenticationPin, &b"1234"[..]), (SignaturePin, b"5678"), (Puk, b"654321")] {
        card.ok(command::verify(password, value));
        card.refused(command::set_password(password, b"999999"), 0x6982);
        card.ok(command::verify(password, value));
        card.refused(command::unblock_verified(AuthenticationPin, b"9999"), 0x6982);
        card.reset();
    }
    // And what was open is closed by it.
    card.ok(command::verify(AuthenticationPin, b"1234"));
    allow(&mut card, AuthenticationPin);
    card.refused(command::update_directory(vec![0; 3]), 0x6982);
}

#[test]
fn whatever_comes_between_a_comparison_and_the_new_value_takes_it_back() {
    let mut card = personalisation().active(b"1234", b"5678", b"654321").finish().unwrap();
    let between = [
        command::password_status(SignaturePin),
        command::select(),
        command::read_status(),
        command::challenge(8),
        command::verify(SignaturePin, b"5678"),
        command::verify(SignaturePin, b"0000"),
        command::set_password(AuthenticationPin, b"999"),
        CommandApdu::new(0x00, 0xFF, 0x00, 0x00),
        CommandApdu::new(0x80, 0x20, 0x00, 0x01),
        CommandApdu::new(0x10, 0x24, 0x01, 0x01).with_data(*b"99"),
        CommandApdu::new(0x00, 0xC0, 0x00, 0x00).with_ne(256),
    ];
    for command in between {
        card.ok(command::verify_for_new_value(AuthenticationPin, b"1234"));
        card.send(command.clone());
        card.refused(command::set_password(AuthenticationPin, b"9999"), 0x6982);
    }
    card.ok(command::verify_for_new_value(AuthenticationPin, b"1234"));
    card.reset();
    card.refused(command::set_password(AuthenticationPin, b"9999"), 0x6982);
    card.ok(command::verify(AuthenticationPin, b"1234"));
    // A value that it cannot have sets none.
    card.ok(command::verify_for_new_value(AuthenticationPin, b"1234"));
    card.refused(command::set_password(AuthenticationPin, b"123456789"), 0x6700);
    for length in [0, 3, 9] {
        card.refused(command::verify_for_new_value(AuthenticationPin, &vec![b'1'; length]), 0x6700);
    }
    for left in [2, 1, 0] {
        card.refused(command::verify_for_new_value(AuthenticationPin, b"0000"), 0x63C0 | left);
    }
    card.refused(command::verify_for_new_value(AuthenticationPin, b"1234"), 0x6983);
    card.refused(command::set_password(AuthenticationPin, b"9999"), 0x6982);
    // Before activation there are other rules.
    for model in [TransportPinModel::Separate, TransportPinModel::InPlace, TransportPinModel::MustChange] {
        let mut card = inactive(model);
        for password in PasswordReference::LASTING {
            card.refused(command::verify_for_new_value(password, b"700700"), 0x6985);
            card.refused(command::unblock_verified(AuthenticationPin, b"1234"), 0x6985);
        }
    }
}

#[test]
fn unknown_passwords_are_unknown() {
    let mut card = personalisation().finish().unwrap();
    card.refused(command::verify(TransportPin, b"12345"), 0x6A88);
    for p2 in [0, 5, 0x80, 0x84, 0x85, 0xFF] {
        card.refused(CommandApdu::new(0x00, 0x20, 0x00, p2).with_data(*b"1234"), 0x6A88);
    }
    card.refused(CommandApdu::new(0x00, 0x20, 0x01, 0x01).with_data(*b"1234"), 0x6A86);
    card.refused(CommandApdu::new(0x00, 0x2C, 0x00, 0x03).with_data([b'1'; 12]), 0x6A86);
    card.refused(command::set_password(AuthenticationPin, b"1234"), 0x6982);
    card.refused(command::activate(), 0x6985);
}

fn inactive(model: TransportPinModel) -> Card {
    let mut card = Personalisation::new("OBN2").inactive(model, b"700700").finish().unwrap();
    let label = Label::new("Key").unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label).unwrap();
    card.personalise_key(slot(2), KeyRole::Signature, KeyAlgorithm::P256, &label).unwrap();
    card
}

fn no_key_works(card: &mut Card) {
    for number in [1, 2] {
        card.refused(command::set_signature(slot(number), SignatureAlgorithm::Ecdsa(Digest::Sha256)), 0x6985);
        card.refused(command::sign(&[7; 32]), 0x6985);
    }
    card.refused(command::generate(slot(3), KeyRole::Signature, KeyAlgorithm::P256).unwrap(), 0x6985);
    card.refused(command::delete_key(slot(1)), 0x6985);
    card.refused(command::put_certificate(slot(1), &[0x30, 0]), 0x6985);
    card.refused(command::update_directory(vec![0; 3]), 0x6985);
}

fn every_key_works(card: &mut Card) {
    for (number, pin, value) in [(1, AuthenticationPin, &b"1111"[..]), (2, SignaturePin, b"2222")] {
        card.ok(command::set_signature(slot(number), SignatureAlgorithm::Ecdsa(Digest::Sha256)));
        card.ok(command::verify(pin, value));
        card.ok(command::sign(&[7; 32]));
    }
    card.ok(command::unblock_password(SignaturePin, b"333333", b"4444"));
}

#[test]
fn a_separate_transport_pin_activates_the_card_and_is_gone() {
    let mut card = inactive(TransportPinModel::Separate);
    assert_eq!(card.select().life_cycle, LifeCycle::Inactive);
    card.refused(command::password_status(AuthenticationPin), 0x6984);
    card.refused(command::password_status(TransportPin), 0x63C3);
    no_key_works(&mut card);
    card.refused(command::set_password(AuthenticationPin, b"1111"), 0x6982);
    card.refused(command::verify(TransportPin, b"700701"), 0x63C2);

    card.ok(command::verify(TransportPin, b"700700"));
    card.refused(command::activate(), 0x6985);
    card.refused(command::set_password(AuthenticationPin, b"111"), 0x6700);
    card.ok(command::set_password(AuthenticationPin, b"1111"));
    card.refused(command::verify(AuthenticationPin, b"1111"), 0x6985);
    no_key_works(&mut card);
    card.ok(command::set_password(SignaturePin, b"2222"));
    card.ok(command::set_password(Puk, b"333333"));
    no_key_works(&mut card);
    card.refused(command::change_password(AuthenticationPin, b"1111", b"5555"), 0x6985);
    card.refused(command::unblock_password(AuthenticationPin, b"333333", b"5555"), 0x6985);
    card.ok(command::activate());

    let status = card.select();
    assert_eq!(status.life_cycle, LifeCycle::Active);
    assert!(status.password(TransportPin).is_none());
    card.refused(command::verify(TransportPin, b"700700"), 0x6A88);
    card.refused(command::activate(), 0x6985);
    every_key_works(&mut card);
}

#[test]
fn a_transport_pin_in_place_is_changed_password_by_password() {
    let mut card = inactive(TransportPinModel::InPlace);
    assert!(card.select().password(TransportPin).is_none());
    for (password, new) in [(AuthenticationPin, &b"1111"[..]), (SignaturePin, b"2222"), (Puk, b"333333")] {
        assert_eq!(card.select().life_cycle, LifeCycle::Inactive);
        assert!(matches!(state(&mut card, password), PasswordState::Transport { left: 3 | 5 }));
        card.refused(command::password_status(password), 0x62C1);
        card.refused(command::verify(password, b"700700"), 0x6985);
        card.refused(command::set_password(password, new), 0x6985);
        no_key_works(&mut card);
        let left = if password == Puk { 0x63C4 } else { 0x63C2 };
        card.refused(command::change_password(password, b"700701", new), left);
        card.refused(command::change_password(password, b"700700", b"700700"), 0x6A80);
        card.ok(command::change_password(password, b"700700", new));
    }
    assert_eq!(card.select().life_cycle, LifeCycle::Active);
    every_key_works(&mut card);
    card.refused(command::change_password(AuthenticationPin, b"700700", b"1212"), 0x63C2);
}

#[test]
fn a_transport_pin_that_ran_out_of_tries_finishes_the_card() {
    let mut card = Personalisation::new("OBN3")
        .tries(TransportPin, 1)
        .inactive(TransportPinModel::Separate, b"70070")
        .finish()
        .unwrap();
    card.refused(command::verify(TransportPin, b"70071"), 0x63C0);
    card.refused(command::verify(TransportPin, b"70070"), 0x6983);
    assert_eq!(state(&mut card, TransportPin), PasswordState::Blocked);
    card.refused(command::set_password(AuthenticationPin, b"1111"), 0x6982);
    card.refused(command::activate(), 0x6982);
}

#[test]
fn no_password_shows_when_the_card_is_printed() {
    let mut card = personalisation().finish().unwrap();
    card.process(b"\x10\x20\x00\x02\x045678").unwrap();
    let shown = format!("{card:?}");
    for secret in ["5678", "[53, 54, 55, 56", "35363738", "31323334"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(card.process(b"\x00\x20\x00\x02\x0290"), Ok(vec![0x90, 0x00]), "the chain was there");
}
