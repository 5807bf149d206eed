//! What an older program left: certificates on keys that others may have. It ended only the one that was named.

use std::time::SystemTime;

use obnova_status::{Revocation, RevocationReason};
use rusqlite::{Connection, Row};

use super::{SqliteStore, failure, revocations, time};
use crate::StoreError;

const LEFT: &str = "SELECT serial, compromised FROM left_on_keys ORDER BY serial";
const NONE_LEFT: &str = "DELETE FROM left_on_keys";

impl SqliteStore {
    /// Serial numbers of certificates that ended when this was opened: an older program had revoked another one on the same key, since
    /// others may have that, and had left these. Each has its record in the audit log.
    #[must_use]
    pub fn ended_on_opening(&self) -> &[Vec<u8>] {
        &self.ended
    }

    /// Ends what is left, with its records, and tells which.
    pub(super) fn end_siblings(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        // Nearly always there is nothing, and nobody needs to write.
        if self.read(left)?.is_empty() {
            return Ok(Vec::new());
        }
        let (now, actor) = (SystemTime::now(), self.actor.clone());
        self.writer.run(move |connection| {
            let mut ended = Vec::new();
            for (serial, compromised) in left(connection)? {
                let revocation = Revocation {
                    invalid_since: Some(compromised),
                    ..Revocation::new(now, RevocationReason::KeyCompromise)
                };
                if revocations::end(connection, &serial, revocation, &actor)? {
                    ended.push(serial);
                }
            }
            connection.execute(NONE_LEFT, []).map_err(failure)?;
            Ok(ended)
        })
    }
}

fn left(connection: &Connection) -> Result<Vec<(Vec<u8>, SystemTime)>, StoreError> {
    let mut statement = connection.prepare(LEFT).map_err(failure)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, time(row.get(1)?)));
    statement.query_map([], read).and_then(Iterator::collect).map_err(failure)
}
