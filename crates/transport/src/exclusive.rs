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

/// How often a file is tried anew that somebody has whom the system does not name. A busy system lists its locks with gaps.
const MOST_UNNAMED: usize = 50;

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
    use std::{io::Read as _, os::unix::fs::MetadataExt as _};
    let metadata = file.metadata().ok()?;
    // In few pieces: what changes between two of them may be missing in the list.
    let mut locks = String::with_capacity(64 * 1024);
    File::open("/proc/locks").ok()?.read_to_string(&mut locks).ok()?;
    named(&locks, metadata.dev(), metadata.ino())
}

/// Files of different devices may have the same number. Some file systems say another device there than the file does: then who has
/// the one file with this number is meant, and nobody where there are several.
#[cfg(target_os = "linux")]
fn named(locks: &str, device: u64, inode: u64) -> Option<u32> {
    // As the system puts them together: 12 bits of the major number and 8 of the minor one, then the others (makedev(3)).
    let major = (device >> 8) & 0xfff | (device >> 32) & !0xfff;
    let minor = device & 0xff | (device >> 12) & !0xff;
    let place = format!("{major:02x}:{minor:02x}:{inode}");
    let of_number = locks.lines().filter(|line| line.contains("FLOCK")).filter_map(|line| {
        let mut words = line.split_whitespace().rev().skip(2);
        let (place, process) = (words.next()?, words.next()?);
        let is_of_it = place.rsplit(':').next()?.parse() == Ok(inode);
        is_of_it.then_some((place, process))
    });
    let mut of_number: Vec<_> = of_number.collect();
    if of_number.iter().any(|(there, _)| *there == place) {
        of_number.retain(|(there, _)| *there == place);
    } else if of_number.iter().any(|(there, _)| *there != of_number[0].0) {
        return None;
    }
    // A process of another container is 0 here.
    of_number.iter().find_map(|(_, process)| process.parse().ok().filter(|process| *process > 0))
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

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn who_has_another_file_of_the_same_number_is_not_named() {
        let device = |major: u64, minor: u64| {
            (major & 0xfff) << 8 | (major & !0xfff) << 32 | minor & 0xff | (minor & !0xff) << 12
        };
        let locks = "1: FLOCK  ADVISORY  WRITE 26150 00:28:3 0 EOF\n\
                     2: POSIX  ADVISORY  READ 77 00:27:3 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 26133 00:27:3 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 26134 00:27:3 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 12 103:1000a:4 0 EOF\n\
                     5: FLOCK  ADVISORY  WRITE 0 00:28:5 0 EOF\n";
        assert_eq!(named(locks, device(0, 0x27), 3), Some(26133));
        assert_eq!(named(locks, device(0, 0x28), 3), Some(26150));
        assert_eq!(named(locks, device(0, 0x29), 3), None, "one of two, and nobody knows which");
        assert_eq!(named(locks, device(0x103, 0x1000a), 4), Some(12));
        assert_eq!(named(locks, device(0, 0x30), 4), Some(12), "the file system says another device");
        assert_eq!(named(locks, device(0, 0x28), 5), None, "in another container");
        assert_eq!(named(locks, device(0, 0x28), 6), None);
    }

    #[test]
    fn who_has_a_file_is_named_however_many_locks_come_and_go_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: String| {
            let path = folder.path().join(name);
            File::create(&path).unwrap();
            path
        };
        let taken = path("taken".into());
        let _held = open_exclusive(&taken).unwrap();
        let others: Vec<_> = (0..300).map(|number| path(number.to_string())).collect();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for half in others.chunks(150) {
                let done = &done;
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        let held: Vec<_> = half.iter().map(|one| open_exclusive(one).unwrap()).collect();
                        drop(held);
                    }
                });
            }
            let named = |_| {
                let refused = open_exclusive(&taken).unwrap_err();
                matches!(refused, ExclusiveError::InUse { holder } if holder == Some(std::process::id()))
            };
            let always = (0..300).all(named);
            done.store(true, Ordering::Relaxed);
            assert!(always);
        });
    }
}
