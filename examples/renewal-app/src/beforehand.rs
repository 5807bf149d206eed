//! What answers a question where there is no terminal to answer at: the option that takes it, by name.

use crate::{
    failure::{Failure, Kind},
    pins::Asked,
    texts::t,
};

/// What a question takes for an answer that was given beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beforehand {
    /// `--yes`.
    Yes,
    /// `--confirm NAME`.
    Name,
    /// `--user ID`.
    User,
    /// A file or a file descriptor with the password.
    Password(Asked),
    /// Nothing: it is answered by who sits there, or not at all.
    Nothing,
}

impl Beforehand {
    /// The options, any of which answers.
    pub const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Yes => &["--yes"],
            Self::Name => &["--confirm"],
            Self::User => &["--user"],
            Self::Password(asked) => asked.options(),
            Self::Nothing => &[],
        }
    }

    /// Nobody is there to be asked this.
    pub fn nobody(self, question: &str) -> Failure {
        let text = match (self, self.options()) {
            (Self::Nothing, _) => t!("error-nobody-at-terminal", question = question),
            (Self::Name, [option, ..]) => {
                t!("error-nobody-to-answer", question = question, option = format!("{option} NAME"))
            }
            (Self::Yes, [option, ..]) => t!("error-nobody-to-answer", question = question, option = *option),
            (_, options) => t!("error-nobody-to-ask", prompt = question, option = options.join(", ")),
        };
        Failure::new(Kind::Usage, text)
    }

    /// The same where the command has no such option, since it is about something else, and `obnova first --resume` has it.
    pub fn nobody_but_in_first(self, question: &str) -> Failure {
        let options = self.options().join(", ");
        Failure::new(Kind::Usage, t!("error-nobody-to-ask-first", prompt = question, option = options))
    }
}

#[cfg(test)]
mod tests;
