use std::{
    fs,
    io::{self, Write as _},
    mem,
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{
    Message,
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{Certificate, CertificateStore, SmtpConnection, Tls, TlsParameters},
        commands,
        extension::ClientId,
    },
};

use super::{MailConfigError, SmtpConfig, TlsMode, config};

/// Where mails go.
#[derive(Debug)]
pub enum Carrier {
    /// Each is a file in this folder, readable by its owner only.
    Folder(PathBuf),
    /// A relay.
    Smtp(Relay),
}

/// How a relay is talked to, and as whom. The password of the login is read for each conversation, and not kept.
#[derive(Debug)]
pub struct Relay {
    address: (String, u16),
    tls: Tls,
    /// User, and the file with the password.
    login: Option<(String, PathBuf)>,
}

/// How long a relay may take for each answer: a whole conversation, and the look at what was refused, are over before the mail is
/// another sender's.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is about the login, and not about a mail (RFC 4954 §6).
const ABOUT_THE_LOGIN: [u16; 4] = [530, 534, 535, 538];
/// What is about the sender's address, whichever command it answers (RFC 3463 §3.2).
const ABOUT_THE_SENDER: [&str; 2] = ["5.1.7", "5.1.8"];

/// A mail that is not out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCarried {
    /// What happened. What a relay says may name the recipient: for the operator, not for logs.
    pub problem: String,
    /// It was refused for good.
    pub refused: bool,
}

impl NotCarried {
    /// It may be carried another time.
    const fn waits(problem: String) -> Self {
        Self { problem, refused: false }
    }
}

impl Carrier {
    /// A relay, which is not talked to yet.
    ///
    /// # Errors
    /// [`MailConfigError`]: the password or who is trusted cannot be read.
    pub fn smtp(relay: &SmtpConfig) -> Result<Self, MailConfigError> {
        let tls = match relay.tls {
            TlsMode::None => Tls::None,
            TlsMode::Implicit => Tls::Wrapper(parameters(relay)?),
            TlsMode::StartTls => Tls::Required(parameters(relay)?),
        };
        // Whether it can be read is said now, and not with the first mail.
        relay.login.as_ref().map(|(_, file)| config::password(file)).transpose()?;
        Ok(Self::Smtp(Relay { address: (relay.host.clone(), relay.port), tls, login: relay.login.clone() }))
    }

    /// Takes a mail out. `name` is the file's, in a folder: the same mail again is the same file.
    pub(super) fn carry(&self, message: &Message, name: &str) -> Result<(), NotCarried> {
        match self {
            Self::Folder(folder) => file(folder, name, &message.formatted())
                .map_err(|error| NotCarried::waits(format!("{}: {error}", folder.display()))),
            Self::Smtp(relay) => relay.send(message),
        }
    }
}

impl Relay {
    fn send(&self, message: &Message) -> Result<(), NotCarried> {
        let mut connection = self.connect()?;
        let sent = connection.send(message.envelope(), &message.formatted());
        connection.abort();
        sent.map(|_| ()).map_err(|error| NotCarried {
            problem: causes(&error),
            refused: self.refuses_the_mail(&error, message.envelope()),
        })
    }

    /// A conversation in which mails can be sent.
    fn connect(&self) -> Result<SmtpConnection, NotCarried> {
        let waits = |error: Error| NotCarried::waits(causes(&error));
        let name = ClientId::default();
        let (first, later) = match &self.tls {
            Tls::Wrapper(parameters) => (Some(parameters), None),
            Tls::Required(parameters) => (None, Some(parameters)),
            _ => (None, None),
        };
        let (host, port) = &self.address;
        let mut connection =
            SmtpConnection::connect((host.as_str(), *port), Some(PATIENCE), &name, first, None).map_err(waits)?;
        if let Some(parameters) = later {
            connection.starttls(parameters, &name).map_err(waits)?;
        }
        if let Some((user, file)) = &self.login {
            let mut password = config::password(file).map_err(|error| NotCarried::waits(error.to_string()))?;
            let login = Credentials::new(user.clone(), mem::take(&mut password));
            connection.auth(DEFAULT_MECHANISMS, &login).map_err(|error| NotCarried::waits(not_logged_in(&error)))?;
        }
        Ok(connection)
    }

    /// Whether it refused this mail for good, and not whoever sends: then every mail would be given up until somebody notices. Who is
    /// refused for his address alone is refused for no mail.
    fn refuses_the_mail(&self, error: &Error, envelope: &Envelope) -> bool {
        let login = error.status().is_some_and(|code| ABOUT_THE_LOGIN.contains(&u16::from(code)));
        let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let sender = text.split_whitespace().next().is_some_and(|code| ABOUT_THE_SENDER.contains(&code));
        error.is_permanent() && !login && !sender && self.takes_from(envelope)
    }

    /// Asks it whether it takes mails of this sender; it gets none.
    fn takes_from(&self, envelope: &Envelope) -> bool {
        let Ok(mut connection) = self.connect() else { return false };
        let taken = connection.command(commands::Mail::new(envelope.from().cloned(), Vec::new()));
        connection.abort();
        taken.is_ok()
    }
}

/// Why there is no login. Of what the relay said only the codes (RFC 5321 §4.2, RFC 3463 §2): it may repeat what it was told, the password.
fn not_logged_in(error: &Error) -> String {
    let Some(code) = error.status() else {
        let told = || "what the relay answers to the login is not SMTP".to_owned();
        return if error.is_response() { told() } else { causes(error) };
    };
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_code = |word: &&str| word.split('.').count() == 3 && word.split('.').all(is_number);
    let more = text.split_whitespace().next().filter(is_code).unwrap_or_default();
    format!("the relay does not take the login that mail.toml names: {code} {more}").trim_end().to_owned()
}

fn parameters(relay: &SmtpConfig) -> Result<TlsParameters, MailConfigError> {
    let wrong = |error: Error| MailConfigError::Trust(causes(&error));
    let mut builder = TlsParameters::builder(relay.host.clone());
    if let Some(path) = &relay.trust {
        let pem = fs::read(path).map_err(|source| MailConfigError::Io { path: path.clone(), source })?;
        let anchors = Certificate::from_pem(&pem).map_err(wrong)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(anchors);
    }
    builder.build().map_err(wrong)
}

/// Written beside its place first: nobody reads half of one.
fn file(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    if !folder.is_dir() {
        make_private(folder)?;
    }
    // Its mode is 0600.
    let mut file = tempfile::Builder::new().prefix(".").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        // Another process made it a moment ago.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// An error with what it comes from.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text += &format!(": {inner_text}");
        }
        cause = inner.source();
    }
    text
}
