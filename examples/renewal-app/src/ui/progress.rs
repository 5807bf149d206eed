use std::{
    io::Write as _,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME: Duration = Duration::from_millis(80);
/// What is over sooner does not need to be announced.
const PATIENCE: Duration = Duration::from_millis(150);

/// A line that lives as long as something takes, with the seconds it has taken. Nothing at all in a pipe.
pub struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    pub(super) fn start(text: &str, moves: bool) -> Self {
        if !moves {
            return Self(None);
        }
        let text = text.to_owned();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let begun = Instant::now();
            let mut wait = PATIENCE;
            let mut frames = FRAMES.iter().cycle();
            let mut out = anstream::stdout();
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = FRAME;
                let frame = frames.next().unwrap_or(&"·");
                let _ = write!(out, "\r   {frame} {text} {:.0} s", begun.elapsed().as_secs_f32());
                let _ = out.flush();
            }
            if wait == FRAME {
                let _ = write!(out, "\r\x1b[2K");
                let _ = out.flush();
            }
        });
        Self(Some((stop, thread)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}
