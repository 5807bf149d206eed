//! Journals: one folder, one file for each renewal.

use std::path::{Path, PathBuf};

use obnova_client::{FileJournal, JournalError};
use obnova_renewal::Process;

use crate::{
    cli::Global,
    failure::{Failure, Kind},
    texts::t,
};

/// A renewal as its journal tells it.
pub struct Known {
    pub name: String,
    pub process: Process,
}

/// The folder that `--journal` names, or the one of this account (XDG base directories).
pub fn folder(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(folder) = &global.journal {
        return Ok(folder.clone());
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .map(|state| state.join("obnova"))
        .ok_or_else(|| Failure::new(Kind::Usage, t!("error-no-journal-folder")))
}

/// Every renewal, the oldest first.
pub fn all(folder: &Path) -> Result<Vec<Known>, Failure> {
    let mut names = FileJournal::list(folder)?;
    names.sort_by_key(|name| number(name));
    names.into_iter().map(|name| known(folder, name)).collect()
}

/// The renewals that have not come to an end, the youngest first.
pub fn open(folder: &Path) -> Result<Vec<Known>, Failure> {
    let mut open = all(folder)?;
    open.retain(|known| !known.process.stage().is_end());
    open.reverse();
    Ok(open)
}

/// A name that is not taken.
pub fn new_name(folder: &Path) -> Result<String, JournalError> {
    let last = FileJournal::list(folder)?.iter().filter_map(|name| number(name)).max().unwrap_or(0);
    Ok(format!("renewal-{}", last + 1))
}

/// Where the CA of a renewal is written down.
pub fn authority(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.ca"))
}

fn known(folder: &Path, name: String) -> Result<Known, Failure> {
    let process = Process::replay(&FileJournal::peek(folder, &name)?)
        .map_err(|problem| Failure::new(Kind::Internal, t!("error-journal", detail = problem.to_string())))?;
    Ok(Known { name, process })
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("renewal-")?.parse().ok()
}
