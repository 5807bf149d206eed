//! Who was told that certificates end.

use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::{SqliteStore, failure, mails, orders::order_that_replaces, revocations, seconds};
use crate::{Mail, StoreError, link::LinkId};

const ADD: &str = "INSERT OR IGNORE INTO notices (serial, days, told) VALUES (?1, ?2, ?3)";
const FIND: &str = "SELECT EXISTS (SELECT 1 FROM notices WHERE serial = ?1 AND days = ?2)";

/// All of them, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 2] = [ADD, FIND];

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticePosted {
    /// The mail is posted, and it is kept that it is.
    Posted,
    /// The holder of one of the certificates had been told before.
    Known,
    /// They were renewed or revoked a moment ago.
    NotDue,
}

impl SqliteStore {
    pub(crate) fn post_notice(
        &self,
        mail: Mail,
        serials: Vec<Vec<u8>>,
        days: u32,
        now: SystemTime,
    ) -> Result<NoticePosted, StoreError> {
        // Most have been told before, and nobody needs to write.
        if self.read_at_once(|connection| any_told(connection, &serials, days))? {
            return Ok(NoticePosted::Known);
        }
        let link = LinkId::generate()?;
        self.writer.run(move |connection| {
            if any_told(connection, &serials, days)? {
                return Ok(NoticePosted::Known);
            }
            if !any_due(connection, &serials)? {
                return Ok(NoticePosted::NotDue);
            }
            for serial in &serials {
                let row = params![serial, days, seconds(now)];
                connection.prepare_cached(ADD).and_then(|mut sql| sql.execute(row)).map_err(failure)?;
            }
            mails::post(connection, &mail, link, now)?;
            Ok(NoticePosted::Posted)
        })
    }

    pub(crate) fn is_due(&self, serials: &[Vec<u8>]) -> Result<bool, StoreError> {
        self.read_at_once(|connection| any_due(connection, serials))
    }
}

fn any_told(connection: &Connection, serials: &[Vec<u8>], days: u32) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(FIND).map_err(failure)?;
    for serial in serials {
        if statement.query_row(params![serial, days], |row| row.get(0)).map_err(failure)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn any_due(connection: &Connection, serials: &[Vec<u8>]) -> Result<bool, StoreError> {
    for serial in serials {
        let replaced = order_that_replaces(connection, serial)?.is_some();
        if !replaced && !revocations::is_revoked(connection, serial)? {
            return Ok(true);
        }
    }
    Ok(false)
}
