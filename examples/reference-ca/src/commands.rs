mod applicant;
mod audit;
mod backup;
mod certify;
mod log;
mod mail;
mod notices;
mod password;
mod revocation_password;

use std::{
    fmt::Display,
    io,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use clap::CommandFactory;
use obnova_ca::{
    ApplicantError, AuditEvent, AuditFinding, CaError, FirstError, MailKind, Policy, Profile, Refusal, StatusError,
    StoreError, Transaction,
    store::{OrderRecord, OrderState},
    to_hex,
};
use obnova_enroll::certs_only;
use obnova_reference_ca::{
    House, Server, ServerConfig, ServerError,
    house::{self, BackupError, HouseError, InitOptions},
    mail::{Postman, PostmanError},
};

use obnova_status::RevocationReason;
use x509_cert::Certificate;

use crate::{
    cli::{Cli, Command, Ending, Init},
    show,
};

pub use applicant::ApplicantCommand;
use certify::RequestProblem;
pub use mail::MailCommand;

use self::log::Log;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most certificates that one list of notices is made from.
const MOST_NOTICES: u32 = 100_000;

/// Does what was asked.
pub fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Init(init) => make(&init),
        Command::Serve { directory, listen, status } => serve(&directory, listen, status),
        Command::List { directory, state, key_of, limit, json } => {
            let (house, state) = (open(&directory)?, state.map(OrderState::from));
            let Some(serial) = key_of else {
                let orders = house.ca().list(state, limit)?;
                return print(&if json { show::json(&orders) } else { show::table(&orders) });
            };
            let mut orders = house.revocation_desk()?.ordered_with_key_of(&serial.0)?;
            orders.retain(|order| state.is_none_or(|state| order.state == state));
            orders.truncate(limit as usize);
            print(&if json { show::json(&orders) } else { show::table_with_certificates(&orders) })
        }
        Command::Approve { directory, transaction } => {
            let house = open(&directory)?;
            transaction.iter().try_for_each(|transaction| {
                let order = approved(&house, transaction)?;
                let count = order.certificates.len();
                let what = if count == 1 { "certificate" } else { "certificates" };
                print(&format!("{transaction} issued, {count} {what}\n"))
            })
        }
        Command::Reject { directory, transaction, reason } => {
            open(&directory)?.ca().reject(&transaction, &reason, SystemTime::now())?;
            print(&format!("{transaction} rejected\n"))
        }
        Command::Link { directory, transaction, base } => link(&directory, &transaction, base),
        Command::Due { directory, from, until, json } => {
            let now = SystemTime::now();
            let notices = open(&directory)?.ca().notices(now + DAY * from, now + DAY * until, MOST_NOTICES)?;
            print(&if json { show::notices_json(&notices) } else { show::notices(&notices) })
        }
        Command::Revoke { directory, certificate, reason } => revoke(&directory, &certificate, reason.into()),
        Command::Hold { directory, serial } => {
            let hold = RevocationReason::CertificateHold;
            open(&directory)?.revocation_desk()?.by_operator(&serial.0, hold, SystemTime::now())?;
            print("on hold\n")
        }
        Command::Release { directory, serial } => {
            open(&directory)?.status_desk()?.release(&serial.0)?;
            print("released\n")
        }
        Command::Crl { directory, out } => crl(&directory, &out),
        Command::Applicant { directory, command } => applicant::run(&directory, &command),
        Command::Notices { directory } => notices::run(&directory),
        Command::Mail { directory, command } => mail::run(&directory, &command),
        Command::Check { directory } => {
            open(&directory)?.ca().check_store()?;
            print("the database is sound\n")
        }
        Command::Retention { directory, dry_run } => {
            let cleared = open(&directory)?.clear(dry_run, SystemTime::now())?;
            print(&format!("{}: {cleared}\n", if dry_run { "due" } else { "forgotten" }))
        }
        Command::Backup(command) => backup::make(&command),
        Command::Restore(command) => backup::restore(&command),
        Command::Audit(command) => audit::run(command),
        Command::Password(command) => password::run(command),
        Command::RevocationPassword(command) => revocation_password::run(&command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "obnova-ca", &mut script);
            write(&script)
        }
    }
}

/// Ends a certificate; and where others may have its key, says how to find what lives of that which they may have ordered with it.
fn revoke(directory: &Path, certificate: &Ending, reason: RevocationReason) -> Result<(), CommandError> {
    let (house, now) = (open(directory)?, SystemTime::now());
    let desk = house.revocation_desk()?;
    let serial = match certificate {
        Ending::Serial(serial) => {
            desk.by_operator(serial, reason, now)?;
            serial.clone()
        }
        Ending::File(file) => {
            let certificate = in_file(file)?;
            let serial = certificate.tbs_certificate().serial_number().as_bytes().to_vec();
            if desk.certificate_by_operator(house.ca(), &certificate, reason, now)? {
                print(&format!("taken in: {}, which this CA had issued and did not have any more\n", to_hex(&serial)))?;
            }
            serial
        }
    };
    let serial = serial.as_slice();
    if reason != RevocationReason::KeyCompromise {
        return print(&format!("revoked: {reason}\n"));
    }
    print(&format!("revoked: {reason}; so is what else is on its key\n"))?;
    if !desk.lives_with_key_of(serial, now)? {
        return Ok(());
    }
    let (directory, serial) = (directory.display(), to_hex(serial));
    print(&format!(
        "What was ordered with that key and has another one is not: obnova-ca list {directory} --key-of {serial}\n"
    ))
}

/// The one certificate in a file.
fn in_file(path: &Path) -> Result<Certificate, CommandError> {
    let wrong = |problem: String| CommandError::NoCertificate { named: path.into(), problem };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| io::Read::read_to_end(&mut io::Read::take(file, LONGEST), &mut bytes));
    read.map_err(|error| wrong(error.to_string()))?;
    let found = certs_only::read_file(&bytes).map_err(|error| wrong(error.to_string()))?;
    let one = <[_; 1]>::try_from(found).map_err(|found| wrong(format!("it has {} certificates", found.len())));
    one.map(|[certificate]| certificate)
}

/// Longest file with a certificate that is read.
const LONGEST: u64 = 1 << 20;

/// Issues an order. Where it has to wait on, names the certificate that it waits for.
fn approved(house: &House, transaction: &Transaction) -> Result<OrderRecord, CommandError> {
    let refused = match house.ca().approve(transaction, SystemTime::now()) {
        Err(CaError::Refused(Refusal::Revoked(profile))) => profile,
        decided => return Ok(decided?),
    };
    let order = house.ca().order(transaction)?;
    let replaced = order.iter().flat_map(|order| &order.requests).find(|request| request.profile == refused);
    let serial = replaced.and_then(|request| request.replaces.as_deref()).map(to_hex).unwrap_or_default();
    Err(CommandError::Held { transaction: transaction.clone(), profile: refused, serial })
}

/// Opens the CA, and says what that ended.
fn open(directory: &Path) -> Result<House, HouseError> {
    let house = House::open(directory)?;
    name_ended(house.ended_on_opening());
    Ok(house)
}

fn name_ended(serials: &[Vec<u8>]) {
    for serial in serials {
        let serial = to_hex(serial);
        say(format!(
            "revoked now: {serial}, on a key that was revoked as compromised before and had other certificates"
        ));
    }
}

fn make(init: &Init) -> Result<(), CommandError> {
    let mut options = InitOptions { name: init.name.clone(), key: init.key.into(), ..InitOptions::default() };
    options.hosts.extend(init.hosts.iter().cloned());
    if let Some(path) = &init.policy {
        let read = std::fs::File::open(path).and_then(|file| {
            let mut text = String::new();
            io::Read::read_to_string(&mut io::Read::take(file, Policy::MAX_SIZE as u64 + 1), &mut text).map(|_| text)
        });
        options.policy = read.map_err(|source| HouseError::Io { path: path.clone(), source })?;
    }
    house::init(&init.directory, &options, SystemTime::now())?;
    let directory = init.directory.display();
    print(&format!(
        "A new CA is in {directory}.\n\
         Look through {directory}/policy.toml, and move {directory}/root.key somewhere safe.\n\
         Clients trust {directory}/root.pem. Start it with: obnova-ca serve {directory}\n"
    ))
}

fn serve(directory: &Path, listen: SocketAddr, status: Option<SocketAddr>) -> Result<(), CommandError> {
    let house = Arc::new(open(directory)?);
    let base = house.mail_config().map_err(PostmanError::from)?.base;
    let everywhere = listen.ip().is_unspecified();
    if everywhere && base.is_none() {
        return Err(CommandError::NoBase(listen));
    }
    let (_log, lines) = Log::start()?;
    let of_mail = lines.clone();
    let log = Arc::new(move |access: &obnova_reference_ca::Access| lines.add(access));
    let config = ServerConfig { listen, status, log, ..ServerConfig::new(house.clone()) };
    // The handlers are there before anybody is told that the server is.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(async { end_of_service() })?;
    let mut server = Server::start(config)?;
    let announced = house.announce(&base.filter(|_| everywhere).unwrap_or_else(|| server.url()))?;
    let postman = Postman::new(house)?.start(Arc::new(SystemTime::now), Arc::new(move |line| of_mail.add(line)))?;
    print(&format!("listening on {}\n", server.url()))?;
    if let Some(url) = server.status_url() {
        print(&format!("status at {url}/ocsp and {url}/crl\n"))?;
    }
    let ended = runtime.block_on(async {
        tokio::select! {
            () = end => Ok(()),
            broken = server.broken() => Err(broken),
        }
    });
    drop(announced);
    drop(postman);
    server.stop();
    Ok(ended?)
}

/// Waits for Ctrl-C, or on Unix for the signals that end a service.
#[cfg(unix)]
fn end_of_service() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn end_of_service() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a console there is nobody to press it.
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn link(directory: &Path, transaction: &Transaction, base: Option<String>) -> Result<(), CommandError> {
    let house = open(directory)?;
    let order = house.ca().order(transaction)?.ok_or_else(|| StoreError::NoSuchOrder(transaction.clone()))?;
    let token = house.ca().token(&order);
    house.audit()?.note(AuditEvent::LinkShown, &order.transaction.to_string(), "")?;
    let base = base.or_else(|| house.served_at()).unwrap_or_else(|| {
        let usual = House::USUAL_ADDRESS;
        say(format!("no server of this CA runs here: the link is for {usual}, say --base where that is wrong"));
        usual.to_owned()
    });
    print(&format!("{}/pickup/{}\n", base.trim_end_matches('/'), token.to_link().as_str()))
}

/// Writes the list beside its place first: nobody fetches half of one.
fn crl(directory: &Path, out: &Path) -> Result<(), CommandError> {
    let desk = open(directory)?.status_desk()?;
    let beside = match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file = io::BufWriter::new(tempfile::NamedTempFile::new_in(beside)?);
    let number = desk.crl_to_give_away(SystemTime::now(), &mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(out).map_err(|error| error.error)?;
    print(&format!("CRL {number} is in {}\n", out.display()))
}

fn print(text: &str) -> Result<(), CommandError> {
    write(text.as_bytes())
}

fn write(text: &[u8]) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        // Who reads only the first lines of a list has them.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// A line on standard error: of the log, or for whoever runs the command. Where it cannot be written, on a full disk or to a program that
/// is gone, it is dropped: what a CA does hangs on nobody who listens.
pub fn say(line: impl Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    House(#[from] HouseError),
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error(
        "order {transaction} cannot be issued: the old {profile} certificate, {serial}, is revoked or on hold. Release it, and approve the \
         order then; with a revoked one the order is turned down"
    )]
    Held { transaction: Transaction, profile: Profile, serial: String },
    #[error(transparent)]
    First(#[from] FirstError),
    #[error(transparent)]
    Status(#[from] StatusError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("somebody changed the audit log, or the certificates that it speaks of:{}", lines(.0))]
    Audit(Vec<AuditFinding>),
    #[error(transparent)]
    Postman(#[from] PostmanError),
    #[error(transparent)]
    Applicant(#[from] ApplicantError),
    #[error("{path}: {problem}", path = path.display())]
    Request { path: PathBuf, problem: RequestProblem },
    #[error(
        "{named} is neither a serial number (up to 40 hexadecimal digits) nor the file of one certificate: {problem}",
        named = named.display()
    )]
    NoCertificate { named: PathBuf, problem: String },
    #[error("not every mail could be sent: `obnova-ca mail DIRECTORY list` says why")]
    NotSent,
    #[error("there is no mail {0} that could be sent again")]
    NoSuchMail(i64),
    #[error(
        "{0} is every address of this machine, and none that a link leads to: say in mail.toml, as base, what links in mails begin with"
    )]
    NoBase(SocketAddr),
    #[error("mail {number} is not sent again: the link in it opens nothing any more. {}", another_link(*.kind))]
    LinkOver { number: i64, kind: MailKind },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What makes another link in place of one that is over.
const fn another_link(kind: MailKind) -> &'static str {
    match kind {
        MailKind::Confirm => "`obnova-ca applicant DIRECTORY correct APPLICANT` mails another one",
        MailKind::TransportPin => "`obnova-ca applicant DIRECTORY hand-over APPLICANT` mails another one",
        // Good for as long as the certificates are, unless a renewal was begun by it.
        _ => {
            "The certificates have ended, or their renewal was begun: who needs others gets a one-time password \
             (`obnova-ca password issue`) or another card"
        }
    }
}

fn lines(findings: &[AuditFinding]) -> String {
    findings.iter().map(|finding| format!("\n  {finding}")).collect()
}

impl CommandError {
    /// As `--help` documents them.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NoCertificate { .. } => 2,
            Self::Ca(CaError::Store(StoreError::NoSuchOrder(_)))
            | Self::Status(StatusError::Unknown | StatusError::NotIssuedHere)
            | Self::First(FirstError::NoSubject | FirstError::NoCertificate)
            | Self::Applicant(ApplicantError::Unknown)
            | Self::NoSuchMail(_) => 3,
            Self::Ca(CaError::Decided { .. })
            | Self::Held { .. }
            | Self::LinkOver { .. }
            | Self::Status(StatusError::Revoked(_) | StatusError::NotOnHold)
            | Self::First(
                FirstError::NoPassword
                | FirstError::Bound
                | FirstError::Checked
                | FirstError::NoOrder
                | FirstError::Revoked,
            )
            | Self::Applicant(
                ApplicantError::Step(_)
                | ApplicantError::Changed
                | ApplicantError::PinGone { .. }
                | ApplicantError::CardOver
                | ApplicantError::Entry(FirstError::Bound),
            ) => 4,
            Self::Audit(_) | Self::Backup(BackupError::Audit(_)) => 5,
            _ => 1,
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Ca(error.into())
    }
}
