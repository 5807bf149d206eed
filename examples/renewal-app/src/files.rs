//! Certificates and requests as files.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
};

use obnova_enroll::certs_only;
use obnova_renewal::ParsedCertificate;
use x509_cert::der::pem::{LineEnding, encode_string};

/// Reads a file of no more than so many bytes.
pub fn read(file: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {longest} bytes")));
    }
    Ok(bytes)
}

/// Longest file with certificates that is read.
const LONGEST: u64 = 1 << 20;

/// The certificates in a file: DER, PEM or PKCS#7. What is wrong with it is told in words.
pub fn certificates(file: &Path) -> Result<Vec<ParsedCertificate>, String> {
    parse_certificates(&read(file, LONGEST).map_err(|error| error.to_string())?)
}

/// The same of what stands in a file.
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<ParsedCertificate>, String> {
    let certificates = certs_only::read_file(bytes).map_err(|error| error.to_string())?;
    let parsed: Result<Vec<_>, _> = certificates.iter().map(ParsedCertificate::try_from).collect();
    parsed.map_err(|error| error.to_string())
}

/// Writes a file that only its owner reads, whole or not at all; it stays when the power goes.
pub fn write_private(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A certificate as PEM.
pub fn pem(der: &[u8]) -> String {
    labelled("CERTIFICATE", der)
}

/// DER as PEM under a label (RFC 7468).
pub fn labelled(label: &str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).unwrap_or_default()
}
