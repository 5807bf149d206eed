//! Mails that are to go out.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::{SqliteStore, failure, links, seconds, time};
use crate::{Mail, MailKind, MailLink, StoreError, Transaction, link::LinkId};

const ADD: &str = "INSERT INTO mails (key, kind, recipient, name, subject, body, pick_up, link, queued, due)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)";
const BY_KEY: &str = "SELECT id FROM mails WHERE key = ?1";
const DUE: &str = "SELECT id, key, kind, recipient, name, subject, body, pick_up, link, queued, tries
     FROM mails WHERE due <= ?1 ORDER BY due LIMIT ?2";
const TAKE: &str = "UPDATE mails SET due = ?2, tries = tries + 1 WHERE id = ?1";
const SENT: &str = "UPDATE mails SET due = NULL, sent = ?2, body = '', problem = NULL WHERE id = ?1 AND sent IS NULL";
const FAILED: &str = "UPDATE mails SET due = ?2, problem = ?3 WHERE id = ?1 AND sent IS NULL";
const WITHDRAWN: &str = "SELECT id FROM mails WHERE key = ?1 AND due IS NULL AND sent IS NULL";
const REWRITE: &str = "UPDATE mails SET recipient = ?2, name = ?3, subject = ?4, body = ?5, pick_up = ?6, link = ?7,
         queued = ?8, due = ?8, tries = 0, problem = NULL WHERE id = ?1";
const RETRY: &str = "UPDATE mails SET due = ?2, queued = ?2, tries = 0 WHERE id = ?1 AND sent IS NULL AND body != ''
         AND (link IS NULL OR EXISTS (SELECT 1 FROM links WHERE links.id = mails.link AND used IS NULL AND expires > ?2))";
const RETRY_ALL: &str = "UPDATE mails SET due = ?1, queued = ?1, tries = 0 WHERE due IS NULL AND sent IS NULL AND body != ''
         AND (link IS NULL OR EXISTS (SELECT 1 FROM links WHERE links.id = mails.link AND used IS NULL AND expires > ?1))";
const KIND_OF_UNSENT: &str = "SELECT kind FROM mails WHERE id = ?1 AND sent IS NULL AND body != ''";
pub(super) const LIST: &str = "SELECT id, key, kind, recipient, subject, queued, due, tries, sent, problem
     FROM mails ORDER BY id DESC LIMIT ?1";
const LIST_WAITING: &str = "SELECT id, key, kind, recipient, subject, queued, due, tries, sent, problem
     FROM mails WHERE due IS NOT NULL ORDER BY due DESC LIMIT ?1";
const LIST_SENT: &str = "SELECT id, key, kind, recipient, subject, queued, due, tries, sent, problem
     FROM mails WHERE sent IS NOT NULL ORDER BY sent DESC LIMIT ?1";
const LIST_GIVEN_UP: &str = "SELECT id, key, kind, recipient, subject, queued, due, tries, sent, problem
     FROM mails WHERE due IS NULL AND sent IS NULL ORDER BY queued DESC LIMIT ?1";

/// All of them, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 15] = [
    ADD,
    BY_KEY,
    DUE,
    TAKE,
    SENT,
    FAILED,
    WITHDRAWN,
    REWRITE,
    RETRY,
    RETRY_ALL,
    KIND_OF_UNSENT,
    LIST,
    LIST_WAITING,
    LIST_SENT,
    LIST_GIVEN_UP,
];

/// The longest problem that is kept, in characters.
const MAX_PROBLEM: usize = 500;

/// What became of a mail that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It will be sent.
    Queued,
    /// One with its key was posted before; this one is not kept.
    Known,
}

/// What became of a mail that was to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is sent as if it were new.
    Again,
    /// The link in it opens nothing any more: its time is over, it was used, or the CA ended it. The mail stays as it is.
    LinkOver(MailKind),
    /// There is none that could be.
    None,
}

/// A mail on its way, as a sender has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMail {
    /// Its row.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// What it is about.
    pub kind: MailKind,
    /// To whom.
    pub to: String,
    /// Who that is.
    pub name: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its text; [`Mail::LINK`] stands where the link is to be.
    pub body: String,
    /// What the link opens.
    pub link: Option<QueuedLink>,
    /// When it was posted.
    pub queued: SystemTime,
    /// How often it was tried, this time included.
    pub tries: i64,
}

impl QueuedMail {
    /// What its Message-ID begins with: the same for the same mail, however often it is sent. With another signed link it is another one.
    #[must_use]
    pub fn message_id(&self) -> String {
        let link = match &self.link {
            Some(QueuedLink::Signed(LinkId(id))) => id.as_slice(),
            _ => &[],
        };
        let hash = Sha256::digest([b"obnova mail 1 ", self.key.as_bytes(), link].concat());
        crate::transaction::to_hex(&hash[..16])
    }
}

/// What a mail's link is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueuedLink {
    /// By [`Ca::token`](crate::Ca::token).
    PickUp(Transaction),
    /// By [`LinkDesk::path`](crate::LinkDesk::path).
    Signed(LinkId),
}

/// A mail for its operator: without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRecord {
    /// Its row.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// What it is about.
    pub kind: MailKind,
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was posted.
    pub queued: SystemTime,
    /// What became of it.
    pub state: MailState,
    /// When it is tried next.
    pub due: Option<SystemTime>,
    /// How often it was tried.
    pub tries: i64,
    /// When it was sent.
    pub sent: Option<SystemTime>,
    /// What went wrong last.
    pub problem: Option<String>,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailState {
    /// It is still to be sent.
    Waiting,
    /// It is out.
    Sent,
    /// It was refused for good, or for too long.
    GivenUp,
}

impl MailState {
    /// Name in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::GivenUp => "given-up",
        }
    }
}

impl SqliteStore {
    pub(crate) fn post_mail(&self, mail: Mail, now: SystemTime) -> Result<Posted, StoreError> {
        let id = LinkId::generate()?;
        self.writer.run(move |connection| post(connection, &mail, id, now))
    }

    pub(crate) fn take_mails(
        &self,
        now: SystemTime,
        until: SystemTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        // Most of the time there is none, and nobody needs to write.
        let due = self.read(|connection| due(connection, now, 1))?;
        if due.is_empty() {
            return Ok(due);
        }
        self.writer.run(move |connection| {
            let mut mails = self::due(connection, now, limit)?;
            let mut statement = connection.prepare_cached(TAKE).map_err(failure)?;
            for mail in &mut mails {
                statement.execute(params![mail.id, seconds(until)]).map_err(failure)?;
                mail.tries += 1;
            }
            Ok(mails)
        })
    }

    pub(crate) fn mail_sent(&self, id: i64, now: SystemTime) -> Result<(), StoreError> {
        self.change_mail(SENT, move |sql| sql.execute(params![id, seconds(now)]))?;
        Ok(())
    }

    pub(crate) fn mail_failed(&self, id: i64, problem: &str, again: Option<SystemTime>) -> Result<(), StoreError> {
        let problem = problem.to_owned();
        self.writer.run(move |connection| failed(connection, id, &problem, again))
    }

    pub(crate) fn retry_mail(&self, id: i64, now: SystemTime) -> Result<Retried, StoreError> {
        self.writer.run(move |connection| {
            let mut statement = connection.prepare_cached(RETRY).map_err(failure)?;
            if statement.execute(params![id, seconds(now)]).map_err(failure)? == 1 {
                return Ok(Retried::Again);
            }
            let mut statement = connection.prepare_cached(KIND_OF_UNSENT).map_err(failure)?;
            let unsent = statement.query_row([id], |row| kind(row, 0)).optional().map_err(failure)?;
            Ok(unsent.map_or(Retried::None, Retried::LinkOver))
        })
    }

    pub(crate) fn retry_mails(&self, now: SystemTime) -> Result<usize, StoreError> {
        self.change_mail(RETRY_ALL, move |sql| sql.execute([seconds(now)]))
    }

    fn change_mail(
        &self,
        sql: &'static str,
        change: impl Fn(&mut rusqlite::Statement<'_>) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<usize, StoreError> {
        self.writer.run(move |connection| {
            let mut statement = connection.prepare_cached(sql).map_err(failure)?;
            change(&mut statement).map_err(failure)
        })
    }

    pub(crate) fn mails(&self, state: Option<MailState>, limit: u32) -> Result<Vec<MailRecord>, StoreError> {
        let sql = match state {
            None => LIST,
            Some(MailState::Waiting) => LIST_WAITING,
            Some(MailState::Sent) => LIST_SENT,
            Some(MailState::GivenUp) => LIST_GIVEN_UP,
        };
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql).map_err(failure)?;
            statement.query_map([limit], read_record).and_then(Iterator::collect).map_err(failure)
        })
    }
}

/// A mail is not out; it is tried again then, or given up.
pub(super) fn failed(
    connection: &Connection,
    id: i64,
    problem: &str,
    again: Option<SystemTime>,
) -> Result<(), StoreError> {
    let problem: String = problem.chars().take(MAX_PROBLEM).collect();
    let mut statement = connection.prepare_cached(FAILED).map_err(failure)?;
    statement.execute(params![id, again.map(seconds), problem]).map(drop).map_err(failure)
}

/// Posts a mail in the transaction of what it tells. `link` is for a signed link, where the mail has one.
pub(super) fn post(connection: &Connection, mail: &Mail, link: LinkId, now: SystemTime) -> Result<Posted, StoreError> {
    if id_of(connection, BY_KEY, mail)?.is_some() {
        return Ok(Posted::Known);
    }
    let (pick_up, signed) = linked(connection, mail, link)?;
    let row = params![
        mail.key,
        mail.kind.name(),
        mail.to.as_str(),
        mail.name,
        mail.text.subject,
        mail.text.body,
        pick_up,
        signed,
        seconds(now)
    ];
    connection.prepare_cached(ADD).and_then(|mut statement| statement.insert(row)).map_err(failure)?;
    Ok(Posted::Queued)
}

/// The same; and where the mail of this key was withdrawn before it was out, it goes now, as it is written now.
pub(super) fn post_again(
    connection: &Connection,
    mail: &Mail,
    link: LinkId,
    now: SystemTime,
) -> Result<Posted, StoreError> {
    let Some(id) = id_of(connection, WITHDRAWN, mail)? else { return post(connection, mail, link, now) };
    let (pick_up, signed) = linked(connection, mail, link)?;
    let row =
        params![id, mail.to.as_str(), mail.name, mail.text.subject, mail.text.body, pick_up, signed, seconds(now)];
    connection.prepare_cached(REWRITE).and_then(|mut statement| statement.execute(row)).map_err(failure)?;
    Ok(Posted::Queued)
}

fn id_of(connection: &Connection, sql: &str, mail: &Mail) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    statement.query_row([&mail.key], |row| row.get(0)).optional().map_err(failure)
}

/// What the link of a mail is made from, where it has one: the order that is picked up, or the signed link, which is kept with it.
type Linked = (Option<Vec<u8>>, Option<[u8; 16]>);

fn linked(connection: &Connection, mail: &Mail, link: LinkId) -> Result<Linked, StoreError> {
    Ok(match &mail.link {
        None => (None, None),
        Some(MailLink::PickUp(transaction)) => (Some(transaction.as_bytes().to_vec()), None),
        Some(MailLink::Signed { purpose, about, expires }) => {
            links::add(connection, link, *purpose, about, *expires)?;
            (None, Some(link.0))
        }
    })
}

fn due(connection: &Connection, now: SystemTime, limit: u32) -> Result<Vec<QueuedMail>, StoreError> {
    let mut statement = connection.prepare_cached(DUE).map_err(failure)?;
    statement.query_map(params![seconds(now), limit], read_queued).and_then(Iterator::collect).map_err(failure)
}

fn read_queued(row: &Row<'_>) -> rusqlite::Result<QueuedMail> {
    let pick_up = row.get::<_, Option<Vec<u8>>>(7)?;
    let pick_up = pick_up.map(|name| Transaction::new(&name).ok_or(rusqlite::Error::InvalidQuery)).transpose()?;
    let signed = row.get::<_, Option<[u8; 16]>>(8)?;
    Ok(QueuedMail {
        id: row.get(0)?,
        key: row.get(1)?,
        kind: kind(row, 2)?,
        to: row.get(3)?,
        name: row.get(4)?,
        subject: row.get(5)?,
        body: row.get(6)?,
        link: pick_up.map(QueuedLink::PickUp).or(signed.map(|id| QueuedLink::Signed(LinkId(id)))),
        queued: time(row.get(9)?),
        tries: row.get(10)?,
    })
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<MailRecord> {
    let due = row.get::<_, Option<i64>>(6)?.map(time);
    let sent = row.get::<_, Option<i64>>(8)?.map(time);
    Ok(MailRecord {
        id: row.get(0)?,
        key: row.get(1)?,
        kind: kind(row, 2)?,
        to: row.get(3)?,
        subject: row.get(4)?,
        queued: time(row.get(5)?),
        state: match (sent, due) {
            (Some(_), _) => MailState::Sent,
            (None, Some(_)) => MailState::Waiting,
            (None, None) => MailState::GivenUp,
        },
        due,
        tries: row.get(7)?,
        sent,
        problem: row.get(9)?,
    })
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<MailKind> {
    let name: String = row.get(column)?;
    MailKind::ALL.into_iter().find(|known| known.name() == name).ok_or(rusqlite::Error::InvalidQuery)
}
