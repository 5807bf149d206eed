//! Orders: what comes in, what becomes of it, and what is asked about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};

use obnova_status::RevocationReason;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    audit, certificates, credentials, failure, mails, odd, repeats, revocation_passwords, revocations, seconds,
    statements, time,
};
use crate::{
    AuditEvent, KeyHash, Lapse, LinkId, Mail, Profile, StoreError, Transaction,
    audit::Entry,
    store::{Asked, CertificateRecord, Issued, Known, NewOrder, OrderRecord, OrderState, RequestRecord, Submission},
};

/// Keeps the order; or says why not.
pub(super) fn submit(connection: &Connection, order: &NewOrder) -> Result<Option<Submission>, StoreError> {
    if let Some(known) = find(connection, &order.transaction)? {
        let repeat = repeats::find(connection, &order.transaction)?;
        let same = repeat.map_or(known.message == order.message, |repeat| repeat.message == order.message);
        return Ok(Some(if same { Submission::Known(known) } else { Submission::TransactionTaken }));
    }
    let in_the_way = order.requests.iter().map(|request| InTheWay::of(connection, request));
    let in_the_way = in_the_way.collect::<Result<Vec<_>, _>>()?;
    let replaced_by = in_the_way.first().and_then(|first| first.order.as_ref());
    if let Some(credential) = &order.credential
        && !credentials::is_unused(connection, credential)?
    {
        return Ok(Some(Submission::PasswordUsed));
    }
    if let Some(stands) = repeats::order_that_stands(connection, order, replaced_by)? {
        repeats::keep(connection, order, &stands)?;
        let (about, detail) = (order.transaction.to_string(), stands.transaction.to_string());
        by_client(connection, AuditEvent::OrderRepeated, &about, &detail)?;
        // Certificates that are out keep theirs: whoever has card and PIN could put his own in its place, and nobody were told.
        if stands.state == OrderState::Pending {
            set_revocation_password(connection, &stands.transaction, order)?;
        }
        let take_over =
            |credential| credentials::take_over(connection, credential, &stands.transaction, order.received);
        order.credential.as_ref().map_or(Ok(()), take_over)?;
        return Ok(Some(Submission::Repeated(stands)));
    }
    for (request, found) in order.requests.iter().zip(&in_the_way) {
        if let Some(other) = &found.order {
            return Ok(Some(Submission::AlreadyOrdered(other.clone())));
        }
        if found.key {
            let profile = request.profile;
            return Ok(Some(if request.same_key {
                Submission::KeyCompromised(profile)
            } else {
                Submission::KeyTaken(profile)
            }));
        }
        if found.revoked {
            return Ok(Some(Submission::Revoked(request.profile)));
        }
    }
    let issued = !order.certificates.is_empty();
    let state = if issued { OrderState::Issued } else { OrderState::Pending };
    let received = seconds(order.received);
    connection
        .prepare_cached(statements::ADD_ORDER)
        .and_then(|mut statement| {
            statement.insert(params![
                order.transaction.as_bytes(),
                order.holder,
                state.name(),
                order.token_salt,
                order.token_hash,
                received,
                issued.then_some(received),
            ])
        })
        .map_err(failure)?;
    let id = connection.last_insert_rowid();
    connection
        .prepare_cached(statements::ADD_MESSAGE)
        .and_then(|mut statement| statement.insert(params![id, order.message]))
        .map_err(failure)?;
    for (position, request) in order.requests.iter().enumerate() {
        connection
            .prepare_cached(statements::ADD_REQUEST)
            .and_then(|mut statement| {
                statement.insert(params![
                    id,
                    position as i64,
                    request.profile.name(),
                    request.request,
                    request.key.0,
                    request.same_key,
                    request.replaces,
                    (!issued).then_some(1),
                ])
            })
            .map_err(failure)?;
    }
    certificates::insert(connection, issued.then_some(id), &order.certificates)?;
    let event = if issued { AuditEvent::OrderIssued } else { AuditEvent::OrderPending };
    by_client(connection, event, &order.transaction.to_string(), &certificates::serials_of(&order.certificates))?;
    let use_up = |credential| credentials::use_up(connection, credential, &order.transaction);
    order.credential.as_ref().map_or(Ok(()), use_up)?;
    match order.revocation_password {
        Some(_) => set_revocation_password(connection, &order.transaction, order)?,
        None if in_the_way.iter().any(|found| found.password) => revocation_passwords::carry_over(connection, order)?,
        None => {}
    }
    Ok(None)
}

/// What is known of a request before it is kept.
struct InTheWay {
    /// The order that replaces the same certificate.
    order: Option<Transaction>,
    /// The key is taken; or compromised, where it is to be the old one.
    key: bool,
    /// What it replaces is revoked or on hold.
    revoked: bool,
    /// What it replaces has a revocation password, which is none that stands in the way: it goes over.
    password: bool,
}

impl InTheWay {
    fn of(connection: &Connection, request: &RequestRecord) -> Result<Self, StoreError> {
        let mut statement = connection.prepare_cached(statements::IN_THE_WAY).map_err(failure)?;
        let compromised = request.same_key.then(|| RevocationReason::KeyCompromise.to_string());
        let asked = params![request.replaces, request.key.0, request.same_key, compromised];
        let found = statement
            .query_row(asked, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Option<Vec<u8>>>(3)?)));
        let (key, revoked, password, order) = found.map_err(failure)?;
        let order = order.map(|name| Transaction::new(&name).ok_or_else(|| odd("orders.name")));
        Ok(Self { order: order.transpose()?, key, revoked, password })
    }
}

pub(super) fn submitted(refused: Option<Submission>, order: Arc<NewOrder>) -> Submission {
    refused.unwrap_or_else(|| Submission::Accepted(accepted(Arc::unwrap_or_clone(order))))
}

/// The record of an order that was just kept.
fn accepted(order: NewOrder) -> OrderRecord {
    let received = time(seconds(order.received));
    let issued = !order.certificates.is_empty();
    OrderRecord {
        transaction: order.transaction,
        message: order.message,
        holder: order.holder,
        state: if issued { OrderState::Issued } else { OrderState::Pending },
        reason: None,
        lapse: None,
        on_hold: None,
        token_salt: order.token_salt,
        token_hash: order.token_hash,
        received,
        decided: issued.then_some(received),
        confirmed: None,
        requests: order.requests,
        certificates: order.certificates,
    }
}

/// Gives it its certificates, when it waits; and has the mail sent that says so.
pub(super) fn issue(
    connection: &Connection,
    transaction: &Transaction,
    certificates: &[CertificateRecord],
    mail: Option<(&Mail, LinkId)>,
    actor: &str,
    now: SystemTime,
) -> Result<OrderRecord, StoreError> {
    let order = existing(connection, transaction)?;
    // The certificates were signed since anybody looked.
    if order.state == OrderState::Pending
        && let Some(profile) = revoked_of(connection, &order.requests)?
    {
        return Err(StoreError::Revoked(profile));
    }
    if let Some(id) = decide(connection, transaction, OrderState::Issued, (None, None), now)? {
        certificates::insert(connection, Some(id), certificates)?;
        let (about, detail) = (order.transaction.to_string(), certificates::serials_of(certificates));
        audit::append(connection, &Entry { event: AuditEvent::OrderIssued, about: &about, detail: &detail, actor })?;
        mail.map_or(Ok(()), |(mail, link)| mails::post(connection, mail, link, now).map(drop))?;
    }
    existing(connection, transaction)
}

/// Turns it down, when it waits.
pub(super) fn reject(
    connection: &Connection,
    transaction: &Transaction,
    reason: &str,
    mail: Option<(&Mail, LinkId)>,
    actor: &str,
    now: SystemTime,
) -> Result<OrderRecord, StoreError> {
    if decide(connection, transaction, OrderState::Rejected, (Some(reason), None), now)?.is_some() {
        // The reason is for the holder, and may tell about him.
        let about = transaction.to_string();
        audit::append(connection, &Entry { event: AuditEvent::OrderRejected, about: &about, detail: "", actor })?;
        mail.map_or(Ok(()), |(mail, link)| mails::post(connection, mail, link, now).map(drop))?;
    }
    existing(connection, transaction)
}

/// Turns down the order that waits to replace a certificate that is over, if one does: names it then, and why.
pub(super) fn lapse(
    connection: &Connection,
    serial: &[u8],
    lapse: impl FnOnce(Profile) -> Lapse,
    actor: &str,
    now: SystemTime,
) -> Result<Option<(Transaction, Lapse)>, StoreError> {
    let mut statement = connection.prepare_cached(statements::ORDER_THAT_WAITS).map_err(failure)?;
    let read = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, certificates::profile(&row.get::<_, String>(1)?)?));
    let Some((name, profile)) = statement.query_row([serial], read).optional().map_err(failure)? else {
        return Ok(None);
    };
    let name = Transaction::new(&name).ok_or_else(|| odd("orders.name"))?;
    let lapse = lapse(profile);
    if decide(connection, &name, OrderState::Rejected, (None, Some(lapse)), now)?.is_none() {
        return Ok(None);
    }
    let (event, about, detail) = (AuditEvent::OrderRejected, name.to_string(), lapse.name());
    audit::append(connection, &Entry { event, about: &about, detail, actor })?;
    Ok(Some((name, lapse)))
}

pub(super) fn confirm(
    connection: &Connection,
    transaction: &Transaction,
    now: SystemTime,
) -> Result<OrderState, StoreError> {
    if set_confirmed(connection, transaction, now)? {
        return Ok(OrderState::Confirmed);
    }
    // It was confirmed before, is not issued, or this is the name of a repeat.
    let order = existing(connection, transaction)?;
    let now_confirmed = set_confirmed(connection, &order.transaction, now)?;
    let state = if now_confirmed { OrderState::Confirmed } else { order.state };
    if state == OrderState::Confirmed {
        repeats::confirm(connection, transaction, now)?;
    }
    Ok(state)
}

/// Whether it was issued, and is confirmed now.
fn set_confirmed(connection: &Connection, transaction: &Transaction, now: SystemTime) -> Result<bool, StoreError> {
    let done = connection
        .prepare_cached(statements::CONFIRM)
        .and_then(|mut statement| statement.execute(params![transaction.as_bytes(), seconds(now)]))
        .map_err(failure)?;
    if done == 1 {
        by_client(connection, AuditEvent::OrderConfirmed, &transaction.to_string(), "")?;
    }
    Ok(done == 1)
}

/// Moves a pending order on; `None` when it was not pending any more.
fn decide(
    connection: &Connection,
    transaction: &Transaction,
    state: OrderState,
    (reason, lapse): (Option<&str>, Option<Lapse>),
    now: SystemTime,
) -> Result<Option<i64>, StoreError> {
    let decided = connection
        .prepare_cached(statements::DECIDE)
        .and_then(|mut statement| {
            let lapse = lapse.map(|lapse| format!("{}/{}", lapse.name(), lapse.profile()));
            let row = params![transaction.as_bytes(), state.name(), reason, seconds(now), lapse];
            statement.query_row(row, |row| row.get::<_, i64>(0)).optional()
        })
        .map_err(failure)?;
    if let Some(id) = decided {
        let waits_no_more = connection.prepare_cached(statements::WAITS_NO_MORE);
        waits_no_more.and_then(|mut statement| statement.execute([id])).map_err(failure)?;
    }
    Ok(decided)
}

/// The first of the requests that replace what is revoked or on hold.
fn revoked_of(connection: &Connection, requests: &[RequestRecord]) -> Result<Option<Profile>, StoreError> {
    for request in requests {
        if replaces_revoked(connection, request)? {
            return Ok(Some(request.profile));
        }
    }
    Ok(None)
}

/// The certificates of the order `name` have the password that `order` sets, if it does.
fn set_revocation_password(connection: &Connection, name: &Transaction, order: &NewOrder) -> Result<(), StoreError> {
    order.revocation_password.as_ref().map_or(Ok(()), |hash| revocation_passwords::put(connection, name, hash))
}

fn replaces_revoked(connection: &Connection, request: &RequestRecord) -> Result<bool, StoreError> {
    request.replaces.as_ref().map_or(Ok(false), |serial| revocations::is_revoked(connection, serial))
}

pub(super) fn look_up(connection: &Connection, asked: &Asked<'_>) -> Result<Known, StoreError> {
    if let Some(order) = find(connection, asked.transaction)? {
        return Ok(Known { order: Some(order), certificates: Vec::new(), replaced: false });
    }
    let certificates = asked.serials.iter().map(|serial| certificates::find(connection, serial));
    let certificates = certificates.collect::<Result<_, _>>()?;
    // An order replaces all of its certificates.
    let first = asked.serials.first().map(|serial| order_that_replaces(connection, serial)).transpose()?;
    Ok(Known { order: None, certificates, replaced: first.flatten().is_some() })
}

/// Orders of one state or of all, the newest first.
pub(super) fn all(
    connection: &Connection,
    state: Option<OrderState>,
    limit: u32,
) -> Result<Vec<OrderRecord>, StoreError> {
    let sql = if state.is_some() { statements::ORDERS_OF_STATE } else { statements::ORDERS };
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let rows = match state {
        Some(state) => statement.query_map(params![limit, state.name()], read),
        None => statement.query_map(params![limit], read),
    };
    rows.map_err(failure)?.map(|row| complete(connection, row.map_err(failure)?)).collect()
}

pub(super) fn by_token(connection: &Connection, token_hash: &[u8; 32]) -> Result<Option<OrderRecord>, StoreError> {
    one(connection, statements::ORDER_BY_TOKEN, token_hash)
}

pub(super) fn of_certificate(connection: &Connection, serial: &[u8]) -> Result<Option<OrderRecord>, StoreError> {
    one(connection, statements::ORDER_BY_CERTIFICATE, serial)
}

/// First orders that came before this, and that nobody decided on.
pub(super) fn undecided(connection: &Connection, before: SystemTime) -> Result<Vec<Transaction>, StoreError> {
    let mut statement = connection.prepare_cached(statements::UNDECIDED).map_err(failure)?;
    let names = statement.query_map([seconds(before)], |row| row.get(0)).and_then(Iterator::collect);
    let names: Vec<Vec<u8>> = names.map_err(failure)?;
    names.iter().map(|name| Transaction::new(name).ok_or_else(|| odd("orders.name"))).collect()
}

/// What was ordered with the key of a certificate, and with the keys that came by such orders; the newest first. `None` where there is no
/// such certificate.
pub(super) fn ordered_with_key_of(
    connection: &Connection,
    serial: &[u8],
) -> Result<Option<Vec<OrderRecord>>, StoreError> {
    if certificates::find(connection, serial)?.is_none() {
        return Ok(None);
    }
    let mut on_same_key = connection.prepare_cached(statements::ON_SAME_KEY).map_err(failure)?;
    let mut that_replace = connection.prepare_cached(statements::ORDERS_THAT_REPLACE).map_err(failure)?;
    let (mut orders, mut seen, mut left) = (BTreeMap::new(), BTreeSet::new(), vec![serial.to_vec()]);
    while let Some(serial) = left.pop() {
        let on_key = on_same_key.query_map([serial], |row| row.get(0));
        let on_key: Vec<Vec<u8>> = on_key.and_then(Iterator::collect).map_err(failure)?;
        for serial in on_key.into_iter().filter(|serial| seen.insert(serial.clone())) {
            let found = that_replace.query_map([serial], read).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            for (id, order) in found.map_err(failure)? {
                let order = complete(connection, (id, order))?;
                left.extend(order.certificates.iter().map(|certificate| certificate.serial.clone()));
                orders.insert(id, order);
            }
        }
    }
    Ok(Some(orders.into_values().rev().collect()))
}

/// Whether any of that lives: a certificate that is valid, or an order that waits.
pub(super) fn lives_with_key_of(connection: &Connection, serial: &[u8], now: SystemTime) -> Result<bool, StoreError> {
    let is_valid = |one: &CertificateRecord| !one.revoked && one.not_after >= now;
    let lives = |order: &OrderRecord| order.state == OrderState::Pending || order.certificates.iter().any(is_valid);
    Ok(ordered_with_key_of(connection, serial)?.is_some_and(|orders| orders.iter().any(lives)))
}

pub(super) fn issued(connection: &Connection, transaction: &Transaction) -> Result<Option<Issued>, StoreError> {
    let token = |sql: &str| {
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_row([transaction.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()
    };
    let found = match token(statements::TOKEN_BY_NAME).map_err(failure)? {
        None => token(statements::TOKEN_BY_REPEAT).map_err(failure)?,
        found => found,
    };
    let Some((id, token_hash)) = found else { return Ok(None) };
    let mut statement = connection.prepare_cached(statements::SERIALS_OF_ORDER).map_err(failure)?;
    let serials = statement.query_map([id], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)?;
    Ok(Some(Issued { token_hash, serials }))
}

pub(super) fn order_that_replaces(connection: &Connection, serial: &[u8]) -> Result<Option<Transaction>, StoreError> {
    let name: Option<Vec<u8>> = connection
        .prepare_cached(statements::ORDER_THAT_REPLACES)
        .and_then(|mut statement| statement.query_row([serial], |row| row.get(0)).optional())
        .map_err(failure)?;
    name.map(|name| Transaction::new(&name).ok_or_else(|| odd("orders.name"))).transpose()
}

/// By its own name, or by that of a repeat.
pub(super) fn find(connection: &Connection, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError> {
    // Mostly it is a new one's.
    let mut statement = connection.prepare_cached(statements::NAME_IS_TAKEN).map_err(failure)?;
    if !statement.query_row([transaction.as_bytes()], |row| row.get(0)).map_err(failure)? {
        return Ok(None);
    }
    match one(connection, statements::ORDER_BY_NAME, transaction.as_bytes())? {
        None => one(connection, statements::ORDER_BY_REPEAT, transaction.as_bytes()),
        found => Ok(found),
    }
}

pub(super) fn existing(connection: &Connection, transaction: &Transaction) -> Result<OrderRecord, StoreError> {
    find(connection, transaction)?.ok_or_else(|| StoreError::NoSuchOrder(transaction.clone()))
}

fn one(connection: &Connection, sql: &str, key: &[u8]) -> Result<Option<OrderRecord>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let found = statement.query_row([key], read).optional().map_err(failure)?;
    found.map(|found| complete(connection, found)).transpose()
}

/// An order's own row; what hangs on it follows in [`complete`].
fn read(row: &Row<'_>) -> rusqlite::Result<(i64, OrderRecord)> {
    let name: Vec<u8> = row.get(1)?;
    let state: String = row.get(4)?;
    let record = OrderRecord {
        transaction: Transaction::new(&name).ok_or(rusqlite::Error::InvalidQuery)?,
        message: row.get(2)?,
        holder: row.get(3)?,
        state: [OrderState::Pending, OrderState::Issued, OrderState::Confirmed, OrderState::Rejected]
            .into_iter()
            .find(|known| known.name() == state)
            .ok_or(rusqlite::Error::InvalidQuery)?,
        reason: row.get(5)?,
        lapse: row.get::<_, Option<String>>(11)?.map(|lapse| read_lapse(&lapse)).transpose()?,
        on_hold: None,
        token_salt: row.get(6)?,
        token_hash: row.get(7)?,
        received: time(row.get(8)?),
        decided: row.get::<_, Option<i64>>(9)?.map(time),
        confirmed: row.get::<_, Option<i64>>(10)?.map(time),
        requests: Vec::new(),
        certificates: Vec::new(),
    };
    Ok((row.get(0)?, record))
}

fn read_lapse(text: &str) -> rusqlite::Result<Lapse> {
    match text.split_once('/') {
        Some(("revoked", profile)) => certificates::profile(profile).map(Lapse::Revoked),
        Some(("expired", profile)) => certificates::profile(profile).map(Lapse::Expired),
        _ => Err(rusqlite::Error::InvalidQuery),
    }
}

fn complete(connection: &Connection, (id, mut record): (i64, OrderRecord)) -> Result<OrderRecord, StoreError> {
    if record.state == OrderState::Pending {
        let mut statement = connection.prepare_cached(statements::HELD_OF_ORDER).map_err(failure)?;
        let held = statement.query_row([id], |row| certificates::profile(&row.get::<_, String>(0)?));
        record.on_hold = held.optional().map_err(failure)?;
    }
    let mut statement = connection.prepare_cached(statements::REQUESTS_OF_ORDER).map_err(failure)?;
    let requests = statement.query_map([id], |row| {
        Ok(RequestRecord {
            profile: certificates::profile(&row.get::<_, String>(0)?)?,
            request: row.get(1)?,
            key: KeyHash(row.get(2)?),
            same_key: row.get(3)?,
            replaces: row.get(4)?,
        })
    });
    record.requests = requests.and_then(Iterator::collect).map_err(failure)?;
    let mut statement = connection.prepare_cached(statements::CERTIFICATES_OF_ORDER).map_err(failure)?;
    record.certificates = statement.query_map([id], certificates::read).and_then(Iterator::collect).map_err(failure)?;
    Ok(record)
}

/// Notes what came through the protocol.
pub(super) fn by_client(
    connection: &Connection,
    event: AuditEvent,
    about: &str,
    detail: &str,
) -> Result<(), StoreError> {
    audit::append(connection, &Entry { event, about, detail, actor: Entry::CLIENT })
}
