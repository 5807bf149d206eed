use std::path::{Path, PathBuf};

use obnova_renewal::Record;

use super::{
    Journal, JournalError,
    folder::{self, Content, Lock},
    format::{self, MAX_SIZE, Seal},
    writing,
};

/// A process in one file, `NAME.journal`.
///
/// The file is made beside its place, made durable, and put there by one rename. Later records are written behind those that
/// are there and made durable; they count from the moment when the first line says so, which is written over in its place,
/// in one sector of the disk, and made durable too. So the file holds the records before or those after, whenever the power
/// goes, and to write a record costs the same after thousands of others. Only its owner may read it.
///
/// `NAME.lock` keeps a second program away, and tells it the number of the process that it waits for; it may stay.
/// `NAME.over` is empty and says that nothing more will happen, so that [`unfinished`](Self::unfinished) need not read the
/// journal; it may stay or go.
///
/// What stands in it: [`journal_format`](crate::journal_format).
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    records: Vec<Record>,
    /// On what is in the file; `None` when the next records make a new one.
    seal: Option<Seal>,
    // Held for as long as the journal is open.
    _lock: Lock,
}

impl FileJournal {
    /// Begins a journal in a directory, which is made if need be.
    ///
    /// # Errors
    /// [`JournalError::Exists`], [`JournalError::Name`], [`JournalError::Locked`], [`JournalError::Io`].
    pub fn create(directory: &Path, name: &str) -> Result<Self, JournalError> {
        let path = folder::path_of(directory, name)?;
        folder::create(directory).map_err(|error| JournalError::Io { path: directory.to_owned(), error })?;
        let lock = Lock::take(&path)?;
        if path.exists() {
            return Err(JournalError::Exists { path });
        }
        folder::expect_more(&path)?;
        Ok(Self { path, records: Vec::new(), seal: None, _lock: lock })
    }

    /// Opens a journal to go on with it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(directory: &Path, name: &str) -> Result<Self, JournalError> {
        let path = folder::path_of(directory, name)?;
        if !path.exists() {
            return Err(JournalError::Missing { path });
        }
        let lock = Lock::take(&path)?;
        let Content { records, seal, .. } = Content::read(&path)?;
        folder::expect_more(&path)?;
        Ok(Self { path, records, seal, _lock: lock })
    }

    /// Reads a journal without going on with it, even while another program does.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn peek(directory: &Path, name: &str) -> Result<Vec<Record>, JournalError> {
        Content::read(&folder::path_of(directory, name)?).map(|content| content.records)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Journal for FileJournal {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let failed = |error| JournalError::Io { path: self.path.clone(), error };
        let lines = format::lines(records).map_err(|error| failed(error.into()))?;
        // Where writing fails the file is as before, or whole with these records: the next ones make it anew.
        let written = match self.seal.take() {
            Some(before) => {
                let after = check_size(before.with(&lines)).map_err(failed)?;
                let done = writing::append(&self.path, before.file_length(), &lines, &after.first_line());
                done.map_err(failed)?.then_some(after)
            }
            None => None,
        };
        let after = match written {
            Some(after) => after,
            None => {
                let body = format::lines(&self.records).map_err(|error| failed(error.into()))? + &lines;
                let seal = check_size(Seal::of(body.as_bytes())).map_err(failed)?;
                writing::replace(&self.path, &[seal.first_line().as_bytes(), body.as_bytes()]).map_err(failed)?;
                seal
            }
        };
        self.seal = Some(after);
        self.records.extend_from_slice(records);
        Ok(())
    }

    fn records(&mut self) -> Result<Vec<Record>, JournalError> {
        Ok(self.records.clone())
    }
}

/// What could not be read again is not written.
fn check_size(seal: Seal) -> std::io::Result<Seal> {
    if seal.file_length() > MAX_SIZE { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(seal) }
}
