//! Who keeps a database locked, or open.

use std::path::Path;

/// The other process that keeps this file locked for itself, where the system tells.
pub(super) fn of(path: &Path) -> Option<u32> {
    find(path, &["WRITE"])
}

/// Another process that has this file open, where the system tells: it has a lock at least for reading.
pub(super) fn any(path: &Path) -> Option<u32> {
    find(path, &["WRITE", "READ"])
}

/// Linux lists a lock in a line that ends with `WRITE PROCESS MAJOR:MINOR:INODE FIRST LAST`. SQLite locks bytes of the file, or
/// of what it shares beside it.
#[cfg(target_os = "linux")]
fn find(path: &Path, kinds: &[&str]) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let mut shared = path.as_os_str().to_owned();
    shared.push("-shm");
    let inode = |path: &Path| std::fs::metadata(path).map(|file| file.ino().to_string()).ok();
    let inodes: Vec<_> = [inode(path), inode(Path::new(&shared))].into_iter().flatten().collect();
    // The list goes on changing while it is read, and a line that moves may be missed.
    (0..READS).find_map(|_| holder_among(&std::fs::read_to_string("/proc/locks").ok()?, &inodes, kinds))
}

#[cfg(target_os = "linux")]
const READS: usize = 3;

#[cfg(target_os = "linux")]
fn holder_among(locks: &str, inodes: &[String], kinds: &[&str]) -> Option<u32> {
    // Who waits for a lock stands there too, behind an arrow.
    let held = locks.lines().filter(|line| line.contains(" POSIX ") && !line.contains("->"));
    held.filter_map(|line| {
        let mut words = line.split_whitespace().rev().skip(2);
        let (place, process, kind) = (words.next()?, words.next()?, words.next()?);
        let is_here = place.rsplit(':').next().is_some_and(|inode| inodes.iter().any(|one| one == inode));
        (is_here && kinds.contains(&kind)).then(|| process.parse().ok()).flatten()
    })
    // A process of another container is 0 here.
    .find(|process| *process > 0 && *process != std::process::id())
}

#[cfg(not(target_os = "linux"))]
fn find(_: &Path, _: &[&str]) -> Option<u32> {
    None
}
