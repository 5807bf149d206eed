use obnova_card::{PasswordKind, Secret, Tries};
use obnova_renewal::{Action, ByRole, ParsedCertificate, Phase, PinUse, Plan, Risk, Standing};

use crate::CredentialRequest;

/// Who speaks with the holder. One is written for each face: a terminal, a window, a web page, a demo.
pub trait Prompt {
    /// Asks for a password, saying what it will be used for. What comes back is wiped after the last of the named uses.
    ///
    /// It is asked for in the middle of the action that needs it: after its [`Progress::Begins`], before its
    /// [`Progress::Done`].
    ///
    /// # Errors
    /// [`PromptError`]; the runner then stops without touching the card, and can go on later.
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError>;

    /// Asks a question that takes a clear yes; anything else is a no.
    ///
    /// # Errors
    /// [`PromptError`], when no answer can be had.
    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError>;

    /// Asks for something that proves to the issuer who is asking for first certificates, or that will revoke them. A face
    /// that only renews leaves this as it is.
    ///
    /// # Errors
    /// [`PromptError`]; nothing was sent, and it will be asked for again.
    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        Err(PromptError::Nobody(format!("for the {}", request.what)))
    }

    /// Whether passwords may be entered at the reader's own keys where it has them, so that they never come to this computer. A
    /// face that was handed them over, or has no reader before it, leaves this as it is.
    fn takes_pad(&self) -> bool {
        false
    }

    /// Says that a password is to be entered at the reader's keys now, and what for; the reader waits for it when this returns.
    /// Only asked of a face that [takes a pad](Self::takes_pad), for each use anew: what is entered there is held nowhere.
    ///
    /// # Errors
    /// [`PromptError`]; the runner then stops without touching the card, and can go on later.
    fn at_pad(&mut self, _request: &PinRequest) -> Result<(), PromptError> {
        Ok(())
    }

    /// Is told what happens, and may show it. Making a key can take half a minute on a real card.
    fn progress(&mut self, progress: &Progress<'_>);
}

/// A password that is needed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinRequest {
    /// Which card, as its holder knows it.
    pub card: String,
    /// Which password.
    pub password: PasswordKind,
    /// In which part of the renewal; `None` outside of one.
    pub phase: Option<Phase>,
    /// What for, in order. The card is sent the password once for each, and never for anything else.
    pub uses: Vec<PinUse>,
    /// Wrong attempts that are left, where the card tells.
    pub tries: Tries,
    /// The one given before was wrong.
    pub was_wrong: bool,
    /// Shortest length in bytes.
    pub minimum: usize,
    /// Longest length in bytes.
    pub maximum: usize,
}

/// A question that takes a clear yes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Question<'a> {
    /// The nature of the card is a risk.
    Risk(&'a Risk),
    /// The plan is as it should be.
    Plan(&'a Plan),
    /// These certificates came, and are for the one who holds the card.
    Certificates(&'a ByRole<ParsedCertificate>),
    /// One wrong attempt more blocks the password, or may block it where the card does not tell how many are left.
    LastTry {
        /// Which password.
        password: PasswordKind,
        /// Wrong attempts that are left, where the card tells.
        tries: Tries,
        /// The one given before was wrong. A face says so before it asks: nothing else has yet.
        was_wrong: bool,
    },
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// This begins now.
    Begins(&'a Action),
    /// It was done.
    Done(&'a Action),
    /// It did not work; the error comes from the runner.
    Failed(&'a Action),
    /// What is told of the certificates that are to be renewed.
    Standing(&'a ByRole<Standing>),
}

/// Why no answer was had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// The holder does not want to.
    #[error("you cancelled; what was done so far is kept and can be resumed")]
    Cancelled,
    /// There is nobody to ask.
    #[error("nobody can be asked here ({0}): give the PIN by a file or a file descriptor, or use a terminal")]
    Nobody(String),
    /// Asking failed.
    #[error("asking failed: {0}")]
    Io(#[from] std::io::Error),
}
