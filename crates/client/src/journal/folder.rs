//! A folder of journals: what its files are called, and which of them can be gone on with.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use obnova_algorithm::text::printable;
use obnova_renewal::{Process, Record, ReplayError};

use super::{
    FileJournal, JournalError,
    format::{self, FormatError, MAX_SIZE, Seal},
    writing::private,
};
use crate::RunError;

const JOURNAL: &str = "journal";
const LOCK: &str = "lock";
const OVER: &str = "over";

impl FileJournal {
    /// Names of the journals in a directory, in order. A directory that is not there holds none.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn list(directory: &Path) -> Result<Vec<String>, JournalError> {
        Ok(Names::read(directory)?.journals.into_iter().collect())
    }

    /// Whether journals can be written in a directory, or in the folder where it would be made; and the names of those that are
    /// there. Nothing is left behind, also not the directory.
    ///
    /// # Errors
    /// [`JournalError::Io`], saying what is in the way.
    pub fn probe(directory: &Path) -> Result<Vec<String>, JournalError> {
        let failed = |error| JournalError::Io { path: directory.to_owned(), error };
        let there = directory.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
        let probe = there.unwrap_or(directory).join(format!(".probe-{}", std::process::id()));
        private().create(true).truncate(true).open(&probe).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::remove_file(&probe).map_err(failed)?;
        Self::list(directory)
    }

    /// The processes in a directory that can be gone on with, by the names of their journals, in order. What was begun in
    /// the very moment when the power went, and has no record, is none of them.
    ///
    /// A process that has come to its end is read once and marked, so that many of them cost nothing later. The mark goes
    /// when its journal is [opened](Self::open).
    ///
    /// # Errors
    /// [`RunError::Journal`], [`RunError::Replay`]: a journal cannot be read, and nobody knows what it holds.
    pub fn unfinished(directory: &Path, now: SystemTime) -> Result<Vec<(String, Process)>, RunError> {
        let mut found = Vec::new();
        let names = Names::read(directory)?;
        for name in names.journals.difference(&names.over) {
            let path = path_of(directory, name)?;
            let content = Content::read(&path)?;
            match Process::replay(&content.records) {
                Err(ReplayError::Empty) => {}
                process => {
                    let process = process?;
                    if process.stage().is_end() {
                        mark_over(&path, &content.bytes);
                    } else if !process.is_over(now) {
                        found.push((name.clone(), process));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// What the names of the files in a folder say.
#[derive(Default)]
struct Names {
    journals: BTreeSet<String>,
    over: BTreeSet<String>,
}

impl Names {
    fn read(directory: &Path) -> Result<Self, JournalError> {
        let failed = |error| JournalError::Io { path: directory.to_owned(), error };
        let mut names = Self::default();
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(names),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let file = entry.map_err(failed)?.file_name();
            let parts = file.to_str().and_then(|name| name.rsplit_once('.'));
            match parts.filter(|(name, _)| is_name(name)) {
                Some((name, JOURNAL)) => _ = names.journals.insert(name.to_owned()),
                Some((name, OVER)) => _ = names.over.insert(name.to_owned()),
                _ => {}
            }
        }
        Ok(names)
    }
}

/// Keeps other programs away from a journal; the system lets go of it when the program ends in any way.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, and nothing else")] File);

impl Lock {
    pub fn take(journal: &Path) -> Result<Self, JournalError> {
        let path = journal.with_extension(LOCK);
        let failed = |error| JournalError::Io { path: path.clone(), error };
        let mut lock = private().read(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {
                // Who has the lock without having said who it is has it all the same. It is written over what stood there, and not
                // after emptying the file: some file systems (ext4) would bring that to the disk at once, which takes milliseconds.
                let who = format!("{}\n", std::process::id());
                let _ = lock.write_all(who.as_bytes()).and_then(|()| lock.set_len(who.len() as u64));
                Ok(Self(lock))
            }
            Err(TryLockError::WouldBlock) => {
                Err(JournalError::Locked { path: journal.to_owned(), holder: Self::holder(lock) })
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The process that has a lock.
    fn holder(lock: File) -> Option<u32> {
        let mut text = String::new();
        lock.take(16).read_to_string(&mut text).ok()?;
        // What stands behind the first line is of whoever had the lock before.
        text.lines().next()?.parse().ok()
    }
}

/// Marks a process as over, when its journal is what was seen and nobody works with it. Where that cannot be done, nothing is
/// lost: the journal is read again the next time.
fn mark_over(journal: &Path, seen: &[u8]) {
    let Ok(_lock) = Lock::take(journal) else { return };
    if bytes_of(journal).is_ok_and(|bytes| bytes == seen) {
        _ = private().create(true).truncate(false).open(journal.with_extension(OVER));
    }
}

/// Takes the mark away: somebody goes on with the process.
pub(super) fn expect_more(journal: &Path) -> Result<(), JournalError> {
    let path = journal.with_extension(OVER);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(JournalError::Io { path, error }),
        _ => Ok(()),
    }
}

/// A journal as it was read.
pub(super) struct Content {
    bytes: Vec<u8>,
    pub records: Vec<Record>,
    /// None when the first line cannot be written over in its place.
    pub seal: Option<Seal>,
}

impl Content {
    /// Whoever reads while another program writes may see half a first line: so what is wrong is looked at again, until it is
    /// the same twice.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let mut bytes = bytes_of(path)?;
        loop {
            let problem = match format::parse(&bytes) {
                Ok((records, seal)) => return Ok(Self { bytes, records, seal }),
                Err(problem) => problem,
            };
            let again = bytes_of(path)?;
            if again == bytes {
                let path = path.to_owned();
                return Err(match problem {
                    FormatError::NotAJournal => JournalError::NotAJournal { path },
                    FormatError::Damaged => JournalError::Damaged { path },
                    FormatError::Newer { version } => JournalError::Newer { path, version },
                });
            }
            bytes = again;
        }
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, JournalError> {
    let failed = |error| JournalError::Io { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        file => file.map_err(failed)?.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?,
    };
    Ok(bytes)
}

pub(super) fn path_of(directory: &Path, name: &str) -> Result<PathBuf, JournalError> {
    if is_name(name) {
        Ok(directory.join(format!("{name}.{JOURNAL}")))
    } else {
        Err(JournalError::Name { name: printable(name, 80) })
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Makes a folder that only its owner may read.
pub(super) fn create(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
