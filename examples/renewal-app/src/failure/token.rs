use fluent_bundle::FluentValue;
use obnova_card::{TokenError, Tries};
use obnova_transport::TransportError;

use super::{Failure, Kind};
use crate::{texts::t, view};

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::NoReader => Self::new(Kind::NoCard, t!("error-no-reader")),
            TransportError::NoCard { reader } => Self::new(Kind::NoCard, t!("error-no-card", reader = reader)),
            TransportError::CardRemoved => Self::new(Kind::NoCard, t!("error-card-removed")),
            TransportError::CardReset => Self::new(Kind::NoCard, t!("error-card-reset")),
            TransportError::Sharing => Self::new(Kind::NoCard, t!("error-card-shared")),
            TransportError::ServiceStopped => Self::new(Kind::NoCard, t!("error-service-stopped")),
            TransportError::Timeout => Self::new(Kind::NoCard, t!("error-card-timeout")),
            other => Self::new(Kind::NoCard, t!("error-card-other", detail = other.to_string())),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Transport(error) => error.into(),
            TokenError::WrongSecret { password, tries } => {
                Self::new(Kind::Pin, t!("error-wrong-password", name = view::password(password), tries = number(tries)))
            }
            TokenError::TooFewTries { password, tries } => {
                Self::new(Kind::Pin, t!("error-too-few-tries", name = view::password(password), tries = number(tries)))
            }
            TokenError::Blocked { password } => {
                Self::new(Kind::Pin, t!("error-blocked", name = view::password(password)))
            }
            TokenError::NotActive => Self::new(Kind::NotEligible, t!("error-not-active")),
            TokenError::SecretForm { password, minimum, maximum } => Self::new(
                Kind::Pin,
                t!("error-password-form", name = view::password(password), minimum = minimum, maximum = maximum),
            ),
            TokenError::Full => Self::new(Kind::NotEligible, t!("error-card-full")),
            module @ TokenError::Module { .. } => {
                Self::new(Kind::NoCard, t!("error-card-other", detail = module.to_string()))
            }
            other => Self::new(Kind::Internal, t!("error-card-other", detail = other.to_string())),
        }
    }
}

/// As the sentences choose their wording: a number where there is one.
fn number(tries: Tries) -> FluentValue<'static> {
    match tries {
        Tries::Known(left) => left.into(),
        Tries::Last => 1.into(),
        Tries::Low => "few".into(),
        Tries::Unknown => "unknown".into(),
    }
}
