//! Whoever gave a wrong password is told so before anything else is asked, also when one try is left, whichever password it is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use obnova_card::{NewPasswords, PasswordKind, PasswordPolicy, ProfileToken, Secret, Token, Tries};
use obnova_client::{
    PinRequest, Progress, Prompt, PromptError, Question, RunError, SharedToken, activate, share, with_password,
};
use obnova_profile::TransportPinModel;
use obnova_simulator::{Personalisation, SimulatorConnection};

/// What the holder was asked, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Asked { tries: Tries, was_wrong: bool },
    LastTry { tries: Tries, was_wrong: bool },
}

/// Types the same again and again.
struct Holder {
    types: String,
    spends: bool,
    password: PasswordKind,
    heard: Vec<Heard>,
}

impl Prompt for Holder {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        assert_eq!(request.password, self.password);
        self.heard.push(Heard::Asked { tries: request.tries, was_wrong: request.was_wrong });
        Ok(Secret::from(self.types.as_str()))
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        let Question::LastTry { password, tries, was_wrong } = *question else { panic!("{question:?}") };
        assert_eq!(password, self.password);
        self.heard.push(Heard::LastTry { tries, was_wrong });
        Ok(self.spends)
    }

    fn progress(&mut self, _: &Progress<'_>) {}
}

/// Something that takes a password of a card.
type Act = Box<dyn Fn(&SharedToken, &mut Holder) -> Result<(), RunError>>;

/// Wrong ones until the last try is kept; then the same by who comes back; then the right one, with a yes.
fn called_wrong(token: &SharedToken, password: PasswordKind, had: u8, (right, wrong): (&str, &str), act: &Act) {
    let mut holder = Holder { types: wrong.to_owned(), spends: false, password, heard: Vec::new() };
    let kept = |holder: &mut Holder| match act(token, holder) {
        Err(RunError::LastTryKept { password: kept, tries: Tries::Known(1), was_wrong, .. }) if kept == password => {
            (was_wrong, std::mem::take(&mut holder.heard))
        }
        other => panic!("{password}: {other:?}"),
    };
    let asked = |left: u8| Heard::Asked { tries: Tries::Known(left), was_wrong: left < had };
    let mut expected: Vec<_> = (2..=had).rev().map(asked).collect();
    expected.push(Heard::LastTry { tries: Tries::Known(1), was_wrong: true });
    assert_eq!(kept(&mut holder), (true, expected), "{password}");
    let fresh = vec![Heard::LastTry { tries: Tries::Known(1), was_wrong: false }];
    assert_eq!(kept(&mut holder), (false, fresh), "{password}: nothing was given since");
    holder.types = right.to_owned();
    holder.spends = true;
    act(token, &mut holder).unwrap();
}

#[test]
fn a_wrong_pin_or_puk_is_called_wrong_with_the_question_about_the_last_try() {
    let set = |by: PasswordKind, new: &'static str| -> Act {
        Box::new(move |token, holder| {
            with_password(token, holder, by, &[], |token: &mut dyn Token, typed| match by {
                PasswordKind::Puk => token.unblock_password(PasswordKind::SignaturePin, typed, &new.into()),
                kind => token.change_password(kind, typed, &new.into()),
            })
        })
    };
    for (password, had, right) in [
        (PasswordKind::AuthenticationPin, 3, "1234"),
        (PasswordKind::SignaturePin, 3, "567890"),
        (PasswordKind::Puk, 5, "12345678"),
    ] {
        let card = Personalisation::new("OBN1").active(b"1234", b"567890", b"12345678").finish().unwrap();
        let token = share(ProfileToken::new(SimulatorConnection::new(card)));
        called_wrong(&token, password, had, (right, "00099900"), &set(password, "730264"));
    }
}

#[test]
fn a_wrong_transport_pin_is_called_wrong_with_the_question_about_the_last_try() {
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_secret()) {
        // The only try of this one finishes the card.
        if model == TransportPinModel::SingleUse {
            continue;
        }
        let (right, wrong) =
            if model == TransportPinModel::FiveDigits { ("13579", "24680") } else { ("135790", "246801") };
        let card = Personalisation::new("OBN1").inactive(model, right.as_bytes()).finish().unwrap();
        let token = share(ProfileToken::new(SimulatorConnection::new(card)));
        let act: Act = Box::new(|token, holder| {
            let statuses = token.lock().unwrap().passwords().unwrap();
            let mut new = NewPasswords::new(&statuses, PasswordPolicy::CAREFUL);
            for value in ["482915", "730264", "91827364"] {
                new.take(Secret::from(value), &Secret::from(value)).unwrap();
            }
            activate(token, holder, &new.finish().unwrap())
        });
        called_wrong(&token, PasswordKind::TransportPin, 3, (right, wrong), &act);
    }
}
