//! What signed links are about, and whether they were used.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::{SqliteStore, failure, seconds, time};
use crate::{
    StoreError,
    link::{LinkId, LinkPurpose},
};

const ADD: &str = "INSERT INTO links (id, purpose, about, expires) VALUES (?1, ?2, ?3, ?4)";
const FIND: &str = "SELECT purpose, about, expires, used, attempt FROM links WHERE id = ?1";
const USE: &str = "UPDATE links SET used = ?2, attempt = ?3 WHERE id = ?1 AND used IS NULL";

/// All of them, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 3] = [ADD, FIND, USE];

/// A signed link, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// What it is about.
    pub about: Vec<u8>,
    /// Until when it is good.
    pub expires: SystemTime,
    /// Whether it was used, or ended.
    pub used: bool,
    /// Whether the CA ended it, and nobody used it.
    pub ended: bool,
}

/// What became of the use of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkUse {
    /// It was not used before.
    First,
    /// The same attempt used it before.
    Again,
    /// Another attempt used it before; or there is none.
    Used,
}

impl SqliteStore {
    /// A link by its row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn link(&self, id: LinkId) -> Result<Option<KeptLink>, StoreError> {
        self.read(|connection| find(connection, id))
    }

    /// Whether this attempt used a link up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn link_was_used_by(&self, id: LinkId, attempt: &[u8]) -> Result<bool, StoreError> {
        let attempt: [u8; 32] = Sha256::digest(attempt).into();
        self.read(|connection| used_by(connection, id, &attempt))
    }

    /// Uses a link up, for one attempt.
    ///
    /// # Errors
    /// [`StoreError`]: nothing changed.
    pub fn use_link(&self, id: LinkId, attempt: &[u8], now: SystemTime) -> Result<LinkUse, StoreError> {
        let attempt: [u8; 32] = Sha256::digest(attempt).into();
        self.writer.run(move |connection| use_up(connection, id, &attempt, now))
    }
}

pub(super) fn find(connection: &Connection, id: LinkId) -> Result<Option<KeptLink>, StoreError> {
    let mut statement = connection.prepare_cached(FIND).map_err(failure)?;
    statement.query_row([id.0], read).optional().map_err(failure)
}

pub(super) fn add(
    connection: &Connection,
    id: LinkId,
    purpose: LinkPurpose,
    about: &[u8],
    expires: SystemTime,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(ADD).map_err(failure)?;
    statement.insert(params![id.0, purpose.name(), about, seconds(expires)]).map(|_| ()).map_err(failure)
}

pub(super) fn use_up(
    connection: &Connection,
    id: LinkId,
    attempt: &[u8; 32],
    now: SystemTime,
) -> Result<LinkUse, StoreError> {
    let mut statement = connection.prepare_cached(USE).map_err(failure)?;
    if statement.execute(params![id.0, seconds(now), attempt]).map_err(failure)? == 1 {
        return Ok(LinkUse::First);
    }
    Ok(if used_by(connection, id, attempt)? { LinkUse::Again } else { LinkUse::Used })
}

fn used_by(connection: &Connection, id: LinkId, attempt: &[u8; 32]) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(FIND).map_err(failure)?;
    let before: Option<Option<Vec<u8>>> = statement.query_row([id.0], |row| row.get(4)).optional().map_err(failure)?;
    Ok(before.flatten().is_some_and(|before| before == attempt))
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeptLink> {
    let purpose: String = row.get(0)?;
    let purpose = LinkPurpose::ALL.into_iter().find(|known| known.name() == purpose);
    let used = row.get::<_, Option<i64>>(3)?.is_some();
    Ok(KeptLink {
        purpose: purpose.ok_or(rusqlite::Error::InvalidQuery)?,
        about: row.get(1)?,
        expires: time(row.get(2)?),
        used,
        // Whoever uses a link has a name for what he does.
        ended: used && row.get::<_, Option<Vec<u8>>>(4)?.is_none(),
    })
}
