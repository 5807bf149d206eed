mod applicants;
pub(super) mod audit;
mod copies;
mod credentials;
mod file;
mod guesses;
mod holder;
mod links;
mod mails;
mod notices;
mod repeats;
mod retention;
mod revocation_passwords;
mod revocations;
mod statements;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{
    Asked, CertificateRecord, Issued, Known, NewOrder, OrderRecord, OrderState, Repeat, RequestRecord, Store,
    StoreError, Submission, Then,
    writer::{Writer, execute},
};
use crate::{
    AuditAnchors, AuditEvent, KeyHash, LinkId, Mail, Profile, Transaction,
    audit::{Entry, this_process},
};

pub use applicants::{ApplicantRecord, StepRecord};
pub(crate) use applicants::{Effect, StepNote};
pub use copies::{Copied, GoneOn};
pub(crate) use credentials::Guess;
pub use credentials::{CredentialRecord, NewCredential, SubjectRecord};
pub use guesses::NoGuess;
pub use links::{KeptLink, LinkUse};
pub use mails::{MailRecord, MailState, Posted, QueuedLink, QueuedMail};
pub use notices::NoticePosted;
pub use retention::Forgotten;
pub(crate) use retention::Limits;
pub(crate) use revocation_passwords::{Guesser, RevocationGuess};
pub use revocations::{KeptStatus, PageAfter, RevocationRecord, StatusChange};
pub(crate) use revocations::{Letters, Writ};

/// A [`Store`] in one SQLite file: write-ahead log, every commit flushed to disk, commits of concurrent callers grouped.
///
/// Several processes may have the file open at once: an operator approves while the server runs.
pub struct SqliteStore {
    writer: Writer,
    readers: Vec<Mutex<Connection>>,
    /// Who runs this process, for the audit log.
    actor: Arc<str>,
    anchors: Option<AuditAnchors>,
}

/// Connections that read at the same time.
const READERS: usize = 4;

impl SqliteStore {
    /// Opens the file, or makes it, readable by its owner only. It takes no longer when more is kept: [`check`](Store::check)
    /// looks through the whole file.
    ///
    /// # Errors
    /// [`StoreError`]: the file is another program's, newer than this one, or cut off.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, None)
    }

    /// Like [`open`](Self::open), and writes down at each commit where the audit log ends, outside the database.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_anchored(path: &Path, anchors: AuditAnchors) -> Result<Self, StoreError> {
        Self::open_with(path, Some(anchors))
    }

    fn open_with(path: &Path, anchors: Option<AuditAnchors>) -> Result<Self, StoreError> {
        let writer = file::open(path)?;
        let reader = || {
            let reader = file::connect(path)?;
            reader.pragma_update(None, "query_only", true).map_err(failure)?;
            Ok(Mutex::new(reader))
        };
        let readers = (0..READERS).map(|_| reader()).collect::<Result<_, StoreError>>()?;
        let writer = Writer::start(writer, anchors.clone()).map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self { writer, readers, actor: this_process().into(), anchors })
    }

    /// Reads by one statement.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        work(&self.reader())
    }

    /// Reads in one transaction, so that an order and its certificates are seen as they stood at one moment.
    fn read_at_once<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.reader();
        if !connection.is_autocommit() {
            // Somebody panicked in the midst of it.
            execute(&connection, "ROLLBACK")?;
        }
        execute(&connection, "BEGIN")?;
        let found = work(&connection);
        // Nothing was written: a failure here says no more than the one before, and the next BEGIN would tell.
        let end = execute(&connection, "COMMIT");
        found.and_then(|found| end.map(|()| found))
    }

    /// One that is free; or the first, once it is.
    fn reader(&self) -> MutexGuard<'_, Connection> {
        let free = self.readers.iter().find_map(|reader| match reader.try_lock() {
            Ok(reader) => Some(reader),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.unwrap_or_else(|| self.readers[0].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn submit(&self, order: NewOrder) -> Result<Submission, StoreError> {
        let order = Arc::new(order);
        let shared = order.clone();
        let refused = self.writer.run(move |connection| submit(connection, &shared))?;
        Ok(submitted(refused, order))
    }

    fn submit_then(&self, order: NewOrder, then: Then<Submission>) {
        let order = Arc::new(order);
        let shared = order.clone();
        let work = move |connection: &Connection| submit(connection, &shared);
        self.writer.run_then(work, move |refused| then(refused.map(|refused| submitted(refused, order))));
    }

    fn issue(
        &self,
        transaction: &Transaction,
        certificates: Vec<CertificateRecord>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        self.issue_and_tell(transaction, certificates, None, now)
    }

    fn issue_and_tell(
        &self,
        transaction: &Transaction,
        certificates: Vec<CertificateRecord>,
        mail: Option<Mail>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        let link = LinkId::generate()?;
        let (transaction, actor) = (transaction.clone(), self.actor.clone());
        self.writer.run(move |connection| {
            let order = existing(connection, &transaction)?;
            // The certificates were signed since anybody looked.
            if order.state == OrderState::Pending
                && let Some(profile) = revoked_of(connection, &order.requests)?
            {
                return Err(StoreError::Revoked(profile));
            }
            if let Some(id) = decide(connection, &transaction, OrderState::Issued, None, now)? {
                insert_certificates(connection, Some(id), &certificates)?;
                let (about, detail) = (order.transaction.to_string(), serials_of(&certificates));
                let event = AuditEvent::OrderIssued;
                audit::append(connection, &Entry { event, about: &about, detail: &detail, actor: &actor })?;
                mail.as_ref().map_or(Ok(()), |mail| mails::post(connection, mail, link, now).map(drop))?;
            }
            existing(connection, &transaction)
        })
    }

    fn reject(&self, transaction: &Transaction, reason: &str, now: SystemTime) -> Result<OrderRecord, StoreError> {
        let (transaction, reason, actor) = (transaction.clone(), reason.to_owned(), self.actor.clone());
        self.writer.run(move |connection| {
            if decide(connection, &transaction, OrderState::Rejected, Some(&reason), now)?.is_some() {
                // The reason is for the holder, and may tell about him.
                let (event, about) = (AuditEvent::OrderRejected, transaction.to_string());
                audit::append(connection, &Entry { event, about: &about, detail: "", actor: &actor })?;
            }
            existing(connection, &transaction)
        })
    }

    fn confirm(&self, transaction: &Transaction, now: SystemTime) -> Result<OrderRecord, StoreError> {
        let transaction = transaction.clone();
        self.writer.run(move |connection| {
            confirm(connection, &transaction, now)?;
            existing(connection, &transaction)
        })
    }

    fn confirm_then(&self, transaction: &Transaction, now: SystemTime, then: Then<OrderState>) {
        let transaction = transaction.clone();
        self.writer.run_then(move |connection| confirm(connection, &transaction, now), then);
    }

    fn add(&self, certificates: Vec<CertificateRecord>) -> Result<(), StoreError> {
        let actor = self.actor.clone();
        self.writer.run(move |connection| {
            for certificate in &certificates {
                if key_is_taken(connection, &certificate.key)? {
                    return Err(StoreError::KeyTaken(certificate.profile));
                }
            }
            insert_certificates(connection, None, &certificates)?;
            let (event, detail) = (AuditEvent::FirstPair, serials_of(&certificates));
            audit::append(connection, &Entry { event, about: "", detail: &detail, actor: &actor })
        })
    }

    fn order(&self, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
        self.read_at_once(|connection| order(connection, transaction))
    }

    fn repeat(&self, name: &Transaction) -> Result<Option<Repeat>, StoreError> {
        self.read(|connection| repeats::find(connection, name))
    }

    fn order_by_token(&self, token_hash: &[u8; 32]) -> Result<Option<OrderRecord>, StoreError> {
        self.read_at_once(|connection| one_order(connection, statements::ORDER_BY_TOKEN, token_hash))
    }

    fn orders(&self, state: Option<OrderState>, limit: u32) -> Result<Vec<OrderRecord>, StoreError> {
        self.read_at_once(|connection| {
            let sql = if state.is_some() { statements::ORDERS_OF_STATE } else { statements::ORDERS };
            let mut statement = connection.prepare_cached(sql).map_err(failure)?;
            let rows = match state {
                Some(state) => statement.query_map(params![limit, state.name()], read_order),
                None => statement.query_map(params![limit], read_order),
            };
            rows.map_err(failure)?.map(|row| complete(connection, row.map_err(failure)?)).collect()
        })
    }

    fn certificate(&self, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError> {
        self.read(|connection| certificate(connection, serial))
    }

    fn ending(&self, from: SystemTime, until: SystemTime, limit: u32) -> Result<Vec<CertificateRecord>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::ENDING).map_err(failure)?;
            let rows = statement.query_map(params![seconds(from), seconds(until), limit], read_certificate);
            rows.and_then(Iterator::collect).map_err(failure)
        })
    }

    fn key_is_taken(&self, key: &KeyHash) -> Result<bool, StoreError> {
        self.read(|connection| key_is_taken(connection, key))
    }

    fn look_up(&self, asked: &Asked<'_>) -> Result<Known, StoreError> {
        self.read_at_once(|connection| {
            if let Some(order) = order(connection, asked.transaction)? {
                return Ok(Known { order: Some(order), certificates: Vec::new(), replaced: false });
            }
            let certificates = asked.serials.iter().map(|serial| certificate(connection, serial));
            let certificates = certificates.collect::<Result<_, _>>()?;
            // An order replaces all of its certificates.
            let first = asked.serials.first().map(|serial| order_that_replaces(connection, serial)).transpose()?;
            Ok(Known { order: None, certificates, replaced: first.flatten().is_some() })
        })
    }

    fn issued(&self, transaction: &Transaction) -> Result<Option<Issued>, StoreError> {
        self.read_at_once(|connection| issued(connection, transaction))
    }

    fn check(&self) -> Result<(), StoreError> {
        self.read(file::check)
    }
}

/// Keeps the order; or says why not.
fn submit(connection: &Connection, order: &NewOrder) -> Result<Option<Submission>, StoreError> {
    if let Some(known) = self::order(connection, &order.transaction)? {
        let repeat = repeats::find(connection, &order.transaction)?;
        let same = repeat.map_or(known.message == order.message, |repeat| repeat.message == order.message);
        return Ok(Some(if same { Submission::Known(known) } else { Submission::TransactionTaken }));
    }
    if let Some(stands) = repeats::order_that_stands(connection, order)? {
        repeats::keep(connection, order, &stands)?;
        let (about, detail) = (order.transaction.to_string(), stands.transaction.to_string());
        by_client(connection, AuditEvent::OrderRepeated, &about, &detail)?;
        set_revocation_password(connection, &stands.transaction, order)?;
        return Ok(Some(Submission::Repeated(stands)));
    }
    if let Some(credential) = &order.credential
        && !credentials::is_unused(connection, credential)?
    {
        return Ok(Some(Submission::PasswordUsed));
    }
    for request in &order.requests {
        if let Some(replaces) = &request.replaces
            && let Some(other) = order_that_replaces(connection, replaces)?
        {
            return Ok(Some(Submission::AlreadyOrdered(other)));
        }
        if request.same_key {
            if revocations::key_is_compromised(connection, &request.key)? {
                return Ok(Some(Submission::KeyCompromised(request.profile)));
            }
        } else if key_is_taken(connection, &request.key)? {
            return Ok(Some(Submission::KeyTaken(request.profile)));
        }
        if replaces_revoked(connection, request)? {
            return Ok(Some(Submission::Revoked(request.profile)));
        }
    }
    let issued = !order.certificates.is_empty();
    let state = if issued { OrderState::Issued } else { OrderState::Pending };
    let received = seconds(order.received);
    connection
        .prepare_cached(statements::ADD_ORDER)
        .and_then(|mut statement| {
            statement.insert(params![
                order.transaction.as_bytes(),
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
    connection
        .prepare_cached(statements::ADD_MESSAGE)
        .and_then(|mut statement| statement.insert(params![id, order.message]))
        .map_err(failure)?;
    for (position, request) in order.requests.iter().enumerate() {
        connection
            .prepare_cached(statements::ADD_REQUEST)
            .and_then(|mut statement| {
                statement.insert(params![
                    id,
                    position as i64,
                    request.profile.name(),
                    request.request,
                    request.key.0,
                    request.same_key,
                    request.replaces,
                    (!issued).then_some(1),
                ])
            })
            .map_err(failure)?;
    }
    insert_certificates(connection, issued.then_some(id), &order.certificates)?;
    let event = if issued { AuditEvent::OrderIssued } else { AuditEvent::OrderPending };
    by_client(connection, event, &order.transaction.to_string(), &serials_of(&order.certificates))?;
    let use_up = |credential| credentials::use_up(connection, credential, &order.transaction);
    order.credential.as_ref().map_or(Ok(()), use_up)?;
    match order.revocation_password {
        Some(_) => set_revocation_password(connection, &order.transaction, order)?,
        None => revocation_passwords::carry_over(connection, order)?,
    }
    Ok(None)
}

/// Notes what came through the protocol.
fn by_client(connection: &Connection, event: AuditEvent, about: &str, detail: &str) -> Result<(), StoreError> {
    audit::append(connection, &Entry { event, about, detail, actor: Entry::CLIENT })
}

fn serials_of(certificates: &[CertificateRecord]) -> String {
    audit::serials(certificates.iter().map(|certificate| certificate.serial.as_slice()))
}

fn submitted(refused: Option<Submission>, order: Arc<NewOrder>) -> Submission {
    refused.unwrap_or_else(|| Submission::Accepted(accepted(Arc::unwrap_or_clone(order))))
}

/// The record of an order that was just kept.
fn accepted(order: NewOrder) -> OrderRecord {
    let received = time(seconds(order.received));
    let issued = !order.certificates.is_empty();
    OrderRecord {
        transaction: order.transaction,
        message: order.message,
        holder: order.holder,
        state: if issued { OrderState::Issued } else { OrderState::Pending },
        reason: None,
        token_salt: order.token_salt,
        token_hash: order.token_hash,
        received,
        decided: issued.then_some(received),
        confirmed: None,
        requests: order.requests,
        certificates: order.certificates,
    }
}

fn confirm(connection: &Connection, transaction: &Transaction, now: SystemTime) -> Result<OrderState, StoreError> {
    if set_confirmed(connection, transaction, now)? {
        return Ok(OrderState::Confirmed);
    }
    // It was confirmed before, is not issued, or this is the name of a repeat.
    let order = existing(connection, transaction)?;
    let now_confirmed = set_confirmed(connection, &order.transaction, now)?;
    let state = if now_confirmed { OrderState::Confirmed } else { order.state };
    if state == OrderState::Confirmed {
        repeats::confirm(connection, transaction, now)?;
    }
    Ok(state)
}

/// Whether it was issued, and is confirmed now.
fn set_confirmed(connection: &Connection, transaction: &Transaction, now: SystemTime) -> Result<bool, StoreError> {
    let done = connection
        .prepare_cached(statements::CONFIRM)
        .and_then(|mut statement| statement.execute(params![transaction.as_bytes(), seconds(now)]))
        .map_err(failure)?;
    if done == 1 {
        by_client(connection, AuditEvent::OrderConfirmed, &transaction.to_string(), "")?;
    }
    Ok(done == 1)
}

/// Moves a pending order on; `None` when it was not pending any more.
fn decide(
    connection: &Connection,
    transaction: &Transaction,
    state: OrderState,
    reason: Option<&str>,
    now: SystemTime,
) -> Result<Option<i64>, StoreError> {
    let decided = connection
        .prepare_cached(statements::DECIDE)
        .and_then(|mut statement| {
            let row = params![transaction.as_bytes(), state.name(), reason, seconds(now)];
            statement.query_row(row, |row| row.get::<_, i64>(0)).optional()
        })
        .map_err(failure)?;
    if let Some(id) = decided {
        let waits_no_more = connection.prepare_cached(statements::WAITS_NO_MORE);
        waits_no_more.and_then(|mut statement| statement.execute([id])).map_err(failure)?;
    }
    Ok(decided)
}

/// The first of the requests that replace what is revoked or on hold.
fn revoked_of(connection: &Connection, requests: &[RequestRecord]) -> Result<Option<Profile>, StoreError> {
    for request in requests {
        if replaces_revoked(connection, request)? {
            return Ok(Some(request.profile));
        }
    }
    Ok(None)
}

/// The certificates of the order `name` have the password that `order` sets, if it does.
fn set_revocation_password(connection: &Connection, name: &Transaction, order: &NewOrder) -> Result<(), StoreError> {
    order.revocation_password.as_ref().map_or(Ok(()), |hash| revocation_passwords::put(connection, name, hash))
}

fn replaces_revoked(connection: &Connection, request: &RequestRecord) -> Result<bool, StoreError> {
    request.replaces.as_ref().map_or(Ok(false), |serial| revocations::is_revoked(connection, serial))
}

fn insert_certificates(
    connection: &Connection,
    order: Option<i64>,
    certificates: &[CertificateRecord],
) -> Result<(), StoreError> {
    for (position, certificate) in certificates.iter().enumerate() {
        connection
            .prepare_cached(statements::ADD_CERTIFICATE)
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

fn certificate(connection: &Connection, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError> {
    let mut statement = connection.prepare_cached(statements::CERTIFICATE).map_err(failure)?;
    statement.query_row([serial], read_certificate).optional().map_err(failure)
}

fn issued(connection: &Connection, transaction: &Transaction) -> Result<Option<Issued>, StoreError> {
    let token = |sql: &str| {
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_row([transaction.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()
    };
    let found = match token(statements::TOKEN_BY_NAME).map_err(failure)? {
        None => token(statements::TOKEN_BY_REPEAT).map_err(failure)?,
        found => found,
    };
    let Some((id, token_hash)) = found else { return Ok(None) };
    let mut statement = connection.prepare_cached(statements::SERIALS_OF_ORDER).map_err(failure)?;
    let serials = statement.query_map([id], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)?;
    Ok(Some(Issued { token_hash, serials }))
}

fn key_is_taken(connection: &Connection, key: &KeyHash) -> Result<bool, StoreError> {
    connection
        .prepare_cached(statements::KEY_IS_TAKEN)
        .and_then(|mut statement| statement.query_row([key.0], |row| row.get(0)))
        .map_err(failure)
}

fn order_that_replaces(connection: &Connection, serial: &[u8]) -> Result<Option<Transaction>, StoreError> {
    let name: Option<Vec<u8>> = connection
        .prepare_cached(statements::ORDER_THAT_REPLACES)
        .and_then(|mut statement| statement.query_row([serial], |row| row.get(0)).optional())
        .map_err(failure)?;
    name.map(|name| Transaction::new(&name).ok_or_else(|| odd("orders.name"))).transpose()
}

/// By its own name, or by that of a repeat.
fn order(connection: &Connection, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
    match one_order(connection, statements::ORDER_BY_NAME, transaction.as_bytes())? {
        None => one_order(connection, statements::ORDER_BY_REPEAT, transaction.as_bytes()),
        found => Ok(found),
    }
}

fn existing(connection: &Connection, transaction: &Transaction) -> Result<OrderRecord, StoreError> {
    order(connection, transaction)?.ok_or_else(|| StoreError::NoSuchOrder(transaction.clone()))
}

fn one_order(connection: &Connection, sql: &str, key: &[u8]) -> Result<Option<OrderRecord>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
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
    let mut statement = connection.prepare_cached(statements::REQUESTS_OF_ORDER).map_err(failure)?;
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
    let mut statement = connection.prepare_cached(statements::CERTIFICATES_OF_ORDER).map_err(failure)?;
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
        revoked: row.get(6)?,
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

/// What SQLite says of what was asked of this connection, as what it means for the operator: with the process that is in the
/// way.
pub(super) fn failure_of(connection: &Connection, error: rusqlite::Error) -> StoreError {
    match failure(error) {
        StoreError::Busy { .. } => {
            StoreError::Busy { process: connection.path().and_then(|path| holder::of(Path::new(path))) }
        }
        other => other,
    }
}

/// What SQLite says, as what it means for the operator.
pub(super) fn failure(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { process: None },
        _ if matches!(error, rusqlite::Error::InvalidQuery) => odd("a row"),
        _ => StoreError::Failed(error.to_string()),
    }
}
