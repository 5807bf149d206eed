use obnova_client::{CaError, JournalError, LoginError, PromptError, RunError};
use obnova_renewal::ProcessError;

use super::{Failure, Kind};
use crate::{phrases, texts::t, view};

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Token(error) => error.into(),
            RunError::Ca(error) => error.into(),
            RunError::Journal(error) => error.into(),
            RunError::Login(LoginError::Token(error)) => error.into(),
            RunError::Prompt(PromptError::Cancelled) => Self::new(Kind::Declined, t!("error-cancelled")),
            RunError::Prompt(PromptError::Nobody(what)) => Self::new(Kind::Usage, what),
            RunError::NoCard => Self::new(Kind::NoCard, t!("error-card-needed")),
            RunError::WrongCard { wanted, found } => {
                Self::new(Kind::NotEligible, t!("error-wrong-card", wanted = wanted, found = found))
            }
            RunError::LastTryKept { password } => {
                Self::new(Kind::Pin, t!("error-last-try-kept", name = view::password(password)))
            }
            RunError::Process(ProcessError::Refused(refusal)) => Self::new(Kind::Refused, phrases::refusal(&refusal)),
            RunError::Login(error @ LoginError::Card(_)) => {
                Self::new(Kind::NoCard, t!("error-other", detail = error.to_string()))
            }
            RunError::Login(error) => Self::new(Kind::Network, t!("error-other", detail = error.to_string())),
            other => Self::new(Kind::Internal, t!("error-other", detail = other.to_string())),
        }
    }
}

impl From<CaError> for Failure {
    fn from(error: CaError) -> Self {
        let detail = error.to_string();
        match error {
            CaError::Unreachable { .. } | CaError::Timeout { .. } | CaError::Tls { .. } | CaError::Status { .. } => {
                Self::new(Kind::Network, t!("error-ca", detail = detail))
            }
            _ => Self::new(Kind::Internal, t!("error-ca", detail = detail)),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let kind = match error {
            JournalError::Locked { .. } => Kind::NotEligible,
            _ => Kind::Internal,
        };
        Self::new(kind, t!("error-journal", detail = error.to_string()))
    }
}

/// How a renewal ended without new certificates.
impl From<obnova_renewal::Failure> for Failure {
    fn from(failure: obnova_renewal::Failure) -> Self {
        use obnova_renewal::Failure as Ended;
        let detail = failure.to_string();
        match failure {
            Ended::Declined => Self::new(Kind::Declined, t!("error-declined")),
            Ended::Refused { reason, text } => {
                Self::new(Kind::Refused, t!("error-refused", reason = reason, text = text))
            }
            Ended::Rejected(refusal) => {
                Self::new(Kind::Refused, t!("error-rejected", reason = phrases::refusal(&refusal)))
            }
            Ended::Inconsistent => Self::new(Kind::Internal, t!("error-other", detail = detail)),
            _ => Self::new(Kind::NotEligible, t!("error-other", detail = detail)),
        }
    }
}
