//! The one PIN, as the token's flags tell of it.

use cryptoki::slot::TokenInfo;

use crate::{Activation, Alphabet, PasswordKind, PasswordState, PasswordStatus, Secret, TokenError, Tries};

/// What the one PIN is called here.
pub(super) const PIN: PasswordKind = PasswordKind::AuthenticationPin;

pub(super) fn status(info: &TokenInfo) -> PasswordStatus {
    let state = if info.user_pin_locked() {
        PasswordState::Blocked
    } else if !info.user_pin_initialized() {
        PasswordState::Empty
    } else if info.user_pin_to_be_changed() {
        PasswordState::Transport
    } else if info.user_pin_final_try() {
        PasswordState::Active(Tries::Last)
    } else if info.user_pin_count_low() {
        PasswordState::Active(Tries::Low)
    } else {
        PasswordState::Active(Tries::Unknown)
    };
    PasswordStatus {
        kind: PIN,
        state,
        minimum: info.min_pin_length(),
        maximum: info.max_pin_length(),
        alphabet: Alphabet::Any,
    }
}

/// What becomes of a PIN that its holder must change before he uses it.
pub(super) fn activation(info: &TokenInfo) -> Option<Activation> {
    let status = status(info);
    let tries = match (info.user_pin_final_try(), info.user_pin_count_low()) {
        (true, _) => Tries::Last,
        (_, true) => Tries::Low,
        _ => Tries::Unknown,
    };
    let PasswordStatus { minimum, maximum, .. } = status;
    (status.state == PasswordState::Transport).then_some(Activation::TransportPin {
        tries,
        single_use: false,
        at_pad: false,
        minimum,
        maximum,
    })
}

pub(super) fn check_form(status: &PasswordStatus, secret: &Secret) -> Result<(), TokenError> {
    let fits = (status.minimum..=status.maximum).contains(&secret.len());
    if fits { Ok(()) } else { Err(form(status)) }
}

pub(super) const fn form(status: &PasswordStatus) -> TokenError {
    TokenError::SecretForm { password: PIN, minimum: status.minimum, maximum: status.maximum }
}

pub(super) fn only_pin(kind: PasswordKind, verb: &str) -> Result<(), TokenError> {
    match kind {
        PIN => Ok(()),
        kind => Err(TokenError::Unsupported { what: format!("{verb} the {kind}: PKCS#11 has one PIN only") }),
    }
}
