//! What the audit log says of certificates, beside what their tables say.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{SqliteStore, audit, failure};
use crate::{AuditCheck, AuditComparison, AuditEvent, AuditFinding, Recorded, StoreError, transaction::from_hex};

/// Both, side by side, in a file of SQLite's own that is gone with the connection: however much there is, it is in no memory.
/// `told` and `kept` have the reason of what is revoked or on hold.
const SHEET: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
     CREATE TABLE sheet (
         serial BLOB NOT NULL PRIMARY KEY,
         issued INTEGER NOT NULL DEFAULT 0,
         told TEXT,
         place INTEGER,
         kept TEXT
     ) STRICT, WITHOUT ROWID;
     BEGIN";
const ISSUED: &str = "INSERT INTO sheet (serial, issued) VALUES (?1, 1) ON CONFLICT DO UPDATE SET issued = 1";
const TOLD: &str = "INSERT INTO sheet (serial, told) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET told = ?2";
const PLACE: &str = "INSERT INTO sheet (serial, place) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET place = ?2";
const KEPT: &str = "INSERT INTO sheet (serial, kept) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET kept = ?2";
/// The first certificate that the log saw; what stands before it in the table came before the log.
const FIRST: &str = "SELECT min(place) FROM sheet WHERE issued";
const COUNT: &str =
    "SELECT count(place), count(place) FILTER (WHERE NOT issued AND place BETWEEN 1 AND ?1 - 1) FROM sheet";
const DIFFERENT: &str = "SELECT serial, issued OR older, told, place IS NOT NULL, kept
     FROM (SELECT *, NOT issued AND coalesce(place, 0) BETWEEN 1 AND ?1 - 1 AS older FROM sheet)
     WHERE CASE WHEN older THEN told IS NOT NULL AND told IS NOT kept
         ELSE told IS NOT kept OR issued != (place IS NOT NULL) END
     ORDER BY serial LIMIT ?2";

const RECORDS: &str = "SELECT event, about, detail FROM audit ORDER BY number";
/// In the index of serial numbers, without the certificates themselves.
const CERTIFICATES: &str = "SELECT serial, rowid FROM certificates ORDER BY serial";
const REVOCATIONS: &str = "SELECT serial, reason FROM revocations";
/// As the table of revocations has it.
const HOLD: &str = "certificateHold";
/// The longest serial number, in bytes (RFC 5280 §4.1.2.2).
const SERIAL: usize = 20;

impl SqliteStore {
    /// What the log says of each certificate, and what the database has, at one moment.
    pub(crate) fn compared(&self) -> Result<AuditComparison, StoreError> {
        let sheet = Connection::open("").map_err(failure)?;
        sheet.execute_batch(SHEET).map_err(failure)?;
        self.read_at_once(|connection| {
            if audit::is_there(connection)? {
                take_down_log(connection, &sheet)?;
            }
            take_down_tables(connection, &sheet)
        })?;
        differences(&sheet).map_err(failure)
    }
}

fn take_down_log(connection: &Connection, sheet: &Connection) -> Result<(), StoreError> {
    let mut issued = sheet.prepare(ISSUED).map_err(failure)?;
    let mut told = sheet.prepare(TOLD).map_err(failure)?;
    let mut records = connection.prepare(RECORDS).map_err(failure)?;
    let mut records = records.query([]).map_err(failure)?;
    while let Some(record) = records.next().map_err(failure)? {
        // What is no text is nothing that the log says.
        let field = |index| record.get_ref(index).map(|value| value.as_str().unwrap_or_default()).map_err(failure);
        let (event, about, detail) = (field(0)?, field(1)?, field(2)?);
        let is = |one: AuditEvent| one.name() == event;
        if is(AuditEvent::OrderIssued) || is(AuditEvent::FirstPair) {
            for serial in detail.split(' ').filter_map(serial_number) {
                issued.execute([serial]).map_err(failure)?;
            }
            continue;
        }
        if is(AuditEvent::TakenIn) {
            if let Some(serial) = serial_number(about) {
                issued.execute([serial]).map_err(failure)?;
            }
            continue;
        }
        let reason = match () {
            () if is(AuditEvent::Revoked) => Some(detail),
            () if is(AuditEvent::Held) => Some(HOLD),
            () if is(AuditEvent::Released) => None,
            () => continue,
        };
        if let Some(serial) = serial_number(about) {
            told.execute(params![serial, reason]).map_err(failure)?;
        }
    }
    Ok(())
}

/// None where the log has something else: then it was changed, as it says itself.
fn serial_number(text: &str) -> Option<Vec<u8>> {
    from_hex(text, SERIAL).filter(|serial| !serial.is_empty())
}

fn take_down_tables(connection: &Connection, sheet: &Connection) -> Result<(), StoreError> {
    for (from, to) in [(CERTIFICATES, PLACE), (REVOCATIONS, KEPT)] {
        let mut to = sheet.prepare(to).map_err(failure)?;
        let mut from = connection.prepare(from).map_err(failure)?;
        let mut rows = from.query([]).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            let both = [row.get_ref(0), row.get_ref(1)].map(|value| value.map(rusqlite::types::ToSqlOutput::Borrowed));
            let [serial, other] = both;
            to.execute(params![serial.map_err(failure)?, other.map_err(failure)?]).map_err(failure)?;
        }
    }
    Ok(())
}

fn differences(sheet: &Connection) -> rusqlite::Result<AuditComparison> {
    let first: Option<i64> = sheet.query_row(FIRST, [], |row| row.get(0)).optional()?.flatten();
    // Where the log saw none, all of them came before it.
    let first = first.unwrap_or(i64::MAX);
    let count =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()));
    let (certificates, older) = sheet.query_row(COUNT, [first], count)?;
    let mut different = sheet.prepare(DIFFERENT)?;
    let findings = different.query_map(params![first, AuditCheck::MOST as i64], |row| {
        let (told, kept): (Option<String>, Option<String>) = (row.get(2)?, row.get(4)?);
        Ok(AuditFinding::Certificate {
            serial: row.get(0)?,
            log: Recorded::of(row.get(1)?, told.as_deref()),
            database: Recorded::of(row.get(3)?, kept.as_deref()),
        })
    });
    Ok(AuditComparison { certificates, older, findings: findings?.collect::<Result<_, _>>()? })
}
