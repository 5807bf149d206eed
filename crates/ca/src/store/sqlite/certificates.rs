//! Certificates, by serial number and by key.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{audit, failure, seconds, statements, time};
use crate::{AuditEvent, KeyHash, Profile, StoreError, audit::Entry, store::CertificateRecord, transaction::to_hex};

/// Keeps those of a personalisation.
pub(super) fn add(connection: &Connection, certificates: &[CertificateRecord], actor: &str) -> Result<(), StoreError> {
    for certificate in certificates {
        if key_is_taken(connection, &certificate.key)? {
            return Err(StoreError::KeyTaken(certificate.profile));
        }
    }
    insert(connection, None, certificates)?;
    let detail = serials_of(certificates);
    audit::append(connection, &Entry { event: AuditEvent::FirstPair, about: "", detail: &detail, actor })
}

/// Keeps one that this CA issued and that is not there.
pub(super) fn take_in(connection: &Connection, certificate: &CertificateRecord, actor: &str) -> Result<(), StoreError> {
    insert(connection, None, std::slice::from_ref(certificate))?;
    let about = to_hex(&certificate.serial);
    audit::append(connection, &Entry { event: AuditEvent::TakenIn, about: &about, detail: "", actor })
}

/// Those that end from one moment until another, the first to end first.
pub(super) fn ending(
    connection: &Connection,
    from: SystemTime,
    until: SystemTime,
    limit: u32,
) -> Result<Vec<CertificateRecord>, StoreError> {
    let mut statement = connection.prepare_cached(statements::ENDING).map_err(failure)?;
    let rows = statement.query_map(params![seconds(from), seconds(until), limit], read);
    rows.and_then(Iterator::collect).map_err(failure)
}

/// The certificates of the order that issued this one; where none did those of the first pair, and itself.
pub(super) fn issued_together(connection: &Connection, serial: &[u8]) -> Result<Vec<CertificateRecord>, StoreError> {
    let find = |sql| {
        let mut statement = connection.prepare_cached(sql).map_err(failure)?;
        statement.query_map([serial], read).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failure)
    };
    let of_order = find(statements::ISSUED_TOGETHER)?;
    if of_order.is_empty() { find(statements::FIRST_PAIR) } else { Ok(of_order) }
}

pub(super) fn key_is_taken(connection: &Connection, key: &KeyHash) -> Result<bool, StoreError> {
    connection
        .prepare_cached(statements::KEY_IS_TAKEN)
        .and_then(|mut statement| statement.query_row([key.0], |row| row.get(0)))
        .map_err(failure)
}

pub(super) fn find(connection: &Connection, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError> {
    let mut statement = connection.prepare_cached(statements::CERTIFICATE).map_err(failure)?;
    statement.query_row([serial], read).optional().map_err(failure)
}

pub(super) fn insert(
    connection: &Connection,
    order: Option<i64>,
    certificates: &[CertificateRecord],
) -> Result<(), StoreError> {
    for (position, certificate) in certificates.iter().enumerate() {
        connection
            .prepare_cached(statements::ADD_CERTIFICATE)
            .and_then(|mut statement| {
                statement.insert(params![
                    certificate.serial,
                    certificate.profile.name(),
                    certificate.key.0,
                    certificate.subject,
                    seconds(certificate.not_after),
                    certificate.der,
                    order,
                    order.map(|_| position as i64),
                ])
            })
            .map_err(failure)?;
    }
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<CertificateRecord> {
    Ok(CertificateRecord {
        serial: row.get(0)?,
        profile: profile(&row.get::<_, String>(1)?)?,
        key: KeyHash(row.get(2)?),
        subject: row.get(3)?,
        not_after: time(row.get(4)?),
        der: row.get(5)?,
        revoked: row.get(6)?,
    })
}

pub(super) fn profile(name: &str) -> rusqlite::Result<Profile> {
    Profile::ALL.into_iter().find(|profile| profile.name() == name).ok_or(rusqlite::Error::InvalidQuery)
}

pub(super) fn serials_of(certificates: &[CertificateRecord]) -> String {
    audit::serials(certificates.iter().map(|certificate| certificate.serial.as_slice()))
}
