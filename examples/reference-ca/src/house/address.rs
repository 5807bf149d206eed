//! Where the server of a CA is reached, for the operator's commands beside it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// The longest address that is read, in bytes.
const LONGEST: u64 = 1024;

/// That a server runs, for as long as this is kept: its file is locked, and the system unlocks it however the server ends.
#[derive(Debug)]
pub struct Announced(#[expect(dead_code, reason = "locked, and nothing else")] File);

impl Announced {
    /// `None` when another server has announced itself.
    pub(super) fn at(path: &Path, url: &str) -> io::Result<Option<Self>> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        writeln!(file, "{url}")?;
        Ok(Some(Self(file)))
    }
}

/// What a server announced that runs now.
pub(super) fn announced(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    let runs = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let mut url = String::new();
    file.take(LONGEST).read_to_string(&mut url).ok()?;
    let url = url.trim();
    (runs && !url.is_empty()).then(|| url.to_owned())
}
