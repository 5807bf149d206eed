//! The terminal that the program was started at, wherever its standard streams go.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal as _},
    sync::atomic::{AtomicBool, Ordering},
};

/// Where it is read from, and written to.
const PLACES: (&str, &str) = if cfg!(windows) { ("CONIN$", "CONOUT$") } else { ("/dev/tty", "/dev/tty") };

static INPUT_IS_SPENT: AtomicBool = AtomicBool::new(false);

/// Standard input was given for something else than answers: from here on questions are asked at the terminal itself.
pub fn input_is_spent() {
    INPUT_IS_SPENT.store(true, Ordering::Relaxed);
}

/// Whether somebody sits there who can be asked. Standard input that is no terminal means that nobody is to be asked, unless it
/// [was given for something else](input_is_spent).
pub fn sits_there() -> bool {
    io::stdin().is_terminal() || (INPUT_IS_SPENT.load(Ordering::Relaxed) && open().is_ok())
}

/// Drops what was typed there before it was asked for: it was meant for no question, or for another one.
#[cfg(unix)]
pub fn drop_typed(terminal: impl std::os::fd::AsFd) -> io::Result<()> {
    Ok(rustix::termios::tcflush(terminal, rustix::termios::QueueSelector::IFlush)?)
}

/// Here what was typed before stays typed.
#[cfg(not(unix))]
pub fn drop_typed<T>(_terminal: T) -> io::Result<()> {
    Ok(())
}

/// Opens it, to read from and to write to.
pub fn open() -> io::Result<(File, File)> {
    let open = |place| OpenOptions::new().read(true).write(true).open(place);
    Ok((open(PLACES.0)?, open(PLACES.1)?))
}
