//! Ctrl-C, and being told to end, leave nothing behind either.

use std::{fs, path::PathBuf, process};

use crate::failure::{Failure, Kind, internal};

/// How often the folder is emptied again, since what still runs may write into it meanwhile.
const ATTEMPTS: usize = 100;

/// Removes the folder when the program is interrupted, and ends it. To be called once.
pub fn remove_when_interrupted(folder: PathBuf) -> Result<(), Failure> {
    ctrlc::set_handler(move || {
        let _ = (0..ATTEMPTS).find(|_| fs::remove_dir_all(&folder).is_ok() || !folder.exists());
        process::exit(Kind::Interrupted.code().into())
    })
    .map_err(internal)
}
