use obnova_card::{PasswordKind, Secret};
use obnova_client::{Credential, CredentialRequest, PinRequest, Progress, Prompt, PromptError, Question};
use obnova_enroll::{OneTimePassword, cmc::UserId};

use super::PINS;

/// How a holder types and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    Right,
    /// A character of the one-time password is another one.
    Mistypes,
    /// Of the one-time password only so many characters.
    Piece(usize),
    /// The one-time password with a character more.
    Doubles,
    /// A character in the one-time password that stands in none.
    Strays,
    /// The one-time password in small letters, with blanks for hyphens.
    Loosely,
    /// The revocation password is another one when it is typed again.
    Differs,
    /// The revocation password is a character too short.
    Short,
    /// The certificates that came are not the holder's: a no.
    Declines,
}

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Pin(PinRequest),
    Credential(CredentialRequest),
    Plan,
    Certificates,
}

/// Types what the newcomer knows, and nothing a second time.
pub struct Face<'a> {
    pub user: UserId,
    pub password: Option<OneTimePassword>,
    pub revocation: &'a str,
    /// The fewest characters that the service takes for it.
    pub minimum: usize,
    pub types: Types,
    pub asked: &'a mut Vec<Asked>,
    pub steps: &'a mut Vec<&'static str>,
}

impl Prompt for Face<'_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.asked.push(Asked::Pin(request.clone()));
        Ok(PINS[usize::from(request.password == PasswordKind::SignaturePin)].into())
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        Ok(match question {
            Question::Plan(_) => {
                self.asked.push(Asked::Plan);
                true
            }
            Question::Certificates(_) => {
                self.asked.push(Asked::Certificates);
                self.types != Types::Declines
            }
            _ => false,
        })
    }

    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        self.asked.push(Asked::Credential(*request));
        if request.problem.is_some() {
            return Err(PromptError::Cancelled);
        }
        Ok(match request.what {
            Credential::UserId => self.user.as_str().into(),
            Credential::RevocationPassword | Credential::RevocationPasswordAgain if self.types == Types::Short => {
                self.revocation.chars().take(self.minimum.saturating_sub(1)).collect::<String>().as_str().into()
            }
            Credential::RevocationPasswordAgain if self.types == Types::Differs => "something else entirely".into(),
            Credential::RevocationPassword | Credential::RevocationPasswordAgain => self.revocation.into(),
            _ => match &self.password {
                Some(password) => self.types.of(password).as_str().into(),
                None => return Err(PromptError::Nobody(format!("for the {}", request.what))),
            },
        })
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        if let Progress::Begins(action) = progress {
            self.steps.push(action.name());
        }
    }
}

impl Types {
    /// What is typed for this one-time password.
    fn of(self, password: &OneTimePassword) -> String {
        let text = password.to_text();
        let (first, rest) = text.split_at(1);
        match self {
            Self::Mistypes => format!("{}{rest}", if first == "A" { "B" } else { "A" }),
            Self::Piece(length) => text.chars().filter(|one| *one != '-').take(length).collect(),
            Self::Doubles => format!("{first}{first}{rest}"),
            Self::Strays => format!("U{rest}"),
            Self::Loosely => text.to_lowercase().replace('-', " "),
            _ => text.to_string(),
        }
    }
}
