use obnova_card::{Offer, PasswordKind, TokenError, Tries};
use obnova_renewal::{ProcessError, Refusal, ReplayError};

use crate::{CaError, Credential, CredentialProblem, JournalError, LoginError, PromptError};

/// Why a step was not done. Nothing is lost by any of them: mend the cause, then go on or resume.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The card.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The CA.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The holder.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal holds no process.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// What came does not fit.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The login.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The journal is not empty.
    #[error("this journal holds a renewal already: resume it, or begin with another journal")]
    Begun,
    /// This step needs the card.
    #[error("this step needs the card: insert it, then resume")]
    NoCard,
    /// This is another card.
    #[error("this is another card (serial number {found}) than the one the renewal was begun with ({wanted})")]
    WrongCard {
        /// Serial number of the right one.
        wanted: String,
        /// Serial number of this one.
        found: String,
    },
    /// There is no room on the card for what is to be put there: [`Refusal::KeyFull`], [`Refusal::CardFull`]. Neither the issuer nor the
    /// holder was asked for anything that would be in vain.
    #[error(transparent)]
    NoRoom(Refusal),
    /// One try was left, or nobody knows how many, and the holder kept it.
    #[error(
        "{}the last try for the {password}, or what may be the last, was kept: {}",
        spent(*was_wrong), ways_on(instead.as_ref())
    )]
    LastTryKept {
        /// Which password.
        password: PasswordKind,
        /// Wrong attempts that are left, where the card tells.
        tries: Tries,
        /// What was given before was wrong, and cost a try.
        was_wrong: bool,
        /// What sets it anew on this card as it stands; `None` where nothing does, and only who is sure of it goes on.
        instead: Option<Offer>,
    },
    /// What was given is no good, and stayed so.
    #[error("the {what} is no good: {problem}; nothing was sent, resume to give another")]
    Credential {
        /// What was asked for.
        what: Credential,
        /// What is wrong with it.
        problem: CredentialProblem,
    },
    /// The plan has a login and there is no server to log in to.
    #[error("the plan asks for a login and no login server is configured")]
    NoLogin,
    /// The card does not show what was written to it.
    #[error(
        "the card does not show what was written to it: look at it again (card list), and if it stays, ask the issuer"
    )]
    NotOnCard,
    /// The certificates that came are not the holder's, as he says.
    #[error("you did not agree to the certificates, so they were not put on the card: ask the issuer")]
    Declined,
    /// The action is not one that is performed.
    #[error("there is nothing to do")]
    NothingToDo,
}

const fn spent(was_wrong: bool) -> &'static str {
    if was_wrong { "what was given was wrong and cost a try; " } else { "" }
}

const fn ways_on(instead: Option<&Offer>) -> &'static str {
    match instead {
        Some(_) => "set it anew with the PUK, or be sure of it and resume",
        None => "nothing sets it anew, so be sure of it and resume, or ask the issuer",
    }
}
