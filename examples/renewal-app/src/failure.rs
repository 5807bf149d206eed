//! Every way to fail, as a sentence for the holder and an exit code for scripts.

mod ca;
mod run;
#[cfg(test)]
mod tests;
mod token;

use std::io;

use crate::texts::t;

/// What kind of failure it was; each has its own exit code (listed in `--help` and the README).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that should not happen: a fault of the program, a full disk.
    Internal,
    /// The command line was not understood.
    Usage,
    /// The card, its certificates or this computer do not allow it.
    NotEligible,
    /// A PIN or PUK was wrong, is blocked, or was not sent to save the last try.
    Pin,
    /// There is no card or no reader, or it was taken out.
    NoCard,
    /// The certification authority said no.
    Refused,
    /// The certification authority could not be reached, or is not the one it should be.
    Network,
    /// Accepted, not issued yet: come back later.
    Pending,
    /// The holder said no.
    Declined,
    /// Done, says the certification authority, and nobody else could be asked whether it is so.
    Unconfirmed,
    /// The holder broke it off with Ctrl-C. What shells say of a program that this ended: 128 and the number of SIGINT.
    Interrupted,
}

impl Kind {
    /// The exit code. Part of the interface: never renumber.
    pub const fn code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::NotEligible => 3,
            Self::Pin => 4,
            Self::NoCard => 5,
            Self::Refused => 6,
            Self::Network => 7,
            Self::Pending => 8,
            Self::Declined => 9,
            Self::Unconfirmed => 10,
            Self::Interrupted => 130,
        }
    }
}

/// What was being done when it failed: what is kept of it, and how it is gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A renewal, which its journal keeps.
    Renewal,
    /// A first order, which its journal keeps.
    First,
    /// A certificate is revoked.
    Revocation,
    /// A revocation password is set.
    RevocationPassword,
    /// Anything else, of which nothing is written down.
    Other,
}

impl Errand {
    /// As the sentences choose their wording.
    const fn name(self) -> &'static str {
        match self {
            Self::Renewal => "renewal",
            Self::First => "first",
            Self::Revocation => "revocation",
            Self::RevocationPassword => "revocation-password",
            Self::Other => "other",
        }
    }

    /// Whether what was done so far is in a journal.
    const fn is_kept(self) -> bool {
        matches!(self, Self::Renewal | Self::First)
    }
}

/// Why a command ended, in the holder's words.
#[derive(Clone, Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub const fn kind(&self) -> Kind {
        self.kind
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::Interrupted => Self::new(Kind::Interrupted, t!("error-interrupted")),
            _ if is_full(&error) => Self::new(Kind::Internal, t!("error-full", problem = error.to_string())),
            _ => Self::new(Kind::Internal, error.to_string()),
        }
    }
}

/// Whether there is no room left.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The process that has what is wanted, as the sentences choose their wording.
fn process(holder: Option<u32>) -> String {
    holder.map_or_else(|| "unknown".to_owned(), |process| process.to_string())
}

/// Something that should not happen, as whoever met it says it.
pub fn internal(problem: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Internal, t!("error-other", detail = problem.to_string()))
}
