//! Passwords listed, changed and unblocked.

use obnova_profile::{PasswordReference, PasswordState as State, command};

use super::{conversation::Conversation, names};
use crate::{PasswordKind, PasswordState, PasswordStatus, Pin, Secret, TokenError, Tries};

pub(super) fn list(card: &Conversation<'_>) -> Vec<PasswordStatus> {
    let status = |record: &obnova_profile::PasswordRecord| PasswordStatus {
        kind: names::password(record.reference),
        state: match record.state {
            State::Unset => PasswordState::Empty,
            State::Transport { .. } => PasswordState::Transport,
            State::Active { left } => PasswordState::Active(Tries::Known(left)),
            State::Blocked => PasswordState::Blocked,
        },
        minimum: record.minimum.into(),
        maximum: record.maximum.into(),
    };
    card.status.passwords.iter().map(status).collect()
}

pub(super) fn change(
    card: &mut Conversation<'_>,
    kind: PasswordKind,
    old: &Pin,
    new: &Secret,
) -> Result<(), TokenError> {
    card.must_be_active()?;
    let password = lasting(kind)?;
    card.check_form(password, new)?;
    card.check_before_sending(password, old)?;
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
    card.check_form(pin, new)?;
    card.check_before_sending(PasswordReference::Puk, puk)?;
    let unblock = command::unblock_password(pin, puk.secret.expose(), new.expose());
    card.present(PasswordReference::Puk, &unblock)
}

pub(super) fn lasting(kind: PasswordKind) -> Result<PasswordReference, TokenError> {
    match names::reference(kind) {
        PasswordReference::TransportPin => Err(TokenError::Unsupported { what: format!("change the {kind}") }),
        password => Ok(password),
    }
}
