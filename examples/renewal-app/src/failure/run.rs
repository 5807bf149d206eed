use obnova_card::TokenError;
use obnova_client::{JournalError, LoginError, PromptError, RunError};
use obnova_renewal::{ByRole, ParsedCertificate, Process, ProcessError, Refusal, ReplayError, Standing};
use obnova_transport::TransportError;

use super::{Errand, Failure, Kind, ca};
use crate::{phrases, texts::t, view};

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::of_run(error, Errand::Other)
    }
}

impl Failure {
    /// What stopped something that was being done for the holder.
    pub fn of_run(error: RunError, errand: Errand) -> Self {
        match error {
            RunError::Token(TokenError::Transport(TransportError::CardRemoved)) if errand.is_kept() => {
                Self::new(Kind::NoCard, t!("error-card-removed-kept"))
            }
            RunError::Token(error) => error.into(),
            RunError::Ca(error) => ca::on_the_way(error, errand),
            RunError::Journal(error) => error.into(),
            RunError::Prompt(error) => Self::of_prompt(error, errand),
            RunError::Login(LoginError::Token(error)) => Self::of_run(error.into(), errand),
            RunError::Login(error) => error.into(),
            RunError::Process(error) => error.into(),
            RunError::Replay(error) => error.into(),
            RunError::Begun => Self::new(Kind::NotEligible, t!("error-begun")),
            RunError::NoCard => Self::new(Kind::NoCard, t!("error-card-needed", errand = errand.name())),
            RunError::WrongCard { wanted, found } => {
                Self::new(Kind::NotEligible, t!("error-wrong-card", wanted = wanted, found = found))
            }
            RunError::LastTryKept { password, tries, was_wrong, instead } => {
                Self::new(Kind::Pin, phrases::last_try_kept(password, tries, was_wrong, instead.as_ref()))
            }
            RunError::Credential { what, problem } => Self::new(
                Kind::Usage,
                t!(
                    "credential-given-up",
                    what = phrases::credential(what),
                    problem = phrases::credential_problem(problem)
                ),
            ),
            RunError::NoRoom(full) => (&full).into(),
            RunError::NoLogin => Self::new(Kind::Usage, t!("error-no-login")),
            RunError::Declined => Self::new(Kind::Declined, t!("ended-certificates-declined-here")),
            RunError::NotOnCard => Self::new(Kind::NotEligible, t!("error-not-on-card")),
            RunError::NothingToDo => Self::new(Kind::Internal, t!("error-nothing-to-do")),
            other => Self::new(Kind::Internal, t!("error-other", detail = other.to_string())),
        }
    }
}

impl From<PromptError> for Failure {
    fn from(error: PromptError) -> Self {
        Self::of_prompt(error, Errand::Other)
    }
}

impl Failure {
    fn of_prompt(error: PromptError, errand: Errand) -> Self {
        match error {
            PromptError::Cancelled => Self::new(Kind::Interrupted, t!("error-cancelled", errand = errand.name())),
            PromptError::Nobody(what) => Self::new(Kind::Usage, what),
            PromptError::Io(error) => error.into(),
            other => Self::new(Kind::Internal, t!("error-other", detail = other.to_string())),
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        let (kind, text) = match error {
            LoginError::Token(error) => return error.into(),
            LoginError::Nobody(detail) => (Kind::Network, t!("error-login-nobody", detail = detail)),
            LoginError::Refused { status } => (Kind::Network, t!("error-login-refused", status = status)),
            LoginError::Card(problem) => (Kind::NoCard, t!("error-login-card", problem = problem)),
            LoginError::Key(problem) => (Kind::NotEligible, t!("error-login-key", problem = problem)),
            LoginError::Connection(problem) => (Kind::Network, t!("error-login-connection", problem = problem)),
            other => (Kind::Network, t!("error-other", detail = other.to_string())),
        };
        Self::new(kind, text)
    }
}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        let (kind, text) = match error {
            ProcessError::Refused(refusal) => return (&refusal).into(),
            ProcessError::NoAnchors => (Kind::Usage, t!("error-no-anchors")),
            ProcessError::WrongKey { role } => (Kind::NotEligible, t!("error-wrong-key", role = view::role(role))),
            ProcessError::Signature(_) => (Kind::NotEligible, t!("error-card-wrong-signature")),
            ProcessError::Unvouchable { voucher } => {
                (Kind::Network, t!("error-unvouchable", role = view::role(voucher)))
            }
            ProcessError::NotKnown(unknown) => {
                (Kind::Network, format!("{} {}", phrases::unfit(&unknown), t!("error-standing-kept")))
            }
            ProcessError::NoPickUp => (Kind::Network, t!("error-no-pick-up")),
            error @ (ProcessError::Unexpected { .. }
            | ProcessError::Count { .. }
            | ProcessError::Request(_)
            | ProcessError::ForeignRequest { .. }) => (Kind::Internal, t!("error-process", detail = error.to_string())),
            other => (Kind::Internal, t!("error-process", detail = other.to_string())),
        };
        Self::new(kind, text)
    }
}

/// Why certificates that came are not put on the card.
impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        let is_of_card = matches!(refusal, Refusal::KeyFull { .. } | Refusal::CardFull);
        Self::new(if is_of_card { Kind::NotEligible } else { Kind::Refused }, phrases::refusal(refusal))
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        Self::new(Kind::Internal, t!("error-journal-broken", problem = error.to_string()))
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let (kind, text) = match error {
            JournalError::Locked { path, holder } => {
                let file = path.display().to_string();
                (Kind::NotEligible, t!("error-journal-locked", file = file, process = super::process(holder)))
            }
            JournalError::Exists { path } => {
                (Kind::NotEligible, t!("error-journal-exists", file = path.display().to_string()))
            }
            JournalError::Missing { path } => {
                (Kind::NotEligible, t!("error-journal-missing", file = path.display().to_string()))
            }
            JournalError::Name { name } => (Kind::Usage, t!("error-journal-name", name = name)),
            JournalError::Newer { path, .. } => {
                (Kind::NotEligible, t!("error-journal-newer", file = path.display().to_string()))
            }
            error @ (JournalError::NotAJournal { .. } | JournalError::Damaged { .. }) => {
                (Kind::Internal, t!("error-journal-broken", problem = error.to_string()))
            }
            JournalError::Io { path, error } if super::is_full(&error) => {
                (Kind::Internal, t!("error-full", problem = format!("{}: {error}", path.display())))
            }
            JournalError::Io { path, error } => {
                (Kind::Internal, t!("error-file", file = path.display().to_string(), problem = error.to_string()))
            }
            other => (Kind::Internal, t!("error-journal", detail = other.to_string())),
        };
        Self::new(kind, text)
    }
}

impl Failure {
    /// How this process ended without new certificates; what was declined is named.
    pub fn of_end(process: &Process, ended: obnova_renewal::Failure) -> Self {
        match process.declined() {
            Some(certificates) => {
                Self::new(Kind::Declined, t!("ended-certificates-declined", command = revoking(certificates)))
            }
            None => ended.into(),
        }
    }

    /// How it ended, where that was a no to certificates that are not shown once more.
    pub fn declined_before(process: &Process) -> Option<Self> {
        let command = revoking(process.declined()?);
        Some(Self::new(Kind::Declined, t!("ended-certificates-declined-before", command = command)))
    }
}

/// What ends certificates that were said no to.
fn revoking(certificates: &ByRole<ParsedCertificate>) -> String {
    let commands: Vec<_> = certificates.iter().map(|(_, one)| format!("obnova revoke {}", one.serial())).collect();
    commands.join("; ")
}

/// How a renewal ended without new certificates.
impl From<obnova_renewal::Failure> for Failure {
    fn from(failure: obnova_renewal::Failure) -> Self {
        use obnova_renewal::Failure as Ended;
        let (kind, text) = match failure {
            Ended::CertificatesDeclined => {
                (Kind::Declined, t!("ended-certificates-declined", command = "obnova revoke SERIAL"))
            }
            Ended::Declined => (Kind::Declined, t!("error-declined")),
            Ended::Refused { reason, text } => {
                (Kind::Refused, t!("error-refused", reason = phrases::fail_info(&reason), text = text))
            }
            Ended::Rejected(refusal) => (Kind::Refused, t!("error-rejected", reason = phrases::refusal(&refusal))),
            Ended::Link(why) => (Kind::Refused, phrases::link_refusal(why)),
            Ended::OldKeysNeeded => (Kind::NotEligible, t!("ended-old-keys-needed")),
            Ended::Unfit(unfit) => {
                // Who could not be asked may be asked later.
                let unknown = unfit.iter().all(|(_, standing)| matches!(standing, Standing::Unknown { .. }));
                (if unknown { Kind::Network } else { Kind::NotEligible }, phrases::unfit(&unfit))
            }
            Ended::PairExpired => (Kind::NotEligible, t!("ended-pair-expired")),
            Ended::SlotTaken { slot } => (Kind::NotEligible, t!("ended-slot-taken", slot = slot.to_string())),
            Ended::KeyLost { slot } => (Kind::NotEligible, t!("ended-key-lost", slot = slot.to_string())),
            Ended::KeyGone { role } => (Kind::NotEligible, t!("ended-key-gone", role = view::role(role))),
            Ended::ReadBack => (Kind::NotEligible, t!("ended-read-back")),
            Ended::Inconsistent => (Kind::Internal, t!("ended-inconsistent")),
            other => (Kind::NotEligible, t!("error-other", detail = other.to_string())),
        };
        Self::new(kind, text)
    }
}
