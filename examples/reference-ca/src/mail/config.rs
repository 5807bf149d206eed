use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use obnova_ca::MailAddress;
use serde::Deserialize;
use zeroize::Zeroizing;

/// How mail is sent: `mail.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailConfig {
    /// Who writes.
    pub from: MailAddress,
    /// Who that is.
    pub from_name: Option<String>,
    /// What links begin with; where the server that runs listens, when `None`.
    pub base: Option<String>,
    /// The relay; a folder, when `None`.
    pub smtp: Option<SmtpConfig>,
}

/// A relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether and how what is said is protected.
    pub tls: TlsMode,
    /// Who vouches for the relay: a PEM file. Whom the system trusts, when `None`.
    pub trust: Option<PathBuf>,
    /// User, and the file with the password.
    pub login: Option<(String, PathBuf)>,
}

/// Whether and how a conversation with a relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// From the first byte on (RFC 8314).
    Implicit,
    /// After STARTTLS (RFC 3207), which the relay must offer.
    StartTls,
    /// Not at all.
    None,
}

const MAX_SIZE: u64 = 64 * 1024;
const MAX_PASSWORD: u64 = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    from: String,
    from_name: Option<String>,
    base: Option<String>,
    smtp: Option<WireSmtp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSmtp {
    host: String,
    port: u16,
    tls: TlsMode,
    trust: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
}

impl MailConfig {
    /// The file that a new CA starts with, comments included: mails go into a folder.
    pub const TEMPLATE: &str = include_str!("template.toml");

    /// Reads the file; a CA without one has what [`TEMPLATE`](Self::TEMPLATE) says. Paths in it begin where it lies.
    ///
    /// # Errors
    /// [`MailConfigError`] names the field.
    pub fn load(path: &Path) -> Result<Self, MailConfigError> {
        let mut text = String::new();
        match fs::File::open(path).and_then(|file| file.take(MAX_SIZE).read_to_string(&mut text)) {
            Ok(_) => Self::read(&text, path.parent().unwrap_or(Path::new("."))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::read(Self::TEMPLATE, Path::new(".")),
            Err(error) => Err(MailConfigError::Io { path: path.into(), source: error }),
        }
    }

    fn read(text: &str, beside: &Path) -> Result<Self, MailConfigError> {
        let wire: Wire = toml::from_str(text).map_err(|error| MailConfigError::Syntax(error.to_string()))?;
        if wire.version != 1 {
            return Err(field("version", "this program reads version 1"));
        }
        let from = wire.from.parse().map_err(|error| field("from", error))?;
        if wire.from_name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(field("from_name", "there is a control character in it"));
        }
        let base = wire.base.map(|base| base.trim_end_matches('/').to_owned());
        let is_base = |base: &String| base.starts_with("https://") && base.bytes().all(|byte| byte.is_ascii_graphic());
        if base.as_ref().is_some_and(|base| !is_base(base)) {
            return Err(field("base", "it is no https address"));
        }
        let smtp = wire.smtp.map(|smtp| smtp.check(beside)).transpose()?;
        Ok(Self { from, from_name: wire.from_name, base, smtp })
    }
}

impl WireSmtp {
    fn check(self, beside: &Path) -> Result<SmtpConfig, MailConfigError> {
        let loopback = self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if self.tls == TlsMode::None && !loopback {
            return Err(field(
                "smtp.tls",
                "\"none\" is only for a relay on this machine: mails carry links that open things",
            ));
        }
        if self.tls == TlsMode::None && self.trust.is_some() {
            return Err(field("smtp.trust", "there is no certificate without TLS"));
        }
        let login = match (self.user, self.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => Some((user, beside.join(file))),
            _ => return Err(field("smtp.user", "user and password_file go together")),
        };
        let trust = self.trust.map(|trust| beside.join(trust));
        Ok(SmtpConfig { host: self.host, port: self.port, tls: self.tls, trust, login })
    }
}

/// Reads a file with a password in it, which nobody else may read.
pub(super) fn password(path: &Path) -> Result<Zeroizing<String>, MailConfigError> {
    let failed = |source| MailConfigError::Io { path: path.into(), source };
    let file = fs::File::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().map_err(failed)?.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(MailConfigError::Readable { path: path.into(), mode });
        }
    }
    // Its whole size at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_PASSWORD as usize + 1));
    file.take(MAX_PASSWORD).read_to_string(&mut text).map_err(failed)?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

fn field(field: &'static str, reason: impl ToString) -> MailConfigError {
    MailConfigError::Field { field, reason: reason.to_string() }
}

/// What is wrong with how mail is to be sent.
#[derive(Debug, thiserror::Error)]
pub enum MailConfigError {
    /// A file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than the owner may read the password.
    #[error("{path} has mode {mode:o}, others may have read the password: change it, then chmod 600", path = path.display())]
    Readable {
        /// Which file.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// Not TOML, a field that is unknown or missing, or a value of the wrong type.
    #[error("mail.toml cannot be read: {0}")]
    Syntax(String),
    /// A value that makes no sense.
    #[error("mail.toml, {field}: {reason}")]
    Field {
        /// Where it stands.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS to the relay cannot be begun with this.
    #[error("mail.toml, smtp.trust: {0}")]
    Trust(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: &str =
        "version = 1\nfrom = \"ca@example.cz\"\n[smtp]\nhost = \"127.0.0.1\"\nport = 25\ntls = \"none\"\n";

    #[test]
    fn the_template_is_a_folder_and_its_comments_are_a_relay() {
        let beside = Path::new("/srv/ca");
        assert_eq!(MailConfig::read(MailConfig::TEMPLATE, beside).unwrap().smtp, None);
        let comments = |line: &str| {
            line.strip_prefix("# ").filter(|line| line.starts_with('[') || line.contains(" = ")).map(str::to_owned)
        };
        let all: String =
            MailConfig::TEMPLATE.lines().map(|line| comments(line).unwrap_or_else(|| line.into()) + "\n").collect();
        let config = MailConfig::read(&all, beside).unwrap();
        assert_eq!(config.base.as_deref(), Some("https://ca.example"));
        let smtp = config.smtp.unwrap();
        assert_eq!((smtp.tls, smtp.trust), (TlsMode::StartTls, Some(beside.join("relay-ca.pem"))));
        assert_eq!(smtp.login, Some(("obnova".into(), beside.join("relay.password"))));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        assert!(MailConfig::read(RELAY, Path::new(".")).is_ok());
        for (from, to, named) in [
            ("version = 1", "version = 2", "version"),
            ("ca@example.cz", "ca\\r\\nBcc: all@example.cz", "from:"),
            ("127.0.0.1", "relay.example", "smtp.tls"),
            ("127.0.0.1", "127.0.0.1.example", "smtp.tls"),
            ("[smtp]", "from_name = \"a\\nb\"\n[smtp]", "from_name"),
            ("[smtp]", "base = \"http://ca.example\"\n[smtp]", "base"),
            ("[smtp]", "[smtp]\nuser = \"a\"", "smtp.user"),
            ("[smtp]", "[smtp]\ntrust = \"a\"", "smtp.trust"),
            ("[smtp]", "[smtp]\nhots = \"a\"", "hots"),
            ("\"none\"", "\"maybe\"", "maybe"),
        ] {
            let error = MailConfig::read(&RELAY.replace(from, to), Path::new(".")).unwrap_err().to_string();
            assert!(error.contains(named), "{to}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_is_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        fs::write(&path, "a b \r\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(password(&path), Err(MailConfigError::Readable { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(*password(&path).unwrap(), "a b ");
    }
}
