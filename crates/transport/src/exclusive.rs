//! What one process has at a time: a file says so, whose lock the system lets go of when the process ends in any way.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

/// A file could not be had for oneself.
#[derive(Debug)]
pub enum ExclusiveError {
    /// Another program has it, or this one has it twice.
    InUse {
        /// The process of that program, where it is known.
        holder: Option<u32>,
    },
    /// The system does not let it be opened or locked.
    Io(io::Error),
}

impl From<io::Error> for ExclusiveError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How often a file is tried anew that somebody has whom the system does not name.
const MOST_UNNAMED: usize = 3;

/// Opens the file that stands at the path to read it, and not one that is replaced or removed meanwhile. Nobody else gets it by
/// this function for as long as it is open.
///
/// # Errors
/// [`ExclusiveError::InUse`], at once: nobody is waited for. [`ExclusiveError::Io`].
pub fn open_exclusive(path: &Path) -> Result<File, ExclusiveError> {
    let mut unnamed = 0;
    loop {
        let file = File::open(path)?;
        match file.try_lock() {
            Ok(()) if is_current(path, &file)? => return Ok(file),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => match holder(&file) {
                // Whoever had it may have let go of it before one could look who that was.
                None if unnamed < MOST_UNNAMED => unnamed += 1,
                holder => return Err(ExclusiveError::InUse { holder }),
            },
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// The process that has a file locked, where the system tells: Linux lists a lock in a line that ends with
/// `PROCESS MAJOR:MINOR:INODE 0 EOF`.
#[cfg(target_os = "linux")]
fn holder(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = file.metadata().ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().filter(|line| line.contains("FLOCK")).find_map(|line| {
        let mut words = line.split_whitespace().rev().skip(2);
        let (place, process) = (words.next()?, words.next()?);
        // A process of another container is 0 here.
        (place.rsplit(':').next() == Some(&inode))
            .then(|| process.parse().ok())
            .flatten()
            .filter(|process| *process > 0)
    })
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &File) -> Option<u32> {
    None
}

#[cfg(unix)]
fn is_current(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let there = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    let here = file.metadata()?;
    Ok((there.dev(), there.ino()) == (here.dev(), here.ino()))
}

#[cfg(not(unix))]
fn is_current(_: &Path, _: &File) -> io::Result<bool> {
    Ok(true)
}
