//! The certificates of a card that is made for an applicant.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;
use obnova_ca::{ApplicantDesk, IssuedCertificate, Profile, to_hex};
use obnova_pkcs10::{CertificationRequest, ParseError, Rejected};
use obnova_reference_ca::house::{Holder, House};
use tempfile::NamedTempFile;
use x509_cert::der::{EncodePem as _, pem::LineEnding};

use super::{CommandError, print};

#[derive(Debug, Args)]
pub struct Certify {
    /// As `list` names them
    applicant: String,
    /// The request for the key that logs in
    #[arg(long, value_name = "FILE")]
    authentication: PathBuf,
    /// The request for the key that signs
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
    /// Where `authentication.pem` and `signature.pem` are written; printed unless you say so
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Why a request is not one for a card.
#[derive(Debug, thiserror::Error)]
pub enum RequestProblem {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Rejected(#[from] Rejected),
    #[error("there is such a file already: name another folder")]
    Exists,
}

pub fn run(house: &House, desk: &ApplicantDesk, command: &Certify, now: SystemTime) -> Result<(), CommandError> {
    let Certify { applicant, authentication, signature, out } = command;
    let holder = Holder::from(&desk.to_personalise(applicant.parse()?)?.data);
    let [one, other] = [request(authentication)?, request(signature)?];
    // What could keep them from being written is seen before they are issued: no key is certified twice.
    let files = out.as_deref().map(|out| Profile::ALL.map(|profile| Place::new(out, profile)));
    let files = files.map(|[one, other]| Ok::<_, CommandError>([one?, other?])).transpose()?;
    let issued = house.first_pair(&holder, one.public_key(), other.public_key(), house.days_of_a_pair(), now)?;
    let issued = [&issued.authentication, &issued.signature];
    let serials = Profile::ALL.iter().zip(issued).map(|(profile, one)| format!("{profile} {}\n", to_hex(one.serial())));
    let serials: String = serials.collect();
    let [one, other] = [pem(issued[0])?, pem(issued[1])?];
    let Some([to_one, to_other]) = files else { return print(&format!("{serials}{one}{other}")) };
    print(&serials)?;
    to_one.keep(&one).and_then(|()| to_other.keep(&other)).or_else(|error| {
        // They are not lost with it.
        print(&format!("{one}{other}"))?;
        Err(error)
    })
}

/// PEM or DER, signed by its key.
fn request(path: &Path) -> Result<CertificationRequest, CommandError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(2 * CertificationRequest::MAX_SIZE as u64 + 1).read_to_end(&mut bytes)?;
        let request = match std::str::from_utf8(&bytes) {
            Ok(text) if text.trim_start().starts_with("-----BEGIN") => CertificationRequest::from_pem(text)?,
            _ => CertificationRequest::from_der(&bytes)?,
        };
        request.verify()?;
        Ok(request)
    };
    read().map_err(|problem| CommandError::Request { path: path.into(), problem })
}

/// A file that is to be, beside its place.
struct Place {
    file: NamedTempFile,
    path: PathBuf,
}

impl Place {
    fn new(folder: &Path, profile: Profile) -> Result<Self, CommandError> {
        let path = folder.join(format!("{profile}.pem"));
        let new = || {
            std::fs::create_dir_all(folder)?;
            if path.exists() { Err(RequestProblem::Exists) } else { Ok(NamedTempFile::new_in(folder)?) }
        };
        match new() {
            Ok(file) => Ok(Self { file, path }),
            Err(problem) => Err(CommandError::Request { path, problem }),
        }
    }

    fn keep(self, text: &str) -> Result<(), CommandError> {
        let Self { mut file, path } = self;
        let kept = file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all());
        let kept = kept.and_then(|()| file.persist_noclobber(&path).map_err(|error| error.error));
        kept.map(drop).map_err(|error| CommandError::Request { path, problem: error.into() })
    }
}

fn pem(certificate: &IssuedCertificate) -> Result<String, CommandError> {
    certificate.certificate.to_pem(LineEnding::LF).map_err(|error| CommandError::Io(io::Error::other(error)))
}
