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

#[cfg(test)]
impl Pool {
    /// Whether nothing came over any of them meanwhile.
    pub(super) fn is_silent(&self) -> bool {
        self.0.lock().unwrap().iter_mut().all(|(connection, _)| connection.is_silent())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::{super::wire::Wire, *};

    #[test]
    fn only_a_few_are_kept_and_none_for_long() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = server.local_addr().unwrap().port();
        let until = Instant::now() + Duration::from_secs(3600);
        let open = || Connection::Plain(Wire::connect("127.0.0.1", port, until, 1).unwrap());
        let pool = Pool::default();
        (0..=MOST).for_each(|_| pool.keep(open()));
        assert_eq!(pool.0.lock().unwrap().len(), MOST);
        assert!(pool.take().is_some());
        pool.0.lock().unwrap().iter_mut().for_each(|(_, used)| *used -= LONGEST);
        assert!(pool.take().is_none());
    }
}
