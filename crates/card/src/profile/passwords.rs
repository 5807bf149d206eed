//! Passwords changed, unblocked and set for the first time.

use obnova_profile::{LifeCycle, PasswordReference, PasswordState as State, TransportPinModel, command};

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

/// Everything is checked before the transport PIN is sent: some models give it one chance. An activation that was torn is
/// repeated with the same new passwords.
pub(super) fn activate(
    card: &mut Conversation<'_>,
    transport: &Pin,
    new: &[(PasswordKind, Secret)],
) -> Result<(), TokenError> {
    if card.status.life_cycle == LifeCycle::Active {
        return Err(TokenError::Unsupported { what: "be activated: it is active already".to_owned() });
    }
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
    match card.status.transport_pin {
        TransportPinModel::Separate => {
            card.verify(PasswordReference::TransportPin, transport)?;
            for (password, secret) in passwords {
                card.present(PasswordReference::TransportPin, &command::set_password(password, secret.expose()))?;
            }
            card.ask(&command::activate()).map(drop)
        }
        TransportPinModel::InPlace => {
            check_in_place(card, transport)?;
            for (password, secret) in passwords {
                if let State::Active { .. } = card.password(password)?.state {
                    // Set before a tear. It must be what the holder chose now, too: a change from it to itself tells.
                    card.check_tries(password, &Pin::new(secret.clone()))?;
                    let change = command::change_password(password, secret.expose(), secret.expose());
                    card.present(password, &change)?;
                    continue;
                }
                card.check_tries(password, transport)?;
                let change = command::change_password(password, transport.secret.expose(), secret.expose());
                card.present(PasswordReference::TransportPin, &change)?;
            }
            Ok(())
        }
        _ => Err(TokenError::Unsupported {
            what: "be activated: its transport PIN is of a kind unknown here".to_owned(),
        }),
    }
}

/// What stands in the place of every password can only be what each of them could be.
fn check_in_place(card: &Conversation<'_>, transport: &Pin) -> Result<(), TokenError> {
    for password in PasswordReference::LASTING {
        if !matches!(card.password(password)?.state, State::Active { .. }) {
            card.check_form(password, &transport.secret).map_err(|error| match error {
                TokenError::SecretForm { minimum, maximum, .. } => {
                    TokenError::SecretForm { password: PasswordKind::TransportPin, minimum, maximum }
                }
                other => other,
            })?;
        }
    }
    Ok(())
}

fn lasting(kind: PasswordKind) -> Result<PasswordReference, TokenError> {
    match names::reference(kind) {
        PasswordReference::TransportPin => Err(TokenError::Unsupported { what: format!("change the {kind}") }),
        password => Ok(password),
    }
}
