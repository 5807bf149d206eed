//! A card that arrives inactive, in each transport PIN model: nothing of it can be used before, it is activated once, and
//! wherever it is torn it is activated by doing it again, or says that it is finished.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    AUTHENTICATION, PUK, SIGNATURE,
    arrived::{
        KINDS, arrived, everything_can_be_used, good, new, nothing_can_be_used, state, transport, transport_pin, wrong,
    },
    liar::of_version_1_0,
};
use obnova_apdu::StatusWord;
use obnova_card::{Activation, PasswordKind, PasswordState, Pin, ProfileToken, Secret, Token, TokenError, Tries};
use obnova_profile::{PasswordReference, PasswordState as State, TransportPinModel};
use obnova_simulator::{Card, Fault, FaultPlan, SimulatorConnection};

#[test]
fn a_card_of_each_model_is_activated_once() {
    for model in TransportPinModel::ALL {
        let (card, mut token) = arrived(model);
        nothing_can_be_used(&card);
        token.activate(&transport(model), &good()).unwrap_or_else(|error| panic!("{model:?}: {error}"));
        everything_can_be_used(&card);
    }
}

#[test]
fn everything_is_looked_at_before_a_secret_is_sent() {
    for model in TransportPinModel::ALL {
        let (card, mut token) = arrived(model);
        let before = card.with_card(|card| card.status());
        let transport = transport(model);
        for (place, value) in [(0, "1"), (1, "123456789"), (2, "12345"), (0, "")] {
            let mut bad = [AUTHENTICATION, SIGNATURE, PUK];
            bad[place] = value;
            let form = token.activate(&transport, &new(bad));
            assert!(matches!(form, Err(TokenError::SecretForm { password, .. }) if password == KINDS[place]));
        }
        for odd in [good()[..2].to_vec(), [good(), good()].concat()] {
            assert!(matches!(token.activate(&transport, &odd), Err(TokenError::Unsupported { .. })));
        }
        let other = [good(), vec![(PasswordKind::TransportPin, Secret::from("246802"))]].concat();
        assert!(matches!(token.activate(&transport, &other), Err(TokenError::Unsupported { .. })));
        // What cannot be the transport PIN; where there is none, that is everything.
        for length in (0..12).filter(|length| *length != transport_pin(model).len()) {
            let impossible = Pin::with_last_try(Secret::new(vec![b'7'; length]));
            let form = token.activate(&impossible, &good());
            let Err(TokenError::SecretForm { password, .. }) = form else { panic!("{model:?} {length}: {form:?}") };
            assert_eq!(password, PasswordKind::TransportPin);
        }
        if model.is_secret() && model != TransportPinModel::FiveDigits {
            let same = token.activate(&transport, &new([AUTHENTICATION, transport_pin(model), PUK]));
            let again = matches!(same, Err(TokenError::TransportPinAgain { password: PasswordKind::SignaturePin }));
            assert!(again, "{same:?}");
        }
        assert_eq!(card.with_card(|card| card.status()), before, "{model:?}");
    }
}

#[test]
fn a_wrong_transport_pin_costs_a_try_and_the_last_one_takes_a_yes() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_secret()) {
        let (card, mut token) = arrived(model);
        let Some(Activation::TransportPin { mut tries, single_use, at_pad, minimum, maximum }) = state(&mut token)
        else {
            panic!("{model:?}")
        };
        let length = transport_pin(model).len();
        assert_eq!((minimum, maximum), (length, length));
        assert_eq!(single_use, model == TransportPinModel::SingleUse);
        assert_eq!(at_pad, model == TransportPinModel::Separate, "by a command of its own");
        while tries != Tries::Known(1) {
            let refused = token.activate(&Pin::new(wrong(model).secret), &good());
            let Err(TokenError::WrongSecret { password: PasswordKind::TransportPin, tries: left }) = refused else {
                panic!("{model:?}: {refused:?}")
            };
            let Some(Activation::TransportPin { tries: told, .. }) = state(&mut token) else { panic!("{model:?}") };
            assert!(told == left && left != tries, "{told} {left} {tries}");
            tries = left;
        }
        let before = card.with_card(|card| card.status());
        let compared = token.compare_password(PasswordKind::AuthenticationPin, &Pin::new(Secret::from(AUTHENTICATION)));
        assert!(matches!(compared, Err(TokenError::NotActive)), "{model:?}: {compared:?}");
        let kept = token.activate(&Pin::new(Secret::from(transport_pin(model))), &good());
        assert!(matches!(kept, Err(TokenError::TooFewTries { tries: Tries::Known(1), .. })), "{model:?}: {kept:?}");
        assert_eq!(card.with_card(|card| card.status()), before);
        // The right one goes through with it, the wrong one is the end.
        let fork = SimulatorConnection::new(card.with_card(|card| card.fork()));
        ProfileToken::new(fork.clone()).activate(&transport(model), &good()).unwrap();
        everything_can_be_used(&fork);
        let end = token.activate(&wrong(model), &good());
        let password = PasswordKind::TransportPin;
        assert!(matches!(end, Err(TokenError::Finished { password: it }) if it == password), "{model:?}: {end:?}");
        // Asked later, it is the same that is said to have no try left; and no PIN that was never chosen.
        assert_eq!(state(&mut token), Some(Activation::Finished { password }), "{model:?}");
        let again = token.activate(&transport(model), &good());
        assert!(matches!(again, Err(TokenError::Finished { password: it }) if it == password), "{model:?}: {again:?}");
        let blocked = token.passwords().unwrap().into_iter().filter(|it| it.state == PasswordState::Blocked);
        assert_eq!(blocked.map(|it| it.kind).collect::<Vec<_>>(), [password], "{model:?}");
        nothing_can_be_used(&card);
    }
}

/// The card would cut old and new value at another place: one digit too many would be the first of a PIN that nobody chose, and with one
/// too few the right one would be none.
#[test]
fn a_transport_pin_of_another_length_is_not_sent() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_secret()) {
        let (card, mut token) = arrived(model);
        let before = card.with_card(|card| card.status());
        let right = transport_pin(model);
        let length = right.len();
        for slip in [format!("{right}5"), format!("5{right}"), format!("{right}55"), right[1..].to_owned()] {
            // The shortest new PIN, which can be longer without being too long, and the longest.
            for authentication in ["1357", "13572468"] {
                let authentication =
                    if model == TransportPinModel::FiveDigits { AUTHENTICATION } else { authentication };
                let slip = Pin::with_last_try(Secret::from(slip.as_str()));
                let refused = token.activate(&slip, &new([authentication, SIGNATURE, PUK]));
                let Err(TokenError::SecretForm { password: PasswordKind::TransportPin, minimum, maximum }) = refused
                else {
                    panic!("{model:?}: {refused:?}")
                };
                assert_eq!((minimum, maximum), (length, length), "{model:?}");
                assert_eq!(card.with_card(|card| card.status()), before, "{model:?}");
            }
        }
        let told = token.passwords().unwrap();
        let told = told.iter().find(|status| status.kind == PasswordKind::TransportPin).unwrap();
        assert_eq!((told.minimum, told.maximum), (length, length), "{model:?}: what its holder is asked for");
        token.activate(&transport(model), &good()).unwrap();
        everything_can_be_used(&card);
    }
}

#[test]
fn a_card_that_needs_no_transport_pin_says_so() {
    for model in [TransportPinModel::Empty, TransportPinModel::Null] {
        let (_, mut token) = arrived(model);
        assert_eq!(state(&mut token), Some(Activation::Nothing));
    }
}

/// Its holder has nothing to be sure of, and could not say yes to a last try.
#[test]
fn a_card_that_needs_no_transport_pin_is_activated_with_its_last_try() {
    let (card, mut token) = arrived(TransportPinModel::Null);
    for left in [2, 1] {
        assert_eq!(tear(&card, TransportPinModel::Null, 2, &Fault::TearInside), Some(Left::Again));
        assert_eq!(state(&mut token), Some(Activation::Nothing));
        let tries = card.with_card(|card| card.status().password(PasswordReference::AuthenticationPin).unwrap().state);
        assert_eq!(tries, State::Transport { left });
    }
    token.activate(&Pin::new(Secret::new(Vec::new())), &good()).unwrap();
    everything_can_be_used(&card);
}

/// What a torn activation left.
#[derive(Debug, PartialEq)]
enum Left {
    /// It was torn, and can be done again.
    Again,
    /// It went through.
    Active,
    Finished,
}

/// Activates, torn at one command, and says what that left. `None` when that command was not reached.
fn tear(card: &SimulatorConnection, model: TransportPinModel, command: u64, fault: &Fault) -> Option<Left> {
    card.with_card(|card| card.set_faults(FaultPlan::new().at(command, fault.clone())));
    let result = ProfileToken::new(card.clone()).activate(&transport(model), &good());
    if card.with_card(|card| card.faults().waiting()) == 1 {
        card.with_card(|card| card.set_faults(FaultPlan::new()));
        return match result {
            Ok(()) => None,
            // Nothing was left to do, or nothing to do it with.
            Err(TokenError::Unsupported { .. }) => Some(Left::Active),
            Err(TokenError::Finished { .. }) => Some(Left::Finished),
            Err(error) => panic!("{model:?} {command}: {error}"),
        };
    }
    assert!(matches!(result, Err(TokenError::Transport(_))), "{model:?} {command} {fault:?}: {result:?}");
    Some(match state(&mut ProfileToken::new(card.clone())) {
        None => Left::Active,
        Some(Activation::Finished { .. }) => Left::Finished,
        Some(_) => Left::Again,
    })
}

const FAULTS: [Fault; 3] = [Fault::TearBefore, Fault::TearInside, Fault::TearAfter];

#[test]
fn torn_at_any_command_it_is_done_again_or_the_card_says_that_it_is_finished() {
    for model in TransportPinModel::ALL {
        let (mut tears, mut finished) = (0, Vec::new());
        for fault in &FAULTS {
            for command in 1.. {
                let (card, _) = arrived(model);
                let Some(left) = tear(&card, model, command, fault) else { break };
                tears += 1;
                match left {
                    Left::Active => everything_can_be_used(&card),
                    Left::Finished => {
                        let end = ProfileToken::new(card.clone()).activate(&transport(model), &good());
                        assert!(matches!(end, Err(TokenError::Finished { .. })), "{end:?}");
                        nothing_can_be_used(&card);
                        finished.push((command, fault.clone()));
                    }
                    Left::Again => {
                        nothing_can_be_used(&card);
                        let again = ProfileToken::new(card.clone()).activate(&transport(model), &good());
                        again.unwrap_or_else(|error| panic!("{model:?} {command} {fault:?}: {error}"));
                        everything_can_be_used(&card);
                    }
                }
            }
        }
        // One chance is lost where the card counts it before it compares, and nowhere else.
        let lost = if model == TransportPinModel::SingleUse { vec![(2, Fault::TearInside)] } else { vec![] };
        assert_eq!(finished, lost, "{model:?}");
        let commands = match model {
            TransportPinModel::Separate | TransportPinModel::SingleUse => 7,
            _ => 5,
        };
        assert_eq!(tears, 3 * commands, "{model:?}");
    }
}

/// The second try is torn too, at every command.
#[test]
fn torn_twice_it_is_still_done_again() {
    for model in TransportPinModel::ALL {
        for (first, second) in FAULTS.iter().flat_map(|first| FAULTS.iter().map(move |second| (first, second))) {
            for command in 1.. {
                let (card, _) = arrived(model);
                match tear(&card, model, command, first) {
                    None => break,
                    Some(Left::Active | Left::Finished) => continue,
                    Some(Left::Again) => {}
                }
                for later in 1.. {
                    let card = SimulatorConnection::new(card.with_card(|card| card.fork()));
                    card.with_card(Card::reset);
                    let Some(left) = tear(&card, model, later, second) else { break };
                    if left == Left::Again {
                        ProfileToken::new(card.clone()).activate(&transport(model), &good()).unwrap();
                    }
                    let single_use = model == TransportPinModel::SingleUse;
                    let expected = if left == Left::Finished && single_use { Left::Finished } else { Left::Active };
                    let is = state(&mut ProfileToken::new(card.clone()));
                    assert_eq!(
                        is.is_none(),
                        expected == Left::Active,
                        "{model:?} {command} {first:?} {later} {second:?}"
                    );
                }
            }
        }
    }
}

/// Whoever goes on with an activation that another one began must know what that one chose.
#[test]
fn a_torn_activation_goes_on_with_the_same_passwords_only() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| *model != TransportPinModel::Separate) {
        let (card, _) = arrived(model);
        assert_eq!(tear(&card, model, 2, &Fault::TearAfter), Some(Left::Again));
        let mut token = ProfileToken::new(card.clone());
        if model == TransportPinModel::SingleUse {
            let goes_on = Activation::GoesOn { password: PasswordKind::AuthenticationPin, tries: Tries::Known(3) };
            assert_eq!(state(&mut token), Some(goes_on));
        }
        let other = token.activate(&transport(model), &new(["998877", SIGNATURE, PUK]));
        let Err(TokenError::WrongSecret { password: PasswordKind::AuthenticationPin, .. }) = other else {
            panic!("{model:?}: {other:?}")
        };
        token.activate(&transport(model), &good()).unwrap();
        everything_can_be_used(&card);
    }
}

/// A card of version 1.0 compares what was set before a tear when it is active, and that it will is told before.
#[test]
fn torn_a_card_of_version_1_0_goes_on_and_compares_at_the_end() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.ends_by_itself()) {
        let torn = || {
            let (card, _) = arrived(model);
            assert_eq!(tear(&card, model, 2, &Fault::TearAfter), Some(Left::Again));
            let mut token = of_version_1_0().between(&card);
            let told = state(&mut token).unwrap().compares(&token.passwords().unwrap());
            let told: Vec<_> = told.iter().map(|it| (it.kind, it.state)).collect();
            assert_eq!(told, [(PasswordKind::AuthenticationPin, PasswordState::Active(Tries::Known(3)))], "{model:?}");
            (card, token)
        };
        let (card, mut token) = torn();
        token.activate(&transport(model), &good()).unwrap_or_else(|error| panic!("{model:?}: {error}"));
        everything_can_be_used(&card);

        let (card, mut token) = torn();
        let other = token.activate(&transport(model), &new(["998877", SIGNATURE, PUK]));
        let Err(TokenError::WrongSecret { password: PasswordKind::AuthenticationPin, tries: Tries::Known(2) }) = other
        else {
            panic!("{model:?}: {other:?}")
        };
        // It has the one that was set then.
        everything_can_be_used(&card);

        let (card, mut token) = torn();
        for _ in 0..2 {
            ProfileToken::new(card.clone()).activate(&transport(model), &new(["998877", SIGNATURE, PUK])).unwrap_err();
        }
        let before = card.with_card(|card| card.status());
        let kept = token.activate(&Pin::new(transport(model).secret), &good());
        let Err(TokenError::TooFewTries { password: PasswordKind::AuthenticationPin, .. }) = kept else {
            panic!("{model:?}: {kept:?}")
        };
        assert_eq!(card.with_card(|card| card.status()), before, "{model:?}");
    }
}

/// What finished the card is what was set before it was torn, and not the transport PIN.
#[test]
fn a_torn_activation_is_finished_by_the_pin_that_was_set() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.ends_by_itself()) {
        let (card, mut token) = arrived(model);
        card.with_card(|card| card.set_faults(FaultPlan::new().at(2, Fault::TearAfter)));
        assert!(matches!(token.activate(&transport(model), &good()), Err(TokenError::Transport(_))));
        let mut other = good();
        other[0].1 = Secret::from("864209");
        let end = loop {
            match token.activate(&transport(model), &other) {
                Err(TokenError::WrongSecret { password: PasswordKind::AuthenticationPin, .. }) => {}
                end => break end,
            }
        };
        let password = PasswordKind::AuthenticationPin;
        assert!(matches!(end, Err(TokenError::Finished { password: it }) if it == password), "{model:?}: {end:?}");
        assert_eq!(state(&mut token), Some(Activation::Finished { password }), "{model:?}");
        nothing_can_be_used(&card);
    }
}

/// Not with one that begins with it either: the card would cut that where the first one ends.
#[test]
fn a_torn_activation_does_not_go_on_with_a_longer_pin_that_begins_with_the_first_one() {
    // The PINs of five digits have six, neither more nor less.
    let models = TransportPinModel::ALL.into_iter().filter(|model| model.ends_by_itself());
    for model in models.filter(|model| *model != TransportPinModel::FiveDigits) {
        let (card, mut token) = arrived(model);
        card.with_card(|card| card.set_faults(FaultPlan::new().at(2, Fault::TearAfter)));
        let first = new(["1357", SIGNATURE, PUK]);
        assert!(matches!(token.activate(&transport(model), &first), Err(TokenError::Transport(_))));
        let other = token.activate(&transport(model), &new(["13575", SIGNATURE, PUK]));
        let Err(TokenError::WrongSecret { password: PasswordKind::AuthenticationPin, .. }) = other else {
            panic!("{model:?}: {other:?}")
        };
        token.activate(&transport(model), &first).unwrap();
        let set = Pin::new(Secret::from("1357"));
        token.change_password(PasswordKind::AuthenticationPin, &set, &Secret::from(AUTHENTICATION)).unwrap();
        everything_can_be_used(&card);
    }
}

/// A lie in one answer: the driver says so, or it was none; and the card is activated by doing it again.
#[test]
fn a_card_that_lies_while_it_is_activated_fools_nobody() {
    let lies = [0x9000, 0x63C0, 0x63C2, 0x63C5, 0x6700, 0x6982, 0x6983, 0x6984, 0x6985, 0x6A80, 0x6A88, 0x6D00, 0x62C1];
    for model in TransportPinModel::ALL {
        for status in lies.map(StatusWord) {
            for command in 2.. {
                let not_done = Fault::Status(status);
                let done = Fault::Answer(status.0.to_be_bytes().to_vec());
                let mut reached = false;
                for fault in [not_done, done] {
                    let (card, mut token) = arrived(model);
                    card.with_card(|card| card.set_faults(FaultPlan::new().at(command, fault.clone())));
                    let result = token.activate(&transport(model), &good());
                    reached |= card.with_card(|card| card.faults().waiting()) == 0;
                    card.with_card(|card| card.set_faults(FaultPlan::new()));
                    let what = format!("{model:?} {command} {fault:?}");
                    if result.is_ok() {
                        everything_can_be_used(&card);
                    } else if state(&mut token).is_some_and(|state| !matches!(state, Activation::Finished { .. })) {
                        token.activate(&transport(model), &good()).unwrap_or_else(|error| panic!("{what}: {error}"));
                        everything_can_be_used(&card);
                    } else {
                        // Active, and the lie was about that; or nothing that is lost by a lie.
                        assert_eq!(state(&mut token), None, "{what}");
                        everything_can_be_used(&card);
                    }
                }
                if !reached {
                    break;
                }
            }
        }
    }
}
