//! Certificates and requests as files.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
};

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
