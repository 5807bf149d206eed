//! A card is brought to life by its holder: what is asked, in which order, and what a wrong transport PIN costs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use obnova_card::{
    Activation, NewPasswords, PasswordKind, PasswordPolicy, Pin, ProfileToken, Secret, TokenError, Tries,
};
use obnova_client::{PinRequest, Progress, Prompt, PromptError, Question, RunError, SharedToken, activate, share};
use obnova_profile::TransportPinModel;
use obnova_simulator::{Fault, FaultPlan, Personalisation, SimulatorConnection};

const TYPED: [&str; 3] = ["482915", "730264", "91827364"];

#[path = "../../card/tests/common/liar.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod liar;

/// Types these, first to last, and then the right one; and notes what it was asked.
struct Holder {
    right: &'static str,
    /// In place of the transport PIN.
    wrong: Vec<&'static str>,
    /// In place of what was set before a tear.
    other: Vec<&'static str>,
    says_yes: bool,
    asked: Vec<(PasswordKind, Tries, bool)>,
    /// Last tries that were asked about, and whether the one before was wrong.
    last_tries: Vec<(PasswordKind, bool)>,
}

impl Holder {
    fn of(model: TransportPinModel) -> Self {
        let right = if model == TransportPinModel::FiveDigits { "13579" } else { "135790" };
        Self { right, wrong: Vec::new(), other: Vec::new(), says_yes: true, asked: Vec::new(), last_tries: Vec::new() }
    }
}

impl Prompt for Holder {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.asked.push((request.password, request.tries, request.was_wrong));
        let (right, wrong) = match request.password {
            PasswordKind::TransportPin => {
                assert_eq!((request.minimum, request.maximum), (self.right.len(), self.right.len()));
                (self.right, &mut self.wrong)
            }
            PasswordKind::AuthenticationPin => (TYPED[0], &mut self.other),
            other => panic!("nobody asks for the {other}"),
        };
        Ok(Secret::from(if wrong.is_empty() { right } else { wrong.remove(0) }))
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        let Question::LastTry { password, was_wrong, .. } = question else { panic!("{question:?}") };
        self.last_tries.push((*password, *was_wrong));
        Ok(self.says_yes)
    }

    fn progress(&mut self, _: &Progress<'_>) {}
}

fn arrived(model: TransportPinModel) -> (SimulatorConnection, SharedToken, Holder) {
    let holder = Holder::of(model);
    let transport = if model.is_secret() { holder.right.as_bytes() } else { b"" };
    let card = Personalisation::new("OBN1").inactive(model, transport).finish().unwrap();
    let card = SimulatorConnection::new(card);
    (card.clone(), share(ProfileToken::new(card)), holder)
}

fn new(token: &SharedToken, typed: [&str; 3]) -> Vec<(PasswordKind, Secret)> {
    let mut new = NewPasswords::new(&token.lock().unwrap().passwords().unwrap(), PasswordPolicy::CAREFUL);
    for value in typed {
        new.take(Secret::from(value), &Secret::from(value)).unwrap();
    }
    new.finish().unwrap()
}

fn state(token: &SharedToken) -> Option<Activation> {
    token.lock().unwrap().capabilities().unwrap().activation
}

/// After the first command that changes the card, or opens it. SELECT comes before: three times to ask what it takes, once
/// where that is nothing; and once more.
fn tear_after_the_first(model: TransportPinModel) -> FaultPlan {
    FaultPlan::new().at(if model.is_secret() { 5 } else { 3 }, Fault::TearAfter)
}

#[test]
fn the_transport_pin_is_asked_for_where_there_is_one_and_nothing_else_is() {
    for model in TransportPinModel::ALL {
        let (_, token, mut holder) = arrived(model);
        activate(&token, &mut holder, &new(&token, TYPED)).unwrap();
        let tries = if model == TransportPinModel::SingleUse { Tries::Known(1) } else { Tries::Known(3) };
        let asked = [(PasswordKind::TransportPin, tries, false)];
        assert_eq!(holder.asked, if model.is_secret() { &asked[..] } else { &[] }, "{model:?}");
        let yes = [(PasswordKind::TransportPin, false)];
        assert_eq!(holder.last_tries, if model == TransportPinModel::SingleUse { &yes[..] } else { &[] }, "{model:?}");
        assert_eq!(state(&token), None);
    }
}

#[test]
fn a_wrong_one_is_asked_for_again_and_the_last_try_takes_a_yes() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_secret()) {
        if model == TransportPinModel::SingleUse {
            continue;
        }
        let (_, token, mut holder) = arrived(model);
        let wrong = if model == TransportPinModel::FiveDigits { "00000" } else { "000000" };
        holder.wrong = vec![wrong; 2];
        holder.says_yes = false;
        let kept = activate(&token, &mut holder, &new(&token, TYPED));
        assert!(matches!(kept, Err(RunError::LastTryKept { password: PasswordKind::TransportPin, .. })), "{kept:?}");
        let told: Vec<_> = holder.asked.iter().map(|(_, tries, wrong)| (*tries, *wrong)).collect();
        assert_eq!(told, [(Tries::Known(3), false), (Tries::Known(2), true)], "{model:?}");
        holder.says_yes = true;
        activate(&token, &mut holder, &new(&token, TYPED)).unwrap();
    }
}

#[test]
fn without_a_yes_the_only_chance_is_not_spent_and_a_wrong_one_is_the_end() {
    let (card, token, mut holder) = arrived(TransportPinModel::SingleUse);
    holder.says_yes = false;
    let before = card.with_card(|card| card.status());
    let kept = activate(&token, &mut holder, &new(&token, TYPED));
    assert!(matches!(kept, Err(RunError::LastTryKept { .. })), "{kept:?}");
    assert!(holder.asked.is_empty());
    assert_eq!(card.with_card(|card| card.status()), before);
    holder.says_yes = true;
    holder.wrong = vec!["000000"];
    for _ in 0..2 {
        let end = activate(&token, &mut holder, &new(&token, TYPED));
        assert!(matches!(end, Err(RunError::Token(TokenError::Finished { .. }))), "{end:?}");
    }
    assert_eq!(holder.asked.len(), 1, "nothing is asked that cannot help");
}

#[test]
fn torn_it_goes_on_with_the_same_passwords_and_without_the_transport_pin_where_that_is_used_up() {
    for model in TransportPinModel::ALL {
        let (card, token, mut holder) = arrived(model);
        let new = new(&token, TYPED);
        card.with_card(|card| card.set_faults(tear_after_the_first(model)));
        let torn = activate(&token, &mut holder, &new);
        assert!(matches!(torn, Err(RunError::Token(TokenError::Transport(_)))), "{model:?} {torn:?}");
        holder.asked.clear();
        activate(&token, &mut holder, &new).unwrap();
        let again = model.is_secret() && model != TransportPinModel::SingleUse;
        assert_eq!(holder.asked.len(), usize::from(again), "{model:?}");
        assert_eq!(state(&token), None);
    }
}

/// Torn, and done again with another PIN than the one that was set then: that one is asked for, with its tries, and what else was chosen stays.
/// Its last try is spent with a yes, and only then.
#[test]
fn another_password_than_the_one_that_was_set_before_a_tear_is_asked_for_again() {
    let password = PasswordKind::AuthenticationPin;
    for model in TransportPinModel::ALL.into_iter().filter(|model| *model != TransportPinModel::Separate) {
        let (card, token, mut holder) = arrived(model);
        let (chosen, other) = (new(&token, TYPED), new(&token, ["592816", TYPED[1], TYPED[2]]));
        card.with_card(|card| card.set_faults(tear_after_the_first(model)));
        activate(&token, &mut holder, &chosen).unwrap_err();
        card.with_card(|card| card.set_faults(FaultPlan::new()));
        let torn = card.with_card(|card| card.fork());
        holder.asked.clear();
        let asked = |holder: &Holder| {
            let of_it = holder.asked.iter().filter(|(kind, ..)| *kind == password);
            of_it.map(|(_, tries, was_wrong)| (*tries, *was_wrong)).collect::<Vec<_>>()
        };
        activate(&token, &mut holder, &other).unwrap_or_else(|error| panic!("{model:?}: {error}"));
        assert_eq!(asked(&holder), [(Tries::Known(2), true)], "{model:?}");
        assert_eq!(state(&token), None, "{model:?}");
        for (kind, value) in &chosen {
            token.lock().unwrap().compare_password(*kind, &Pin::new(value.clone())).unwrap();
        }

        let card = SimulatorConnection::new(torn);
        let (token, mut holder) = (share(ProfileToken::new(card.clone())), Holder::of(model));
        holder.other = vec!["640281"];
        let is_single_use = model == TransportPinModel::SingleUse;
        holder.says_yes = false;
        let kept = activate(&token, &mut holder, &other);
        let Err(RunError::LastTryKept { password: PasswordKind::AuthenticationPin, was_wrong: true, .. }) = kept else {
            panic!("{model:?}: {kept:?}")
        };
        assert_eq!(asked(&holder), [(Tries::Known(2), true)], "{model:?}");
        assert_eq!(holder.last_tries, [(password, true)], "{model:?}");
        let kept = activate(&token, &mut holder, &chosen);
        let Err(RunError::LastTryKept { password: PasswordKind::AuthenticationPin, was_wrong: false, .. }) = kept
        else {
            panic!("{model:?}: {kept:?}")
        };
        holder.says_yes = true;
        let before = holder.asked.len();
        activate(&token, &mut holder, &chosen).unwrap();
        assert_eq!(holder.asked.len() - before, usize::from(model.is_secret() && !is_single_use), "{model:?}");
        assert_eq!(state(&token), None, "{model:?}");
    }
}

/// A card of version 1.0 is active by then.
#[test]
fn so_it_is_with_a_card_that_compares_at_the_end() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.ends_by_itself()) {
        let (card, token, mut holder) = arrived(model);
        let (chosen, other) = (new(&token, TYPED), new(&token, ["592816", TYPED[1], TYPED[2]]));
        card.with_card(|card| card.set_faults(tear_after_the_first(model)));
        activate(&token, &mut holder, &chosen).unwrap_err();
        let older = share(liar::of_version_1_0().between(&card));
        holder.asked.clear();
        holder.other = vec!["640281"];
        activate(&older, &mut holder, &other).unwrap_or_else(|error| panic!("{model:?}: {error}"));
        let asked = holder.asked.iter().filter(|(kind, ..)| *kind == PasswordKind::AuthenticationPin);
        let asked: Vec<_> = asked.map(|(_, tries, was_wrong)| (*tries, *was_wrong)).collect();
        assert_eq!(asked, [(Tries::Known(2), true), (Tries::Known(1), true)], "{model:?}");
        assert_eq!(holder.last_tries, [(PasswordKind::AuthenticationPin, true)], "{model:?}");
        let pin = Pin::new(Secret::from(TYPED[0]));
        token.lock().unwrap().compare_password(PasswordKind::AuthenticationPin, &pin).unwrap();
    }
}
