//! What is forgotten.

use std::{fmt, time::SystemTime};

use rusqlite::{Connection, params};

use super::{SqliteStore, failure, seconds};
use crate::StoreError;

/// Orders whose message is still there, decided before. What waits stays, and what waits for its receipt for as long.
pub(super) const ORDERS: &str = "SELECT order_id FROM messages JOIN orders ON orders.id = order_id
     WHERE state != 'pending' AND coalesce(confirmed, decided) < ?1 LIMIT ?2";
pub(super) const COUNT_ORDERS: &str = "SELECT count(*) FROM messages JOIN orders ON orders.id = order_id
     WHERE state != 'pending' AND coalesce(confirmed, decided) < ?1";
const MESSAGE: &str = "DELETE FROM messages WHERE order_id = ?1";
const REQUESTS: &str = "UPDATE requests SET request = x'' WHERE order_id = ?1";
pub(super) const REPEATS: &str = "UPDATE repeats SET message = x'' WHERE order_id = ?1";
/// The name of an order says nothing, and must not come again.
const REJECTED: &str = "UPDATE orders SET holder = '', reason = '' WHERE id = ?1 AND state = 'rejected'";
const SENT: &str = "SELECT id FROM mails WHERE sent < ?1 AND recipient != '' LIMIT ?2";
const COUNT_SENT: &str = "SELECT count(*) FROM mails WHERE sent < ?1 AND recipient != ''";
const GIVEN_UP: &str =
    "SELECT id FROM mails WHERE due IS NULL AND sent IS NULL AND queued < ?1 AND recipient != '' LIMIT ?2";
const COUNT_GIVEN_UP: &str =
    "SELECT count(*) FROM mails WHERE due IS NULL AND sent IS NULL AND queued < ?1 AND recipient != ''";
/// Its key has no personal data, and keeps it from being posted again.
const MAIL: &str =
    "UPDATE mails SET recipient = '', name = NULL, subject = '', body = '', problem = NULL WHERE id = ?1";

/// How much was forgotten, or is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Orders whose message and requests went; with the holder and the reason where they were turned down.
    pub orders: u64,
    /// Mails whose recipient and subject went.
    pub mails: u64,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} orders, {} mails", self.orders, self.mails)
    }
}

impl SqliteStore {
    /// How much there is of what was done before these times.
    pub(crate) fn forgettable(&self, orders: SystemTime, mails: SystemTime) -> Result<Forgotten, StoreError> {
        self.read_at_once(|connection| {
            let count = |sql: &str, before: SystemTime| {
                let count: i64 = connection.query_row(sql, [seconds(before)], |row| row.get(0)).map_err(failure)?;
                Ok::<_, StoreError>(count.unsigned_abs())
            };
            let mails = count(COUNT_SENT, mails)? + count(COUNT_GIVEN_UP, mails)?;
            Ok(Forgotten { orders: count(COUNT_ORDERS, orders)?, mails })
        })
    }

    /// Forgets at most `limit` of each; nothing when there is no more.
    pub(crate) fn forget(&self, orders: SystemTime, mails: SystemTime, limit: u32) -> Result<Forgotten, StoreError> {
        let find = |sql: &str, before: SystemTime| self.read(|connection| ids(connection, sql, before, limit));
        let orders = find(ORDERS, orders)?;
        let mails = [find(SENT, mails)?, find(GIVEN_UP, mails)?].concat();
        if orders.is_empty() && mails.is_empty() {
            return Ok(Forgotten::default());
        }
        // Whatever was found stays as it is: nothing that is decided or sent is opened again, but for a mail that is retried.
        self.writer.run(move |connection| {
            let all = |statements: &[&str], id: i64| {
                statements.iter().try_for_each(|sql| {
                    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
                    statement.execute([id]).map(drop).map_err(failure)
                })
            };
            orders.iter().try_for_each(|id| all(&[MESSAGE, REQUESTS, REPEATS, REJECTED], *id))?;
            mails.iter().try_for_each(|id| all(&[MAIL], *id))?;
            Ok(Forgotten { orders: orders.len() as u64, mails: mails.len() as u64 })
        })
    }

    /// Empties the write-ahead log, in which deleted things stand until it is written over. Where others read at this moment it stays:
    /// then it is written over later.
    pub(crate) fn clear_log(&self) -> Result<(), StoreError> {
        // Not within the writer, whose work stands in a transaction.
        self.read(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failure))
    }
}

fn ids(connection: &Connection, sql: &str, before: SystemTime, limit: u32) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let rows = statement.query_map(params![seconds(before), limit], |row| row.get(0));
    rows.and_then(Iterator::collect).map_err(failure)
}
