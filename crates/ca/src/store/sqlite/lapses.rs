//! Orders that wait for what cannot be: what they would replace is over.

use std::{sync::Arc, time::SystemTime};

use rusqlite::Connection;

use super::{SqliteStore, certificates, failure, mails, orders, revocations::Letters, seconds, statements};
use crate::{Lapse, StoreError, link::LinkId};

/// Orders that are turned down in one transaction.
const AT_ONCE: usize = 200;

impl SqliteStore {
    /// Turns down each order that waits to replace a certificate past its end, or one that an older program revoked; with its record
    /// and its mail. Says how many.
    pub(crate) fn lapse_all(&self, letters: &Arc<dyn Letters>, now: SystemTime) -> Result<u64, StoreError> {
        let over = self.read(|connection| over(connection, now))?;
        let mut turned_down = 0;
        for some in over.chunks(AT_ONCE) {
            let (some, letters, actor) = (some.to_vec(), letters.clone(), self.actor.clone());
            turned_down += self.writer.run(move |connection| {
                let turned_down = some.iter().map(|(serial, revoked)| {
                    lapse(connection, serial, *revoked, letters.as_ref(), &actor, now).map(u64::from)
                });
                turned_down.sum::<Result<u64, _>>()
            })?;
        }
        Ok(turned_down)
    }
}

/// Certificates, and whether each is revoked. They do not come back.
fn over(connection: &Connection, now: SystemTime) -> Result<Vec<(Vec<u8>, bool)>, StoreError> {
    let mut statement = connection.prepare_cached(statements::LAPSED).map_err(failure)?;
    let rows = statement.query_map([seconds(now)], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).map_err(failure)
}

/// Whether an order waited for it, and waits no more.
fn lapse(
    connection: &Connection,
    serial: &[u8],
    revoked: bool,
    letters: &dyn Letters,
    actor: &str,
    now: SystemTime,
) -> Result<bool, StoreError> {
    let lapse = if revoked { Lapse::Revoked } else { Lapse::Expired };
    let Some((order, lapse)) = orders::lapse(connection, serial, lapse, actor, now)? else { return Ok(false) };
    let kept = certificates::find(connection, serial)?;
    let mail = kept.map(|kept| letters.turned_down(&order, &kept, lapse)).transpose()?.flatten();
    mail.map_or(Ok(()), |mail| mails::post(connection, &mail, LinkId::generate()?, now).map(drop))?;
    Ok(true)
}
