//! Passwords listed, changed and unblocked.

use obnova_profile::{PasswordReference, PasswordState as State, command};

use super::{activation, conversation::Conversation, names};
use crate::{Activation, Alphabet, PasswordKind, PasswordState, PasswordStatus, Pin, Secret, TokenError, Tries};

/// Every password; and the transport PIN that stands in the place of others as if it was one of its own.
pub(super) fn list(card: &Conversation<'_>) -> Vec<PasswordStatus> {
    // AODF: ascii-numeric.
    let alphabet = Alphabet::Digits;
    // What everybody knows is no transport PIN.
    let is_secret = card.status.transport_pin.is_secret();
    let status = |record: &obnova_profile::PasswordRecord| PasswordStatus {
        kind: names::password(record.reference),
        state: match record.state {
            State::Unset => PasswordState::Empty,
            State::Transport { .. } | State::TransportBlocked if is_secret => PasswordState::Transport,
            State::Transport { .. } => PasswordState::Empty,
            State::Active { left } => PasswordState::Active(Tries::Known(left)),
            State::Blocked | State::TransportBlocked => PasswordState::Blocked,
        },
        minimum: record.minimum.into(),
        maximum: record.maximum.into(),
        alphabet,
    };
    let mut all: Vec<_> = card.status.passwords.iter().map(status).collect();
    let kind = PasswordKind::TransportPin;
    let state = match activation::state(card) {
        Some(Activation::TransportPin { tries, .. }) => Some(PasswordState::Active(tries)),
        Some(Activation::Finished { password }) if password == kind => Some(PasswordState::Blocked),
        _ => None,
    };
    if let Some(state) = state
        && !all.iter().any(|status| status.kind == kind)
    {
        let (minimum, maximum) = card.status.transport_pin_lengths();
        all.push(PasswordStatus { kind, state, minimum: minimum.into(), maximum: maximum.into(), alphabet });
    }
    all
}

pub(super) fn change(
    card: &mut Conversation<'_>,
    kind: PasswordKind,
    old: &Pin,
    new: &Secret,
) -> Result<(), TokenError> {
    card.must_be_active()?;
    let password = lasting(kind)?;
    if old.at_pad {
        both_at_pad(new)?;
        card.check_tries(password, old)?;
        return card.set_at_pad(password, password);
    }
    card.check_form(password, new)?;
    card.compare(password, old)?;
    card.present(password, &command::change_password(password, old.secret.expose(), new.expose()))
}

pub(super) fn unblock(
    card: &mut Conversation<'_>,
    kind: PasswordKind,
    puk: &Pin,
    new: &Secret,
) -> Result<(), TokenError> {
    card.must_be_active()?;
    let pin = names::reference(kind);
    if !pin.is_pin() {
        return Err(TokenError::Unsupported { what: format!("unblock the {kind}") });
    }
    if puk.at_pad {
        both_at_pad(new)?;
        card.check_tries(PasswordReference::Puk, puk)?;
        return card.set_at_pad(PasswordReference::Puk, pin);
    }
    card.check_form(pin, new)?;
    card.compare(PasswordReference::Puk, puk)?;
    let unblock = command::unblock_password(pin, puk.secret.expose(), new.expose());
    card.present(PasswordReference::Puk, &unblock)
}

pub(super) fn compare(card: &mut Conversation<'_>, kind: PasswordKind, value: &Pin) -> Result<(), TokenError> {
    card.must_be_active()?;
    let password = lasting(kind)?;
    if value.at_pad { card.verify(password, value) } else { card.compare(password, value) }
}

/// A pad takes both or none.
fn both_at_pad(new: &Secret) -> Result<(), TokenError> {
    if new.is_empty() {
        return Ok(());
    }
    Err(TokenError::Unsupported {
        what: "take a new PIN from here when the old one is entered at its reader".to_owned(),
    })
}

pub(super) fn lasting(kind: PasswordKind) -> Result<PasswordReference, TokenError> {
    match names::reference(kind) {
        PasswordReference::TransportPin => Err(TokenError::Unsupported { what: format!("change the {kind}") }),
        password => Ok(password),
    }
}
