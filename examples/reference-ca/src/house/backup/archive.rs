//! Files in one stream: a line of JSON that lists them with their hashes, then their contents, then the hash of it all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read, Write},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};
use obnova_ca::to_hex;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::BackupError;

/// What an archive begins with.
pub(super) const MAGIC: &[u8] = b"obnova-ca backup 1\n";

/// The longest list that is read, in bytes.
const MAX_LIST: u64 = 1024 * 1024;
const MAX_FILES: usize = 1000;

/// A file on its way into an archive.
pub(super) struct Source {
    pub name: String,
    pub mode: u32,
    pub content: Content,
}

pub(super) enum Content {
    Bytes(Zeroizing<Vec<u8>>),
    File(File),
}

/// Writes an archive; the hash of its list.
pub(super) fn write(out: impl Write, about: Value, sources: &mut [Source]) -> io::Result<String> {
    let mut list = Vec::new();
    for source in &mut *sources {
        let mut hash = Hashing { inner: io::sink(), hash: Context::new(&SHA256) };
        let size = source.content.copy(&mut hash)?;
        let sum = to_hex(hash.hash.finish().as_ref());
        list.push(json!({ "name": source.name, "mode": source.mode, "size": size, "sha256": sum }));
    }
    let mut about = about;
    about["files"] = Value::Array(list);
    let line = about.to_string();
    let mut out = Hashing { inner: out, hash: Context::new(&SHA256) };
    out.write_all(MAGIC)?;
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    for source in sources {
        source.content.copy(&mut out)?;
    }
    let Hashing { mut inner, hash } = out;
    inner.write_all(hash.finish().as_ref())?;
    inner.flush()?;
    Ok(hash_of(&line))
}

/// Reads an archive whose [`MAGIC`] was read already into an empty directory; what its list says beside the files, and the hash of that.
pub(super) fn read(from: impl Read, directory: &Path) -> Result<(Value, String), BackupError> {
    let mut from = BufReader::new(from);
    let mut line = String::new();
    (&mut from).take(MAX_LIST).read_line(&mut line).map_err(torn)?;
    let about: Value = serde_json::from_str(&line).map_err(|_| altered("its list of files cannot be read"))?;
    let files = about["files"].as_array().filter(|files| files.len() <= MAX_FILES);
    let mut hash = Context::new(&SHA256);
    hash.update(MAGIC);
    hash.update(line.as_bytes());
    for file in files.ok_or_else(|| altered("its list of files cannot be read"))? {
        extract(&mut from, file, directory, &mut hash)?;
    }
    let mut end = [0; SHA256_OUTPUT_LEN];
    from.read_exact(&mut end).map_err(torn)?;
    if hash.finish().as_ref() != end {
        return Err(altered("its hash is another one"));
    }
    if from.read(&mut [0]).map_err(torn)? != 0 {
        return Err(altered("there is something behind its end"));
    }
    Ok((about, hash_of(line.trim_end_matches('\n'))))
}

fn hash_of(list: &str) -> String {
    to_hex(digest(&SHA256, list.as_bytes()).as_ref())
}

fn extract(from: &mut impl Read, file: &Value, directory: &Path, whole: &mut Context) -> Result<(), BackupError> {
    let listed =
        (|| Some((file["name"].as_str()?, file["mode"].as_u64()?, file["size"].as_u64()?, file["sha256"].as_str()?)))();
    let (name, mode, size, sum) = listed.ok_or_else(|| altered("its list of files cannot be read"))?;
    if !sound(name) {
        return Err(altered("a file in it has a name that none can have"));
    }
    let path = directory.join(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |source| BackupError::Io { path: path.clone(), source };
    let mut out = options.open(&path).map_err(failed)?;
    let mut hash = Context::new(&SHA256);
    let mut buffer = Zeroizing::new(vec![0; 64 * 1024]);
    let mut left = size;
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let some = from.read(&mut buffer[..most]).map_err(torn)?;
        if some == 0 {
            return Err(BackupError::Torn);
        }
        left -= some as u64;
        hash.update(&buffer[..some]);
        whole.update(&buffer[..some]);
        out.write_all(&buffer[..some]).map_err(failed)?;
    }
    if to_hex(hash.finish().as_ref()) != sum {
        return Err(BackupError::Altered(format!("{name} in it is not what was copied")));
    }
    #[cfg(unix)]
    {
        // Others may read what they could read before, and write nothing.
        let mode = u32::try_from(mode).unwrap_or_default() & 0o755;
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).map_err(failed)?;
    }
    out.sync_all().map_err(failed)
}

/// A file of the directory itself, which no name can leave.
fn sound(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=100).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')
}

impl Content {
    /// The same bytes each time, from the first to the last.
    fn copy(&mut self, out: &mut impl Write) -> io::Result<u64> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes).map(|()| bytes.len() as u64),
            Self::File(file) => {
                io::Seek::rewind(file)?;
                io::copy(file, out)
            }
        }
    }
}

struct Hashing<W> {
    inner: W,
    hash: Context,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn altered(what: &str) -> BackupError {
    BackupError::Altered(what.into())
}

/// What whoever reads says: that it ends too early, or what the seal found.
pub(super) fn torn(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::Torn,
        _ => BackupError::Altered(error.to_string()),
    }
}
