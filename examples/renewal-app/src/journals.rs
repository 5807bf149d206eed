//! Journals: one folder, one file for each renewal.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use obnova_client::{FileJournal, JournalError};
use obnova_renewal::{Process, ReplayError};

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

/// Every renewal, the oldest first. What was begun in the very moment when the power went, and has no record, is none.
pub fn all(folder: &Path) -> Result<Vec<Known>, Failure> {
    let mut names = FileJournal::list(folder)?;
    names.sort_by_key(|name| number(name));
    let mut all = Vec::new();
    for name in names {
        match Process::replay(&FileJournal::peek(folder, &name)?) {
            Ok(process) => all.push(Known { name, process }),
            Err(ReplayError::Empty) => {}
            Err(problem) => {
                return Err(Failure::new(Kind::Internal, t!("error-journal", detail = problem.to_string())));
            }
        }
    }
    Ok(all)
}

/// The renewals that can be gone on with, the youngest first.
pub fn open(folder: &Path) -> Result<Vec<Known>, Failure> {
    let unfinished = FileJournal::unfinished(folder, SystemTime::now())?;
    let mut open: Vec<_> = unfinished.into_iter().map(|(name, process)| Known { name, process }).collect();
    open.sort_by_key(|known| std::cmp::Reverse(number(&known.name)));
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

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("renewal-")?.parse().ok()
}
