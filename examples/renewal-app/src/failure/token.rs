use fluent_bundle::FluentValue;
use obnova_card::{PasswordKind, TokenError, Tries};
use obnova_transport::TransportError;

use super::{Failure, Kind};
use crate::{texts::t, view};

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        let text = match error {
            TransportError::NoReader => t!("error-no-reader"),
            TransportError::ReaderNotFound { wanted, present } => {
                t!("error-reader-not-found", wanted = wanted, present = present.join(", "))
            }
            TransportError::ReaderAmbiguous { candidates } => {
                t!("error-reader-ambiguous", candidates = candidates.join(", "))
            }
            TransportError::NoCard { reader } => t!("error-no-card", reader = reader),
            TransportError::CardRemoved => t!("error-card-removed"),
            TransportError::CardReset => t!("error-card-reset"),
            TransportError::CardMute => t!("error-card-mute"),
            TransportError::Sharing => t!("error-card-shared"),
            TransportError::ServiceStopped => t!("error-service-stopped"),
            TransportError::AccessDenied => t!("error-access-denied"),
            TransportError::NoControl => t!("error-no-control"),
            TransportError::Timeout => t!("error-card-timeout"),
            TransportError::Io(problem) => t!("error-card-io", problem = problem),
            TransportError::ReplayMismatch { line, expected, got } => {
                t!("error-replay", line = line, expected = expected, got = got)
            }
            other => t!("error-card-other", detail = other.to_string()),
        };
        Self::new(Kind::NoCard, text)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let (kind, text) = match error {
            TokenError::Transport(error) => return error.into(),
            TokenError::WrongSecret { password, tries } => {
                (Kind::Pin, t!("error-wrong-password", name = view::password(password), tries = number(tries)))
            }
            TokenError::TooFewTries { password, tries } => {
                (Kind::Pin, t!("error-too-few-tries", name = view::password(password), tries = number(tries)))
            }
            TokenError::Blocked { password: PasswordKind::TransportPin } => {
                return TokenError::Finished { password: PasswordKind::TransportPin }.into();
            }
            TokenError::Blocked { password: PasswordKind::Puk } => (Kind::Pin, t!("error-puk-blocked")),
            TokenError::Blocked { password } => (Kind::Pin, t!("error-blocked", name = view::password(password))),
            TokenError::PinPad(problem) => (Kind::Pin, t!("error-pin-pad", problem = problem.to_string())),
            TokenError::Finished { password } => {
                (Kind::NotEligible, t!("error-card-finished", name = view::password(password)))
            }
            TokenError::TransportPinAgain { password } => {
                (Kind::Pin, t!("error-transport-pin-again", name = view::password(password)))
            }
            TokenError::SecretForm { password, minimum, maximum } => (
                Kind::Pin,
                t!("error-password-form", name = view::password(password), length = view::length(minimum, maximum)),
            ),
            TokenError::TriesWentUp { password, before, after } => {
                (Kind::Pin, t!("error-tries-went-up", name = view::password(password), before = before, after = after))
            }
            TokenError::NotGranted { command, password } => {
                (Kind::Pin, t!("error-not-granted", name = view::password(password), command = command))
            }
            TokenError::NotActivated { password } => {
                (Kind::NotEligible, t!("error-not-activated", name = view::password(password)))
            }
            TokenError::InUse { label, holder } => {
                (Kind::NoCard, t!("error-token-in-use", label = label, process = super::process(holder)))
            }
            TokenError::Lock { path, problem } => {
                (Kind::NoCard, t!("error-token-lock", file = path, problem = problem))
            }
            TokenError::Module { call, problem } => (Kind::NoCard, t!("error-module", call = call, problem = problem)),
            TokenError::NotActive => (Kind::NotEligible, t!("error-not-active")),
            TokenError::Full => (Kind::NotEligible, t!("error-card-full")),
            TokenError::UnknownCard { place } => (Kind::NotEligible, t!("error-unknown-card", place = place)),
            TokenError::Slot { slot, problem } => {
                (Kind::NotEligible, t!("error-card-slot", slot = slot.to_string(), problem = problem))
            }
            TokenError::Unsupported { what } => (Kind::NotEligible, t!("error-card-unsupported", what = what)),
            TokenError::OtherCard { wanted, found } => {
                (Kind::NotEligible, t!("error-other-card", wanted = wanted, found = found))
            }
            faulty => (Kind::NotEligible, said_by_a_faulty_card(&faulty)),
        };
        Self::new(kind, text)
    }
}

/// What no sound card says: it is worn out, or made to deceive.
fn said_by_a_faulty_card(error: &TokenError) -> String {
    match error {
        TokenError::Refused { command, status } => {
            t!("error-card-refused", command = *command, status = status.to_string())
        }
        TokenError::Exchange { command, problem } => {
            t!("error-card-exchange", command = *command, problem = problem.to_string())
        }
        TokenError::Status(problem) => t!("error-card-status", problem = problem.to_string()),
        TokenError::Directory(problem) => t!("error-card-directory", problem = problem.to_string()),
        TokenError::EnteredTwice { slot } => t!("error-card-entered-twice", slot = slot.to_string()),
        TokenError::EnteredBeyond { slot } => t!("error-card-entered-beyond", slot = slot.to_string()),
        TokenError::MoreThanSaid { said } => t!("error-card-more-than-said", said = *said),
        TokenError::PublicKey { problem, .. } => t!("error-card-public-key", problem = problem.to_string()),
        TokenError::OtherKind { wanted, found, .. } => {
            t!("error-card-other-kind", wanted = wanted.to_string(), found = found.to_string())
        }
        TokenError::KeyNotNew { .. } => t!("error-card-key-not-new"),
        TokenError::WrongSignature { .. } => t!("error-card-wrong-signature"),
        TokenError::Malformed { command, problem } => {
            t!("error-card-malformed", command = *command, problem = problem.as_str())
        }
        TokenError::TooManyObjects { most } => t!("error-card-too-many-objects", most = *most),
        TokenError::TooLongObject { length, most } => {
            t!("error-card-too-long-object", length = *length, most = *most)
        }
        other => t!("error-card-other", detail = other.to_string()),
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
