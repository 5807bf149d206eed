//! How a journal gets to the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Seek as _, SeekFrom, Write as _},
    path::Path,
};

/// Puts a new file in the place of the one that is there, or is not: one or the other, whenever the power goes.
pub(super) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    // A leftover of a crash is begun anew, so that its mode is ours.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(&temporary)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()?;
    fs::rename(&temporary, path).and_then(|()| sync_directory(path))
}

/// Writes lines behind the first `length` bytes of a file, and when they are durable its first line, which is as long as the
/// one that is there. `false` when there is no such file, and nothing was done.
pub(super) fn append(path: &Path, length: usize, lines: &str, first_line: &str) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let (length, there) = (length as u64, file.metadata()?.len());
    if there < length {
        return Ok(false);
    }
    append_to(&mut file, there, length, lines, first_line)?;
    Ok(true)
}

/// What is done to a file, and becomes durable with the next [`sync`](Disk::sync), in whatever order and part before.
trait Disk {
    fn cut(&mut self, length: u64) -> io::Result<()>;
    fn write_at(&mut self, start: u64, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn write_at(&mut self, start: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(start))?;
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

fn append_to(disk: &mut impl Disk, there: u64, length: u64, lines: &str, first_line: &str) -> io::Result<()> {
    if there > length {
        // What was being appended when the power went.
        disk.cut(length)?;
    }
    disk.write_at(length, lines.as_bytes())?;
    disk.sync()?;
    disk.write_at(0, first_line.as_bytes())?;
    disk.sync()
}

/// Opens for writing what only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A rename is on disk once its directory is. Where directories cannot be opened, the system sees to it.
fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests;
