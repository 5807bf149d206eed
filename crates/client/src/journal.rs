use std::{io, path::PathBuf};

use obnova_renewal::Record;

mod file;
mod folder;
pub mod format;
mod writing;

pub use file::FileJournal;

/// Where a process is written down. One journal is one process.
pub trait Journal {
    /// Writes records behind those that are there, all or none, and returns when they would survive a power cut.
    ///
    /// # Errors
    /// [`JournalError`]; then the runner does nothing that follows from them.
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError>;

    /// Everything that was written so far.
    ///
    /// # Errors
    /// [`JournalError`].
    fn records(&mut self) -> Result<Vec<Record>, JournalError>;
}

/// A journal that ends with the program: for tests, and for those who keep records elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryJournal(pub Vec<Record>);

impl Journal for MemoryJournal {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.0.extend_from_slice(records);
        Ok(())
    }

    fn records(&mut self) -> Result<Vec<Record>, JournalError> {
        Ok(self.0.clone())
    }
}

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another program works on the same process.
    #[error("another program{} works with {}: wait for it or end it first", by(*holder), path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
        /// The process of that program, where it is known.
        holder: Option<u32>,
    },
    /// There is a process of this name.
    #[error("{} exists already: resume it, or choose another name", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// There is no process of this name.
    #[error("there is no journal {}: nothing can be resumed from it", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// The name cannot be the name of a file.
    #[error("\"{name}\" cannot be the name of a process: use 1 to 64 letters, digits, - and _")]
    Name {
        /// What was given.
        name: String,
    },
    /// A newer version of the program wrote it.
    #[error("{} was written by a newer version of this program (format {version}): use that one", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// It is not a journal.
    #[error(
        "{} is not a journal: move it out of this folder and begin again, which goes on with keys that wait on the card",
        path.display()
    )]
    NotAJournal {
        /// Which file.
        path: PathBuf,
    },
    /// It was cut off or changed after it was written.
    #[error(
        "{} is damaged, its content does not match its checksum: move it out of this folder and begin again, which goes on \
         with keys that wait on the card",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// The disk.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        error: io::Error,
    },
}

fn by(holder: Option<u32>) -> String {
    holder.map(|process| format!(" (process {process})")).unwrap_or_default()
}
