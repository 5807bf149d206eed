//! Ctrl-C, and being told to end, leave nothing behind either.

use std::{
    fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::failure::{Failure, Kind, internal};

/// How often the folder is emptied again, since what still runs may write into it meanwhile.
const ATTEMPTS: usize = 100;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Removes the folder when the program is interrupted, and ends it. To be called once.
pub fn remove_when_interrupted(folder: PathBuf) -> Result<(), Failure> {
    ctrlc::set_handler(move || {
        INTERRUPTED.store(true, Ordering::SeqCst);
        let _ = (0..ATTEMPTS).find(|_| fs::remove_dir_all(&folder).is_ok() || !folder.exists());
        process::exit(Kind::Interrupted.code().into())
    })
    .map_err(internal)
}

/// Comes back unless the program is being ended: what fails because its folder is gone is no failure to tell.
pub fn unless_interrupted() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        thread::park();
    }
}
