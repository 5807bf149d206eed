//! Passwords set for the first time, in each transport PIN model.

use obnova_profile::{CardStatus, LifeCycle, PasswordReference, PasswordState as State, TransportPinModel, command};

use super::{
    conversation::{Conversation, malformed},
    names,
    passwords::lasting,
};
use crate::{Activation, PasswordKind, Pin, Secret, TokenError, Tries};

type NewPasswords<'n> = Vec<(PasswordReference, &'n Secret)>;

/// What it takes to activate the card, if it is not active.
pub(super) fn state(card: &Conversation<'_>) -> Option<Activation> {
    use PasswordReference::{AuthenticationPin, TransportPin};
    if card.status.life_cycle == LifeCycle::Active {
        return None;
    }
    let model = card.status.transport_pin;
    let state = |password| card.status.password(password).map_or(State::Unset, |record| record.state);
    let finished = |password| Activation::Finished { password: names::password(password) };
    let transport = |left| {
        let (minimum, maximum) = card.status.transport_pin_lengths();
        Activation::TransportPin {
            tries: Tries::Known(left),
            single_use: model == TransportPinModel::SingleUse,
            at_pad: model == TransportPinModel::Separate,
            minimum: minimum.into(),
            maximum: maximum.into(),
        }
    };
    if model.is_own_password() {
        return Some(match (model, state(TransportPin), state(AuthenticationPin)) {
            (TransportPinModel::SingleUse, _, State::Active { left }) => {
                Activation::GoesOn { password: PasswordKind::AuthenticationPin, tries: Tries::Known(left) }
            }
            (TransportPinModel::SingleUse, _, State::Blocked) => finished(AuthenticationPin),
            (_, State::Active { left }, _) => transport(left),
            _ => finished(TransportPin),
        });
    }
    // Be it the transport PIN in its place, or what was set before a tear: there is no PUK yet.
    for password in PasswordReference::LASTING {
        match state(password) {
            State::TransportBlocked if model.is_secret() => return Some(finished(TransportPin)),
            State::TransportBlocked | State::Blocked => return Some(finished(password)),
            State::Unset | State::Transport { .. } | State::Active { .. } => {}
        }
    }
    let tries = PasswordReference::LASTING.into_iter().filter_map(|password| match state(password) {
        State::Transport { left } => Some(left),
        _ => None,
    });
    match tries.min() {
        Some(left) if model.is_secret() => Some(transport(left)),
        _ => Some(Activation::Nothing),
    }
}

/// Everything is checked before a secret is sent: some models give the transport PIN one chance.
pub(super) fn activate(
    card: &mut Conversation<'_>,
    transport: &Pin,
    new: &[(PasswordKind, Secret)],
) -> Result<(), TokenError> {
    let Some(activation) = state(card) else {
        return Err(TokenError::Unsupported { what: "be activated: it is active already".to_owned() });
    };
    if transport.at_pad && matches!(activation, Activation::TransportPin { at_pad: false, .. }) {
        let what = "take its transport PIN from a pad: a new PIN goes along with it, which was checked here".to_owned();
        return Err(TokenError::Unsupported { what });
    }
    let passwords = new_passwords(card, new)?;
    match activation {
        Activation::Finished { password } => return Err(TokenError::Finished { password }),
        Activation::GoesOn { .. } => {}
        // The reader keeps the lengths, and nobody here sees whether a new one is the same.
        Activation::TransportPin { .. } if transport.at_pad => {}
        Activation::TransportPin { minimum, maximum, .. } => check_transport(transport, minimum, maximum, new)?,
        Activation::Nothing => check_transport(transport, 0, 0, new)?,
    }
    let compared_at_last = match card.status.transport_pin {
        TransportPinModel::Separate => {
            card.verify(PasswordReference::TransportPin, transport).map_err(nothing_is_left)?;
            set_and_activate(card, &passwords)?;
            Vec::new()
        }
        TransportPinModel::SingleUse => {
            single_use(card, activation, transport, &passwords)?;
            Vec::new()
        }
        TransportPinModel::Null => {
            let null = Secret::new(TransportPinModel::NULL_PIN.to_vec());
            one_after_the_other(card, &Pin { secret: null, ..transport.clone() }, &passwords)?
        }
        TransportPinModel::InPlace
        | TransportPinModel::Empty
        | TransportPinModel::MustChange
        | TransportPinModel::FiveDigits => one_after_the_other(card, transport, &passwords)?,
        _ => {
            let what = "be activated: its transport PIN is of a kind unknown here".to_owned();
            return Err(TokenError::Unsupported { what });
        }
    };
    confirm(card)?;
    compared_at_last.iter().try_for_each(|(password, set)| card.verify(*password, set))
}

/// A card that took everything and is not as it should be would be found out when its holder needs it.
fn confirm(card: &mut Conversation<'_>) -> Result<(), TokenError> {
    let question = command::read_status();
    let status = CardStatus::from_template(&card.ask(&question)?)?;
    if status.serial != card.status.serial {
        return Err(TokenError::OtherCard { wanted: card.status.serial.clone(), found: status.serial });
    }
    if status.life_cycle == LifeCycle::Inactive {
        return Err(malformed(&question, "it took every new password, and is not active"));
    }
    if status.transport_pin != card.status.transport_pin {
        return Err(malformed(&question, "it is activated in another way than it said before"));
    }
    let state = |password| status.password(password).map(|record| record.state);
    let is_set = |password| matches!(state(password), Some(State::Active { .. }));
    let odd = PasswordReference::LASTING.into_iter().find(|password| !is_set(*password));
    let transport = PasswordReference::TransportPin;
    match odd.or(state(transport).map(|_| transport)) {
        Some(odd) => Err(TokenError::NotActivated { password: names::password(odd) }),
        None => Ok(()),
    }
}

/// Exactly one new value for each password that stays, in the card's order.
fn new_passwords<'n>(
    card: &Conversation<'_>,
    new: &'n [(PasswordKind, Secret)],
) -> Result<NewPasswords<'n>, TokenError> {
    if let Some((kind, _)) = new.iter().find(|(kind, _)| lasting(*kind).is_err()) {
        return Err(TokenError::Unsupported { what: format!("take a new {kind}") });
    }
    let mut passwords = Vec::new();
    for password in PasswordReference::LASTING {
        let kind = names::password(password);
        let mut given = new.iter().filter(|(other, _)| *other == kind).map(|(_, secret)| secret);
        let (Some(secret), None) = (given.next(), given.next()) else {
            return Err(TokenError::Unsupported { what: format!("be activated without exactly one new {kind}") });
        };
        card.check_form(password, secret)?;
        passwords.push((password, secret));
    }
    Ok(passwords)
}

/// What can be no transport PIN is not sent: one of another length would be cut at another place from the new value behind it, and make
/// that another one than was chosen. And it is no good as a new password.
fn check_transport(
    transport: &Pin,
    minimum: usize,
    maximum: usize,
    new: &[(PasswordKind, Secret)],
) -> Result<(), TokenError> {
    if !(minimum..=maximum).contains(&transport.secret.len()) {
        return Err(TokenError::SecretForm { password: PasswordKind::TransportPin, minimum, maximum });
    }
    match new.iter().find(|(_, secret)| *secret == transport.secret) {
        Some((password, _)) => Err(TokenError::TransportPinAgain { password: *password }),
        None => Ok(()),
    }
}

/// What opens the activation was verified.
fn set_and_activate(card: &mut Conversation<'_>, passwords: &[(PasswordReference, &Secret)]) -> Result<(), TokenError> {
    for (password, secret) in passwords {
        card.ask(&command::set_password(*password, secret.expose()))?;
    }
    card.ask(&command::activate()).map(drop)
}

/// The transport PIN becomes the authentication PIN, which opens the rest; or became it before a tear.
fn single_use(
    card: &mut Conversation<'_>,
    activation: Activation,
    transport: &Pin,
    passwords: &[(PasswordReference, &Secret)],
) -> Result<(), TokenError> {
    let Some(((opener, secret), rest)) = passwords.split_first() else { return Ok(()) };
    let pin = Pin { secret: (*secret).clone(), ..transport.clone() };
    if let Activation::GoesOn { .. } = activation {
        card.verify(*opener, &pin).map_err(nothing_is_left)?;
    } else {
        card.check_tries(PasswordReference::TransportPin, transport)?;
        let redeem = command::change_password(*opener, transport.secret.expose(), secret.expose());
        card.present(PasswordReference::TransportPin, &redeem).map_err(nothing_is_left)?;
        card.present(*opener, &command::verify(*opener, secret.expose()))?;
    }
    set_and_activate(card, rest)
}

/// Each password is set in the place of the transport PIN, or of nothing; the last one activates the card. What was set before a tear must be
/// what the holder chose now, too; what a card of version 1.0 compares when it is active, and not before, comes back.
fn one_after_the_other(
    card: &mut Conversation<'_>,
    transport: &Pin,
    passwords: &[(PasswordReference, &Secret)],
) -> Result<Vec<(PasswordReference, Pin)>, TokenError> {
    let mut compared_at_last = Vec::new();
    for (password, secret) in passwords {
        let record = card.password(*password)?;
        match record.state {
            State::Active { .. } => {
                let set = Pin { secret: (*secret).clone(), ..transport.clone() };
                if card.compares_what_opens_nothing() {
                    card.compare(*password, &set).map_err(nothing_is_left)?;
                } else {
                    card.check_before_sending(*password, &set)?;
                    compared_at_last.push((*password, set));
                }
            }
            State::Unset => {
                card.ask(&command::set_password(*password, secret.expose()))?;
            }
            State::Transport { .. } | State::Blocked | State::TransportBlocked => {
                // What stands there at every card is no guess: nobody is asked whether the last try may be spent.
                let keep_tries = if card.status.transport_pin.is_secret() { transport.keep_tries } else { 0 };
                let sent = Pin { keep_tries, ..transport.clone() };
                card.check_tries(*password, &sent).map_err(transport_is_meant)?;
                let change = command::change_password(*password, transport.secret.expose(), secret.expose());
                card.present(*password, &change).map_err(|error| match nothing_is_left(error) {
                    TokenError::Finished { .. } if card.status.transport_pin.is_secret() => {
                        TokenError::Finished { password: PasswordKind::TransportPin }
                    }
                    error => transport_is_meant(error),
                })?;
            }
        }
    }
    Ok(compared_at_last)
}

/// Before activation nothing unblocks.
fn nothing_is_left(error: TokenError) -> TokenError {
    match error {
        TokenError::Blocked { password } => TokenError::Finished { password },
        other => other,
    }
}

/// In the place of a password the transport PIN is what was wrong.
fn transport_is_meant(error: TokenError) -> TokenError {
    match error {
        TokenError::WrongSecret { tries, .. } => {
            TokenError::WrongSecret { password: PasswordKind::TransportPin, tries }
        }
        TokenError::TooFewTries { tries, .. } => {
            TokenError::TooFewTries { password: PasswordKind::TransportPin, tries }
        }
        TokenError::TriesWentUp { before, after, .. } => {
            TokenError::TriesWentUp { password: PasswordKind::TransportPin, before, after }
        }
        other => other,
    }
}
