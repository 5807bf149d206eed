//! Who is revoked or on hold.

use std::{sync::Arc, time::SystemTime};

use obnova_status::{Revocation, RevocationReason};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, audit, certificates, failure, mails, orders, seconds, statements, time};
use crate::{
    AuditEvent, Lapse, Mail, StoreError, Transaction, audit::Entry, link::LinkId, store::CertificateRecord,
    transaction::to_hex,
};

/// What became of a change of a certificate's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// It is on disk.
    Done,
    /// It is revoked for good already, since then and for that reason; or revoking it again would say no more.
    Revoked(Revocation),
    /// It is not on hold, so that there is nothing to release.
    NotOnHold,
    /// This CA issued no such certificate.
    Unknown,
}

/// What a CA's store says of a serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptStatus {
    /// It issued no such certificate.
    Unknown,
    /// It did, and nothing else is known.
    Good,
    /// It is revoked or on hold.
    Revoked(Revocation),
}

/// A revoked certificate, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationRecord {
    /// Content of its serial number.
    pub serial: Vec<u8>,
    /// Since when, and why.
    pub revocation: Revocation,
    /// The certificate's end.
    pub not_after: SystemTime,
}

/// Revoked certificates in the order of their serial numbers, those after one of them: a page.
pub type PageAfter<'a> = dyn Fn(Option<&[u8]>) -> Result<Vec<RevocationRecord>, StoreError> + 'a;

/// A certificate that is to end.
pub(crate) struct Writ {
    /// Content of its serial number.
    pub serial: Vec<u8>,
    pub revocation: Revocation,
    /// In whose name; of whoever runs this process, when nobody is named.
    pub actor: Option<&'static str>,
}

/// What holders are told, if there is a way to.
pub(crate) trait Letters: Send + Sync {
    /// A certificate has ended; or had ended before for this other reason, and its key is known to be compromised now. Whether something
    /// that was ordered with its key lives.
    fn revoked(
        &self,
        kept: &CertificateRecord,
        revocation: Revocation,
        before: Option<RevocationReason>,
        ordered: bool,
    ) -> Result<Option<Mail>, StoreError>;

    /// The order that waited to replace it was turned down.
    fn turned_down(
        &self,
        order: &Transaction,
        kept: &CertificateRecord,
        lapse: Lapse,
    ) -> Result<Option<Mail>, StoreError>;
}

/// A certificate that has ended, and the order that waited to replace it and was turned down with it.
struct Ended {
    serial: Vec<u8>,
    /// Why it had ended before, if it had.
    before: Option<RevocationReason>,
    order: Option<(Transaction, Lapse)>,
}

/// Entries of one page.
const PAGE: u32 = 512;
/// How many numbers of a CRL may be passed by others' before it is given up.
const MAX_PASSED: usize = 100;

impl SqliteStore {
    /// Ends all of these certificates, or puts them on hold, or none: then it is told which cannot be, and why. What is on hold may be ended
    /// for good; then it ended when it was held. When others may have the key of one, every certificate on that key that has not expired
    /// ends with it; those that had ended for another reason, as may this one, have this reason from now on, and keep their date. An order that waits to replace what is ended for good is turned down with it. The mails about all of that are posted with
    /// it; nobody is written to about a hold, from which a certificate may be [released](Self::release).
    pub(crate) fn revoke_all(
        &self,
        writs: Vec<Writ>,
        letters: Arc<dyn Letters>,
        now: SystemTime,
    ) -> Result<Option<(usize, StatusChange)>, StoreError> {
        let own = self.actor.clone();
        self.writer.run(move |connection| end_all(connection, &writs, (&own, letters.as_ref()), now))
    }

    /// The same for one certificate, which is taken in first where it is not there. Tells whether it was, and what became of it.
    pub(crate) fn revoke_taking_in(
        &self,
        certificate: CertificateRecord,
        revocation: Revocation,
        letters: Arc<dyn Letters>,
        now: SystemTime,
    ) -> Result<(bool, StatusChange), StoreError> {
        let own = self.actor.clone();
        self.writer.run(move |connection| {
            let is_lost = status(connection, &certificate.serial)? == KeptStatus::Unknown;
            if is_lost {
                certificates::take_in(connection, &certificate, &own)?;
            }
            let writ = Writ { serial: certificate.serial.clone(), revocation, actor: None };
            let not = end_all(connection, &[writ], (&own, letters.as_ref()), now)?;
            Ok((is_lost, not.map_or(StatusChange::Done, |(_, change)| change)))
        })
    }

    /// Takes a certificate off hold. What is revoked for good stays so.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was kept.
    pub fn release(&self, serial: &[u8]) -> Result<StatusChange, StoreError> {
        let (serial, actor) = (serial.to_vec(), self.actor.clone());
        self.writer.run(move |connection| match status(connection, &serial)? {
            KeptStatus::Unknown => Ok(StatusChange::Unknown),
            KeptStatus::Good => Ok(StatusChange::NotOnHold),
            KeptStatus::Revoked(revocation) if !revocation.is_hold() => Ok(StatusChange::Revoked(revocation)),
            KeptStatus::Revoked(_) => {
                let mut statement = connection.prepare_cached(statements::RELEASE).map_err(failure)?;
                statement.execute([&serial]).map_err(failure)?;
                let (event, about) = (AuditEvent::Released, to_hex(&serial));
                audit::append(connection, &Entry { event, about: &about, detail: "", actor: &actor })?;
                Ok(StatusChange::Done)
            }
        })
    }

    /// What is known of a serial number, now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn status(&self, serial: &[u8]) -> Result<KeptStatus, StoreError> {
        self.read_at_once(|connection| status(connection, serial))
    }

    /// Shows `work` a number for a CRL, greater than every one before, and all that is revoked, page by page and as often as it
    /// asks, as it stood at one moment. Of two numbers, whoever took them, the greater never comes with what stood earlier.
    ///
    /// # Errors
    /// [`StoreError`]; what `work` makes of it is its own. [`StoreError::Busy`] when others took numbers all the time.
    pub fn with_crl<T>(
        &self,
        now: SystemTime,
        mut work: impl FnMut(u64, &PageAfter<'_>) -> T,
    ) -> Result<T, StoreError> {
        for _ in 0..MAX_PASSED {
            let number = self.begin_crl(now)?;
            if let Some(done) = self.with_revocations(number, |page| work(number, page))? {
                return Ok(done);
            }
        }
        Err(StoreError::Busy { process: None })
    }

    /// All that is revoked, unless a greater number than this one was taken before that moment.
    fn with_revocations<T>(
        &self,
        number: u64,
        work: impl FnOnce(&PageAfter<'_>) -> T,
    ) -> Result<Option<T>, StoreError> {
        self.read_at_once(|connection| {
            if newest_crl(connection)? != number {
                return Ok(None);
            }
            let page = |after: Option<&[u8]>| {
                let mut statement = connection.prepare_cached(statements::REVOCATIONS).map_err(failure)?;
                let rows = statement.query_map(params![after.unwrap_or_default(), PAGE], read_revocation);
                rows.and_then(Iterator::collect).map_err(failure)
            };
            Ok(Some(work(&page)))
        })
    }

    fn begin_crl(&self, now: SystemTime) -> Result<u64, StoreError> {
        let actor = self.actor.clone();
        self.writer.run(move |connection| {
            let mut statement = connection.prepare_cached(statements::BEGIN_CRL).map_err(failure)?;
            let number = statement.insert([seconds(now)]).map(i64::unsigned_abs).map_err(failure)?;
            let (event, about) = (AuditEvent::CrlMade, number.to_string());
            audit::append(connection, &Entry { event, about: &about, detail: "", actor: &actor })?;
            Ok(number)
        })
    }

    /// How often the status of any certificate was changed so far, or CRLs were [outdated](Self::outdate_crls). It never falls.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn status_changes(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::STATUS_CHANGES).map_err(failure)?;
            statement.query_row([], |row| row.get(0)).map(i64::unsigned_abs).map_err(failure)
        })
    }

    /// Has whoever keeps a CRL make another one, as a change of status does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outdate_crls(&self) -> Result<(), StoreError> {
        self.writer.run(|connection| {
            let mut statement = connection.prepare_cached(statements::OUTDATE_CRLS).map_err(failure)?;
            statement.execute([]).map(drop).map_err(failure)
        })
    }

    /// The greatest number that a CRL has; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_crl(&self) -> Result<u64, StoreError> {
        self.read(newest_crl)
    }
}

pub(super) fn newest_crl(connection: &Connection) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(statements::NEWEST_CRL).map_err(failure)?;
    statement.query_row([], |row| row.get(0)).map(i64::unsigned_abs).map_err(failure)
}

/// All of them are looked at before one is changed. `own` acts where nobody is named.
fn end_all(
    connection: &Connection,
    writs: &[Writ],
    (own, letters): (&str, &dyn Letters),
    now: SystemTime,
) -> Result<Option<(usize, StatusChange)>, StoreError> {
    for (index, writ) in writs.iter().enumerate() {
        match status(connection, &writ.serial)? {
            KeptStatus::Unknown => return Ok(Some((index, StatusChange::Unknown))),
            KeptStatus::Revoked(revoked) if !says_more(writ.revocation, revoked) => {
                return Ok(Some((index, StatusChange::Revoked(revoked))));
            }
            KeptStatus::Good | KeptStatus::Revoked(_) => {}
        }
    }
    for Writ { serial, revocation, actor } in writs {
        end_and_tell(connection, serial, *revocation, (actor.unwrap_or(own), letters), now)?;
    }
    Ok(None)
}

/// Revokes it, and with a key that others may have all certificates on that key. Tells which ones were changed.
fn revoke_with_key(
    connection: &Connection,
    serial: &[u8],
    revocation: Revocation,
    actor: &str,
) -> Result<Vec<Ended>, StoreError> {
    let Some(named) = revoke(connection, serial, revocation, actor)? else { return Ok(Vec::new()) };
    let mut ended = vec![named];
    if revocation.reason == RevocationReason::KeyCompromise {
        let mut statement = connection.prepare_cached(statements::LIVE_ON_SAME_KEY).map_err(failure)?;
        let others = statement.query_map(params![serial, seconds(revocation.at)], |row| row.get(0));
        let others: Vec<Vec<u8>> = others.and_then(Iterator::collect).map_err(failure)?;
        for other in others {
            ended.extend(revoke(connection, &other, revocation, actor)?);
        }
    }
    Ok(ended)
}

/// Ends a certificate, what else has to end with it, and the orders that waited to replace them; with a mail about each. Or puts it on
/// hold, which is no end.
pub(super) fn end_and_tell(
    connection: &Connection,
    serial: &[u8],
    revocation: Revocation,
    (actor, letters): (&str, &dyn Letters),
    now: SystemTime,
) -> Result<(), StoreError> {
    let ended = revoke_with_key(connection, serial, revocation, actor)?;
    if revocation.is_hold() {
        return Ok(());
    }
    for Ended { serial, before, order } in ended {
        let Some(kept) = certificates::find(connection, &serial)? else { continue };
        // What was on hold ended when that began.
        let KeptStatus::Revoked(revocation) = status(connection, &serial)? else { continue };
        let post = |mail: Mail| mails::post(connection, &mail, LinkId::generate()?, now).map(drop);
        let ordered = orders::lives_with_key_of(connection, &serial, now)?;
        letters.revoked(&kept, revocation, before, ordered)?.map_or(Ok(()), post)?;
        let told = order.map(|(order, lapse)| letters.turned_down(&order, &kept, lapse)).transpose()?;
        told.flatten().map_or(Ok(()), post)?;
    }
    Ok(())
}

/// Ends one certificate, whatever else is on its key. The order that waits to replace it is left to who turns down what is over, and has
/// a mail for its holder.
pub(super) fn end(
    connection: &Connection,
    serial: &[u8],
    revocation: Revocation,
    actor: &str,
) -> Result<(), StoreError> {
    mark(connection, serial, revocation, actor).map(drop)
}

/// With it the order that waits to replace what is revoked for good is turned down, and named. `None` where nothing is to be changed.
fn revoke(
    connection: &Connection,
    serial: &[u8],
    revocation: Revocation,
    actor: &str,
) -> Result<Option<Ended>, StoreError> {
    let Some(before) = mark(connection, serial, revocation, actor)? else { return Ok(None) };
    let order = match revocation.is_hold() {
        true => None,
        false => orders::lapse(connection, serial, Lapse::Revoked, actor, revocation.at)?,
    };
    let before = match before {
        KeptStatus::Revoked(before) if !before.is_hold() => Some(before.reason),
        _ => None,
    };
    Ok(Some(Ended { serial: serial.to_vec(), before, order }))
}

/// Writes it down, and tells what was known of it before; or `None` where it says no more than that. What was on hold or had ended keeps
/// its date.
fn mark(
    connection: &Connection,
    serial: &[u8],
    revocation: Revocation,
    actor: &str,
) -> Result<Option<KeptStatus>, StoreError> {
    let before = status(connection, serial)?;
    let since = match before {
        KeptStatus::Good => revocation.at,
        KeptStatus::Revoked(before) if says_more(revocation, before) => before.at,
        KeptStatus::Unknown | KeptStatus::Revoked(_) => return Ok(None),
    };
    let reason = revocation.reason.to_string();
    let row = params![serial, seconds(since), reason, revocation.invalid_since.map(seconds)];
    let mut statement = connection.prepare_cached(statements::REVOKE).map_err(failure)?;
    statement.execute(row).map_err(failure)?;
    let (event, detail) = match revocation.is_hold() {
        true => (AuditEvent::Held, ""),
        false => (AuditEvent::Revoked, reason.as_str()),
    };
    audit::append(connection, &Entry { event, about: &to_hex(serial), detail, actor })?;
    Ok(Some(before))
}

/// Whether a revocation says more than what stands: that a hold is for good, or that others may have the key, which concerns whatever
/// else is on it.
fn says_more(revocation: Revocation, before: Revocation) -> bool {
    let compromised = |revocation: Revocation| revocation.reason == RevocationReason::KeyCompromise;
    before.is_hold() && !revocation.is_hold() || compromised(revocation) && !compromised(before)
}

pub(super) fn is_revoked(connection: &Connection, serial: &[u8]) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(statements::IS_REVOKED).map_err(failure)?;
    statement.query_row([serial], |row| row.get(0)).map_err(failure)
}

pub(super) fn status(connection: &Connection, serial: &[u8]) -> Result<KeptStatus, StoreError> {
    let mut statement = connection.prepare_cached(statements::REVOCATION).map_err(failure)?;
    let revoked = statement.query_row([serial], read_revocation).optional().map_err(failure)?;
    if let Some(revoked) = revoked {
        return Ok(KeptStatus::Revoked(revoked.revocation));
    }
    let mut statement = connection.prepare_cached(statements::IS_ISSUED).map_err(failure)?;
    let issued: bool = statement.query_row([serial], |row| row.get(0)).map_err(failure)?;
    Ok(if issued { KeptStatus::Good } else { KeptStatus::Unknown })
}

fn read_revocation(row: &Row<'_>) -> rusqlite::Result<RevocationRecord> {
    let reason: String = row.get(2)?;
    let reason = RevocationReason::ALL.into_iter().find(|known| known.to_string() == reason);
    Ok(RevocationRecord {
        serial: row.get(0)?,
        revocation: Revocation {
            at: time(row.get(1)?),
            reason: reason.ok_or(rusqlite::Error::InvalidQuery)?,
            invalid_since: row.get::<_, Option<i64>>(3)?.map(time),
        },
        not_after: time(row.get(4)?),
    })
}
