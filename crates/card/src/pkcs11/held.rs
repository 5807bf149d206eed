//! Keeps a token from other processes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use cryptoki::slot::TokenInfo;
use obnova_algorithm::Digest;
use obnova_transport::{ExclusiveError, open_exclusive};

use super::token::text;
use crate::TokenError;

/// A token that this process has. Clones, and whoever else in this process takes the same token, share it.
pub(super) struct Held {
    lock: Option<Arc<Lock>>,
    folder: PathBuf,
}

/// What this process has. Whoever takes or lets go has it locked, so that none is taken that is just let go of.
static HELD: Mutex<Vec<Weak<Lock>>> = Mutex::new(Vec::new());

struct Lock {
    path: PathBuf,
    _file: File,
}

impl Held {
    /// By a file in this folder.
    pub(super) fn take(token: &TokenInfo, folder: PathBuf) -> Result<Self, TokenError> {
        let path = folder.join(name(token));
        let mut all = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|lock| lock.strong_count() > 0);
        if let Some(lock) = all.iter().filter_map(Weak::upgrade).find(|lock| lock.path == path) {
            return Ok(Self { lock: Some(lock), folder });
        }
        let file = open(&path).map_err(|error| match error {
            ExclusiveError::InUse { holder } => TokenError::InUse { label: text(token.label()), holder },
            ExclusiveError::Io(error) => {
                TokenError::Lock { path: path.display().to_string(), problem: error.to_string() }
            }
        })?;
        let lock = Arc::new(Lock { path, _file: file });
        all.push(Arc::downgrade(&lock));
        Ok(Self { lock: Some(lock), folder })
    }

    /// The same of another token.
    pub(super) fn take_instead(&mut self, token: &TokenInfo) -> Result<(), TokenError> {
        *self = Self::take(token, self.folder.clone())?;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _all = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock.take();
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked still: who has opened it meanwhile sees that it is not there any more. What another user made stays.
        let _ = fs::remove_file(&self.path);
    }
}

/// Where every user of a machine finds the same files, and may make some: whatever a program is told of its temporary files, it meets
/// the others there.
pub(super) fn usual_folder() -> PathBuf {
    if cfg!(unix) { PathBuf::from("/tmp") } else { std::env::temp_dir() }
}

/// A name of its own for each token, without what a token may say that is no name of a file.
fn name(token: &TokenInfo) -> String {
    let said = [token.manufacturer_id(), token.model(), token.serial_number(), token.label()].map(text).join("\0");
    let digest = Digest::Sha256.of(said.as_bytes());
    let digits: String = digest.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("obnova-token-{digits}")
}

/// The file is empty and nobody ever writes into it: whoever puts another one there can keep others from a token, and nothing
/// more. Every user may lock it.
fn open(path: &Path) -> Result<File, ExclusiveError> {
    loop {
        match fs::symlink_metadata(path) {
            // Neither a link into a folder of others nor a pipe, on which one waits.
            Ok(there) if !there.is_file() => return Err(io::Error::other("it is no file").into()),
            Err(error) if error.kind() == ErrorKind::NotFound => match make(path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                made => made?,
            },
            there => _ = there?,
        }
        match open_exclusive(path) {
            // Whoever had it let go of it.
            Err(ExclusiveError::Io(error)) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
    drop(file);
    Ok(())
}
