use std::{
    convert::Infallible,
    fmt::Display,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use super::say;

/// Lines that wait for whoever reads the log.
const WAITING: usize = 1024;
/// How long a service that ends waits for the last of them to be written.
const FAREWELL: Duration = Duration::from_secs(1);

/// The log of a service. A thread of its own writes it to standard error, and nothing else waits for whoever reads it: where he stands still,
/// lines that find no place are dropped, and how many is told where they are missing. Dropping it waits a moment for those that wait to be
/// written: of a service whose lines have ended.
pub struct Log {
    written: Receiver<Infallible>,
}

/// Takes the lines of a log.
#[derive(Clone)]
pub struct Lines {
    queue: SyncSender<String>,
    dropped: Arc<AtomicU64>,
}

impl Log {
    /// Starts the thread. It ends with the last of what takes the lines.
    pub fn start() -> io::Result<(Self, Lines)> {
        let (queue, lines) = sync_channel(WAITING);
        let (end, written) = sync_channel(0);
        let dropped = Arc::<AtomicU64>::default();
        let rest = dropped.clone();
        thread::Builder::new().name("ca-log".into()).spawn(move || {
            let _end = end;
            lines.iter().for_each(|line: String| say(line));
            let rest = rest.load(Ordering::Relaxed);
            if rest > 0 {
                say(missing(rest));
            }
        })?;
        Ok((Self { written }, Lines { queue, dropped }))
    }
}

impl Lines {
    /// Adds one, where there is a place for it.
    pub fn add(&self, line: impl Display) {
        let missed = self.dropped.swap(0, Ordering::Relaxed);
        let told = missed == 0 || self.queue.try_send(missing(missed)).is_ok();
        let missed = if told { 0 } else { missed };
        let added = told && self.queue.try_send(line.to_string()).is_ok();
        self.dropped.fetch_add(missed + u64::from(!added), Ordering::Relaxed);
    }
}

fn missing(lines: u64) -> String {
    format!("lines of this log that are missing here, for nobody read it: {lines}")
}

impl Drop for Log {
    fn drop(&mut self) {
        // Nothing comes over it: it ends with the thread.
        let _ = self.written.recv_timeout(FAREWELL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_find_no_place_are_counted_where_they_are_missing() {
        let (queue, log) = sync_channel(3);
        let lines = Lines { queue, dropped: Arc::default() };
        (1..=5).for_each(|number| lines.add(number));
        let read = || log.try_recv().ok();
        assert_eq!(read().as_deref(), Some("1"));
        // There is a place for what is to be told of them, and none for another line.
        lines.add(6);
        assert_eq!([read(), read()].map(Option::unwrap), ["2", "3"]);
        lines.add(7);
        assert_eq!(read(), Some(missing(2)));
        assert_eq!(read(), Some(missing(1)));
        assert_eq!(read().as_deref(), Some("7"));
        assert_eq!(read(), None);
    }
}
