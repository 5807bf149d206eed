//! What is forgotten.

use std::{fmt, time::SystemTime};

use rusqlite::{
    Connection,
    types::{FromSql, ToSql},
};

use super::{SqliteStore, audit, failure, file, seconds};
use crate::{AuditEvent, StoreError, audit::Entry};

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
const MAIL: &str = "UPDATE mails SET recipient = '', name = NULL, subject = '', body = '', problem = NULL
     WHERE id = ?1 AND (sent IS NOT NULL OR due IS NULL)";

/// Who registered and has neither a card nor certificates by a one-time password, nor may still get such, and for whom nothing was done
/// since.
macro_rules! unfinished {
    ($begin:literal) => {
        concat!(
            $begin,
            " FROM applicants WHERE registered < ?1 AND card IS NULL
                 AND NOT EXISTS (SELECT 1 FROM applicant_steps WHERE applicant = applicants.id AND at >= ?1)
                 AND NOT EXISTS (SELECT 1 FROM credentials LEFT JOIN orders ON orders.id = order_id
                     WHERE credentials.applicant = applicants.id
                         AND CASE WHEN order_id IS NULL THEN coalesce(ended, expires) >= ?1
                             ELSE state != 'rejected' OR decided >= ?1 END)"
        )
    };
}
const APPLICANTS: &str = unfinished!("DELETE");
/// Who might have asked for first certificates, and got no password, or only such that are over and were not used, or by which an order was
/// turned down.
macro_rules! unused {
    ($begin:literal) => {
        concat!(
            $begin,
            " FROM subjects WHERE entered < ?1
                 AND NOT EXISTS (SELECT 1 FROM credentials LEFT JOIN orders ON orders.id = order_id
                     WHERE subject = subjects.id
                         AND CASE WHEN order_id IS NULL THEN coalesce(ended, expires) >= ?1
                             ELSE state != 'rejected' OR decided >= ?1 END)"
        )
    };
}
const SUBJECTS: &str = unused!("SELECT id");
const COUNT_SUBJECTS: &str = unused!("SELECT count(*)");
/// One-time passwords whose time was over and that nobody used: what checked them.
const EXPIRED: &str = "SELECT id FROM credentials
     WHERE order_id IS NULL AND expires < ?1 AND coalesce(proof_keys, hash, name, email) IS NOT NULL";
const COUNT_EXPIRED: &str = "SELECT count(*) FROM credentials
     WHERE order_id IS NULL AND expires < ?1 AND coalesce(proof_keys, hash, name, email) IS NOT NULL";
const NO_CHECK: &str = "UPDATE credentials SET proof_keys = NULL, hash = NULL, name = NULL, email = NULL
     WHERE id = ?1 AND order_id IS NULL";
/// Revocation passwords with nothing left to revoke: all certificates of their order are past their end or revoked, or it was turned
/// down.
macro_rules! idle {
    ($begin:literal) => {
        concat!(
            $begin,
            " FROM revocation_passwords JOIN orders ON orders.id = order_id WHERE state != 'pending' AND decided < ?1
                 AND NOT EXISTS (SELECT 1 FROM certificates
                     WHERE certificates.order_id = orders.id AND certificates.not_after >= ?1
                         AND NOT EXISTS (SELECT 1 FROM revocations WHERE revocations.serial = certificates.serial
                             AND reason != 'certificateHold' AND since < ?1))"
        )
    };
}
const IDLE: &str = idle!("SELECT order_id");
const COUNT_IDLE: &str = idle!("SELECT count(*)");
const NO_REVOCATION_PASSWORD: &str = "DELETE FROM revocation_passwords WHERE order_id = ?1";
/// Transport PINs that nobody can look at any more, or that open nothing: the time of the last link is over, or no certificate on the
/// card is valid.
macro_rules! left_over {
    ($begin:literal) => {
        concat!(
            $begin,
            " WHERE transport_pin IS NOT NULL AND (
                 stage = 'handed-over' AND NOT EXISTS (SELECT 1 FROM mails JOIN links ON links.id = mails.link
                     WHERE mails.key >= 'transport-pin/' || lower(hex(applicants.id)) || '/'
                         AND mails.key < 'transport-pin/' || lower(hex(applicants.id)) || '0' AND links.expires >= ?1)
                 OR NOT EXISTS (SELECT 1 FROM applicant_certificates
                     JOIN certificates ON certificates.serial = applicant_certificates.serial
                     WHERE applicant = applicants.id AND not_after >= ?1 AND NOT EXISTS (SELECT 1 FROM revocations
                         WHERE revocations.serial = certificates.serial AND reason != 'certificateHold' AND since < ?1)))"
        )
    };
}
const TRANSPORT_PINS: &str = left_over!("UPDATE applicants SET transport_pin = NULL");
const COUNT_TRANSPORT_PINS: &str = left_over!("SELECT count(*) FROM applicants");
const CREDENTIALS: &str = "DELETE FROM credentials WHERE subject = ?1";
const SUBJECT: &str = "DELETE FROM subjects WHERE id = ?1";
/// Links whose time is over.
const NO_LINK: &str = "UPDATE mails SET link = NULL WHERE link IN (SELECT id FROM links WHERE expires < ?1)";
const LINKS: &str = "DELETE FROM links WHERE expires < ?1";
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
    /// Applicants who got neither a card nor certificates, with all that was written of them.
    pub applicants: u64,
    /// Who might have asked for first certificates, and did not, or was turned down.
    pub subjects: u64,
    /// What passwords were checked with that are good for nothing any more: one-time passwords that nobody used in time, and
    /// revocation passwords of certificates that have ended.
    pub passwords: u64,
    /// Transport PINs that nobody looked at.
    pub transport_pins: u64,
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
        let Self { orders, mails, applicants, subjects, passwords, transport_pins } = self;
        write!(
            f,
            "{orders} orders, {mails} mails, {applicants} applicants, {subjects} subjects, {passwords} passwords, \
             {transport_pins} transport PINs"
        )
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
            Ok(Forgotten {
                orders: count(COUNT_ORDERS, orders)?,
                mails: count(COUNT_SENT, mails)? + count(COUNT_GIVEN_UP, mails)?,
                passwords: count(COUNT_EXPIRED, applicants)? + count(COUNT_IDLE, orders)?,
                transport_pins: count(COUNT_TRANSPORT_PINS, mails)?,
                applicants: count(COUNT_APPLICANTS, applicants)?,
                subjects: count(COUNT_SUBJECTS, applicants)?,
            })
        })
    }

    /// Forgets all of it, some at a time: others write between. What each time is forgotten the audit log says in the same transaction.
    pub(crate) fn forget(&self, limits: Limits) -> Result<Forgotten, StoreError> {
        let Limits { orders, mails, applicants } = limits;
        let idle: Vec<i64> = self.read(|connection| ids(connection, IDLE, orders))?;
        let orders: Vec<i64> = self.read(|connection| ids(connection, ORDERS, orders))?;
        // By what is never given again, as a row's number is after that row was deleted.
        let expired: Vec<Vec<u8>> = self.read(|connection| ids(connection, EXPIRED, applicants))?;
        let [sent, given_up] = [SENT, GIVEN_UP].map(|sql| self.read(|connection| ids(connection, sql, mails)));
        let old_mails: Vec<i64> = [sent?, given_up?].concat();
        // What was found stays as it is: nothing that is decided or sent is opened again, but for a mail that is tried again, which then
        // stays.
        let of_orders = |count| Forgotten { orders: count, ..Forgotten::default() };
        self.change_each(&orders, &[MESSAGE, REQUESTS, REPEATS, REJECTED, PASSWORD], of_orders)?;
        let of_mails = |count| Forgotten { mails: count, ..Forgotten::default() };
        self.change_each(&old_mails, &[MAIL], of_mails)?;
        let of_passwords = |count| Forgotten { passwords: count, ..Forgotten::default() };
        self.change_each(&idle, &[NO_REVOCATION_PASSWORD], of_passwords)?;
        self.change_each(&expired, &[NO_CHECK], of_passwords)?;
        let people = self.forget_at_once(move |connection| {
            let execute = |sql: &str, before| {
                let mut statement = connection.prepare_cached(sql).map_err(failure)?;
                statement.execute([seconds(before)]).map_err(failure)
            };
            let transport_pins = execute(TRANSPORT_PINS, mails)? as u64;
            execute(NO_LINK, mails)?;
            execute(LINKS, mails)?;
            let subjects: Vec<i64> = ids(connection, SUBJECTS, applicants)?;
            change(connection, &subjects, &[CREDENTIALS, SUBJECT])?;
            let applicants = execute(APPLICANTS, applicants)? as u64;
            Ok(Forgotten { applicants, subjects: subjects.len() as u64, transport_pins, ..Forgotten::default() })
        })?;
        let passwords = idle.len() + expired.len();
        let [orders, mails, passwords] = [orders.len(), old_mails.len(), passwords].map(|count| count as u64);
        Ok(Forgotten { orders, mails, passwords, ..people })
    }

    fn change_each<I: ToSql + Clone + Send + 'static>(
        &self,
        ids: &[I],
        statements: &'static [&str],
        forgotten: impl Fn(u64) -> Forgotten + Copy + Send + 'static,
    ) -> Result<(), StoreError> {
        ids.chunks(AT_ONCE).try_for_each(|ids| {
            let ids = ids.to_vec();
            self.forget_at_once(move |connection| {
                change(connection, &ids, statements)?;
                Ok(forgotten(ids.len() as u64))
            })
            .map(drop)
        })
    }

    /// In one transaction with its record.
    fn forget_at_once(
        &self,
        work: impl Fn(&Connection) -> Result<Forgotten, StoreError> + Send + 'static,
    ) -> Result<Forgotten, StoreError> {
        let actor = self.actor.clone();
        self.writer.run(move |connection| {
            let forgotten = work(connection)?;
            if forgotten != Forgotten::default() {
                let (event, detail) = (AuditEvent::Forgotten, forgotten.to_string());
                audit::append(connection, &Entry { event, about: "", detail: &detail, actor: &actor })?;
            }
            Ok(forgotten)
        })
    }

    /// Empties the write-ahead log, in which deleted things stand until it is written over. `false` where others read or write all the
    /// while: then it stays.
    pub(crate) fn clear_log(&self) -> Result<bool, StoreError> {
        // Not within the writer, whose work stands in a transaction.
        self.read(|connection| {
            // Who writes waits meanwhile.
            connection.busy_timeout(file::LEAVING).map_err(failure)?;
            let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
            connection.busy_timeout(file::BUSY_TIMEOUT).map_err(failure)?;
            busy.map(|busy| !busy).map_err(failure)
        })
    }
}

fn change(connection: &Connection, ids: &[impl ToSql], statements: &[&str]) -> Result<(), StoreError> {
    ids.iter().try_for_each(|id| {
        statements.iter().try_for_each(|sql| {
            let mut statement = connection.prepare_cached(sql).map_err(failure)?;
            statement.execute([id]).map(drop).map_err(failure)
        })
    })
}

fn ids<I: FromSql>(connection: &Connection, sql: &str, before: SystemTime) -> Result<Vec<I>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let rows = statement.query_map([seconds(before)], |row| row.get(0));
    rows.and_then(Iterator::collect).map_err(failure)
}

/// What is done for each row, for the test that looks at plans. What is due is found by looking through what was not forgotten yet.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 10] =
    [MESSAGE, REQUESTS, REPEATS, REJECTED, PASSWORD, MAIL, CREDENTIALS, SUBJECT, NO_CHECK, NO_REVOCATION_PASSWORD];
