//! Messages that ask again for what an order asks for: whoever has lost what was written down of an order sends another one
//! for the same keys, and both are one.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::{credentials, failure, orders::existing, seconds, statements, time};
use crate::{
    StoreError, Transaction,
    store::{NewOrder, OrderRecord, Repeat, RequestRecord},
};

/// The order that asks for the very same keys in place of the same certificates, and was not turned down. `replaces` is the one
/// that replaces the first of them. A first order replaces none: it is the one for its first key that the same person asked for, by another
/// password, unless its certificates are not good any more, so that they help nobody.
pub(super) fn order_that_stands(
    connection: &Connection,
    order: &NewOrder,
    replaces: Option<&Transaction>,
) -> Result<Option<OrderRecord>, StoreError> {
    let name = match (replaces, &order.credential, order.requests.first()) {
        (Some(name), ..) => Some(name.clone()),
        (None, Some(credential), Some(first)) => {
            credentials::order_of_key(connection, credential, &first.key, order.received)?
        }
        (None, ..) => None,
    };
    let Some(name) = name else { return Ok(None) };
    let stands = existing(connection, &name)?;
    let in_order = |requests: &[RequestRecord]| {
        let mut asked: Vec<_> =
            requests.iter().map(|one| (one.profile, one.key, one.same_key, one.replaces.clone())).collect();
        asked.sort_unstable();
        asked
    };
    Ok((in_order(&stands.requests) == in_order(&order.requests)).then_some(stands))
}

pub(super) fn keep(connection: &Connection, repeat: &NewOrder, stands: &OrderRecord) -> Result<(), StoreError> {
    connection
        .prepare_cached(statements::ADD_REPEAT)
        .and_then(|mut statement| {
            statement.execute(params![
                repeat.transaction.as_bytes(),
                repeat.message,
                seconds(repeat.received),
                stands.transaction.as_bytes(),
            ])
        })
        .map(drop)
        .map_err(failure)
}

pub(super) fn find(connection: &Connection, name: &Transaction) -> Result<Option<Repeat>, StoreError> {
    connection
        .prepare_cached(statements::REPEAT)
        .and_then(|mut statement| {
            let row = statement.query_row([name.as_bytes()], |row| {
                Ok(Repeat { message: row.get(0)?, confirmed: row.get::<_, Option<i64>>(1)?.map(time) })
            });
            row.optional()
        })
        .map_err(failure)
}

pub(super) fn confirm(connection: &Connection, name: &Transaction, now: SystemTime) -> Result<(), StoreError> {
    connection
        .prepare_cached(statements::CONFIRM_REPEAT)
        .and_then(|mut statement| statement.execute(params![name.as_bytes(), seconds(now)]))
        .map(drop)
        .map_err(failure)
}
