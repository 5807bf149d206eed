//! Directories that are there as a whole, or not at all.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{HouseError, parent};

/// Held by who fills it.
const LOCK: &str = ".lock";

/// Makes a directory that must not exist or be empty: all that `fill` puts there, or nothing. What it puts there stands under a hidden
/// name beside it until it is whole. A process that is killed leaves that, keys and all: the next one for the same directory removes it.
pub(super) fn in_one_go<T, E: From<HouseError>>(
    directory: &Path,
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let parent = parent(directory);
    let failed = |source| HouseError::Io { path: directory.into(), source };
    fs::create_dir_all(parent).map_err(failed)?;
    empty(directory)?;
    let unfinished = Unfinished::begin(beside(directory), directory)?;
    // Another one may have had its turn before.
    empty(directory)?;
    let filled = fill(&unfinished.path)?;
    unfinished.finish(directory).map_err(failed)?;
    Ok(filled)
}

fn empty(directory: &Path) -> Result<(), HouseError> {
    let failed = |source| HouseError::Io { path: directory.into(), source };
    match directory.exists() && fs::read_dir(directory).map_err(failed)?.next().is_some() {
        true => Err(HouseError::NotEmpty { path: directory.into() }),
        false => Ok(()),
    }
}

/// Where a directory stands until it is whole.
fn beside(directory: &Path) -> PathBuf {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    parent(directory).join(format!(".{name}.unfinished"))
}

/// A directory that is being filled, and is removed unless that comes to its end.
struct Unfinished {
    path: PathBuf,
    lock: Option<File>,
}

impl Unfinished {
    /// What a killed process left there goes.
    fn begin(path: PathBuf, directory: &Path) -> Result<Self, HouseError> {
        let failed = |source| HouseError::Io { path: path.clone(), source };
        fs::create_dir_all(&path).map_err(failed)?;
        let lock = path.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(lock).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HouseError::UnderWay { path: directory.into() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let removed = match entry.file_type().map_err(failed)?.is_dir() {
                true => fs::remove_dir_all(entry.path()),
                false if entry.file_name() == LOCK => Ok(()),
                false => fs::remove_file(entry.path()),
            };
            removed.map_err(failed)?;
        }
        Ok(Self { path, lock: Some(lock) })
    }

    /// It gets its name.
    fn finish(mut self, directory: &Path) -> io::Result<()> {
        fs::remove_file(self.path.join(LOCK))?;
        fs::rename(&self.path, directory)?;
        // There is nothing left to remove under the old name.
        self.lock = None;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.lock.take().is_some() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_goes_one_fills_at_a_time_and_a_failure_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (directory, hidden) = (place.path().join("ca"), place.path().join(".ca.unfinished"));
        fs::create_dir_all(hidden.join("mails")).unwrap();
        fs::write(hidden.join("root.key"), "of one that was killed").unwrap();
        let names = |directory: &Path| {
            let entries = fs::read_dir(directory).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        let done = in_one_go(&directory, |unfinished| {
            assert_eq!((unfinished, names(unfinished)), (hidden.as_path(), vec![LOCK.to_owned()]));
            let other = in_one_go(&directory, |_| -> Result<(), HouseError> { panic!("two at once") });
            assert!(matches!(other, Err(HouseError::UnderWay { .. })), "{other:?}");
            fs::write(unfinished.join("root.key"), "whole")
                .map_err(|_| HouseError::NotEmpty { path: place.path().into() })
        });
        assert!(done.is_ok(), "{done:?}");
        assert_eq!((names(place.path()), names(&directory)), (vec!["ca".to_owned()], vec!["root.key".to_owned()]));
        let again = in_one_go(&directory, |_| -> Result<(), HouseError> { panic!("it is not empty") });
        assert!(matches!(again, Err(HouseError::NotEmpty { .. })), "{again:?}");
        let failed = in_one_go(&place.path().join("other"), |unfinished| -> Result<(), HouseError> {
            fs::write(unfinished.join("root.key"), "half").unwrap();
            Err(HouseError::NotEmpty { path: unfinished.into() })
        });
        assert!(failed.is_err() && names(place.path()) == ["ca"]);
    }
}
