use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::state::State;

/// Where the state is kept.
#[derive(Debug)]
pub(crate) enum Store {
    /// Nowhere: the card is gone with the process.
    Memory,
    /// In a file, which is replaced as a whole, so that it is the old one or the new one at any instant.
    File(PathBuf),
}

const FORMAT: &str = "obnova simulated card";
const VERSION: u32 = 1;
/// No card comes near it.
const MAX_FILE: u64 = 1 << 20;

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
    pub(crate) fn save(&self, state: &State) -> io::Result<()> {
        match self {
            Self::Memory => Ok(()),
            Self::File(path) => replace(path, &encode(state)?),
        }
    }
}

/// Writes the state of a new card; an existing file is left alone.
pub(crate) fn create(path: &Path, state: &State) -> Result<Store, StateFileError> {
    let at = |error| StateFileError::Io { path: path.to_owned(), error };
    let mut file = private_file(path).map_err(at)?;
    file.write_all(&encode(state).map_err(at)?).and_then(|()| file.sync_all()).map_err(at)?;
    sync_directory(path).map_err(at)?;
    Ok(Store::File(path.to_owned()))
}

/// Reads the state of a card.
pub(crate) fn open(path: &Path) -> Result<(Store, State), StateFileError> {
    let at = |error| StateFileError::Io { path: path.to_owned(), error };
    let malformed = |detail: String| StateFileError::Malformed { path: path.to_owned(), detail };
    let mut text = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text)).map_err(at)?;
    if read as u64 > MAX_FILE {
        return Err(malformed("it is too large".to_owned()));
    }
    let header: Header = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    if header.format != FORMAT {
        return Err(malformed("it is the file of another program".to_owned()));
    }
    if header.version != VERSION {
        return Err(StateFileError::Version { path: path.to_owned(), version: header.version });
    }
    let parsed: Parsed = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    Ok((Store::File(path.to_owned()), parsed.card))
}

fn encode(state: &State) -> io::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(serde_json::to_vec(&Written { format: FORMAT, version: VERSION, card: state })?))
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
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
        sync_directory(path)
    })();
    if written.is_err() {
        _ = fs::remove_file(&temporary);
    }
    written
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
pub enum StateFileError {
    /// The file cannot be read or written.
    #[error("the card's state file {}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
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
