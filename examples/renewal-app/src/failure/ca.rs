use obnova_client::{CaError, enroll::est::EstError};

use super::{Errand, Failure, Kind};
use crate::texts::t;

impl From<CaError> for Failure {
    fn from(error: CaError) -> Self {
        Self::of_ca(error, Errand::Other)
    }
}

impl Failure {
    /// Nothing is lost by any of them, and nothing that came is believed: the holder tries again, or tells the issuer.
    pub fn of_ca(error: CaError, errand: Errand) -> Self {
        let of = errand.name();
        let (kind, text) = match error {
            CaError::Unreachable { server, problem } => {
                (Kind::Network, t!("error-ca-unreachable", server = server, problem = problem))
            }
            CaError::Timeout { server } => (Kind::Network, t!("error-ca-timeout", server = server)),
            CaError::Tls { server, problem } => (Kind::Network, t!("error-ca-tls", server = server, problem = problem)),
            CaError::Status { status, text } if text.is_empty() => {
                (Kind::Network, t!("error-ca-status", status = status))
            }
            CaError::Status { status, text } => {
                (Kind::Network, t!("error-ca-status-text", status = status, text = text))
            }
            CaError::TooLarge { limit } => (Kind::Network, t!("error-ca-too-large", limit = limit)),
            CaError::Answer(problem) => (Kind::Network, t!("error-ca-answer", problem = problem.to_string())),
            CaError::Server(problem) => (Kind::Network, server(&problem, errand)),
            CaError::Redirect(problem) => (Kind::Network, t!("error-ca-redirects", problem = problem.to_string())),
            CaError::WrongPassword => (Kind::Refused, t!("error-ca-wrong-password", errand = of)),
            CaError::WhoAsks => (Kind::Internal, t!("error-ca-who-asks", errand = of)),
            CaError::Login(error) => return error.into(),
            CaError::OtherIssuer => (Kind::Network, t!("error-ca-other-issuer")),
            CaError::Unvouched => (Kind::Network, t!("error-ca-unvouched")),
            CaError::Protocol(problem) => (Kind::Network, t!("error-ca-protocol", problem = problem)),
            CaError::Foreign(problem) => (Kind::Internal, t!("error-ca-foreign", problem = problem)),
            CaError::Order(problem) => (Kind::Internal, t!("error-ca-order", problem = problem)),
            CaError::Random => (Kind::Internal, t!("error-ca-random")),
            CaError::Other(problem) => (Kind::Internal, t!("error-ca", detail = problem.to_string())),
            other => (Kind::Internal, t!("error-ca", detail = other.to_string())),
        };
        Self::new(kind, text)
    }
}

/// What goes on where this stopped it is kept.
pub(super) fn on_the_way(error: CaError, errand: Errand) -> Failure {
    let goes_on = matches!(
        error,
        CaError::Unreachable { .. }
            | CaError::Timeout { .. }
            | CaError::Status { .. }
            | CaError::Server(EstError::Unavailable { .. } | EstError::TooOften { .. } | EstError::Forbidden { .. })
    );
    let failure = Failure::of_ca(error, errand);
    match goes_on && errand.is_kept() {
        true => Failure::new(failure.kind, format!("{} {}", failure.message, t!("ca-kept"))),
        false => failure,
    }
}

fn server(problem: &EstError, errand: Errand) -> String {
    match problem {
        EstError::Redirect { location } => t!("error-ca-redirect", location = location.as_str()),
        EstError::Unavailable { .. } => t!("error-ca-busy"),
        EstError::TooOften { .. } => {
            t!("error-ca-too-often", problem = problem.to_string(), errand = errand.name())
        }
        EstError::Forbidden { text } if !text.is_empty() => t!("error-ca-forbidden-says", text = text.as_str()),
        EstError::Unauthorized | EstError::Forbidden { .. } => t!("error-ca-forbidden", problem = problem.to_string()),
        other => t!("error-ca-server", problem = other.to_string()),
    }
}
