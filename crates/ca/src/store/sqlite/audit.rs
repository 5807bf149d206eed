//! The audit log: rows are appended by whoever changes something, in the same transaction.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, failure, seconds, statements, time};
use crate::{
    AuditEvent, AuditHead, AuditRecord, StoreError,
    audit::{AuditLine, Entry, chained},
    transaction::to_hex,
};

/// What made the table and its triggers.
const SCHEMA: &str = include_str!("../schema-5.sql");

impl SqliteStore {
    /// Notes something in the name of whoever runs this process.
    pub(crate) fn note(&self, event: AuditEvent, about: &str, detail: &str) -> Result<(), StoreError> {
        let (about, detail, actor) = (about.to_owned(), detail.to_owned(), self.actor.clone());
        self.writer
            .run(move |connection| append(connection, &Entry { event, about: &about, detail: &detail, actor: &actor }))
    }

    /// The lines of the anchors.
    pub(crate) fn anchors(&self) -> Result<Vec<AuditLine>, StoreError> {
        let anchors = self.anchors.as_ref();
        anchors.map_or(Ok(Vec::new()), |anchors| anchors.read(|| Ok(AuditHead::NONE)).map(|(lines, _)| lines))
    }

    /// The lines of the anchors, and where the log ended when nobody was between the two.
    pub(crate) fn anchored(&self) -> Result<(Vec<AuditLine>, AuditHead), StoreError> {
        match &self.anchors {
            Some(anchors) => anchors.read(|| self.audit_head()),
            None => Ok((Vec::new(), self.audit_head()?)),
        }
    }

    pub(crate) fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::AUDIT_HEAD).map_err(failure)?;
            let found = statement.query_row([], |row| Ok(AuditHead { number: row.get(0)?, hash: hash_in(row, 1)? }));
            Ok(found.optional().map_err(failure)?.unwrap_or(AuditHead::NONE))
        })
    }

    /// Records from this number on, each with its time as it is hashed.
    pub(crate) fn audit_page(&self, first: i64, limit: u32) -> Result<Vec<(AuditRecord, i64)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::AUDIT).map_err(failure)?;
            let rows = statement.query_map(params![first, limit], |row| {
                let at = row.get(1)?;
                // What is no text was written by somebody else, and has another hash.
                let text = |index| {
                    Ok::<_, rusqlite::Error>(String::from_utf8_lossy(row.get_ref(index)?.as_bytes()?).into_owned())
                };
                let record = AuditRecord {
                    number: row.get(0)?,
                    at: time(at),
                    event: text(2)?,
                    about: text(3)?,
                    detail: text(4)?,
                    actor: text(5)?,
                    hash: hash_in(row, 6)?,
                };
                Ok((record, at))
            });
            rows.and_then(Iterator::collect).map_err(failure)
        })
    }

    /// Whether there is a log: the table that was made for it.
    pub(crate) fn audit_is_there(&self) -> Result<bool, StoreError> {
        self.read(is_there)
    }

    /// Whether the table still takes new rows and nothing else: it has its own triggers, and no others.
    pub(crate) fn audit_is_guarded(&self) -> Result<bool, StoreError> {
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::AUDIT_GUARDS).map_err(failure)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0));
            rows.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failure)
        })?;
        let own = SCHEMA;
        let begins = own.match_indices("CREATE TRIGGER").map(|(at, _)| at);
        Ok(found.len() == begins.clone().count()
            && begins.clone().all(|at| found.iter().any(|sql| own[at..].strip_prefix(sql.as_str()).is_some_and(ends))))
    }
}

/// Zeros, which no record has, in place of what is none.
fn hash_in(row: &Row<'_>, index: usize) -> rusqlite::Result<[u8; 32]> {
    Ok(row.get_ref(index)?.as_bytes()?.try_into().unwrap_or_default())
}

/// As `schema-5.sql` makes it, and nothing has changed it since.
pub(super) fn is_there(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(statements::AUDIT_TABLE).map_err(failure)?;
    let sql: Option<String> = statement.query_row([], |row| row.get(0)).optional().map_err(failure)?;
    let own = SCHEMA.find("CREATE TABLE").map_or("", |at| &SCHEMA[at..]);
    Ok(sql.is_some_and(|sql| own.strip_prefix(sql.as_str()).is_some_and(ends)))
}

/// Writes one record behind the last. In the transaction of what it records: both are kept, or neither.
pub(super) fn append(connection: &Connection, entry: &Entry<'_>) -> Result<(), StoreError> {
    let last = head(connection)?;
    let at = seconds(SystemTime::now());
    let hash = chained(&last, at, entry.fields());
    let mut statement = connection.prepare_cached(statements::ADD_AUDIT).map_err(failure)?;
    let [event, about, detail, actor] = entry.fields();
    let added = statement.execute(params![last.number.saturating_add(1), at, event, about, detail, actor, hash]);
    match added.map_err(failure)? {
        1 => Ok(()),
        // A trigger can swallow a row without an error.
        _ => Err(StoreError::Failed("the audit log takes no record: look at the triggers of its table".into())),
    }
}

/// What follows on a whole statement.
fn ends(rest: &str) -> bool {
    rest.starts_with(';')
}

/// The last record.
pub(in crate::store) fn head(connection: &Connection) -> Result<AuditHead, StoreError> {
    let mut statement = connection.prepare_cached(statements::AUDIT_HEAD).map_err(failure)?;
    let found = statement.query_row([], |row| Ok(AuditHead { number: row.get(0)?, hash: row.get(1)? })).optional();
    Ok(found.map_err(failure)?.unwrap_or(AuditHead::NONE))
}

/// Serial numbers as the log has them.
pub(super) fn serials<'a>(serials: impl Iterator<Item = &'a [u8]>) -> String {
    serials.map(to_hex).collect::<Vec<_>>().join(" ")
}
