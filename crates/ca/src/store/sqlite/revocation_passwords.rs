//! The passwords that end certificates: one for all certificates of an order.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    SqliteStore, audit, failure,
    guesses::Guesses,
    mails, odd,
    orders::{by_client, order_that_replaces},
    statements,
};
use crate::{
    AuditEvent, GuessPolicy, Mail, StoreError, Transaction,
    audit::Entry,
    link::LinkId,
    store::{NewOrder, PasswordVerifier},
    transaction::to_hex,
};

/// What became of the begin of a guess of a revocation password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RevocationGuess {
    /// It is counted: compare with this.
    Counted {
        hash: PasswordVerifier,
        /// How many were wrong since the last right one, if this one is.
        count: u32,
    },
    /// This CA issued no such certificate, or it has no revocation password.
    None,
    /// Do not even compare: who is wrong would have to wait, and only a guess that is free was asked for. Nothing is counted.
    NotFree,
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

/// What who guesses is ready to pay for a wrong guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Price {
    /// That the next one has to wait.
    Wait,
    /// The same, for one that is compared beside another of the same request, which was the last that was counted: this many were
    /// wrong with that. It waits for nothing itself.
    Beside { count: u32 },
    /// Nothing but one of those that are free.
    Nothing,
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
    /// Whether the certificate has a revocation password.
    pub(crate) fn has_revocation_password(&self, serial: &[u8]) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(statements::REVOCATION_PASSWORD).map_err(failure)?;
            statement.exists([serial]).map_err(failure)
        })
    }

    /// Counts a guess of a certificate's revocation password, and has that on disk, before it is compared.
    pub(crate) fn guess_revocation_password(
        &self,
        serial: &[u8],
        guesser: Guesser,
        price: Price,
        policy: GuessPolicy,
        now: SystemTime,
    ) -> Result<RevocationGuess, StoreError> {
        let serial = serial.to_vec();
        self.writer.run(move |connection| {
            let mut statement = connection.prepare_cached(statements::REVOCATION_PASSWORD).map_err(failure)?;
            let column = match guesser {
                Guesser::Anybody => 1,
                Guesser::Holder => 3,
            };
            let found = statement.query_row([&serial], |row| {
                Ok((
                    PasswordVerifier::from(row.get::<_, Vec<u8>>(0)?),
                    Guesses { count: row.get(column)?, next: row.get(column + 1)? },
                ))
            });
            let Some((hash, guesses)) = found.optional().map_err(failure)? else {
                return Ok(RevocationGuess::None);
            };
            let counted = match price {
                Price::Beside { count } if count == guesses.count => Ok(guesses.count_beside(&policy, now)),
                _ => guesses.count_slowly(&policy, now),
            };
            match counted {
                Err(until) => Ok(RevocationGuess::Wait { until }),
                Ok(_) if price == Price::Nothing && !guesses.one_is_free(&policy) => Ok(RevocationGuess::NotFree),
                Ok(guesses) => {
                    set_guesses(connection, &hash, guesser, guesses)?;
                    Ok(RevocationGuess::Counted { hash, count: guesses.count })
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

    /// Gives the certificates that were issued with this one another password, and those of the orders that renew them, unless such an
    /// order set one of its own; with a record and a mail that say so. `None` when it was issued without an order. The serial
    /// numbers are told.
    pub(crate) fn replace_revocation_password(
        &self,
        serial: &[u8],
        hash: PasswordVerifier,
        mails: ReplacedMails,
        now: SystemTime,
    ) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let (serial, link, actor) = (serial.to_vec(), LinkId::generate()?, self.actor.clone());
        self.writer.run(move |connection| {
            let Some(order) = order_of(connection, &serial)? else { return Ok(None) };
            let (_, before) = of_order(connection, &order)?;
            let event = AuditEvent::RevocationPasswordReplaced;
            let before = before.as_ref();
            let change = Change { serial: &serial, before, hash: &hash, event, actor: &actor, mails: &mails };
            change.make(connection, order, link, now).map(Some)
        })
    }

    /// The same by a holder who is logged in with the certificate, in the place of the one that he has shown to know, or of none.
    pub(crate) fn set_revocation_password(
        &self,
        serial: &[u8],
        before: Option<PasswordVerifier>,
        hash: PasswordVerifier,
        mails: ReplacedMails,
        now: SystemTime,
    ) -> Result<SetPassword, StoreError> {
        let (serial, link) = (serial.to_vec(), LinkId::generate()?);
        self.writer.run(move |connection| {
            let Some(order) = order_of(connection, &serial)? else { return Ok(SetPassword::NoOrder) };
            if of_order(connection, &order)?.1 != before {
                return Ok(SetPassword::Another);
            }
            let (event, actor) = (AuditEvent::RevocationPasswordSet, Entry::HOLDER);
            let before = before.as_ref();
            let change = Change { serial: &serial, before, hash: &hash, event, actor, mails: &mails };
            change.make(connection, order, link, now).map(SetPassword::Done)
        })
    }

    /// The serial numbers of the certificates that share the revocation password of this one: of its order and of those that renew it.
    pub(crate) fn serials_with(&self, serial: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|connection| {
            let Some(order) = order_of(connection, serial)? else { return Ok(Vec::new()) };
            let (_, password) = of_order(connection, &order)?;
            onwards(connection, order, password.as_ref(), |_| Ok(()))
        })
    }

    /// The guess was right: the count begins anew. `false` where it was right for one that meanwhile is no more.
    pub(crate) fn guessed_revocation_password(
        &self,
        hash: PasswordVerifier,
        guesser: Guesser,
    ) -> Result<bool, StoreError> {
        let none = Guesses { count: 0, next: 0 };
        self.writer.run(move |connection| set_guesses(connection, &hash, guesser, none))
    }
}

/// What the holder is told of a password that is handed over.
pub(crate) struct ReplacedMails {
    /// Where there was none.
    pub first: Option<Mail>,
    /// Where there was another one.
    pub another: Option<Mail>,
}

/// What became of a password that a holder sets.
pub(crate) enum SetPassword {
    /// These certificates have it.
    Done(Vec<Vec<u8>>),
    /// The certificate was issued without an order.
    NoOrder,
    /// Another one stands than was said.
    Another,
}

/// A password in the place of another, or of none.
struct Change<'a> {
    serial: &'a [u8],
    before: Option<&'a PasswordVerifier>,
    hash: &'a PasswordVerifier,
    event: AuditEvent,
    actor: &'a str,
    mails: &'a ReplacedMails,
}

impl Change<'_> {
    /// For the order and all that renew its certificates and have the same password, with a record and a mail.
    fn make(
        &self,
        connection: &Connection,
        order: Transaction,
        link: LinkId,
        now: SystemTime,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let &Self { serial, hash, event, actor, mails, .. } = self;
        let serials = onwards(connection, order, self.before, |order| put(connection, order, hash))?;
        let (detail, mail) = match self.before {
            Some(_) => ("", &mails.another),
            None => ("there was none", &mails.first),
        };
        audit::append(connection, &Entry { event, about: &to_hex(serial), detail, actor })?;
        mail.as_ref().map_or(Ok(()), |mail| mails::post(connection, mail, link, now).map(drop))?;
        Ok(serials)
    }
}

/// The order that a certificate came by, if it came by one.
fn order_of(connection: &Connection, serial: &[u8]) -> Result<Option<Transaction>, StoreError> {
    let mut statement = connection.prepare_cached(statements::ORDER_OF_CERTIFICATE).map_err(failure)?;
    let order = statement.query_row([serial], |row| row.get::<_, Vec<u8>>(1)).optional().map_err(failure)?;
    order.map(|name| Transaction::new(&name).ok_or_else(|| odd("orders.name"))).transpose()
}

/// Does this for the order, and for all that renew its certificates and have the same password, `before`: it went over to them when they
/// came in. Returns the serial numbers of their certificates.
fn onwards(
    connection: &Connection,
    order: Transaction,
    before: Option<&PasswordVerifier>,
    act: impl Fn(&Transaction) -> Result<(), StoreError>,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let (mut orders, mut all) = (vec![order], Vec::new());
    let mut done = 0;
    while let Some(order) = orders.get(done).cloned() {
        done += 1;
        let (id, kept) = of_order(connection, &order)?;
        if kept.as_ref() != before {
            continue;
        }
        act(&order)?;
        let mut statement = connection.prepare_cached(statements::SERIALS_OF_ORDER).map_err(failure)?;
        let serials = statement.query_map([id], |row| row.get(0)).and_then(Iterator::collect);
        let serials: Vec<Vec<u8>> = serials.map_err(failure)?;
        for serial in &serials {
            if let Some(next) = order_that_replaces(connection, serial)?.filter(|order| !orders.contains(order)) {
                orders.push(next);
            }
        }
        all.extend(serials);
    }
    Ok(all)
}

/// Its row, and what it has of a password.
fn of_order(connection: &Connection, order: &Transaction) -> Result<(i64, Option<PasswordVerifier>), StoreError> {
    let mut statement = connection.prepare_cached(statements::REVOCATION_PASSWORD_OF_ORDER).map_err(failure)?;
    statement
        .query_row([order.as_bytes()], |row| {
            Ok((row.get(0)?, row.get::<_, Option<Vec<u8>>>(1)?.map(PasswordVerifier::from)))
        })
        .map_err(failure)
}

/// The certificates of this order have this one, in place of another.
pub(super) fn put(connection: &Connection, order: &Transaction, hash: &PasswordVerifier) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(statements::PUT_REVOCATION_PASSWORD).map_err(failure)?;
    statement.execute(params![order.as_bytes(), &**hash]).map(drop).map_err(failure)
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

/// Of the password that has this hash, if any has still.
fn set_guesses(
    connection: &Connection,
    hash: &PasswordVerifier,
    guesser: Guesser,
    to: Guesses,
) -> Result<bool, StoreError> {
    let sql = match guesser {
        Guesser::Anybody => statements::SET_REVOCATION_GUESSES,
        Guesser::Holder => statements::SET_LOGIN_REVOCATION_GUESSES,
    };
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    statement.execute(params![&**hash, to.count, to.next]).map(|changed| changed > 0).map_err(failure)
}
