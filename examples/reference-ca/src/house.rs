//! A CA in a directory: its keys, certificates, policy and database, and the first pair for a new card.

mod address;
mod audit;
mod backup;
mod first;
mod layout;
mod operator;
mod retention;
mod unfinished;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_ca::{
    ApplicantData, ApplicantDesk, AuditLog, Ca, CaError, CaKey, English, FirstPair, IssueError, IssuedCertificate,
    Issuer, IssuerError, KeyFileError, LinkDesk, NoticeDesk, Outbox, PickUpSecret, Policy, PolicyError, Profile,
    RevocationDesk, SqliteStore, StatusDesk, StatusError, StoreError,
};
use x509_cert::{Certificate, ext::pkix::name::GeneralName, name::Name};

pub use address::Announced;
pub use backup::{BackupError, Passphrase, Restored, restore};
pub use first::HandedOver;
use layout::Layout;
pub(crate) use operator::OperatorToken;
pub use retention::Cleared;
use unfinished::in_one_go;

use crate::mail::{MailConfig, MailConfigError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a new CA is like.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// Its name, as it stands in its certificates: `NAME Root CA`, `NAME Issuing CA`.
    pub name: String,
    /// Kind of the root's and the issuing CA's key.
    pub key: KeyAlgorithm,
    /// Its policy file.
    pub policy: String,
    /// Host names and addresses under which clients reach the server.
    pub hosts: Vec<String>,
    /// How many days before now its certificates begin: a demo's first pairs are eleven months old.
    pub backdate_days: u32,
}

impl Default for InitOptions {
    /// A P-256 CA on this machine with the template policy.
    fn default() -> Self {
        Self {
            name: "Obnova Reference".into(),
            key: KeyAlgorithm::P256,
            policy: Policy::TEMPLATE.into(),
            hosts: ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec(),
            backdate_days: 0,
        }
    }
}

/// Makes a CA in `directory`, which must not exist or be empty: all of it, or nothing.
///
/// A root valid for 20 years, an issuing CA for 10 (with the days that they begin earlier), a TLS server certificate for
/// 825 days, policy, database and the secret of pick-up tokens. Keys are files with mode 0600.
///
/// # Errors
/// [`HouseError`].
pub fn init(directory: &Path, options: &InitOptions, now: SystemTime) -> Result<(), HouseError> {
    Policy::from_toml(&options.policy)?;
    in_one_go(directory, |unfinished| fill(unfinished, options, now))
}

/// Where a file or a directory is.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A CA that was opened: what a server, an operator's command or a demo works with.
#[derive(Debug)]
pub struct House {
    ca: Arc<Ca>,
    desks: Mutex<Option<Arc<SqliteStore>>>,
    layout: Layout,
    /// Policy, key and program, for the audit log.
    loaded: String,
    ended: Vec<Vec<u8>>,
}

/// A holder, as the CA has identified them.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Distinguished name as RFC 4514 writes it: `CN=Jana Nováková,SERIALNUMBER=IDCCZ-1234,C=CZ`.
    pub name: String,
    /// Where notices go.
    pub email: String,
}

impl From<&ApplicantData> for Holder {
    /// An applicant whose papers were seen.
    fn from(data: &ApplicantData) -> Self {
        Self { name: data.distinguished_name(), email: data.email().as_str().to_owned() }
    }
}

/// The certificates that a card is personalised with.
#[derive(Clone, Debug)]
pub struct FirstCertificates {
    /// For logging in.
    pub authentication: IssuedCertificate,
    /// For signing.
    pub signature: IssuedCertificate,
}

impl House {
    /// Opens the CA that [`init`] made in `directory`. May be open in several processes at once.
    ///
    /// # Errors
    /// [`HouseError`] names the file that is missing or wrong.
    pub fn open(directory: &Path) -> Result<Self, HouseError> {
        let house = Self::open_untold(directory)?;
        house.tell(SystemTime::now())?;
        Ok(house)
    }

    /// Opens it, and writes to nobody of what ended with that.
    fn open_untold(directory: &Path) -> Result<Self, HouseError> {
        let layout = Layout::new(directory);
        let text = layout.read_text(&layout.policy(), Policy::MAX_SIZE as u64 + 1)?;
        let policy = Policy::from_toml(&text)?;
        let issuer = load_issuer(&layout)?;
        let secret = load_secret(&layout)?;
        let loaded = audit::loaded(&text, &issuer);
        let store = audit::store(&layout)?;
        let ended = store.ended_on_opening().to_vec();
        let desk = first::desk(&layout, policy.first.clone(), &issuer)?;
        let revocations = revocation_desk(&policy, Arc::new(audit::store(&layout)?));
        let ca = Ca::new(policy, issuer, secret, Box::new(store)).with_first(desk).with_revocations(revocations);
        let ca = ca.with_letters(Arc::new(English));
        Ok(Self { ca: Arc::new(ca), desks: Mutex::default(), layout, loaded, ended })
    }

    /// Writes to the holders of what ended when it was opened.
    fn tell(&self, now: SystemTime) -> Result<(), HouseError> {
        // Nearly always there is nobody, and no way to the database is needed.
        if self.ended.is_empty() { Ok(()) } else { Ok(self.revocation_desk()?.tell(&self.ended, now)?) }
    }

    /// The CA itself.
    #[must_use]
    pub const fn ca(&self) -> &Arc<Ca> {
        &self.ca
    }

    /// Serial numbers of certificates that ended when it was opened ([`SqliteStore::ended_on_opening`]): an older program left them.
    #[must_use]
    pub fn ended_on_opening(&self) -> &[Vec<u8>] {
        &self.ended
    }

    /// Tells the operator's commands where the server is reached, for as long as what is returned is kept. `None` when another
    /// server of this CA has done so.
    ///
    /// # Errors
    /// The file beside the database cannot be written.
    pub fn announce(&self, url: &str) -> io::Result<Option<Announced>> {
        Announced::at(&self.layout.address(), url)
    }

    /// Where a server of this CA is reached that runs now and was [announced](Self::announce).
    #[must_use]
    pub fn served_at(&self) -> Option<String> {
        address::announced(&self.layout.address())
    }

    /// Where a server is reached that listens where it does unless told otherwise.
    pub const USUAL_ADDRESS: &str = "https://127.0.0.1:8443";

    /// Where the server is reached, as far as is known here: where it was [announced](Self::announce), or the usual address.
    #[must_use]
    pub fn reached_at(&self) -> String {
        self.served_at().unwrap_or_else(|| Self::USUAL_ADDRESS.to_owned())
    }

    /// What a client is given to trust: the root.
    #[must_use]
    pub fn trust_anchors(&self) -> Vec<Certificate> {
        self.ca.certificates().last().map(|root| root.certificate.clone()).into_iter().collect()
    }

    /// Issues the first pair of a new card: it ends in `days_left` days, and began as long before that as policy lets a
    /// certificate live (or with the CA itself, when that is later).
    ///
    /// # Errors
    /// [`HouseError`]: a name that cannot be read, a key that policy does not take.
    pub fn first_pair(
        &self,
        holder: &Holder,
        authentication: &SubjectPublicKeyInfoOwned,
        signature: &SubjectPublicKeyInfoOwned,
        days_left: u32,
        now: SystemTime,
    ) -> Result<FirstCertificates, HouseError> {
        let not_after = now + DAY * days_left;
        let validity = self.ca.policy().profile(Profile::Authentication).validity;
        let ca_begins = self.ca.certificates().map(|one| one.certificate.tbs_certificate().validity().not_before);
        let ca_begins = ca_begins.map(|begin| begin.to_system_time()).max().unwrap_or(now);
        let not_before = not_after.checked_sub(validity).map_or(ca_begins, |begin| begin.max(ca_begins)).min(now);
        let pair = FirstPair {
            subject: distinguished_name(&holder.name)?,
            email: holder.email.clone(),
            authentication: authentication.clone(),
            signature: signature.clone(),
            not_before,
            not_after,
        };
        let [authentication, signature] = self.ca.issue_first_pair(&pair)?;
        Ok(FirstCertificates { authentication, signature })
    }

    /// How many days policy lets the first pair of a card live, from now on.
    #[must_use]
    pub fn days_of_a_pair(&self) -> u32 {
        let days = self.ca.policy().profile(Profile::Authentication).validity.as_secs() / DAY.as_secs();
        u32::try_from(days).unwrap_or(u32::MAX)
    }

    /// What says who is revoked, with the CA's key and a way of its own to the database.
    ///
    /// # Errors
    /// [`HouseError`] names the file that is missing or wrong.
    pub fn status_desk(&self) -> Result<StatusDesk, HouseError> {
        Ok(StatusDesk::new(load_issuer(&self.layout)?, audit::store(&self.layout)?)?)
    }

    /// What happened, by a way of its own to the database.
    ///
    /// # Errors
    /// [`HouseError`] names the file that is missing or wrong.
    pub fn audit(&self) -> Result<AuditLog, HouseError> {
        Ok(AuditLog::new(audit::store(&self.layout)?))
    }

    /// What was loaded when it was opened, as the audit log has it: hashes of the policy file and of the CA's certificate, and the
    /// version of this program.
    #[must_use]
    pub fn loaded(&self) -> &str {
        &self.loaded
    }

    /// Mails that are to go out.
    ///
    /// # Errors
    /// [`HouseError::Store`].
    pub fn outbox(&self) -> Result<Outbox, HouseError> {
        Ok(Outbox::new(self.desk_store()?))
    }

    /// What signs the links in mails, and opens them.
    ///
    /// # Errors
    /// [`HouseError`] names the file that is missing or wrong.
    pub fn link_desk(&self) -> Result<LinkDesk, HouseError> {
        Ok(LinkDesk::new(&load_secret(&self.layout)?, self.desk_store()?))
    }

    /// What tells holders that their certificates end.
    ///
    /// # Errors
    /// [`HouseError::Store`].
    pub fn notice_desk(&self) -> Result<NoticeDesk, HouseError> {
        Ok(NoticeDesk::new(self.desk_store()?, Arc::new(English)))
    }

    /// What leads applicants to their cards.
    ///
    /// # Errors
    /// [`HouseError`] names the file that is missing or wrong.
    pub fn applicant_desk(&self) -> Result<ApplicantDesk, HouseError> {
        let (policy, secret) = (self.ca.policy().registration, load_secret(&self.layout)?);
        let desk = ApplicantDesk::new(policy, &secret, self.desk_store()?, Arc::new(English));
        desk.map_err(|source| HouseError::Key { path: self.layout.pick_up_secret(), source })
    }

    /// What an operator shows to the server: in the file `operator.token`, made when it is not there.
    pub(crate) fn operator_token(&self) -> Result<OperatorToken, HouseError> {
        let path = self.layout.operator_token();
        OperatorToken::load_or_make(&path).map_err(|source| HouseError::Io { path, source })
    }

    /// How mail is sent.
    ///
    /// # Errors
    /// [`MailConfigError`] names the field.
    pub fn mail_config(&self) -> Result<MailConfig, MailConfigError> {
        MailConfig::load(&self.layout.mail_config())
    }

    /// Where mails go that go to no relay: `mail` in the CA's directory.
    #[must_use]
    pub fn mail_folder(&self) -> PathBuf {
        self.layout.mail_folder()
    }

    /// What ends certificates, and tells their holders.
    ///
    /// # Errors
    /// [`HouseError::Store`].
    pub fn revocation_desk(&self) -> Result<RevocationDesk, HouseError> {
        Ok(revocation_desk(self.ca.policy(), self.desk_store()?))
    }

    /// One way to the database for all desks of this house, opened when the first of them asks.
    fn desk_store(&self) -> Result<Arc<SqliteStore>, HouseError> {
        let mut opened = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = opened.as_ref() {
            return Ok(store.clone());
        }
        let store = Arc::new(audit::store(&self.layout)?);
        *opened = Some(store.clone());
        Ok(store)
    }

    /// The TLS server's key and its certificates, its own first.
    ///
    /// # Errors
    /// [`HouseError`] names the file that is missing or wrong.
    pub fn tls_identity(&self) -> Result<(CaKey, Vec<IssuedCertificate>), HouseError> {
        let key = load_key(&self.layout.server_key())?;
        let own = self.layout.read_certificate(&self.layout.server_certificate())?;
        let issuing = self.layout.read_certificate(&self.layout.issuing_certificate())?;
        Ok((key, vec![own, issuing]))
    }
}

fn fill(directory: &Path, options: &InitOptions, now: SystemTime) -> Result<(), HouseError> {
    let layout = Layout::new(directory);
    let begin = now - DAY * options.backdate_days;
    let subject = |what: &str| distinguished_name(&format!("CN={} {what},O={}", options.name, options.name));
    let new_key = |algorithm, path: PathBuf| {
        let key = CaKey::generate(algorithm).and_then(|key| key.save(&path).map(|()| key));
        key.map_err(|source| HouseError::Key { path, source })
    };
    let root_key = new_key(options.key, layout.root_key())?;
    let root = Issuer::self_signed(root_key, &subject("Root CA")?, begin, now + 20 * 365 * DAY)?;
    let issuing_key = new_key(options.key, layout.issuing_key())?;
    let issuing = root.issuing(issuing_key, &subject("Issuing CA")?, begin, now + 10 * 365 * DAY)?;
    let server_key = new_key(KeyAlgorithm::P256, layout.server_key())?;
    let names = options.hosts.iter().map(|host| host_name(host)).collect::<Result<_, _>>()?;
    let server_subject = subject("Server")?;
    let server = issuing.server_certificate(&server_subject, server_key.public_key(), names, begin, now + 825 * DAY)?;
    layout.write_certificate(&layout.root_certificate(), root.certificate())?;
    layout.write_certificate(&layout.issuing_certificate(), issuing.certificate())?;
    layout.write_certificate(&layout.server_certificate(), &server)?;
    layout.write(&layout.policy(), options.policy.as_bytes())?;
    layout.write(&layout.mail_config(), MailConfig::TEMPLATE.as_bytes())?;
    let path = layout.pick_up_secret();
    PickUpSecret::generate()
        .and_then(|secret| secret.save(&path))
        .map_err(|source| HouseError::Key { path, source })?;
    let policy = Policy::from_toml(&options.policy)?;
    drop(first::desk(&layout, policy.first, &issuing)?);
    Ok(())
}

fn revocation_desk(policy: &Policy, store: Arc<SqliteStore>) -> RevocationDesk {
    RevocationDesk::new(policy.revocation.clone(), store, Arc::new(English))
}

fn load_issuer(layout: &Layout) -> Result<Issuer, HouseError> {
    let key = load_key(&layout.issuing_key())?;
    let certificate = layout.read_certificate(&layout.issuing_certificate())?;
    let root = layout.read_certificate(&layout.root_certificate())?;
    Ok(Issuer::new(key, certificate, vec![root])?)
}

fn load_secret(layout: &Layout) -> Result<PickUpSecret, HouseError> {
    let path = layout.pick_up_secret();
    PickUpSecret::load(&path).map_err(|source| HouseError::Key { path, source })
}

fn load_key(path: &Path) -> Result<CaKey, HouseError> {
    CaKey::load(path).map_err(|source| HouseError::Key { path: path.into(), source })
}

fn distinguished_name(text: &str) -> Result<Name, HouseError> {
    text.parse().map_err(|_| HouseError::Name { text: text.into() })
}

fn host_name(host: &str) -> Result<GeneralName, HouseError> {
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        return Ok(address.into());
    }
    let sound = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let name = x509_cert::der::asn1::Ia5String::new(host).ok().filter(|_| sound);
    name.map(GeneralName::DnsName).ok_or_else(|| HouseError::Host { text: host.into() })
}

/// Why a CA cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// There is something in the directory already.
    #[error("{path} is not empty: choose another directory for the new CA", path = path.display())]
    NotEmpty {
        /// Which.
        path: PathBuf,
    },
    /// Another process fills it.
    #[error("{path} is being made by another program: wait until it is through", path = path.display())]
    UnderWay {
        /// Which.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not a certificate in PEM.
    #[error("{path} is not a certificate in PEM: bring it back from a copy", path = path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
    },
    /// A key file cannot be used.
    #[error("{path}: {source}", path = path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: KeyFileError,
    },
    /// A text is no distinguished name.
    #[error("{text:?} is not a distinguished name: write it as CN=Jana Nováková,C=CZ (RFC 4514)")]
    Name {
        /// The text.
        text: String,
    },
    /// A text is neither host name nor address.
    #[error("{text:?} is neither a host name nor an IP address")]
    Host {
        /// The text.
        text: String,
    },
    /// The policy file.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Keys and certificates do not make a CA.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A certificate could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The CA refused.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The CA cannot say who is revoked.
    #[error(transparent)]
    Status(#[from] StatusError),
}
