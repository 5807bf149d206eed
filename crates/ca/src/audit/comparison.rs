use obnova_status::RevocationReason;

use super::AuditFinding;

/// What a look at every certificate brought: in the log, and in the database beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditComparison {
    /// How many certificates the database has.
    pub certificates: u64,
    /// How many of them came before the log, as in a file of a program that kept none: of these the log says nothing, unless one was revoked
    /// since.
    pub older: u64,
    /// Where the two differ, by serial number. At most [`AuditCheck::MOST`](super::AuditCheck::MOST).
    pub findings: Vec<AuditFinding>,
}

/// What the log or the database says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// That there is none.
    Nothing,
    /// It was issued, and is neither revoked nor on hold.
    Issued,
    /// It is revoked for good, or on hold (`certificateHold`).
    Revoked(RevocationReason),
    /// It is revoked for a reason that there is not.
    Odd,
}

impl Recorded {
    /// `reason` as both have it, of what is revoked or on hold.
    pub(crate) fn of(there: bool, reason: Option<&str>) -> Self {
        match reason {
            _ if !there => Self::Nothing,
            None => Self::Issued,
            Some(reason) => {
                let known = RevocationReason::ALL.into_iter().find(|known| known.to_string() == reason);
                known.map_or(Self::Odd, Self::Revoked)
            }
        }
    }
}

impl std::fmt::Display for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("never issued"),
            Self::Issued => f.write_str("issued"),
            Self::Revoked(RevocationReason::CertificateHold) => f.write_str("on hold"),
            Self::Revoked(reason) => write!(f, "revoked: {reason}"),
            Self::Odd => f.write_str("revoked for no reason that there is"),
        }
    }
}
