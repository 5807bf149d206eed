//! Passwords listed, changed and unblocked.

use obnova_profile::{PasswordReference, PasswordState as State, command};

use super::{activation, conversation::Conversation, names};
use crate::{Activation, Alphabet, PasswordKind, PasswordState, PasswordStatus, Pin, Secret, TokenError, Tries};

/// Every password; and the transport PIN that stands in the place of others as if it was one of its own.
pub(super) fn list(card: &Conversation<'_>) -> Vec<PasswordStatus> {
    // AODF: ascii-numeric.
    let alphabet = Alphabet::Digits;
    let activation = activation::state(card);
    let status = |record: &obnova_profile::PasswordRecord| PasswordStatus {
        kind: names::password(record.reference),
        state: match record.state {
            State::Unset => PasswordState::Empty,
            // What everybody knows is no transport PIN.
            State::Transport { .. } if activation == Some(Activation::Nothing) => PasswordState::Empty,
            State::Transport { .. } => PasswordState::Transport,
            State::Active { left } => PasswordState::Active(Tries::Known(left)),
            State::Blocked => PasswordState::Blocked,
        },
        minimum: record.minimum.into(),
        maximum: record.maximum.into(),
        alphabet,
    };
    let mut all: Vec<_> = card.status.passwords.iter().map(status).collect();
    let kind = PasswordKind::TransportPin;
    if let Some(Activation::TransportPin { tries, minimum, maximum, .. }) = activation
        && !all.iter().any(|status| status.kind == kind)
    {
        all.push(PasswordStatus { kind, state: PasswordState::Active(tries), minimum, maximum, alphabet });
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
        return card.present_at_pad(password, password, &command::change_password(password, &[], &[]));
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
        return card.present_at_pad(PasswordReference::Puk, pin, &command::unblock_password(pin, &[], &[]));
    }
    card.check_form(pin, new)?;
    card.compare(PasswordReference::Puk, puk)?;
    let unblock = command::unblock_password(pin, puk.secret.expose(), new.expose());
    card.present(PasswordReference::Puk, &unblock)
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
