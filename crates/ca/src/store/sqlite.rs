mod applicants;
pub(super) mod audit;
mod certificates;
mod compared;
mod copies;
mod credentials;
mod file;
mod guesses;
mod holder;
mod lapses;
mod links;
mod mails;
mod notices;
mod orders;
mod repeats;
mod retention;
mod revocation_passwords;
mod revocations;
mod siblings;
mod statements;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, ErrorCode};

use super::{
    Asked, CertificateRecord, Issued, Known, NewOrder, OrderRecord, OrderState, Repeat, Store, StoreError, Submission,
    Then, WriteObserver,
    writer::{Writer, execute},
};
use crate::{AuditAnchors, KeyHash, LinkId, Mail, Transaction, audit::this_process};

pub use applicants::{ApplicantRecord, StepRecord};
pub(crate) use applicants::{By, Effect, StepNote};
pub use copies::{Copied, GoneOn};
pub use credentials::{CredentialRecord, NewCredential, SubjectRecord};
pub(crate) use credentials::{Guess, NewSubject};
pub use guesses::NoGuess;
pub use links::{KeptLink, LinkUse};
pub use mails::{MailRecord, MailState, Posted, QueuedLink, QueuedMail, Retried};
pub use notices::NoticePosted;
pub use retention::Forgotten;
pub(crate) use retention::Limits;
pub(crate) use revocation_passwords::{Guesser, Price, ReplacedMails, RevocationGuess, SetPassword};
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
    ended: Vec<Vec<u8>>,
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
        let mut store = Self { writer, readers, actor: this_process().into(), anchors, ended: Vec::new() };
        store.ended = store.end_siblings()?;
        Ok(store)
    }

    /// First orders that came before this, and that nobody decided on.
    pub(crate) fn undecided(&self, before: SystemTime) -> Result<Vec<Transaction>, StoreError> {
        self.read(|connection| orders::undecided(connection, before))
    }

    /// What was ordered with the key of a certificate, and with the keys that came by such orders. `None`: there is no such certificate.
    pub(crate) fn ordered_with_key_of(&self, serial: &[u8]) -> Result<Option<Vec<OrderRecord>>, StoreError> {
        self.read_at_once(|connection| orders::ordered_with_key_of(connection, serial))
    }

    /// Whether any of that lives: a certificate that is valid, or an order that waits.
    pub(crate) fn lives_with_key_of(&self, serial: &[u8], now: SystemTime) -> Result<bool, StoreError> {
        self.read_at_once(|connection| orders::lives_with_key_of(connection, serial, now))
    }

    /// With somebody who is there at each write.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn WriteObserver>) -> Self {
        self.writer.observer = Some(observer);
        self
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
        let refused = self.writer.run(move |connection| orders::submit(connection, &shared))?;
        Ok(orders::submitted(refused, order))
    }

    fn submit_then(&self, order: NewOrder, then: Then<Submission>) {
        let order = Arc::new(order);
        let shared = order.clone();
        let work = move |connection: &Connection| orders::submit(connection, &shared);
        self.writer.run_then(work, move |refused| then(refused.map(|refused| orders::submitted(refused, order))));
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
            let mail = mail.as_ref().map(|mail| (mail, link));
            orders::issue(connection, &transaction, &certificates, mail, &actor, now)
        })
    }

    fn reject(&self, transaction: &Transaction, reason: &str, now: SystemTime) -> Result<OrderRecord, StoreError> {
        self.reject_and_tell(transaction, reason, None, now)
    }

    fn reject_and_tell(
        &self,
        transaction: &Transaction,
        reason: &str,
        mail: Option<Mail>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        let link = LinkId::generate()?;
        let (transaction, reason, actor) = (transaction.clone(), reason.to_owned(), self.actor.clone());
        self.writer.run(move |connection| {
            let mail = mail.as_ref().map(|mail| (mail, link));
            orders::reject(connection, &transaction, &reason, mail, &actor, now)
        })
    }

    fn confirm(&self, transaction: &Transaction, now: SystemTime) -> Result<OrderRecord, StoreError> {
        let transaction = transaction.clone();
        self.writer.run(move |connection| {
            orders::confirm(connection, &transaction, now)?;
            orders::existing(connection, &transaction)
        })
    }

    fn confirm_then(&self, transaction: &Transaction, now: SystemTime, then: Then<OrderState>) {
        let transaction = transaction.clone();
        self.writer.run_then(move |connection| orders::confirm(connection, &transaction, now), then);
    }

    fn add(&self, certificates: Vec<CertificateRecord>) -> Result<(), StoreError> {
        let actor = self.actor.clone();
        self.writer.run(move |connection| certificates::add(connection, &certificates, &actor))
    }

    fn order(&self, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
        self.read_at_once(|connection| orders::find(connection, transaction))
    }

    fn repeat(&self, name: &Transaction) -> Result<Option<Repeat>, StoreError> {
        self.read(|connection| repeats::find(connection, name))
    }

    fn order_by_token(&self, token_hash: &[u8; 32]) -> Result<Option<OrderRecord>, StoreError> {
        self.read_at_once(|connection| orders::by_token(connection, token_hash))
    }

    fn order_of_certificate(&self, serial: &[u8]) -> Result<Option<OrderRecord>, StoreError> {
        self.read_at_once(|connection| orders::of_certificate(connection, serial))
    }

    fn orders(&self, state: Option<OrderState>, limit: u32) -> Result<Vec<OrderRecord>, StoreError> {
        self.read_at_once(|connection| orders::all(connection, state, limit))
    }

    fn certificate(&self, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError> {
        self.read(|connection| certificates::find(connection, serial))
    }

    fn ending(&self, from: SystemTime, until: SystemTime, limit: u32) -> Result<Vec<CertificateRecord>, StoreError> {
        self.read(|connection| certificates::ending(connection, from, until, limit))
    }

    fn issued_together(&self, serial: &[u8]) -> Result<Vec<CertificateRecord>, StoreError> {
        self.read(|connection| certificates::issued_together(connection, serial))
    }

    fn key_is_taken(&self, key: &KeyHash) -> Result<bool, StoreError> {
        self.read(|connection| certificates::key_is_taken(connection, key))
    }

    fn look_up(&self, asked: &Asked<'_>) -> Result<Known, StoreError> {
        self.read_at_once(|connection| orders::look_up(connection, asked))
    }

    fn issued(&self, transaction: &Transaction) -> Result<Option<Issued>, StoreError> {
        self.read_at_once(|connection| orders::issued(connection, transaction))
    }

    fn check(&self) -> Result<(), StoreError> {
        self.read(file::check)
    }
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
