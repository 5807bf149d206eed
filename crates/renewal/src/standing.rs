use std::{fmt, time::SystemTime};

use obnova_card::KeyRole;
use serde::{Deserialize, Serialize};

use crate::{ByRole, date, wire};

/// What is told of a certificate that is to be renewed, by whom its issuer lets tell it (OCSP, RFC 6960; CRL, RFC 5280 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is not revoked.
    Good {
        /// By which standard it is told: "OCSP" or "CRL".
        by: String,
        /// Where.
        place: String,
    },
    /// It is revoked, for good.
    Revoked {
        /// Since when.
        #[serde(with = "wire::seconds")]
        since: SystemTime,
        /// Why, as RFC 5280 §5.3.1 names it ("keyCompromise").
        reason: String,
        /// Where it is told.
        place: String,
    },
    /// It does not count now, and may count again.
    OnHold {
        /// Since when.
        #[serde(with = "wire::seconds")]
        since: SystemTime,
        /// Where it is told.
        place: String,
    },
    /// Its issuer knows nothing of it (RFC 6960 §4.4.8).
    NeverIssued {
        /// Where it is told.
        place: String,
    },
    /// Nobody who is believed could be asked.
    Unknown {
        /// What was wrong, and where.
        problems: String,
    },
}

impl Standing {
    /// Message id, for translations and for machines.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Good { .. } => "standing-good",
            Self::Revoked { .. } => "standing-revoked",
            Self::OnHold { .. } => "standing-on-hold",
            Self::NeverIssued { .. } => "standing-never-issued",
            Self::Unknown { .. } => "standing-unknown",
        }
    }

    /// Whether a renewal stops here, where it is asked so.
    #[must_use]
    pub fn stops(&self, ask: AskStatus) -> bool {
        match self {
            Self::Good { .. } => false,
            Self::Revoked { .. } | Self::OnHold { .. } | Self::NeverIssued { .. } => ask != AskStatus::Never,
            Self::Unknown { .. } => ask == AskStatus::Required,
        }
    }

    /// What it means for the certificate of a role, and what to do, in English.
    #[must_use]
    pub fn text(&self, role: KeyRole) -> String {
        match self {
            Self::Good { by, place } => format!("the {role} certificate is not revoked ({by}, {place})"),
            Self::Revoked { since, reason, place } => format!(
                "the {role} certificate was revoked on {} ({reason}; {place}) and cannot be renewed: ask the issuer for a new first certificate",
                date(*since)
            ),
            Self::OnHold { since, place } => format!(
                "the {role} certificate is on hold since {} ({place}) and cannot be renewed meanwhile: ask the issuer to end the hold",
                date(*since)
            ),
            Self::NeverIssued { place } => format!(
                "the issuer says that it never issued the {role} certificate ({place}): do not use it, ask the issuer"
            ),
            Self::Unknown { problems } => {
                format!("nobody says whether the {role} certificate is revoked ({problems}): try again later")
            }
        }
    }
}

/// Whether it is asked, before anything is done, whether certificates that are to be renewed are revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskStatus {
    /// It is, and nothing is begun where nobody says that they are not.
    Required,
    /// It is. Where nobody can be asked the renewal goes on: the CA looks anyway.
    #[default]
    Try,
    /// It is not: the CA will say.
    Never,
}

/// Certificates that cannot be renewed, with what is told of them.
pub(crate) struct Unfit<'a>(pub(crate) &'a ByRole<Standing>);

impl fmt::Display for Unfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(|(role, standing)| standing.text(role)).collect();
        f.write_str(&texts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_a_renewal_is_what_the_policy_asks() {
        let (since, text) = (SystemTime::UNIX_EPOCH, String::new);
        let good = Standing::Good { by: text(), place: text() };
        let unknown = Standing::Unknown { problems: text() };
        let bad = [
            Standing::Revoked { since, reason: text(), place: text() },
            Standing::OnHold { since, place: text() },
            Standing::NeverIssued { place: text() },
        ];
        for (ask, stops_bad, stops_unknown) in
            [(AskStatus::Required, true, true), (AskStatus::Try, true, false), (AskStatus::Never, false, false)]
        {
            assert!(!good.stops(ask), "{ask:?}");
            assert_eq!(unknown.stops(ask), stops_unknown, "{ask:?}");
            assert!(bad.iter().all(|one| one.stops(ask) == stops_bad), "{ask:?}");
        }
    }
}
