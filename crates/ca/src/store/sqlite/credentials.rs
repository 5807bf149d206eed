//! Who may ask for first certificates, and the one-time passwords that prove it.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    SqliteStore, audit, failure,
    guesses::{Guesses, NoGuess},
    odd,
    orders::{by_client, existing},
    seconds, statements, time,
};
use crate::{
    ApplicantId, AuditEvent, FirstError, GuessPolicy, KeyHash, StoreError, Transaction,
    audit::Entry,
    store::{OrderRecord, PasswordVerifier},
    transaction::to_hex,
};

/// Somebody who may ask for first certificates, as the CA knows him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRecord {
    /// Names him here.
    pub id: i64,
    /// His user id.
    pub user: String,
    /// The module of the service that his certificates are for.
    pub module: String,
    /// His distinguished name, DER.
    pub name: Vec<u8>,
    /// His e-mail address.
    pub email: String,
}

/// A one-time password that is to be kept, in a form from which it cannot be had. `Debug` leaves that out.
#[derive(Clone)]
pub struct NewCredential {
    /// Names it; random.
    pub id: [u8; 16],
    /// Whose it is, and what will stand in his certificates whatever is known of him later.
    pub subject: SubjectRecord,
    /// Since when.
    pub issued: SystemTime,
    /// Until when it can be used.
    pub expires: SystemTime,
    /// What proofs of identity are checked with, encrypted.
    pub proof_keys: PasswordVerifier,
    /// What the password itself is checked with.
    pub hash: PasswordVerifier,
}

/// A one-time password as it is kept. `Debug` leaves out what it is checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Names it.
    pub id: [u8; 16],
    /// Whose it is.
    pub subject: SubjectRecord,
    /// Name and address of `subject` are those that it was issued for. Where these are forgotten, since it has ended or was used long ago,
    /// they are what is known of the user id now.
    pub as_issued: bool,
    /// Since when.
    pub issued: SystemTime,
    /// Until when it can be used.
    pub expires: SystemTime,
    /// Wrong guesses since the last right one.
    pub guesses: u32,
    /// When it was revoked, or another one took its place.
    pub ended: Option<SystemTime>,
    /// The order that it was used for.
    pub order: Option<Transaction>,
    /// What proofs of identity are checked with, encrypted; gone when it has ended.
    pub(crate) proof_keys: PasswordVerifier,
    /// What the password itself is checked with; gone when it has ended.
    pub(crate) hash: PasswordVerifier,
}

impl std::fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCredential").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CredentialRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { subject, as_issued, issued, expires, guesses, ended, order, .. } = self;
        let mut shown = f.debug_struct("CredentialRecord");
        shown
            .field("subject", subject)
            .field("as_issued", as_issued)
            .field("issued", issued)
            .field("expires", expires)
            .field("guesses", guesses);
        shown.field("ended", ended).field("order", order).finish_non_exhaustive()
    }
}

/// What became of the begin of a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guess {
    /// It is counted: compare.
    Counted(Box<CredentialRecord>),
    /// There is no such user, or no password of his.
    Nobody,
    /// Do not even compare.
    Not(NoGuess),
}

impl SqliteStore {
    /// Takes down who somebody is; in place of what was there of this user id in this module, unless that is something else and
    /// was checked with an applicant's papers ([`FirstError::Checked`]), or there is a password, an order that waits or a certificate by
    /// it ([`FirstError::Bound`]): then nothing is kept.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was kept.
    pub fn put_subject(
        &self,
        user: &str,
        module: &str,
        name: &[u8],
        email: &str,
        now: SystemTime,
    ) -> Result<Result<SubjectRecord, FirstError>, StoreError> {
        let new = NewSubject { user: user.into(), module: module.into(), name: name.into(), email: email.into() };
        let actor = self.actor.clone();
        self.writer.run(move |connection| put_subject(connection, &new, None, &actor, now))
    }

    /// Who has this user id in this module.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn subject(&self, user: &str, module: &str) -> Result<Option<SubjectRecord>, StoreError> {
        self.read(|connection| subject(connection, user, module))
    }

    /// Keeps a new one-time password. Any other one of the same subject is dead from here on: what it was checked with is
    /// forgotten.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was kept.
    pub fn issue_credential(&self, new: NewCredential) -> Result<(), StoreError> {
        let actor = self.actor.clone();
        self.writer.run(move |connection| {
            let subject = &new.subject;
            end(connection, subject.id, new.issued)?;
            let (event, about) = (AuditEvent::PasswordIssued, to_hex(&new.id));
            audit::append(connection, &Entry { event, about: &about, detail: "", actor: &actor })?;
            let mut statement = connection.prepare_cached(statements::ADD_CREDENTIAL).map_err(failure)?;
            let (issued, expires) = (seconds(new.issued), seconds(new.expires));
            let row =
                params![new.id, subject.id, issued, expires, &*new.proof_keys, &*new.hash, subject.name, subject.email];
            statement.execute(row).map(drop).map_err(failure)
        })
    }

    /// Ends the one-time passwords of a subject; whether there was one that could be used.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was kept.
    pub fn end_credentials(&self, subject: i64, now: SystemTime) -> Result<bool, StoreError> {
        let actor = self.actor.clone();
        self.writer.run(move |connection| {
            let ended = end(connection, subject, now)?;
            for id in &ended {
                let (event, about) = (AuditEvent::PasswordEnded, to_hex(id));
                audit::append(connection, &Entry { event, about: &about, detail: "", actor: &actor })?;
            }
            Ok(!ended.is_empty())
        })
    }

    /// The newest one-time passwords, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn credentials(&self, limit: u32) -> Result<Vec<CredentialRecord>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::CREDENTIALS).map_err(failure)?;
            statement.query_map([limit], read_credential).and_then(Iterator::collect).map_err(failure)
        })
    }

    /// Counts a guess of somebody's one-time password, and has that on disk, before it is compared with anything. It is the newest
    /// password of the user in `module`; where the user is not in it, of the one module that he is in.
    ///
    /// # Errors
    /// [`StoreError`]: then nothing may be compared.
    pub(crate) fn guess(
        &self,
        user: &str,
        module: Option<&str>,
        policy: GuessPolicy,
        now: SystemTime,
    ) -> Result<Guess, StoreError> {
        let (user, module) = (user.to_owned(), module.map(str::to_owned));
        self.writer.run(move |connection| {
            let Some(subject) = one_subject(connection, &user, module.as_deref())? else { return Ok(Guess::Nobody) };
            let found = one_credential(connection, statements::NEWEST_CREDENTIAL, params![subject])?;
            found.map_or(Ok(Guess::Nobody), |found| count_guess(connection, found, policy, now))
        })
    }

    /// Somebody's one-time passwords, the newest first: of the module that [`guess`](Self::guess) looks in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn credentials_of(&self, user: &str, module: Option<&str>) -> Result<Vec<CredentialRecord>, StoreError> {
        self.read_at_once(|connection| {
            let Some(subject) = one_subject(connection, user, module)? else { return Ok(Vec::new()) };
            let mut statement = connection.prepare_cached(statements::CREDENTIALS_OF_SUBJECT).map_err(failure)?;
            statement.query_map([subject], read_credential).and_then(Iterator::collect).map_err(failure)
        })
    }

    /// The last guess that was left of this one-time password was wrong.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn locked(&self, credential: [u8; 16]) -> Result<(), StoreError> {
        self.writer.run(move |connection| by_client(connection, AuditEvent::PasswordLocked, &to_hex(&credential), ""))
    }

    /// So many guesses of this one-time password were wrong that the next one has to wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn slowed(&self, credential: [u8; 16], guesses: u32) -> Result<(), StoreError> {
        let detail = format!("{guesses} wrong guesses");
        self.writer
            .run(move |connection| by_client(connection, AuditEvent::PasswordSlowed, &to_hex(&credential), &detail))
    }

    /// The guess was right: the count begins anew.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn guessed_right(&self, credential: [u8; 16]) -> Result<(), StoreError> {
        self.writer.run(move |connection| set_guesses(connection, &credential, 0, 0))
    }

    /// Who asked for the first certificates of an order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn applicant(&self, order: &Transaction) -> Result<Option<SubjectRecord>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::APPLICANT).map_err(failure)?;
            statement.query_row([order.as_bytes()], read_subject).optional().map_err(failure)
        })
    }

    /// The first order that stands for this key and came by plain EST as this very request, and the row of the subject whose it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn first_order_of_request(
        &self,
        key: &KeyHash,
        request: &[u8],
    ) -> Result<Option<(OrderRecord, i64)>, StoreError> {
        self.read_at_once(|connection| {
            let mut statement = connection.prepare_cached(statements::FIRST_ORDER_OF_REQUEST).map_err(failure)?;
            let row = statement.query_row(params![key.0, request], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)));
            let Some((name, subject)) = row.optional().map_err(failure)? else { return Ok(None) };
            let name = Transaction::new(&name).ok_or_else(|| odd("orders.name"))?;
            Ok(Some((existing(connection, &name)?, subject)))
        })
    }
}

/// Who is to be taken down.
#[derive(Clone, Debug)]
pub(crate) struct NewSubject {
    pub user: String,
    pub module: String,
    pub name: Vec<u8>,
    pub email: String,
}

/// As [`SqliteStore::put_subject`]; of an applicant whose identity was checked, if of one. What is refused wrote nothing.
pub(super) fn put_subject(
    connection: &Connection,
    new: &NewSubject,
    applicant: Option<ApplicantId>,
    actor: &str,
    now: SystemTime,
) -> Result<Result<SubjectRecord, FirstError>, StoreError> {
    let NewSubject { user, module, name, email } = new;
    let of = applicant.map(|applicant| applicant.0);
    let enter = |id: i64, before: &str| {
        let of = applicant.map(|applicant| format!("applicant {applicant}")).unwrap_or_default();
        let detail = [before, &of].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let (event, about) = (AuditEvent::Entered, id.to_string());
        audit::append(connection, &Entry { event, about: &about, detail: &detail, actor })
    };
    let known = subject(connection, user, module)?;
    if let Some(known) = &known {
        if known.name == *name && known.email == *email {
            if applicant.is_some() {
                execute(connection, statements::SET_APPLICANT, params![known.id, of, seconds(now)])?;
                execute(connection, statements::SET_APPLICANT_OF_CREDENTIALS, params![known.id, of, name, email])?;
                enter(known.id, "")?;
            }
            return Ok(Ok(known.clone()));
        }
        let mut statement = connection.prepare_cached(statements::SUBJECT_IS_CHECKED).map_err(failure)?;
        if applicant.is_none() && statement.query_row([known.id], |row| row.get(0)).map_err(failure)? {
            return Ok(Err(FirstError::Checked));
        }
        let mut statement = connection.prepare_cached(statements::SUBJECT_IS_BOUND).map_err(failure)?;
        if statement.query_row(params![known.id, seconds(now)], |row| row.get(0)).map_err(failure)? {
            return Ok(Err(FirstError::Bound));
        }
    }
    let mut statement = connection.prepare_cached(statements::PUT_SUBJECT).map_err(failure)?;
    let row = params![user, module, name, email, seconds(now), of];
    let kept = statement.query_row(row, read_subject).map_err(failure)?;
    enter(kept.id, if known.is_some() { "in place of other data" } else { "" })?;
    Ok(Ok(kept))
}

fn execute(connection: &Connection, sql: &str, row: impl rusqlite::Params) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    statement.execute(row).map(drop).map_err(failure)
}

/// Whether this password can be used for an order.
pub(super) fn is_unused(connection: &Connection, credential: &[u8; 16]) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(statements::CREDENTIAL_IS_UNUSED).map_err(failure)?;
    statement.query_row([credential], |row| row.get(0)).map_err(failure)
}

/// The order for this key that who shows this password may take for his: he has asked for it himself, by another password, and it gives
/// certificates that are good at `now`, or still may.
pub(super) fn order_of_key(
    connection: &Connection,
    credential: &[u8; 16],
    key: &KeyHash,
    now: SystemTime,
) -> Result<Option<Transaction>, StoreError> {
    let mut statement = connection.prepare_cached(statements::FIRST_ORDER_OF_KEY).map_err(failure)?;
    let row = params![credential, key.0, seconds(now)];
    let name: Option<Vec<u8>> = statement.query_row(row, |row| row.get(0)).optional().map_err(failure)?;
    name.map(|name| Transaction::new(&name).ok_or_else(|| odd("orders.name"))).transpose()
}

/// It takes the place of the password that the order was made by, which has ended with that.
pub(super) fn take_over(
    connection: &Connection,
    credential: &[u8; 16],
    order: &Transaction,
    now: SystemTime,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(statements::LEAVE_ORDER).map_err(failure)?;
    let before: [u8; 16] =
        statement.query_row(params![order.as_bytes(), seconds(now)], |row| row.get(0)).map_err(failure)?;
    by_client(connection, AuditEvent::PasswordEnded, &to_hex(&before), "")?;
    use_up(connection, credential, order)
}

/// It is used for this order, once and for all.
pub(super) fn use_up(connection: &Connection, credential: &[u8; 16], order: &Transaction) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(statements::USE_CREDENTIAL).map_err(failure)?;
    match statement.execute(params![credential, order.as_bytes()]).map_err(failure)? {
        1 => by_client(connection, AuditEvent::PasswordUsed, &to_hex(credential), &order.to_string()),
        // It was looked at in the same transaction.
        _ => Err(odd("credentials.order_id")),
    }
}

/// Ends what is not used, and forgets what it was checked with.
fn end(connection: &Connection, subject: i64, now: SystemTime) -> Result<Vec<[u8; 16]>, StoreError> {
    let mut statement = connection.prepare_cached(statements::END_CREDENTIALS).map_err(failure)?;
    statement.query_map(params![subject, seconds(now)], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)
}

fn set_guesses(connection: &Connection, credential: &[u8; 16], count: u32, next: i64) -> Result<(), StoreError> {
    execute(connection, statements::SET_GUESSES, params![credential, count, next])
}

fn count_guess(
    connection: &Connection,
    (credential, guesses): (CredentialRecord, Guesses),
    policy: GuessPolicy,
    now: SystemTime,
) -> Result<Guess, StoreError> {
    match guesses.count_one(&policy, now) {
        Err(not) => Ok(Guess::Not(not)),
        Ok(Guesses { count, next }) => {
            set_guesses(connection, &credential.id, count, next)?;
            Ok(Guess::Counted(Box::new(CredentialRecord { guesses: count, ..credential })))
        }
    }
}

/// Names the subject of this user in `module`, or in the one module that he is in.
fn one_subject(connection: &Connection, user: &str, module: Option<&str>) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(statements::SUBJECTS_OF_USER).map_err(failure)?;
    let subjects = statement.query_map([user], read_subject).and_then(Iterator::collect);
    let subjects: Vec<SubjectRecord> = subjects.map_err(failure)?;
    let named = subjects.iter().find(|subject| Some(subject.module.as_str()) == module);
    Ok(match (named, subjects.as_slice()) {
        (Some(subject), _) | (None, [subject]) => Some(subject.id),
        _ => None,
    })
}

fn one_credential(
    connection: &Connection,
    sql: &str,
    of: impl rusqlite::Params,
) -> Result<Option<(CredentialRecord, Guesses)>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let read = |row: &Row<'_>| {
        let credential = read_credential(row)?;
        let guesses = Guesses { count: credential.guesses, next: row.get(14)? };
        Ok((credential, guesses))
    };
    statement.query_row(of, read).optional().map_err(failure)
}

fn subject(connection: &Connection, user: &str, module: &str) -> Result<Option<SubjectRecord>, StoreError> {
    let mut statement = connection.prepare_cached(statements::SUBJECT).map_err(failure)?;
    statement.query_row([user, module], read_subject).optional().map_err(failure)
}

fn read_subject(row: &Row<'_>) -> rusqlite::Result<SubjectRecord> {
    Ok(SubjectRecord { id: row.get(0)?, user: row.get(1)?, module: row.get(2)?, name: row.get(3)?, email: row.get(4)? })
}

fn read_credential(row: &Row<'_>) -> rusqlite::Result<CredentialRecord> {
    let order: Option<Vec<u8>> = row.get(13)?;
    let order = order.map(|name| Transaction::new(&name).ok_or(rusqlite::Error::InvalidQuery)).transpose()?;
    // Of one that has ended nothing is kept.
    let kept =
        |column| row.get::<_, Option<Vec<u8>>>(column).map(|kept| PasswordVerifier::from(kept.unwrap_or_default()));
    Ok(CredentialRecord {
        subject: read_subject(row)?,
        as_issued: row.get(15)?,
        id: row.get(5)?,
        issued: time(row.get(6)?),
        expires: time(row.get(7)?),
        proof_keys: kept(8)?,
        hash: kept(9)?,
        guesses: row.get(10)?,
        ended: row.get::<_, Option<i64>>(11)?.map(time),
        order,
    })
}
