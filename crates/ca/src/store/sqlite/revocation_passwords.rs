//! The passwords that end certificates: one for all certificates of an order.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::{SqliteStore, failure, guesses::Guesses, orders::by_client, statements};
use crate::{AuditEvent, GuessPolicy, StoreError, Transaction, store::NewOrder, transaction::to_hex};

/// What became of the begin of a guess of a revocation password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RevocationGuess {
    /// It is counted: compare with this.
    Counted {
        /// Names it.
        order: i64,
        hash: Vec<u8>,
        /// How many were wrong since the last right one, if this one is.
        count: u32,
    },
    /// This CA issued no such certificate, or it has no revocation password.
    None,
    /// Do not even compare: it is too soon after the last wrong one.
    Wait {
        /// From when on.
        until: SystemTime,
    },
}

/// Whose guesses are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guesser {
    /// Who is logged in as the certificate's holder.
    Holder,
    /// Anybody.
    Anybody,
}

impl Guesser {
    /// For the audit log.
    const fn name(self) -> &'static str {
        match self {
            Self::Holder => "by the holder, logged in",
            Self::Anybody => "by anybody",
        }
    }
}

impl SqliteStore {
    /// Counts a guess of a certificate's revocation password, and has that on disk, before it is compared.
    pub(crate) fn guess_revocation_password(
        &self,
        serial: &[u8],
        guesser: Guesser,
        policy: GuessPolicy,
        now: SystemTime,
    ) -> Result<RevocationGuess, StoreError> {
        let serial = serial.to_vec();
        self.writer.run(move |connection| {
            let mut statement = connection.prepare_cached(statements::REVOCATION_PASSWORD).map_err(failure)?;
            let column = match guesser {
                Guesser::Anybody => 2,
                Guesser::Holder => 4,
            };
            let found = statement.query_row([&serial], |row| {
                Ok((row.get(0)?, row.get(1)?, Guesses { count: row.get(column)?, next: row.get(column + 1)? }))
            });
            let Some((order, hash, guesses)) = found.optional().map_err(failure)? else {
                return Ok(RevocationGuess::None);
            };
            match guesses.count_slowly(&policy, now) {
                Err(until) => Ok(RevocationGuess::Wait { until }),
                Ok(guesses) => {
                    set_guesses(connection, order, guesser, guesses)?;
                    Ok(RevocationGuess::Counted { order, hash, count: guesses.count })
                }
            }
        })
    }

    /// So many guesses of this certificate's revocation password were wrong that the next one has to wait.
    pub(crate) fn slowed_revocation_password(
        &self,
        serial: &[u8],
        guesser: Guesser,
        guesses: u32,
    ) -> Result<(), StoreError> {
        let (about, by) = (to_hex(serial), guesser.name());
        let detail = format!("{guesses} wrong guesses, {by}");
        self.writer.run(move |connection| by_client(connection, AuditEvent::RevocationSlowed, &about, &detail))
    }

    /// The guess was right: the count begins anew.
    pub(crate) fn guessed_revocation_password(&self, order: i64, guesser: Guesser) -> Result<(), StoreError> {
        self.writer.run(move |connection| set_guesses(connection, order, guesser, Guesses { count: 0, next: 0 }))
    }
}

/// The certificates of this order have this one, in place of another.
pub(super) fn put(connection: &Connection, order: &Transaction, hash: &[u8]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(statements::PUT_REVOCATION_PASSWORD).map_err(failure)?;
    statement.execute(params![order.as_bytes(), hash]).map(drop).map_err(failure)
}

/// The certificates of this order, that sets no password, have the one of those that they replace, if there is one.
pub(super) fn carry_over(connection: &Connection, order: &NewOrder) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(statements::CARRY_REVOCATION_PASSWORD).map_err(failure)?;
    for replaces in order.requests.iter().filter_map(|request| request.replaces.as_ref()) {
        if statement.execute(params![order.transaction.as_bytes(), replaces]).map_err(failure)? == 1 {
            break;
        }
    }
    Ok(())
}

fn set_guesses(connection: &Connection, order: i64, guesser: Guesser, to: Guesses) -> Result<(), StoreError> {
    let sql = match guesser {
        Guesser::Anybody => statements::SET_REVOCATION_GUESSES,
        Guesser::Holder => statements::SET_LOGIN_REVOCATION_GUESSES,
    };
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    statement.execute(params![order, to.count, to.next]).map(drop).map_err(failure)
}
