//! What stands in a journal file, without the file: `obnova-journal 1 LENGTH SHA-256` as the first line, about all that
//! follows, and then one record a line, as JSON.

use obnova_algorithm::Digest;
use obnova_renewal::Record;

/// The longest journal, in bytes, that is read. A renewal needs about 40 KB.
pub const MAX_SIZE: usize = 4 * 1024 * 1024;

/// Reads the records. What was cut off anywhere, or changed, is never read as something shorter or else.
///
/// # Errors
/// [`FormatError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, FormatError> {
    if bytes.len() > MAX_SIZE {
        return Err(FormatError::NotAJournal);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| FormatError::NotAJournal)?;
    let header = text.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(' ')).ok_or(FormatError::NotAJournal)?;
    let (header, body) = header.split_once('\n').ok_or(FormatError::Damaged)?;
    let mut fields = header.split(' ');
    let version: u32 = fields.next().and_then(|field| field.parse().ok()).ok_or(FormatError::Damaged)?;
    if version > VERSION {
        return Err(FormatError::Newer { version });
    }
    let length: usize = fields.next().and_then(|field| field.parse().ok()).ok_or(FormatError::Damaged)?;
    let sound = version == VERSION
        && length == body.len()
        && fields.next() == Some(checksum(body).as_str())
        && fields.next().is_none();
    if !sound {
        return Err(FormatError::Damaged);
    }
    body.lines().map(|line| serde_json::from_str(line).map_err(|_| FormatError::Damaged)).collect()
}

/// Writes records as [`read`] reads them.
///
/// # Errors
/// None that is known; the encoder's type has one.
pub fn write(records: &[Record]) -> Result<String, serde_json::Error> {
    let mut body = String::new();
    for record in records {
        body.push_str(&serde_json::to_string(record)?);
        body.push('\n');
    }
    Ok(sealed(&body))
}

/// Lines with the first line before them.
fn sealed(body: &str) -> String {
    format!("{MAGIC} {VERSION} {} {}\n{body}", body.len(), checksum(body))
}

const MAGIC: &str = "obnova-journal";
const VERSION: u32 = 1;

fn checksum(body: &str) -> String {
    Digest::Sha256.of(body.as_bytes()).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why bytes are no journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It does not begin like one, is no text, or is too long.
    #[error("this is not a journal")]
    NotAJournal,
    /// It was cut off or changed after it was written.
    #[error("the journal is damaged: its content does not match its checksum")]
    Damaged,
    /// A newer version of the program wrote it.
    #[error("a newer version of this program wrote the journal (format {version})")]
    Newer {
        /// Its format.
        version: u32,
    },
}
