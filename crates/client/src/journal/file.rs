use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use obnova_renewal::{Process, Record, ReplayError};

use super::{
    Journal, JournalError,
    format::{self, FormatError, MAX_SIZE},
};
use crate::RunError;

/// A process in one file, `NAME.journal`.
///
/// The file is never changed: each time a new one is written beside it, made durable, and put in its place by one rename. So
/// it holds the records before or those after, whenever the power goes. Only its owner may read it. `NAME.lock` keeps a
/// second program away, and tells it the number of the process that it waits for; it may stay.
///
/// What stands in it: [`journal_format`](crate::journal_format).
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    records: Vec<Record>,
    // Held for as long as the journal is open; the system lets go of it when the program ends in any way.
    _lock: File,
}

impl FileJournal {
    /// Begins a journal in a directory, which is made if need be.
    ///
    /// # Errors
    /// [`JournalError::Exists`], [`JournalError::Name`], [`JournalError::Locked`], [`JournalError::Io`].
    pub fn create(directory: &Path, name: &str) -> Result<Self, JournalError> {
        let path = path_of(directory, name)?;
        create_directory(directory).map_err(|error| JournalError::Io { path: directory.to_owned(), error })?;
        let lock = lock(&path)?;
        if path.exists() {
            return Err(JournalError::Exists { path });
        }
        Ok(Self { path, records: Vec::new(), _lock: lock })
    }

    /// Opens a journal to go on with it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(directory: &Path, name: &str) -> Result<Self, JournalError> {
        let path = path_of(directory, name)?;
        if !path.exists() {
            return Err(JournalError::Missing { path });
        }
        let lock = lock(&path)?;
        let records = read(&path)?;
        Ok(Self { path, records, _lock: lock })
    }

    /// Reads a journal without going on with it, even while another program does.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn peek(directory: &Path, name: &str) -> Result<Vec<Record>, JournalError> {
        read(&path_of(directory, name)?)
    }

    /// Names of the journals in a directory, in order. A directory that is not there holds none.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn list(directory: &Path) -> Result<Vec<String>, JournalError> {
        let failed = |error| JournalError::Io { path: directory.to_owned(), error };
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whether journals can be written in a directory, which is made if need be; and the names of those that are there.
    ///
    /// # Errors
    /// [`JournalError::Io`], saying what is in the way.
    pub fn probe(directory: &Path) -> Result<Vec<String>, JournalError> {
        let failed = |error| JournalError::Io { path: directory.to_owned(), error };
        create_directory(directory).map_err(failed)?;
        let probe = directory.join(format!(".probe-{}", std::process::id()));
        private().create(true).truncate(true).open(&probe).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::remove_file(&probe).map_err(failed)?;
        Self::list(directory)
    }

    /// The processes in a directory that can be gone on with, by the names of their journals, in order. What was begun in
    /// the very moment when the power went, and has no record, is none of them.
    ///
    /// # Errors
    /// [`RunError::Journal`], [`RunError::Replay`]: a journal cannot be read, and nobody knows what it holds.
    pub fn unfinished(directory: &Path, now: SystemTime) -> Result<Vec<(String, Process)>, RunError> {
        let mut found = Vec::new();
        for name in Self::list(directory)? {
            match Process::replay(&Self::peek(directory, &name)?) {
                Err(ReplayError::Empty) => {}
                process => found.push((name, process?)),
            }
        }
        found.retain(|(_, process)| !process.is_over(now));
        Ok(found)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Journal for FileJournal {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let all = [self.records.as_slice(), records].concat();
        write(&self.path, &all)?;
        self.records = all;
        Ok(())
    }

    fn records(&mut self) -> Result<Vec<Record>, JournalError> {
        Ok(self.records.clone())
    }
}

const SUFFIX: &str = ".journal";

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn path_of(directory: &Path, name: &str) -> Result<PathBuf, JournalError> {
    if is_name(name) {
        Ok(directory.join(format!("{name}{SUFFIX}")))
    } else {
        Err(JournalError::Name { name: name.chars().filter(|c| !c.is_control()).take(80).collect() })
    }
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let lock_path = path.with_extension("lock");
    let failed = |error| JournalError::Io { path: lock_path.clone(), error };
    let mut lock = private().read(true).create(true).truncate(false).open(&lock_path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {
            // Who has the lock without having said who it is has it all the same.
            let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: path.to_owned(), holder: holder(lock) }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The process that has a lock.
fn holder(lock: File) -> Option<u32> {
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn read(path: &Path) -> Result<Vec<Record>, JournalError> {
    let failed = |error| JournalError::Io { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        file => file.map_err(failed)?.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?,
    };
    format::read(&bytes).map_err(|problem| match problem {
        FormatError::NotAJournal => JournalError::NotAJournal { path: path.to_owned() },
        FormatError::Damaged => JournalError::Damaged { path: path.to_owned() },
        FormatError::Newer { version } => JournalError::Newer { path: path.to_owned(), version },
    })
}

fn write(path: &Path, records: &[Record]) -> Result<(), JournalError> {
    let failed = |error| JournalError::Io { path: path.to_owned(), error };
    let text = format::write(records).map_err(|error| failed(error.into()))?;
    // What could not be read again is not put in the place of what can.
    if text.len() > MAX_SIZE {
        return Err(failed(ErrorKind::FileTooLarge.into()));
    }
    let temporary = path.with_extension("new");
    // A leftover of a crash is begun anew, so that its mode is ours.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = private().create_new(true).open(&temporary).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).and_then(|()| sync_directory(path)).map_err(failed)
}

/// Opens for writing what only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn create_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// A rename is on disk once its directory is. Where directories cannot be opened, the system sees to it.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
