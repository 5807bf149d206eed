//! A line that is typed unseen, and of which nothing stays in memory but what is returned.

#[cfg(not(unix))]
pub use elsewhere::ask_hidden;
#[cfg(unix)]
pub use terminal::ask_hidden;

#[cfg(unix)]
mod terminal {
    use std::{
        fs::File,
        io::{Error, ErrorKind, Read as _, Result, Write as _},
    };

    use obnova_card::Secret;
    use rustix::{
        process::{Signal, getpid, kill_process},
        termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
    };
    use zeroize::Zeroizing;

    use crate::ui::tty;

    /// The longest line that a terminal hands over.
    const LONGEST: usize = 4096;
    /// What Ctrl-C sends where it is no signal.
    const INTERRUPT: u8 = 0x03;

    /// Asks at the terminal itself, wherever input and output of the program go. The line goes from the terminal into one
    /// buffer that is wiped: one that grows, or that reads ahead, would leave copies behind.
    pub fn ask_hidden(prompt: &str) -> Result<Secret> {
        let (mut input, mut output) = tty::open()?;
        let quiet = Quiet::make(input.try_clone()?)?;
        output.write_all(prompt.as_bytes())?;
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
        let end = read_line(&mut input, &mut line)?;
        output.write_all(b"\n")?;
        drop(quiet);
        match end {
            End::Line => {
                // What else cannot be seen is no part of a password either.
                line.retain(|byte| !byte.is_ascii_control());
                Ok(Secret::new(line.to_vec()))
            }
            End::Interrupt => {
                // Who started this program may have told it to ignore the signal. It is broken off all the same.
                kill_process(getpid(), Signal::INT)?;
                Err(ErrorKind::Interrupted.into())
            }
        }
    }

    enum End {
        Line,
        Interrupt,
    }

    /// Reads until the end of the line, which the terminal edits.
    fn read_line(terminal: &mut File, line: &mut Vec<u8>) -> Result<End> {
        let mut byte = Zeroizing::new([0]);
        loop {
            match terminal.read(byte.as_mut_slice()) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => match byte[0] {
                    INTERRUPT => return Ok(End::Interrupt),
                    b'\n' => return Ok(End::Line),
                    _ if line.len() == LONGEST => return Err(Error::other("the line is too long")),
                    byte => line.push(byte),
                },
            }
        }
    }

    /// The terminal shows nothing that is typed, and Ctrl-C is a key, until this is dropped: a program that a signal ends
    /// would leave it so.
    struct Quiet {
        terminal: File,
        before: Termios,
    }

    impl Quiet {
        fn make(terminal: File) -> Result<Self> {
            let before = tcgetattr(&terminal)?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
            quiet.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
            // What was typed before the prompt is there is no answer to it: it would spend a try unseen.
            tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
            Ok(Self { terminal, before })
        }
    }

    impl Drop for Quiet {
        fn drop(&mut self) {
            // A terminal that is gone shows nothing.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use obnova_card::Secret;

    /// Asks at the console.
    pub fn ask_hidden(prompt: &str) -> std::io::Result<Secret> {
        Ok(Secret::new(rpassword::prompt_password(prompt)?.into_bytes()))
    }
}
