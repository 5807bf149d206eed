use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use obnova_transport::{ExclusiveError, open_exclusive};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use zeroize::Zeroizing;

use crate::state::State;

/// Where the state is kept.
#[derive(Debug)]
pub(crate) enum Store {
    /// Nowhere: the card is gone with the process.
    Memory,
    /// In a file, which is replaced as a whole, so that it is the old one or the new one at any instant.
    File {
        path: PathBuf,
        /// The file as it is now, locked: a card is in one place at a time.
        file: File,
    },
}

const FORMAT: &str = "obnova simulated card";
const VERSION: u32 = 1;
/// No card comes near it: fourteen certificates of 64 KB are twice as many digits.
const MAX_FILE: u64 = 4 << 20;

#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    version: u32,
    card: &'a State,
}

#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    card: State,
}

impl Store {
    pub(crate) fn save(&mut self, state: &State) -> io::Result<()> {
        if let Self::File { path, file } = self {
            *file = replace(path, &encode(state)?)?;
        }
        Ok(())
    }
}

/// Writes the state of a new card; an existing file is left alone.
pub(crate) fn create(path: &Path, state: &State) -> Result<Store, StateFileError> {
    let at = |error| StateFileError::Io { path: path.to_owned(), error };
    let mut file = private_file(path).map_err(at)?;
    file.write_all(&encode(state).map_err(at)?).and_then(|()| file.sync_all()).map_err(at)?;
    sync_directory(path).map_err(at)?;
    Ok(Store::File { path: path.to_owned(), file })
}

/// Reads the state of a card.
pub(crate) fn open(path: &Path) -> Result<(Store, State), StateFileError> {
    let at = |error| StateFileError::Io { path: path.to_owned(), error };
    let malformed = |detail: String| StateFileError::Malformed { path: path.to_owned(), detail };
    let file = open_exclusive(path).map_err(|error| match error {
        ExclusiveError::InUse { holder } => StateFileError::InUse { path: path.to_owned(), holder },
        ExclusiveError::Io(error) => at(error),
    })?;
    let mut text = Zeroizing::new(Vec::new());
    let read = (&file).take(MAX_FILE + 1).read_to_end(&mut text).map_err(at)?;
    if read as u64 > MAX_FILE {
        return Err(malformed("it is too large".to_owned()));
    }
    let header: Header = serde_json::from_slice(&text).map_err(|error| malformed(told(&error)))?;
    if header.format != FORMAT {
        return Err(malformed("it is the file of another program".to_owned()));
    }
    if header.version != VERSION {
        return Err(StateFileError::Version { path: path.to_owned(), version: header.version });
    }
    let parsed: Parsed = serde_json::from_slice(&text).map_err(|error| malformed(told(&error)))?;
    Ok((Store::File { path: path.to_owned(), file }, parsed.card))
}

/// Where it is wrong, without what stands there: that may be a key.
fn told(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Data => "a part is missing, unknown or of another form",
        Category::Syntax | Category::Io => "it is not JSON",
    };
    format!("{what}, line {} column {}", error.line(), error.column())
}

fn encode(state: &State) -> io::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(serde_json::to_vec(&Written { format: FORMAT, version: VERSION, card: state })?))
}

fn replace(path: &Path, content: &[u8]) -> io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        // What a torn run of the same process id left behind.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private_file(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_directory(path)?;
        Ok(file)
    })();
    if written.is_err() {
        _ = fs::remove_file(&temporary);
    }
    written
}

/// A new file that its owner alone may read, locked.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    file.lock()?;
    Ok(file)
}

/// A rename is on the disk when its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// The file cannot be read or written.
    #[error("the card's state file {}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another program has the card, or this one has it twice.
    #[error("the card of {} is in use by another program{}: wait for it or end it first", path.display(), by(*holder))]
    InUse {
        /// Which file.
        path: PathBuf,
        /// The process of that program, where it is known.
        holder: Option<u32>,
    },
    /// The file holds no state of a card.
    #[error("{} is no state of a simulated card ({detail}): take a copy, or make a new card", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The file was written by another version.
    #[error("{} has version {version} of the state, this program knows version {VERSION}", path.display())]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

fn by(holder: Option<u32>) -> String {
    holder.map(|process| format!(" (process {process})")).unwrap_or_default()
}
