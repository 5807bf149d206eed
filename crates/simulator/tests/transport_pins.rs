//! How cards of each model come to life: what they say before, what activates them, and that nothing else does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::LazyLock;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_apdu::{CommandApdu, ins};
use obnova_profile::PasswordReference::{AuthenticationPin, Puk, SignaturePin, TransportPin};
use obnova_profile::{
    KeyRole, Label, LifeCycle, PasswordReference, PasswordState, ShortFileId, SlotNumber, TransportPinModel, command,
    pkcs15,
};
use obnova_simulator::{Card, Fault, FaultPlan, Personalisation, Torn};
use proptest::{collection::vec, prelude::*};
use support::{Host, NEW, activation, personalised, slot, transport};

const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

fn inactive(model: TransportPinModel) -> Card {
    static CARDS: LazyLock<Vec<Card>> = LazyLock::new(|| {
        let make = |model| {
            let mut card = Personalisation::new("OBN2").slots(6).inactive(model, personalised(model)).finish().unwrap();
            for (number, role) in [(1, KeyRole::Authentication), (2, KeyRole::Signature)] {
                let label = Label::new("Key").unwrap();
                card.personalise_key(slot(number), role, KeyAlgorithm::P256, &label).unwrap();
                card.personalise_certificate(slot(number), &[0x30, 0], &label).unwrap();
            }
            card
        };
        TransportPinModel::ALL.map(make).into()
    });
    CARDS[usize::from(model.code()) - 1].fork()
}

fn state(card: &Card, password: PasswordReference) -> Option<PasswordState> {
    Some(card.status().password(password)?.state)
}

/// Every way to a key that there is, with whatever was verified.
fn no_key_works(card: &mut Card) {
    assert_eq!(card.status().life_cycle, LifeCycle::Inactive);
    for number in [1, 2] {
        card.refused(command::set_signature(slot(number), ECDSA), 0x6985);
        let foreign = [0x80, 1, 0x04, 0x81, 2, 0x4B, number, 0x84, 1, 0];
        card.refused(CommandApdu::new(0x00, 0x22, 0x41, 0xB6).with_data(foreign), 0x6985);
        card.refused(command::sign(&[7; 32]), 0x6985);
        // INTERNAL AUTHENTICATE and DECIPHER are none of the card's.
        card.refused(CommandApdu::new(0x00, 0x88, 0x00, 0x00).with_data([7; 32]), 0x6D00);
        card.refused(CommandApdu::new(0x00, 0x2A, 0x80, 0x86).with_data([7; 32]), 0x6A86);
        card.refused(command::delete_key(slot(number)), 0x6985);
        card.refused(command::put_certificate(slot(number), &[0x30, 0]), 0x6985);
    }
    card.refused(command::generate(slot(3), KeyRole::Signature, KeyAlgorithm::P256).unwrap(), 0x6985);
    card.refused(command::update_directory(vec![0; 3]), 0x6985);
}

fn every_key_works(card: &mut Card) {
    assert_eq!(card.status().life_cycle, LifeCycle::Active);
    for (number, (pin, value)) in [1, 2].into_iter().zip(NEW) {
        card.ok(command::set_signature(slot(number), ECDSA));
        card.refused(command::sign(&[7; 32]), 0x6982);
        card.ok(command::verify(pin, value));
        card.ok(command::sign(&[7; 32]));
    }
    card.ok(command::unblock_password(SignaturePin, NEW[2].1, b"444444"));
}

#[test]
fn no_key_works_until_the_last_command_of_the_activation_and_then_each_does() {
    for model in TransportPinModel::ALL {
        let mut card = inactive(model);
        for command in activation(model) {
            no_key_works(&mut card);
            card.ok(command);
        }
        every_key_works(&mut card);
        // The transport PIN is worth nothing.
        assert_eq!(state(&card, TransportPin), None);
        card.refused(command::verify(TransportPin, b"700700"), 0x6A88);
        if model != TransportPinModel::Empty {
            let change = command::change_password(AuthenticationPin, transport(model), b"555555");
            assert!(!card.send(change).status.is_success(), "{model:?}");
        }
        card.refused(command::set_password(SignaturePin, b"555555"), 0x6982);
        card.refused(command::activate(), 0x6985);
    }
}

/// By an empty VERIFY of the authentication PIN, which spends nothing, programs tell one kind from the other.
#[test]
fn each_model_says_by_its_own_status_that_the_card_was_never_used() {
    for (model, says, then) in [
        (TransportPinModel::Separate, 0x6984, 0x6985),
        (TransportPinModel::InPlace, 0x62C1, 0x6985),
        (TransportPinModel::Empty, 0x62C7, 0x6985),
        (TransportPinModel::Null, 0x6985, 0x6985),
        (TransportPinModel::MustChange, 0x6984, 0x6984),
        (TransportPinModel::SingleUse, 0x6984, 0x6984),
        (TransportPinModel::FiveDigits, 0x63C3, 0x6985),
    ] {
        let mut card = inactive(model);
        assert_eq!(card.select().transport_pin, model);
        let before = card.status().passwords;
        for _ in 0..4 {
            card.refused(command::password_status(AuthenticationPin), says);
            // VERIFY opens nothing, and no try is spent by it either.
            card.refused(command::verify(AuthenticationPin, b"111111"), then);
        }
        assert_eq!(card.status().passwords, before, "{model:?}");
    }
}

/// Without it a driver could not know where the card cuts.
#[test]
fn each_card_tells_how_long_its_transport_pin_is() {
    for (model, lengths) in [
        (TransportPinModel::Separate, 5..=8),
        (TransportPinModel::InPlace, 6..=8),
        (TransportPinModel::MustChange, 6..=8),
        (TransportPinModel::SingleUse, 5..=8),
        (TransportPinModel::FiveDigits, 5..=5),
    ] {
        for length in lengths {
            let transport = vec![b'7'; length.into()];
            let mut card = Personalisation::new("OBN2").slots(6).inactive(model, &transport).finish().unwrap();
            assert_eq!(card.select().transport_pin_lengths(), (length, length), "{model:?}");
        }
    }
    assert_eq!(inactive(TransportPinModel::Null).select().transport_pin_lengths(), (6, 6));
    assert_eq!(inactive(TransportPinModel::Empty).select().transport_pin_lengths(), (0, 0));
    // While it stands in one place it is told; a card that is active has none.
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.stands_in_place()) {
        let mut card = inactive(model);
        for command in activation(model) {
            assert_eq!(card.select().transport_pin_length, Some(transport(model).len() as u8), "{model:?}");
            card.ok(command);
        }
        assert_eq!(card.select().transport_pin_length, None, "{model:?}");
    }
}

/// Nothing in the field marks where the old value ends: the card cuts by the one that it keeps.
#[test]
fn a_digit_too_many_of_a_transport_pin_becomes_the_first_of_the_new_value() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_joined() && model.is_secret()) {
        let mut card = inactive(model);
        let (slip, chosen) = ([transport(model), b"5"].concat(), &b"13579"[..]);
        card.ok(command::change_password(AuthenticationPin, &slip, chosen));
        let again = |card: &mut Card, old: &[u8]| match model {
            TransportPinModel::SingleUse => card.send(command::verify(AuthenticationPin, old)).status.0,
            _ => card.send(command::change_password(AuthenticationPin, old, b"513579")).status.0,
        };
        assert_ne!(again(&mut card, chosen), 0x9000, "{model:?}");
        assert_eq!(again(&mut card, b"513579"), 0x9000, "{model:?}");
    }
}

/// Where what is left over can be no new value: how long the transport PIN is, everybody knows.
#[test]
fn a_new_value_of_another_length_costs_no_try_of_a_transport_pin() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_joined()) {
        let mut card = inactive(model);
        let before = card.status();
        for (old, new) in [(transport(model), &b"111"[..]), (b"700701", b"11"), (transport(model), b"111111111")] {
            card.refused(command::change_password(AuthenticationPin, old, new), 0x6700);
        }
        assert_eq!(card.status(), before, "{model:?}");
    }
}

#[test]
fn a_single_use_transport_pin_that_was_wrong_finishes_the_card() {
    let mut card = inactive(TransportPinModel::SingleUse);
    // What cannot be it is not compared, and VERIFY is no way to lose it.
    card.refused(command::change_password(AuthenticationPin, b"7", b"1"), 0x6700);
    card.refused(command::verify(TransportPin, b"700700"), 0x6985);
    card.refused(command::change_password(SignaturePin, b"700700", b"1111"), 0x6985);
    // A new PIN that cannot be one does not cost the card, whether the transport PIN is right or not.
    for (transport, new) in [(b"700700", &b"111"[..]), (b"700701", b"111"), (b"700700", b"111111111"), (b"700700", b"")]
    {
        card.refused(command::change_password(AuthenticationPin, transport, new), 0x6700);
    }
    card.refused(command::password_status(TransportPin), 0x63C1);
    card.refused(command::change_password(AuthenticationPin, b"700701", b"1111"), 0x63C0);
    card.refused(command::change_password(AuthenticationPin, b"700700", b"1111"), 0x6983);
    card.refused(command::set_password(AuthenticationPin, b"1111"), 0x6982);
    card.refused(command::activate(), 0x6982);
    no_key_works(&mut card);
}

#[test]
fn a_single_use_transport_pin_works_once_and_the_authentication_pin_goes_on() {
    let model = TransportPinModel::SingleUse;
    let mut card = inactive(model);
    let [redeem, verify, rest @ ..] = &activation(model)[..] else { panic!("it has more steps") };
    card.ok(redeem.clone());
    assert_eq!(state(&card, TransportPin), Some(PasswordState::Blocked));
    card.refused(redeem.clone(), 0x6985);
    for command in rest {
        card.refused(command.clone(), 0x6982);
    }
    card.reset();
    card.refused(command::verify(AuthenticationPin, b"111112"), 0x63C2);
    card.ok(verify.clone());
    card.refused(command::activate(), 0x6985);
    card.refused(command::set_password(AuthenticationPin, b"555555"), 0x6985);
    for command in rest {
        no_key_works(&mut card);
        card.ok(command.clone());
    }
    every_key_works(&mut card);
}

/// It counts down before it compares.
#[test]
fn a_single_use_transport_pin_that_was_torn_inside_is_used_up() {
    for (fault, left) in [(Fault::TearBefore, 0x63C1), (Fault::TearInside, 0x6983), (Fault::TearAfter, 0x6983)] {
        let mut card = inactive(TransportPinModel::SingleUse);
        card.set_faults(FaultPlan::new().at(1, fault.clone()));
        assert_eq!(card.try_send(activation(TransportPinModel::SingleUse).remove(0)), Err(Torn));
        card.reset();
        card.refused(command::password_status(TransportPin), left);
        let went_through = matches!(state(&card, AuthenticationPin), Some(PasswordState::Active { .. }));
        assert_eq!(went_through, fault == Fault::TearAfter);
    }
}

/// What had no try left is told: the transport PIN in the place of a password, or what was set there before.
#[test]
fn a_card_that_is_finished_tells_by_what() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.stands_in_place()) {
        for (password, value) in NEW {
            for (was_set, blocked) in [(false, PasswordState::TransportBlocked), (true, PasswordState::Blocked)] {
                let mut card = inactive(model);
                if was_set {
                    card.ok(command::change_password(password, transport(model), value));
                }
                let wrong = vec![b'9'; if was_set { value.len() } else { transport(model).len() }];
                while card.send(command::change_password(password, &wrong, value)).status.0 != 0x6983 {}
                let told = card.select();
                assert_eq!(told.password(password).unwrap().state, blocked, "{model:?}");
                assert_eq!(told, card.status(), "{model:?}");
                let others = told.passwords.iter().filter(|record| record.reference != password);
                assert!(
                    others.map(|record| record.state).all(|state| matches!(state, PasswordState::Transport { .. }))
                );
                card.refused(command::password_status(password), 0x6983);
                no_key_works(&mut card);
            }
        }
    }
}

/// Not even when it was set already, and the others are set after it: the PUK would bring it back.
#[test]
fn a_password_that_is_blocked_before_activation_finishes_the_card() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.ends_by_itself()) {
        for (blocked, (password, value)) in NEW.into_iter().enumerate() {
            let mut card = inactive(model);
            let mut commands = activation(model);
            card.ok(commands.remove(blocked));
            while !matches!(state(&card, password), Some(PasswordState::Blocked)) {
                assert_eq!(card.send(command::change_password(password, b"987654", value)).status.0 & 0xFFF0, 0x63C0);
            }
            for command in commands {
                card.ok(command);
            }
            card.refused(command::unblock_password(AuthenticationPin, NEW[2].1, b"111111"), 0x6985);
            card.refused(command::verify(password, value), 0x6983);
            no_key_works(&mut card);
        }
    }
}

/// Whoever goes on with a torn activation learns whether what was set is what he has, and nothing is changed by it.
#[test]
fn what_was_set_before_the_card_is_active_is_compared_and_opens_nothing() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.ends_by_itself()) {
        for (set, (password, value)) in NEW.into_iter().enumerate() {
            let mut card = inactive(model);
            let unset = card.send(command::verify(password, value)).status.0;
            assert!([0x6984, 0x6985].contains(&unset), "{model:?}: {unset:04X}");
            card.ok(activation(model).remove(set));
            let before = card.status();
            let Some(PasswordState::Active { left }) = state(&card, password) else { panic!("{model:?}: it is set") };
            card.ok(command::verify(password, value));
            card.refused(command::password_status(password), 0x63C0 | u16::from(left));
            no_key_works(&mut card);
            assert_eq!(card.status(), before);
            // With a digit too many it is another one, and costs a try.
            if password == Puk || model != TransportPinModel::FiveDigits {
                card.refused(command::verify(password, &[value, b"5"].concat()), 0x63C0 | u16::from(left - 1));
            }
            // What stands in the place of the others, or nothing, is compared with nothing.
            for (other, _) in NEW.into_iter().filter(|(other, _)| *other != password) {
                let refused = card.send(command::verify(other, b"700700")).status.0;
                assert!([0x6984, 0x6985].contains(&refused), "{model:?}: {refused:04X}");
            }
        }
    }
}

#[test]
fn an_empty_password_is_set_once() {
    let mut card = inactive(TransportPinModel::Empty);
    card.refused(command::set_password(TransportPin, b"111111"), 0x6A88);
    card.refused(command::set_password(SignaturePin, b"111"), 0x6700);
    card.refused(command::change_password(SignaturePin, b"1111", b"2222"), 0x6984);
    card.ok(command::set_password(SignaturePin, b"1111"));
    card.refused(command::set_password(SignaturePin, b"2222"), 0x6985);
    card.refused(command::change_password(SignaturePin, b"2222", b"2222"), 0x63C2);
    card.ok(command::change_password(SignaturePin, b"1111", b"1111"));
    no_key_works(&mut card);
}

#[test]
fn a_null_pin_is_six_zero_bytes_and_nothing_else() {
    let mut card = inactive(TransportPinModel::Null);
    for wrong in [&b"000000"[..], &[0, 0, 0, 0, 0, 1]] {
        let left = state(&card, Puk);
        assert_eq!(card.send(command::change_password(Puk, wrong, b"333333")).status.0 & 0xFFF0, 0x63C0);
        assert_ne!(state(&card, Puk), left);
    }
    card.refused(command::change_password(Puk, &[0; 6], &[0; 6]), 0x6A80);
    card.refused(command::change_password(Puk, &[0; 5], b"333333"), 0x6700);
    card.ok(command::change_password(Puk, &[0; 6], b"333333"));
}

#[test]
fn five_digits_become_six() {
    let mut card = inactive(TransportPinModel::FiveDigits);
    for wrong in [&b"1111"[..], b"11111", b"1111111"] {
        card.refused(command::change_password(AuthenticationPin, b"70070", wrong), 0x6700);
    }
    for command in activation(TransportPinModel::FiveDigits) {
        card.ok(command);
    }
    card.refused(command::change_password(AuthenticationPin, b"111111", b"70070"), 0x6700);
    card.ok(command::change_password(AuthenticationPin, b"111111", b"666666"));
    card.refused(command::unblock_password(AuthenticationPin, b"333333", b"70070"), 0x6700);
    // Other programs learn it from the AODF.
    let aodf = card.ok(command::read_file(ShortFileId::AODF, 256));
    assert_eq!(aodf, pkcs15::aodf(TransportPinModel::FiveDigits));
    assert_ne!(aodf, pkcs15::aodf(TransportPinModel::InPlace));
}

/// A command of somebody who has the card, and may know the transport PIN.
fn deeds(model: TransportPinModel, knows: bool) -> Vec<CommandApdu> {
    let mut values: Vec<&[u8]> = NEW.iter().map(|(_, value)| *value).collect();
    values.extend([&b"0000"[..], b"000000"]);
    if knows {
        values.push(transport(model));
    }
    let mut commands = vec![command::activate(), command::set_signature(slot(1), ECDSA)];
    commands.extend([command::set_signature(slot(2), ECDSA), command::sign(&[7; 32]), command::select()]);
    for password in PasswordReference::ALL {
        for value in &values {
            commands.push(command::verify(password, value));
            commands.push(command::set_password(password, value));
            commands.push(command::unblock_password(password, value, NEW[0].1));
            commands.extend(NEW.iter().map(|(_, new)| command::change_password(password, value, new)));
        }
    }
    commands
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// Whatever is sent, and wherever it is torn.
    #[test]
    fn a_card_comes_to_life_by_its_passwords_and_never_goes_back(
        model in proptest::sample::select(TransportPinModel::ALL.to_vec()),
        knows: bool,
        sent in vec((any::<prop::sample::Index>(), 0..12_u8), 1..120),
    ) {
        let mut card = inactive(model);
        let deeds = deeds(model, knows);
        for (deed, fate) in sent {
            let before = card.status();
            let fault = match fate {
                0 => Some(Fault::TearBefore),
                1 => Some(Fault::TearInside),
                2 => Some(Fault::TearAfter),
                _ => None,
            };
            card.set_faults(fault.into_iter().fold(FaultPlan::new(), |plan, fault| plan.at(1, fault)));
            let command = deed.get(&deeds).clone();
            let is_signature = command.ins == ins::PERFORM_SECURITY_OPERATION;
            let answer = card.try_send(command);
            let signed = is_signature && answer.as_ref().is_ok_and(|answer| answer.status.is_success());
            prop_assert!(!signed || before.life_cycle == LifeCycle::Active, "an inactive card signs");
            if answer.is_err() {
                card.reset();
            }
            let after = card.status();
            prop_assert!(after.life_cycle == LifeCycle::Active || before.life_cycle == LifeCycle::Inactive);
            let states = PasswordReference::LASTING.map(|it| state(&card, it).unwrap());
            let has_value =
                |state: &PasswordState| matches!(state, PasswordState::Active { .. } | PasswordState::Blocked);
            match after.life_cycle {
                LifeCycle::Active => prop_assert!(states.iter().all(has_value), "active without {states:?}"),
                LifeCycle::Inactive => prop_assert!(
                    !(model.ends_by_itself() && states.iter().all(|it| matches!(it, PasswordState::Active { .. }))),
                    "all is set, and it is inactive"
                ),
            }
            if !knows && model.is_secret() {
                prop_assert_eq!(after.life_cycle, LifeCycle::Inactive, "activated by a stranger");
                prop_assert!(states.iter().all(|it| !matches!(it, PasswordState::Active { .. })), "set by a stranger");
            }
            let slots: Vec<_> = before.slots.iter().map(|slot| slot.key).collect();
            prop_assert_eq!(slots, after.slots.iter().map(|slot| slot.key).collect::<Vec<_>>());
        }
    }
}

/// The property above would hold on a card that refuses everything.
#[test]
fn the_deeds_reach_an_active_card() {
    for model in TransportPinModel::ALL {
        let deeds = deeds(model, true);
        for command in activation(model) {
            assert!(deeds.contains(&command), "{model:?}: {command:?}");
        }
    }
    assert_eq!(SlotNumber::first(6).count(), inactive(TransportPinModel::Null).status().slots.len());
}
