use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use obnova_ca::{IssuedCertificate, KeyFileError};
use x509_cert::{
    Certificate,
    der::{DecodePem, EncodePem, pem::LineEnding},
};

use super::{HouseError, parent};

/// Which file is where in a CA's directory.
#[derive(Clone, Debug)]
pub(super) struct Layout(PathBuf);

/// The longest certificate file that is read, in bytes.
const MAX_CERTIFICATE: u64 = 64 * 1024;

impl Layout {
    pub fn new(directory: &Path) -> Self {
        Self(directory.into())
    }

    pub fn directory(&self) -> &Path {
        &self.0
    }

    pub fn policy(&self) -> PathBuf {
        self.0.join("policy.toml")
    }

    pub fn database(&self) -> PathBuf {
        self.0.join("ca.db")
    }

    /// Where a server that runs says how it is reached.
    pub fn address(&self) -> PathBuf {
        self.0.join("server.address")
    }

    /// Not needed to run the CA: made once, for somewhere safe.
    pub fn root_key(&self) -> PathBuf {
        self.0.join("root.key")
    }

    pub fn root_certificate(&self) -> PathBuf {
        self.0.join("root.pem")
    }

    pub fn issuing_key(&self) -> PathBuf {
        self.0.join("issuing.key")
    }

    pub fn issuing_certificate(&self) -> PathBuf {
        self.0.join("issuing.pem")
    }

    pub fn server_key(&self) -> PathBuf {
        self.0.join("server.key")
    }

    pub fn server_certificate(&self) -> PathBuf {
        self.0.join("server.pem")
    }

    /// What an operator shows to the server.
    pub fn operator_token(&self) -> PathBuf {
        self.0.join("operator.token")
    }

    /// How mail is sent.
    pub fn mail_config(&self) -> PathBuf {
        self.0.join("mail.toml")
    }

    /// Where mails go that go to no relay.
    pub fn mail_folder(&self) -> PathBuf {
        self.0.join("mail")
    }

    pub fn pick_up_secret(&self) -> PathBuf {
        self.0.join("pick-up.secret")
    }

    /// What the anchors of the audit log are authenticated with.
    pub fn audit_secret(&self) -> PathBuf {
        self.0.join("audit.secret")
    }

    /// Where the audit log ended, outside the database.
    pub fn audit_anchors(&self) -> PathBuf {
        self.0.join("audit.anchors")
    }

    /// Without it the passwords in the database cannot even be guessed.
    pub fn credential_secret(&self) -> PathBuf {
        self.0.join("credentials.secret")
    }

    /// Opens revocation passwords.
    pub fn encryption_key(&self) -> PathBuf {
        self.0.join("encryption.key")
    }

    pub fn encryption_certificate(&self) -> PathBuf {
        self.0.join("encryption.pem")
    }

    /// Reads a text file, at most `most` bytes of it.
    pub fn read_text(&self, path: &Path, most: u64) -> Result<String, HouseError> {
        let io_error = |source| HouseError::Io { path: path.into(), source };
        let mut text = String::new();
        fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text)).map_err(io_error)?;
        Ok(text)
    }

    pub fn read_certificate(&self, path: &Path) -> Result<IssuedCertificate, HouseError> {
        let text = self.read_text(path, MAX_CERTIFICATE)?;
        let wrong = || HouseError::Certificate { path: path.into() };
        let certificate = Certificate::from_pem(&text).map_err(|_| wrong())?;
        let der = x509_cert::der::Encode::to_der(&certificate).map_err(|_| wrong())?;
        IssuedCertificate::from_der(&der).map_err(|_| wrong())
    }

    pub fn write_certificate(&self, path: &Path, certificate: &IssuedCertificate) -> Result<(), HouseError> {
        self.write(path, Self::pem(path, certificate)?.as_bytes())
    }

    /// The certificate as its file has it.
    pub fn pem(path: &Path, certificate: &IssuedCertificate) -> Result<String, HouseError> {
        certificate.certificate.to_pem(LineEnding::LF).map_err(|_| HouseError::Certificate { path: path.into() })
    }

    /// Writes a new file and flushes it to disk.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<(), HouseError> {
        let write = || -> io::Result<()> {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(content)?;
            file.sync_all()
        };
        write().map_err(|source| HouseError::Io { path: path.into(), source })
    }
}

/// Whether there is no such file, as far as can be told.
pub(super) fn is_missing(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

/// Makes a file that is missing: all of it under its name, or nothing. Another process may do so at this moment; then its file is
/// the one.
pub(super) fn make_once(path: &Path, make: impl FnOnce(&Path) -> Result<(), KeyFileError>) -> Result<(), KeyFileError> {
    if !is_missing(path) {
        return Ok(());
    }
    let parent = parent(path);
    let beside = tempfile::Builder::new().prefix(".obnova-ca-").tempdir_in(parent)?;
    let unfinished = beside.path().join("unfinished");
    make(&unfinished)?;
    match fs::hard_link(&unfinished, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}
