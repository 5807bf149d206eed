mod file;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{
    CertificateRecord, NewOrder, OrderRecord, OrderState, RequestRecord, Store, StoreError, Submission, writer::Writer,
};
use crate::{KeyHash, Profile, Transaction};

/// A [`Store`] in one SQLite file: write-ahead log, every commit flushed to disk, commits of concurrent callers grouped.
///
/// Several processes may have the file open at once: an operator approves while the server runs.
pub struct SqliteStore {
    writer: Writer,
    reader: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the file, or makes it, readable by its owner only. A file that exists is checked from end to end.
    ///
    /// # Errors
    /// [`StoreError`]: the file is another program's, newer than this one, or torn.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = file::open(path)?;
        let reader = file::connect(path)?;
        reader.pragma_update(None, "query_only", true).map_err(failure)?;
        let writer = Writer::start(writer).map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self { writer, reader: Mutex::new(reader) })
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        // One transaction, so that an order and its certificates are read as they stood at one moment.
        let transaction = connection.transaction().map_err(failure)?;
        work(&transaction)
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn submit(&self, order: NewOrder) -> Result<Submission, StoreError> {
        self.writer.run(move |connection| submit(connection, &order))
    }

    fn issue(
        &self,
        transaction: &Transaction,
        certificates: Vec<CertificateRecord>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        let transaction = transaction.clone();
        self.writer.run(move |connection| {
            if let Some(id) = decide(connection, &transaction, OrderState::Issued, None, now)? {
                insert_certificates(connection, Some(id), &certificates)?;
            }
            existing(connection, &transaction)
        })
    }

    fn reject(&self, transaction: &Transaction, reason: &str, now: SystemTime) -> Result<OrderRecord, StoreError> {
        let (transaction, reason) = (transaction.clone(), reason.to_owned());
        self.writer.run(move |connection| {
            decide(connection, &transaction, OrderState::Rejected, Some(&reason), now)?;
            existing(connection, &transaction)
        })
    }

    fn confirm(&self, transaction: &Transaction, now: SystemTime) -> Result<OrderRecord, StoreError> {
        let transaction = transaction.clone();
        self.writer.run(move |connection| {
            let sql = "UPDATE orders SET state = 'confirmed', confirmed = ?2 WHERE name = ?1 AND state = 'issued'";
            connection.execute(sql, params![transaction.as_bytes(), seconds(now)]).map_err(failure)?;
            existing(connection, &transaction)
        })
    }

    fn add(&self, certificates: Vec<CertificateRecord>) -> Result<(), StoreError> {
        self.writer.run(move |connection| {
            for certificate in &certificates {
                if key_is_taken(connection, &certificate.key)? {
                    return Err(StoreError::KeyTaken(certificate.profile));
                }
            }
            insert_certificates(connection, None, &certificates)
        })
    }

    fn order(&self, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
        self.read(|connection| order(connection, transaction))
    }

    fn order_by_token(&self, token_hash: &[u8; 32]) -> Result<Option<OrderRecord>, StoreError> {
        self.read(|connection| one_order(connection, "token_hash = ?1", token_hash))
    }

    fn orders(&self, state: Option<OrderState>, limit: u32) -> Result<Vec<OrderRecord>, StoreError> {
        self.read(|connection| {
            let sql = format!("{ORDER} WHERE ?1 IS NULL OR state = ?1 ORDER BY id DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql).map_err(failure)?;
            let rows = statement.query_map(params![state.map(OrderState::name), limit], read_order).map_err(failure)?;
            rows.map(|row| complete(connection, row.map_err(failure)?)).collect()
        })
    }

    fn certificate(&self, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("{CERTIFICATE} WHERE serial = ?1")).map_err(failure)?;
            statement.query_row([serial], read_certificate).optional().map_err(failure)
        })
    }

    fn ending(&self, from: SystemTime, until: SystemTime, limit: u32) -> Result<Vec<CertificateRecord>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{CERTIFICATE} WHERE not_after >= ?1 AND not_after < ?2 AND NOT EXISTS (
                     SELECT 1 FROM requests JOIN orders ON orders.id = requests.order_id
                     WHERE requests.replaces = certificates.serial AND state != 'rejected')
                 ORDER BY not_after, subject, profile LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql).map_err(failure)?;
            let rows = statement.query_map(params![seconds(from), seconds(until), limit], read_certificate);
            rows.and_then(Iterator::collect).map_err(failure)
        })
    }

    fn key_is_taken(&self, key: &KeyHash) -> Result<bool, StoreError> {
        self.read(|connection| key_is_taken(connection, key))
    }
}

fn submit(connection: &Connection, order: &NewOrder) -> Result<Submission, StoreError> {
    if let Some(known) = self::order(connection, &order.transaction)? {
        let same = known.message == order.message;
        return Ok(if same { Submission::Known(known) } else { Submission::TransactionTaken });
    }
    for request in &order.requests {
        if let Some(other) = order_that_replaces(connection, &request.replaces)? {
            return Ok(Submission::AlreadyOrdered(other));
        }
        if !request.same_key && key_is_taken(connection, &request.key)? {
            return Ok(Submission::KeyTaken(request.profile));
        }
    }
    let issued = !order.certificates.is_empty();
    let state = if issued { OrderState::Issued } else { OrderState::Pending };
    let received = seconds(order.received);
    connection
        .prepare_cached(
            "INSERT INTO orders (name, message, holder, state, token_salt, token_hash, received, decided)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut statement| {
            statement.insert(params![
                order.transaction.as_bytes(),
                order.message,
                order.holder,
                state.name(),
                order.token_salt,
                order.token_hash,
                received,
                issued.then_some(received),
            ])
        })
        .map_err(failure)?;
    let id = connection.last_insert_rowid();
    for (position, request) in order.requests.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO requests (order_id, position, profile, request, key, same_key, replaces)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut statement| {
                statement.insert(params![
                    id,
                    position as i64,
                    request.profile.name(),
                    request.request,
                    request.key.0,
                    request.same_key,
                    request.replaces,
                ])
            })
            .map_err(failure)?;
    }
    insert_certificates(connection, issued.then_some(id), &order.certificates)?;
    existing(connection, &order.transaction).map(Submission::Accepted)
}

/// Moves a pending order on; `None` when it was not pending any more.
fn decide(
    connection: &Connection,
    transaction: &Transaction,
    state: OrderState,
    reason: Option<&str>,
    now: SystemTime,
) -> Result<Option<i64>, StoreError> {
    connection
        .query_row(
            "UPDATE orders SET state = ?2, reason = ?3, decided = ?4 WHERE name = ?1 AND state = 'pending' RETURNING id",
            params![transaction.as_bytes(), state.name(), reason, seconds(now)],
            |row| row.get(0),
        )
        .optional()
        .map_err(failure)
}

fn insert_certificates(
    connection: &Connection,
    order: Option<i64>,
    certificates: &[CertificateRecord],
) -> Result<(), StoreError> {
    for (position, certificate) in certificates.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO certificates (serial, profile, key, subject, not_after, der, order_id, position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut statement| {
                statement.insert(params![
                    certificate.serial,
                    certificate.profile.name(),
                    certificate.key.0,
                    certificate.subject,
                    seconds(certificate.not_after),
                    certificate.der,
                    order,
                    order.map(|_| position as i64),
                ])
            })
            .map_err(failure)?;
    }
    Ok(())
}

fn key_is_taken(connection: &Connection, key: &KeyHash) -> Result<bool, StoreError> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM certificates WHERE key = ?1)
                 OR EXISTS (SELECT 1 FROM requests JOIN orders ON orders.id = order_id WHERE key = ?1 AND state != 'rejected')",
        )
        .and_then(|mut statement| statement.query_row([key.0], |row| row.get(0)))
        .map_err(failure)
}

fn order_that_replaces(connection: &Connection, serial: &[u8]) -> Result<Option<Transaction>, StoreError> {
    let name: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT name FROM requests JOIN orders ON orders.id = order_id
             WHERE replaces = ?1 AND state != 'rejected' LIMIT 1",
        )
        .and_then(|mut statement| statement.query_row([serial], |row| row.get(0)).optional())
        .map_err(failure)?;
    name.map(|name| Transaction::new(&name).ok_or_else(|| odd("orders.name"))).transpose()
}

const ORDER: &str =
    "SELECT id, name, message, holder, state, reason, token_salt, token_hash, received, decided, confirmed
    FROM orders";
const CERTIFICATE: &str = "SELECT serial, profile, key, subject, not_after, der FROM certificates";

fn order(connection: &Connection, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
    one_order(connection, "name = ?1", transaction.as_bytes())
}

fn existing(connection: &Connection, transaction: &Transaction) -> Result<OrderRecord, StoreError> {
    order(connection, transaction)?.ok_or_else(|| StoreError::NoSuchOrder(transaction.clone()))
}

fn one_order(connection: &Connection, condition: &str, key: &[u8]) -> Result<Option<OrderRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{ORDER} WHERE {condition}")).map_err(failure)?;
    let found = statement.query_row([key], read_order).optional().map_err(failure)?;
    found.map(|found| complete(connection, found)).transpose()
}

/// An order's own row; what hangs on it follows in [`complete`].
fn read_order(row: &Row<'_>) -> rusqlite::Result<(i64, OrderRecord)> {
    let name: Vec<u8> = row.get(1)?;
    let state: String = row.get(4)?;
    let record = OrderRecord {
        transaction: Transaction::new(&name).ok_or(rusqlite::Error::InvalidQuery)?,
        message: row.get(2)?,
        holder: row.get(3)?,
        state: [OrderState::Pending, OrderState::Issued, OrderState::Confirmed, OrderState::Rejected]
            .into_iter()
            .find(|known| known.name() == state)
            .ok_or(rusqlite::Error::InvalidQuery)?,
        reason: row.get(5)?,
        token_salt: row.get(6)?,
        token_hash: row.get(7)?,
        received: time(row.get(8)?),
        decided: row.get::<_, Option<i64>>(9)?.map(time),
        confirmed: row.get::<_, Option<i64>>(10)?.map(time),
        requests: Vec::new(),
        certificates: Vec::new(),
    };
    Ok((row.get(0)?, record))
}

fn complete(connection: &Connection, (id, mut record): (i64, OrderRecord)) -> Result<OrderRecord, StoreError> {
    let sql = "SELECT profile, request, key, same_key, replaces FROM requests WHERE order_id = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let requests = statement.query_map([id], |row| {
        Ok(RequestRecord {
            profile: profile(&row.get::<_, String>(0)?)?,
            request: row.get(1)?,
            key: KeyHash(row.get(2)?),
            same_key: row.get(3)?,
            replaces: row.get(4)?,
        })
    });
    record.requests = requests.and_then(Iterator::collect).map_err(failure)?;
    let sql = format!("{CERTIFICATE} WHERE order_id = ?1 ORDER BY position");
    let mut statement = connection.prepare_cached(&sql).map_err(failure)?;
    record.certificates = statement.query_map([id], read_certificate).and_then(Iterator::collect).map_err(failure)?;
    Ok(record)
}

fn read_certificate(row: &Row<'_>) -> rusqlite::Result<CertificateRecord> {
    Ok(CertificateRecord {
        serial: row.get(0)?,
        profile: profile(&row.get::<_, String>(1)?)?,
        key: KeyHash(row.get(2)?),
        subject: row.get(3)?,
        not_after: time(row.get(4)?),
        der: row.get(5)?,
    })
}

fn profile(name: &str) -> rusqlite::Result<Profile> {
    Profile::ALL.into_iter().find(|profile| profile.name() == name).ok_or(rusqlite::Error::InvalidQuery)
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn time(seconds: i64) -> SystemTime {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn odd(place: &str) -> StoreError {
    StoreError::Damaged(format!("an impossible value in {place}"))
}

/// What SQLite says, as what it means for the operator.
pub(super) fn failure(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        _ if matches!(error, rusqlite::Error::InvalidQuery) => odd("a row"),
        _ => StoreError::Failed(error.to_string()),
    }
}
