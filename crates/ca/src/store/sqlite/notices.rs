//! Who was told that certificates end.

use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::{
    Posted, SqliteStore, certificates, failure, mails,
    orders::order_that_replaces,
    revocations::{self, KeptStatus},
    seconds,
};
use crate::{Mail, NotDue, Profile, StoreError, link::LinkId};

const ADD: &str = "INSERT OR IGNORE INTO notices (serial, days, told) VALUES (?1, ?2, ?3)";
const FIND: &str = "SELECT EXISTS (SELECT 1 FROM notices WHERE serial = ?1 AND days = ?2)";

const FORGET: &str = "DELETE FROM notices WHERE serial = ?1 AND days = ?2";
const FORGET_ALL: &str = "DELETE FROM notices WHERE serial = ?1";

/// All of them, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 4] = [ADD, FIND, FORGET, FORGET_ALL];

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticePosted {
    /// The mail is posted, and it is kept that it is.
    Posted,
    /// The holder of one of the certificates had been told before.
    Known,
    /// They were renewed, revoked or put on hold a moment ago.
    NotDue,
}

impl SqliteStore {
    pub(crate) fn post_notice(
        &self,
        mail: Mail,
        serials: Vec<Vec<u8>>,
        service: Vec<Profile>,
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
            if not_due(connection, &serials, &service)?.is_some() {
                return Ok(NoticePosted::NotDue);
            }
            for serial in &serials {
                let row = params![serial, days, seconds(now)];
                connection.prepare_cached(ADD).and_then(|mut sql| sql.execute(row)).map_err(failure)?;
            }
            Ok(match mails::post_again(connection, &mail, link, now)? {
                Posted::Queued => NoticePosted::Posted,
                Posted::Known => NoticePosted::Known,
            })
        })
    }

    /// Gives the mail of a notice up if these certificates are not due: nobody was told then. Tells whether it did.
    pub(crate) fn withdraw_notice(
        &self,
        mail: i64,
        serials: Vec<Vec<u8>>,
        service: Vec<Profile>,
        days: u32,
        why: &'static str,
    ) -> Result<bool, StoreError> {
        if self.not_due(&serials, &service)?.is_none() {
            return Ok(false);
        }
        self.writer.run(move |connection| {
            if not_due(connection, &serials, &service)?.is_none() {
                return Ok(false);
            }
            for serial in &serials {
                let forget = connection.prepare_cached(FORGET);
                forget.and_then(|mut sql| sql.execute(params![serial, days])).map_err(failure)?;
            }
            mails::failed(connection, mail, why, None)?;
            Ok(true)
        })
    }

    pub(crate) fn not_due(&self, serials: &[Vec<u8>], service: &[Profile]) -> Result<Option<NotDue>, StoreError> {
        self.read_at_once(|connection| not_due(connection, serials, service))
    }
}

/// Whoever was told that these end is told anew.
pub(super) fn forget(connection: &Connection, serials: &[Vec<u8>]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(FORGET_ALL).map_err(failure)?;
    serials.iter().try_for_each(|serial| statement.execute([serial]).map(drop).map_err(failure))
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

/// Why none of these is renewed by its holder any more, or not now; where the service has a pair, why it is not as one.
fn not_due(connection: &Connection, serials: &[Vec<u8>], service: &[Profile]) -> Result<Option<NotDue>, StoreError> {
    let (mut due, mut ended, mut ordered) = (Vec::new(), Vec::new(), false);
    for serial in serials {
        match certificates::find(connection, serial)?.filter(|kept| service.contains(&kept.profile)) {
            None => {}
            Some(_) if order_that_replaces(connection, serial)?.is_some() => ordered = true,
            Some(kept) if kept.revoked => ended.push(kept),
            Some(kept) => due.push(kept),
        }
    }
    if service.iter().all(|profile| due.iter().any(|kept| kept.profile == *profile)) {
        return Ok(None);
    }
    if due.is_empty() && (ordered || ended.is_empty()) {
        return Ok(Some(NotDue::Ordered));
    }
    for kept in &due {
        let others = certificates::issued_together(connection, &kept.serial)?.into_iter();
        ended.extend(others.filter(|other| other.revoked && service.contains(&other.profile)));
    }
    let mut not_due = None;
    for kept in ended {
        match revocations::status(connection, &kept.serial)? {
            KeptStatus::Revoked(revocation) if revocation.is_hold() => not_due = not_due.or(Some(NotDue::OnHold)),
            _ => not_due = Some(NotDue::Revoked),
        }
    }
    Ok(not_due)
}
