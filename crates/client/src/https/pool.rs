use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::connection::Connection;

/// Connections to one server that are still open. What was sent is in none of their buffers.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<(Connection, Instant)>>>);

/// Kept at once, and how long.
const MOST: usize = 3;
const LONGEST: Duration = Duration::from_secs(15);

impl Pool {
    /// One that can be used once more.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((mut connection, used)) = open.pop() {
            if used.elapsed() < LONGEST && connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps one for the next request.
    pub(super) fn keep(&self, connection: Connection) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() == MOST {
            open.remove(0);
        }
        open.push((connection, Instant::now()));
    }
}
