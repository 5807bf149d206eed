//! What everybody is told of a certificate that was revoked.

use std::time::SystemTime;

use obnova_status::{Revocation, RevocationReason, Status, ocsp::OcspError};

use super::{RevocationError, RevocationReason as Why, Subject};
use crate::{
    ConfirmedBy, HttpExchange, NotConfirmed, StatusExchange, StatusProblem,
    standing::{Place, first_believed},
};

/// That whoever asks is told that a certificate is revoked. The CA signed it, or whom it lets answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Since when, to the second.
    pub since: SystemTime,
    /// Why.
    pub reason: RevocationReason,
    /// How.
    pub by: ConfirmedBy,
    /// Where.
    pub place: String,
}

impl Confirmation {
    /// Whether this is all that a revocation for this reason says: of a reason of the [key](Why::ends_key) that it is known too. Why else a
    /// certificate ended is of no account.
    #[must_use]
    pub fn covers(&self, why: Why) -> bool {
        !why.ends_key() || self.reason == RevocationReason::KeyCompromise
    }
}

/// What whoever asks is told of a certificate.
#[derive(Debug)]
pub enum Told {
    /// It is revoked.
    Revoked(Confirmation),
    /// Something that cannot be, when it is revoked.
    Instead {
        /// Where.
        place: String,
        /// What.
        what: &'static str,
    },
    /// Nobody was believed who says so, or nobody answered.
    Nothing(NotConfirmed),
}

impl Told {
    /// Where whoever asks is told that the issuer does not know it.
    pub(super) fn not_known_at(&self) -> Option<&str> {
        match self {
            Self::Instead { place, what: NEVER_ISSUED } => Some(place),
            Self::Nothing(NotConfirmed(problems)) => {
                let unknown = |problem: &StatusProblem| matches!(problem, StatusProblem::Ocsp(OcspError::Unknown));
                problems.iter().find(|(_, problem)| unknown(problem)).map(|(place, _)| place.as_str())
            }
            _ => None,
        }
    }

    /// For a certificate that the CA says is revoked.
    pub(super) fn revoked(self) -> Result<Result<Confirmation, NotConfirmed>, RevocationError> {
        match self {
            Self::Revoked(confirmation) => Ok(Ok(confirmation)),
            Self::Nothing(problems) => Ok(Err(problems)),
            Self::Instead { place, what } => Err(RevocationError::Contradicted { place, instead: what }),
        }
    }
}

const NEVER_ISSUED: &str = "none of this issuer's";

/// Asks until somebody is believed. A list that does not have it, or as one on hold, may be an old one that still counts: what was
/// listed as held may be listed as revoked in the next one only.
pub(super) fn ask(subject: &Subject, own: &impl HttpExchange, servers: &dyn StatusExchange, now: SystemTime) -> Told {
    let judge = |place: &Place, by, status| match (by, status) {
        (_, Status::Revoked(revoked)) if !revoked.is_hold() => Ok(confirms(place, &revoked, by)),
        (ConfirmedBy::Crl, _) => Err(StatusProblem::NotListed),
        (ConfirmedBy::Ocsp, Status::Revoked(_)) => Ok(says(place, "on hold")),
        (ConfirmedBy::Ocsp, Status::Good) => Ok(says(place, "good")),
        (ConfirmedBy::Ocsp, Status::NeverIssued) => Ok(says(place, NEVER_ISSUED)),
    };
    first_believed(subject, own, servers, now, judge).unwrap_or_else(Told::Nothing)
}

fn confirms(place: &Place, revoked: &Revocation, by: ConfirmedBy) -> Told {
    Told::Revoked(Confirmation { since: revoked.at, reason: revoked.reason, by, place: place.name() })
}

fn says(place: &Place, what: &'static str) -> Told {
    Told::Instead { place: place.name(), what }
}
