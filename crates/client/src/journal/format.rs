//! What stands in a journal file, without the file: `obnova-journal 1 LENGTH SHA-256` as the first line, about the LENGTH
//! bytes that follow, and then one record a line, as JSON.
//!
//! LENGTH has leading zeros, so that the first line keeps its place when it is written over. What stands behind LENGTH was
//! being appended when the power went: the first line does not tell of it, so nobody was told that it is written.

use aws_lc_rs::digest::{Context, SHA256};
use obnova_renewal::Record;

/// The longest journal, in bytes, that is read. A renewal needs about 40 KB.
pub const MAX_SIZE: usize = 4 * 1024 * 1024;

/// Reads the records. What was cut off anywhere, or changed, is never read as something shorter or else.
///
/// # Errors
/// [`FormatError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, FormatError> {
    parse(bytes).map(|(records, _)| records)
}

/// The records, and the seal on them; none when the first line cannot be written over in its place.
pub(super) fn parse(bytes: &[u8]) -> Result<(Vec<Record>, Option<Seal>), FormatError> {
    if bytes.len() > MAX_SIZE {
        return Err(FormatError::NotAJournal);
    }
    let text = bytes.strip_prefix(MAGIC.as_bytes()).and_then(|rest| rest.strip_prefix(b" "));
    let text = text.ok_or(FormatError::NotAJournal)?;
    let end = text.iter().position(|byte| *byte == b'\n').ok_or(FormatError::Damaged)?;
    let (length, checksum) = fields(&text[..end])?;
    let (body, behind) = text[end + 1..].split_at_checked(length).ok_or(FormatError::Damaged)?;
    let seal = Seal::of(body);
    // Records begin with a brace, and a file that grew without its content has zeros.
    let being_appended = matches!(behind.first(), None | Some(b'{' | 0));
    if seal.checksum() != checksum || !being_appended {
        return Err(FormatError::Damaged);
    }
    let body = std::str::from_utf8(body).map_err(|_| FormatError::Damaged)?;
    let records = body.lines().map(|line| serde_json::from_str(line).map_err(|_| FormatError::Damaged));
    let records = records.collect::<Result<_, _>>()?;
    let keeps_its_place = bytes.len() - behind.len() == seal.file_length();
    Ok((records, keeps_its_place.then_some(seal)))
}

/// Writes records as [`read`] reads them.
///
/// # Errors
/// None that is known; the encoder's type has one.
pub fn write(records: &[Record]) -> Result<String, serde_json::Error> {
    let body = lines(records)?;
    Ok(Seal::of(body.as_bytes()).first_line() + &body)
}

/// Records, one a line.
pub(super) fn lines(records: &[Record]) -> Result<String, serde_json::Error> {
    let mut lines = String::new();
    for record in records {
        lines.push_str(&serde_json::to_string(record)?);
        lines.push('\n');
    }
    Ok(lines)
}

/// What the first line says of the lines below it; it goes on when lines are added, without those that are there.
#[derive(Clone)]
pub(super) struct Seal {
    length: usize,
    hash: Context,
}

impl Seal {
    /// Bytes of the first line, whatever it says.
    pub const FIRST_LINE: usize = MAGIC.len() + " 1 ".len() + DIGITS + " ".len() + 64 + "\n".len();

    pub fn of(body: &[u8]) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(body);
        Self { length: body.len(), hash }
    }

    pub fn with(&self, lines: &str) -> Self {
        let mut hash = self.hash.clone();
        hash.update(lines.as_bytes());
        Self { length: self.length + lines.len(), hash }
    }

    /// Bytes of a file with this seal.
    pub const fn file_length(&self) -> usize {
        Self::FIRST_LINE + self.length
    }

    pub fn first_line(&self) -> String {
        format!("{MAGIC} {VERSION} {:0DIGITS$} {}\n", self.length, self.checksum())
    }

    fn checksum(&self) -> String {
        let hash = self.hash.clone().finish();
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("length", &self.length).finish_non_exhaustive()
    }
}

const MAGIC: &str = "obnova-journal";
const VERSION: u32 = 1;
/// Of LENGTH.
const DIGITS: usize = 8;

/// Length and checksum in the first line.
fn fields(first_line: &[u8]) -> Result<(usize, &str), FormatError> {
    let first_line = std::str::from_utf8(first_line).map_err(|_| FormatError::Damaged)?;
    let mut fields = first_line.split(' ');
    let version: u32 = fields.next().and_then(number).ok_or(FormatError::Damaged)?;
    if version > VERSION {
        return Err(FormatError::Newer { version });
    }
    match (version, fields.next().and_then(number), fields.next(), fields.next()) {
        (VERSION, Some(length), Some(checksum), None) => Ok((length, checksum)),
        _ => Err(FormatError::Damaged),
    }
}

/// Digits, and no sign.
fn number<N: std::str::FromStr>(field: &str) -> Option<N> {
    field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok()).flatten()
}

/// Why bytes are no journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It does not begin like one, or is too long.
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
