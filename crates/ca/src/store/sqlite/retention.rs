//! What is forgotten.

use std::{fmt, time::SystemTime};

use rusqlite::Connection;

use super::{SqliteStore, failure, seconds};
use crate::StoreError;

/// Orders whose message is still there, decided before. What waits stays, and what waits for its receipt for as long.
const ORDERS: &str = "SELECT order_id FROM messages JOIN orders ON orders.id = order_id
     WHERE state != 'pending' AND coalesce(confirmed, decided) < ?1";
const COUNT_ORDERS: &str = "SELECT count(*) FROM messages JOIN orders ON orders.id = order_id
     WHERE state != 'pending' AND coalesce(confirmed, decided) < ?1";
const MESSAGE: &str = "DELETE FROM messages WHERE order_id = ?1";
const REQUESTS: &str = "UPDATE requests SET request = x'' WHERE order_id = ?1";
const REPEATS: &str = "UPDATE repeats SET message = x'' WHERE order_id = ?1";
/// The name of an order says nothing, and must not come again.
const REJECTED: &str = "UPDATE orders SET holder = '', reason = '' WHERE id = ?1 AND state = 'rejected'";
/// Whoever asked for his first certificates by it has them, or was turned down.
const PASSWORD: &str = "UPDATE credentials SET proof_keys = NULL, hash = NULL, name = NULL, email = NULL
     WHERE order_id = ?1";
const SENT: &str = "SELECT id FROM mails WHERE sent < ?1 AND recipient != ''";
const COUNT_SENT: &str = "SELECT count(*) FROM mails WHERE sent < ?1 AND recipient != ''";
const GIVEN_UP: &str = "SELECT id FROM mails WHERE due IS NULL AND sent IS NULL AND queued < ?1 AND recipient != ''";
const COUNT_GIVEN_UP: &str =
    "SELECT count(*) FROM mails WHERE due IS NULL AND sent IS NULL AND queued < ?1 AND recipient != ''";
/// Its key has no personal data, and keeps it from being posted again.
const MAIL: &str =
    "UPDATE mails SET recipient = '', name = NULL, subject = '', body = '', problem = NULL WHERE id = ?1";

/// Who registered and has no card, and for whom nothing was done since.
macro_rules! unfinished {
    ($begin:literal) => {
        concat!(
            $begin,
            " FROM applicants WHERE registered < ?1 AND card IS NULL
                 AND NOT EXISTS (SELECT 1 FROM applicant_steps WHERE applicant = applicants.id AND at >= ?1)"
        )
    };
}
const APPLICANTS: &str = unfinished!("DELETE");
const COUNT_APPLICANTS: &str = unfinished!("SELECT count(*)");

/// Rows that are changed in one transaction.
const AT_ONCE: usize = 200;

/// How much was forgotten, or is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Orders whose message and requests went; with the holder and the reason where they were turned down.
    pub orders: u64,
    /// Mails whose recipient and subject went.
    pub mails: u64,
    /// Applicants who never got a card, with all that was written of them.
    pub applicants: u64,
}

/// What was done before these times is forgotten.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub orders: SystemTime,
    pub mails: SystemTime,
    pub applicants: SystemTime,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} orders, {} mails, {} applicants", self.orders, self.mails, self.applicants)
    }
}

impl SqliteStore {
    /// How much there is of what was done before these times.
    pub(crate) fn forgettable(&self, limits: Limits) -> Result<Forgotten, StoreError> {
        self.read_at_once(|connection| {
            let count = |sql: &str, before: SystemTime| {
                let count: i64 = connection.query_row(sql, [seconds(before)], |row| row.get(0)).map_err(failure)?;
                Ok::<_, StoreError>(count.unsigned_abs())
            };
            let Limits { orders, mails, applicants } = limits;
            let mails = count(COUNT_SENT, mails)? + count(COUNT_GIVEN_UP, mails)?;
            Ok(Forgotten {
                orders: count(COUNT_ORDERS, orders)?,
                mails,
                applicants: count(COUNT_APPLICANTS, applicants)?,
            })
        })
    }

    /// Forgets all of it, some at a time: others write between.
    pub(crate) fn forget(&self, limits: Limits) -> Result<Forgotten, StoreError> {
        let Limits { orders, mails, applicants } = limits;
        let orders = self.read(|connection| ids(connection, ORDERS, orders))?;
        let [sent, given_up] = [SENT, GIVEN_UP].map(|sql| self.read(|connection| ids(connection, sql, mails)));
        let mails = [sent?, given_up?].concat();
        // What was found stays as it is: nothing that is decided or sent is opened again, but for a mail that is tried again.
        self.change_each(&orders, &[MESSAGE, REQUESTS, REPEATS, REJECTED, PASSWORD])?;
        self.change_each(&mails, &[MAIL])?;
        let applicants = self.writer.run(move |connection| {
            let mut statement = connection.prepare_cached(APPLICANTS).map_err(failure)?;
            statement.execute([seconds(applicants)]).map_err(failure)
        })?;
        let [orders, mails, applicants] = [orders.len(), mails.len(), applicants].map(|count| count as u64);
        Ok(Forgotten { orders, mails, applicants })
    }

    fn change_each(&self, ids: &[i64], statements: &'static [&str]) -> Result<(), StoreError> {
        ids.chunks(AT_ONCE).try_for_each(|ids| {
            let ids = ids.to_vec();
            self.writer.run(move |connection| {
                ids.iter().try_for_each(|id| {
                    statements.iter().try_for_each(|sql| {
                        let mut statement = connection.prepare_cached(sql).map_err(failure)?;
                        statement.execute([id]).map(drop).map_err(failure)
                    })
                })
            })
        })
    }

    /// Empties the write-ahead log, in which deleted things stand until it is written over. Where others read at this moment it stays:
    /// then it is written over later.
    pub(crate) fn clear_log(&self) -> Result<(), StoreError> {
        // Not within the writer, whose work stands in a transaction.
        self.read(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failure))
    }
}

fn ids(connection: &Connection, sql: &str, before: SystemTime) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let rows = statement.query_map([seconds(before)], |row| row.get(0));
    rows.and_then(Iterator::collect).map_err(failure)
}

/// What is done for each row, for the test that looks at plans. What is due is found by looking through what was not forgotten yet.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 6] = [MESSAGE, REQUESTS, REPEATS, REJECTED, PASSWORD, MAIL];
