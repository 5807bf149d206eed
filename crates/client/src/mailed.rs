use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use obnova_enroll::certs_only;
use obnova_renewal::{Loose, ParsedCertificate};

/// Certificates from files that were mailed, and from their neighbours, each certificate once.
///
/// The named files must be readable: one certificate or a list of them, DER or PEM, or PKCS#7. Files beside them that look like
/// certificates by their name are read too, for the twin is often there; what cannot be read among those is passed over.
///
/// # Errors
/// [`MailedError`], about a named file.
pub fn read_mailed<P: AsRef<Path>>(named: &[P]) -> Result<Vec<Loose>, MailedError> {
    let mut found = Vec::new();
    for path in named {
        add(&mut found, read(path.as_ref())?);
    }
    for path in named {
        for other in neighbours(path.as_ref()) {
            add(&mut found, read(&other).unwrap_or_default());
        }
    }
    Ok(found)
}

/// Those that are not there yet: files that came together repeat the issuers, and each is a neighbour of the others.
fn add(found: &mut Vec<Loose>, more: Vec<Loose>) {
    for one in more {
        if !found.iter().any(|known| known.certificate == one.certificate) {
            found.push(one);
        }
    }
}

fn neighbours(path: &Path) -> Vec<PathBuf> {
    let directory =
        path.parent().map_or(Path::new("."), |parent| if parent == Path::new("") { Path::new(".") } else { parent });
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut neighbours: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|other| looks_like_certificate(other) && other.file_name() != path.file_name())
        .collect();
    neighbours.sort_unstable();
    neighbours.truncate(MOST_NEIGHBOURS);
    neighbours
}

/// Files beside a named one that are looked into.
const MOST_NEIGHBOURS: usize = 64;
/// Longest file in bytes that is read.
const MAX_FILE: u64 = 256 * 1024;

fn looks_like_certificate(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let known = ["cer", "crt", "der", "pem", "p7b", "p7c"];
    known.iter().any(|one| extension.eq_ignore_ascii_case(one)) && path.is_file()
}

fn read(path: &Path) -> Result<Vec<Loose>, MailedError> {
    let failed = |error| MailedError::Io { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    let unreadable = |problem: String| MailedError::NoCertificate { path: path.to_owned(), problem };
    if bytes.len() as u64 > MAX_FILE {
        return Err(unreadable(format!("it is longer than {MAX_FILE} bytes")));
    }
    let certificates = certs_only::read_file(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let loose = certificates.iter().map(|certificate| {
        let certificate = ParsedCertificate::try_from(certificate).map_err(|error| unreadable(error.to_string()))?;
        Ok(Loose { name: name.clone(), certificate })
    });
    loose.collect()
}

/// A file that holds no certificates.
#[derive(Debug, thiserror::Error)]
pub enum MailedError {
    /// The disk.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        error: std::io::Error,
    },
    /// There is no certificate in it.
    #[error("{} cannot be used as a certificate ({problem}): have it sent again", path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}
