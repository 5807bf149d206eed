//! Where passwords come from: a hidden prompt, a file descriptor, or a file. Never an argument, never the environment.

use std::{
    collections::HashMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use obnova_card::{BrokenRule, NewPasswords, PasswordKind, Secret};
use obnova_client::Credential;
use zeroize::Zeroizing;

use crate::{
    beforehand::Beforehand,
    cli::{CredentialOptions, NewPasswordOptions, PinOptions, PukOptions, RevocationPasswordOptions, TransportOptions},
    failure::{Failure, Kind},
    phrases,
    texts::t,
    ui::{Mark, Screen, ask_hidden, sits_there},
    view,
};

/// Longest input that is read; no card has passwords of a hundredth of it.
const LONGEST: u64 = 4096;

/// A password that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    AuthenticationPin,
    SignaturePin,
    Puk,
    NewPassword,
    TransportPin,
    OneTimePassword,
    RevocationPassword,
    OldRevocationPassword,
}

impl Asked {
    /// The options that give it.
    pub const fn options(self) -> &'static [&'static str] {
        match self {
            Self::AuthenticationPin => &["--pin-file", "--pin-fd"],
            Self::SignaturePin => &["--signature-pin-file", "--signature-pin-fd"],
            Self::Puk => &["--puk-file", "--puk-fd"],
            Self::NewPassword => &["--new-pin-file", "--new-pin-fd"],
            Self::TransportPin => &["--transport-pin-file", "--transport-pin-fd"],
            Self::OneTimePassword => &["--one-time-password-file", "--one-time-password-fd"],
            Self::RevocationPassword => &["--revocation-password-file", "--revocation-password-fd"],
            Self::OldRevocationPassword => &["--old-revocation-password-file", "--old-revocation-password-fd"],
        }
    }
}

impl Asked {
    /// What a first order asks for; `None` of the user id, which is no password.
    pub const fn of(what: Credential) -> Option<Self> {
        match what {
            Credential::UserId => None,
            Credential::OneTimePassword => Some(Self::OneTimePassword),
            Credential::OldRevocationPassword => Some(Self::OldRevocationPassword),
            _ => Some(Self::RevocationPassword),
        }
    }
}

impl From<PasswordKind> for Asked {
    fn from(kind: PasswordKind) -> Self {
        match kind {
            PasswordKind::AuthenticationPin => Self::AuthenticationPin,
            PasswordKind::SignaturePin => Self::SignaturePin,
            PasswordKind::Puk => Self::Puk,
            PasswordKind::TransportPin => Self::TransportPin,
        }
    }
}

/// Reads each password from the place its option names, once, or else from the keyboard.
pub struct Pins {
    given: HashMap<Asked, Secret>,
    last_try_allowed: bool,
}

impl Pins {
    /// Reads everything that the options name, before anything is begun.
    pub fn read(options: &PinOptions) -> Result<Self, Failure> {
        Self::read_from(options, [], [])
    }

    /// The same of every password that a card has: the transport PIN comes first where several stand in one input, the PUK last.
    pub fn read_for_card(
        transport: &TransportOptions,
        options: &PinOptions,
        puk: &PukOptions,
    ) -> Result<Self, Failure> {
        let transport =
            (Asked::TransportPin, place(transport.transport_pin_fd, transport.transport_pin_file.as_deref()));
        Self::read_from(options, [transport], [(Asked::Puk, place(puk.puk_fd, puk.puk_file.as_deref()))])
    }

    /// The same where a password is set by another: the new one comes last.
    pub fn read_for_new(pins: &PinOptions, options: &NewPasswordOptions) -> Result<Self, Failure> {
        let NewPasswordOptions { puk, new_pin_fd, new_pin_file } = options;
        let puk = (Asked::Puk, place(puk.puk_fd, puk.puk_file.as_deref()));
        Self::read_from(pins, [], [puk, (Asked::NewPassword, place(*new_pin_fd, new_pin_file.as_deref()))])
    }

    /// The same for a first order. The passwords of it come first where several stand in one input.
    pub fn read_for_first(options: &PinOptions, credentials: &CredentialOptions) -> Result<Self, Failure> {
        let CredentialOptions {
            one_time_password_fd,
            one_time_password_file,
            revocation_password_fd,
            revocation_password_file,
        } = credentials;
        Self::read_from(
            options,
            [
                (Asked::OneTimePassword, place(*one_time_password_fd, one_time_password_file.as_deref())),
                (Asked::RevocationPassword, place(*revocation_password_fd, revocation_password_file.as_deref())),
            ],
            [],
        )
    }

    /// The same where a revocation password is set; it comes first where several stand in one input, and then the one that stands.
    pub fn read_for_password(options: &PinOptions, passwords: &RevocationPasswordOptions) -> Result<Self, Failure> {
        let RevocationPasswordOptions {
            revocation_password_fd,
            revocation_password_file,
            old_revocation_password_fd,
            old_revocation_password_file,
            ..
        } = passwords;
        Self::read_from(
            options,
            [
                (Asked::RevocationPassword, place(*revocation_password_fd, revocation_password_file.as_deref())),
                (
                    Asked::OldRevocationPassword,
                    place(*old_revocation_password_fd, old_revocation_password_file.as_deref()),
                ),
            ],
            [],
        )
    }

    fn read_from(
        options: &PinOptions,
        before: impl IntoIterator<Item = (Asked, Option<PathBuf>)>,
        after: impl IntoIterator<Item = (Asked, Option<PathBuf>)>,
    ) -> Result<Self, Failure> {
        let pins = [
            (Asked::AuthenticationPin, place(options.pin_fd, options.pin_file.as_deref())),
            (Asked::SignaturePin, place(options.signature_pin_fd, options.signature_pin_file.as_deref())),
        ];
        let mut opened: HashMap<PathBuf, Lines> = HashMap::new();
        let mut given = HashMap::new();
        for (wanted, path) in before.into_iter().chain(pins).chain(after) {
            let Some(path) = path else { continue };
            let lines = match opened.remove(&path) {
                Some(lines) => lines,
                None => Lines::open(&path)?,
            };
            let (secret, rest) = lines.next(&path)?;
            given.insert(wanted, secret);
            opened.insert(path, rest);
        }
        Ok(Self { given, last_try_allowed: options.spend_last_try })
    }

    /// The password if an option gave it.
    pub fn given(&self, wanted: Asked) -> Option<Secret> {
        self.given.get(&wanted).cloned()
    }

    /// Whether options gave any.
    pub fn any(&self) -> bool {
        !self.given.is_empty()
    }

    /// Whether `--spend-last-try` was given.
    pub const fn last_try_allowed(&self) -> bool {
        self.last_try_allowed
    }

    /// Asks for it at the keyboard, nothing shown.
    pub fn ask(asked: Asked, prompt: &str) -> Result<Secret, Failure> {
        if !sits_there() {
            return Err(Beforehand::Password(asked).nobody(prompt));
        }
        Ok(ask_hidden(&format!("   {prompt} > "))?)
    }

    /// Takes the new password that is wanted next: what an option gave, or else what is typed twice at the keyboard, again
    /// and again until it keeps the rules.
    pub fn take_new(asked: Asked, given: Option<Secret>, new: &mut NewPasswords, prompt: &str) -> Result<(), Failure> {
        let name = new.wanted().map(|rules| view::password(rules.kind)).unwrap_or_default();
        let told = |broken| {
            Failure::new(Kind::Pin, t!("pin-not-taken", name = name.as_str(), problem = phrases::broken_rule(broken)))
        };
        if let Some(given) = given {
            return new.take(given.clone(), &given).map_err(told);
        }
        loop {
            let first = Self::ask(asked, prompt)?;
            // What is wrong with it is told before it is typed once more.
            let taken = match new.check(&first) {
                Ok(()) => new.take(first, &Self::ask(asked, &t!("pin-again"))?),
                broken => broken,
            };
            match taken {
                Ok(()) => return Ok(()),
                Err(broken) => Self::once_more(broken),
            }
        }
    }

    /// Says why a new password is asked for again.
    pub fn once_more(broken: BrokenRule) {
        Screen::new().mark(Mark::Caution, &t!("pin-once-more", problem = phrases::broken_rule(broken)));
    }
}

fn place(descriptor: Option<u32>, file: Option<&Path>) -> Option<PathBuf> {
    descriptor.map(|number| PathBuf::from(format!("/dev/fd/{number}"))).or_else(|| file.map(Path::to_path_buf))
}

/// What is left of an input: several passwords may stand in one, a line each.
struct Lines(Zeroizing<Vec<u8>>);

impl Lines {
    fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            let problem =
                t!("error-password-unreadable", place = path.display().to_string(), problem = error.to_string());
            Failure::new(Kind::Usage, problem)
        };
        // Reserved at once: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
        File::open(path).map_err(unreadable)?.take(LONGEST).read_to_end(&mut text).map_err(unreadable)?;
        Ok(Self(text))
    }

    fn next(self, path: &Path) -> Result<(Secret, Self), Failure> {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let line = &self.0[..end.unwrap_or(self.0.len())];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Err(Failure::new(Kind::Usage, t!("error-password-missing", place = path.display().to_string())));
        }
        let rest = end.map_or(&[][..], |end| &self.0[end + 1..]);
        Ok((Secret::new(line.to_vec()), Self(Zeroizing::new(rest.to_vec()))))
    }
}

#[cfg(test)]
mod tests;
