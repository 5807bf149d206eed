//! What an older program left: certificates on keys that others may have. It ended only the one that was named.

use std::time::SystemTime;

use obnova_status::{Revocation, RevocationReason};
use rusqlite::{Connection, Row};

use super::{SqliteStore, failure, mails, revocations, time};
use crate::{Mail, StoreError, link::LinkId};

/// Those that have not ended yet.
const LEFT: &str = "SELECT serial, compromised FROM left_on_keys
     WHERE serial NOT IN (SELECT serial FROM revocations WHERE reason != 'certificateHold') ORDER BY serial";
const UNTOLD: &str = "SELECT serial FROM left_on_keys ORDER BY serial";
const TOLD: &str = "DELETE FROM left_on_keys WHERE serial = ?1";

impl SqliteStore {
    /// Serial numbers of certificates that ended when this was opened: an older program had revoked another one on the same key, since
    /// others may have that, and had left these. Each has its record in the audit log. They are named each time that the file is opened
    /// until their holders were [told](crate::RevocationDesk::tell).
    #[must_use]
    pub fn ended_on_opening(&self) -> &[Vec<u8>] {
        &self.ended
    }

    /// Ends what is left, with its records, and names those whose holders nobody has told.
    pub(super) fn end_siblings(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        // Nearly always there is nothing, and nobody needs to write.
        if !self.read(left)?.is_empty() {
            let (now, actor) = (SystemTime::now(), self.actor.clone());
            self.writer.run(move |connection| end(connection, now, &actor))?;
        }
        self.read(untold)
    }

    /// The holder of a certificate that had ended is told by this mail, if there is a way: once, and with the mail on disk.
    pub(crate) fn told_of_end(&self, serial: &[u8], mail: Option<Mail>, now: SystemTime) -> Result<(), StoreError> {
        let (serial, link) = (serial.to_vec(), LinkId::generate()?);
        self.writer.run(move |connection| {
            mail.as_ref().map_or(Ok(()), |mail| mails::post(connection, mail, link, now).map(drop))?;
            connection.execute(TOLD, [&serial]).map(drop).map_err(failure)
        })
    }
}

fn end(connection: &Connection, now: SystemTime, actor: &str) -> Result<(), StoreError> {
    for (serial, compromised) in left(connection)? {
        let revocation =
            Revocation { invalid_since: Some(compromised), ..Revocation::new(now, RevocationReason::KeyCompromise) };
        revocations::end(connection, &serial, revocation, actor)?;
    }
    Ok(())
}

fn left(connection: &Connection) -> Result<Vec<(Vec<u8>, SystemTime)>, StoreError> {
    let mut statement = connection.prepare(LEFT).map_err(failure)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, time(row.get(1)?)));
    statement.query_map([], read).and_then(Iterator::collect).map_err(failure)
}

fn untold(connection: &Connection) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut statement = connection.prepare(UNTOLD).map_err(failure)?;
    statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)
}
