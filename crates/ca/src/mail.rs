//! What holders and applicants are written.

mod address;
mod texts;

use std::time::SystemTime;

use crate::{Transaction, link::LinkPurpose};

pub use address::{AddressError, MailAddress};
pub use texts::{English, Letter, Text, Texts};

/// A mail that is to go out, checked: no line of its head can be broken by what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub(crate) key: String,
    pub(crate) kind: MailKind,
    pub(crate) to: MailAddress,
    pub(crate) name: Option<String>,
    pub(crate) text: Text,
    pub(crate) link: Option<MailLink>,
}

impl Mail {
    /// Where a text wants its link to stand.
    pub const LINK: &str = "{link}";
    /// The longest key, in bytes.
    pub const MAX_KEY: usize = 200;
    /// The longest name of a recipient, in characters.
    pub const MAX_NAME: usize = 200;
    /// The longest subject, in characters.
    pub const MAX_SUBJECT: usize = 200;
    /// The longest body, in bytes.
    pub const MAX_BODY: usize = 32 * 1024;

    /// A mail. Two with the same `key` are the same mail, and only the first is ever sent: name in it what the mail is about, as
    /// in `notice/21/2F0A`.
    ///
    /// # Errors
    /// [`MailError`].
    pub fn new(key: impl Into<String>, kind: MailKind, to: MailAddress, text: Text) -> Result<Self, MailError> {
        let key = key.into();
        if key.is_empty() || key.len() > Self::MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(MailError::Key);
        }
        one_line(&text.subject, Self::MAX_SUBJECT, "subject")?;
        if text.body.len() > Self::MAX_BODY {
            return Err(MailError::TooLong("body"));
        }
        if text.body.chars().any(|char| breaks(char) && char != '\n' && char != '\t') {
            return Err(MailError::Control("body"));
        }
        Ok(Self { key, kind, to, name: None, text, link: None })
    }

    /// Names the recipient beside the address.
    ///
    /// # Errors
    /// [`MailError`]: among them a name with a line break in it, which would be a line of the mail's head.
    pub fn named(self, name: impl Into<String>) -> Result<Self, MailError> {
        let name = name.into();
        one_line(&name, Self::MAX_NAME, "name")?;
        Ok(Self { name: Some(name), ..self })
    }

    /// Puts a link where the text has [`LINK`](Self::LINK). It is made when the mail goes out: the database does not have it.
    #[must_use]
    pub fn with_link(self, link: MailLink) -> Self {
        Self { link: Some(link), ..self }
    }
}

/// What a mail's link opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailLink {
    /// The certificates of an order ([`Ca::token`](crate::Ca::token)).
    PickUp(Transaction),
    /// A link that is signed, made together with the mail ([`LinkDesk`](crate::LinkDesk)).
    Signed {
        /// What it is for.
        purpose: LinkPurpose,
        /// What it is about; its signature covers it.
        about: Vec<u8>,
        /// Until when it opens anything.
        expires: SystemTime,
    },
}

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// Certificates end soon.
    Notice,
    /// Certificates can be picked up.
    PickUp,
    /// A certificate was revoked.
    Revoked,
    /// An order was turned down, since what it would replace is over.
    TurnedDown,
    /// An address is to be confirmed.
    Confirm,
    /// A transport PIN can be looked at.
    TransportPin,
    /// There is another revocation password.
    RevocationPassword,
    /// Somebody has a user id.
    UserId,
}

impl MailKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Notice,
        Self::PickUp,
        Self::Revoked,
        Self::TurnedDown,
        Self::Confirm,
        Self::TransportPin,
        Self::RevocationPassword,
        Self::UserId,
    ];

    /// Name in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::PickUp => "pick-up",
            Self::Revoked => "revoked",
            Self::TurnedDown => "turned-down",
            Self::Confirm => "confirm",
            Self::TransportPin => "transport-pin",
            Self::RevocationPassword => "revocation-password",
            Self::UserId => "user-id",
        }
    }
}

impl std::fmt::Display for MailKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a mail is not taken. What was wrong is not repeated: it may be somebody's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// A key that is none.
    #[error("a mail's key has 1 to {max} printable ASCII characters", max = Mail::MAX_KEY)]
    Key,
    /// A line break or another control character: in the head of a mail it would begin a line of its own.
    #[error("there is a control character in the {0} of the mail")]
    Control(&'static str),
    /// Too long.
    #[error("the {0} of the mail is too long")]
    TooLong(&'static str),
}

fn one_line(text: &str, most: usize, what: &'static str) -> Result<(), MailError> {
    if text.chars().any(breaks) {
        return Err(MailError::Control(what));
    }
    if text.chars().count() > most { Err(MailError::TooLong(what)) } else { Ok(()) }
}

/// Control characters, and what Unicode has for line breaks.
fn breaks(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, body: &str) -> Result<Mail, MailError> {
        let text = Text { subject: subject.into(), body: body.into() };
        Mail::new("notice/21/0a", MailKind::Notice, "jana@example.cz".parse().unwrap(), text)
    }

    #[test]
    fn nothing_can_begin_a_line_of_the_head() {
        let good = mail("Vaše certifikáty končí", "Dobrý den\n\ttab\n").unwrap();
        assert!(good.clone().named("Jana Nováková").is_ok());
        for bad in ["a\r\nBcc: b@example.cz", "a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{2028}b", "a\tb"] {
            assert_eq!(mail(bad, ""), Err(MailError::Control("subject")), "{bad:?}");
            assert_eq!(good.clone().named(bad), Err(MailError::Control("name")), "{bad:?}");
        }
        for bad in ["a\rb", "a\0b", "a\u{2029}b", "\u{1b}[2J"] {
            assert_eq!(mail("", bad), Err(MailError::Control("body")), "{bad:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused_by_its_name() {
        assert!(mail(&"ž".repeat(200), &"a".repeat(32 * 1024)).is_ok());
        assert_eq!(mail(&"ž".repeat(201), ""), Err(MailError::TooLong("subject")));
        assert_eq!(mail("", &"a".repeat(32 * 1024 + 1)), Err(MailError::TooLong("body")));
        let good = mail("", "").unwrap();
        assert_eq!(good.named("a".repeat(201)), Err(MailError::TooLong("name")));
        for key in ["", "a b", "ž", "a\n", &"a".repeat(201)] {
            let to = "jana@example.cz".parse().unwrap();
            let text = Text { subject: String::new(), body: String::new() };
            assert_eq!(Mail::new(key, MailKind::Notice, to, text), Err(MailError::Key), "{key:?}");
        }
    }
}
