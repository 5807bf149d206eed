//! The database file: whose it is, what is left of it when it is torn, and what it keeps.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    path::Path,
    sync::mpsc::{TryRecvError, channel},
};

use common::{Draft, World, issued, now, token};
use obnova_ca::{
    AnswerError, Begun, CaError, KeyHash, Profile, SqliteStore, Store, StoreError, Transaction,
    store::{CertificateRecord, OrderState},
};
use x509_cert::der::Encode;

#[test]
fn a_file_of_another_program_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text");
    fs::write(&text, "nothing like a database, and longer than its header of a hundred bytes ".repeat(40)).unwrap();
    let before = fs::read(&text).unwrap();
    assert!(matches!(SqliteStore::open(&text), Err(StoreError::Foreign { .. })));
    assert_eq!(fs::read(&text).unwrap(), before);

    let other = directory.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE mine (n INTEGER); INSERT INTO mine VALUES (1)").unwrap();
    assert!(matches!(SqliteStore::open(&other), Err(StoreError::Foreign { .. })));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_newer_schema_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.db");
    drop(SqliteStore::open(&path).unwrap());
    drop(SqliteStore::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    let newest: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "user_version", newest + 1).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Version { found, known, .. } if found == newest + 1 && known == newest));
}

#[test]
fn keys_that_begin_alike_are_two() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("ca.db")).unwrap();
    let record = |serial: u8, key: [u8; 32]| CertificateRecord {
        serial: vec![serial; 20],
        profile: Profile::Signature,
        key: KeyHash(key),
        subject: "CN=Jana".into(),
        not_after: now(),
        der: vec![serial],
        revoked: false,
    };
    let (one, mut other) = ([7; 32], [7; 32]);
    other[31] = 8;
    store.add(vec![record(1, one)]).unwrap();
    assert_eq!(store.key_is_taken(&KeyHash(one)), Ok(true));
    assert_eq!(store.key_is_taken(&KeyHash(other)), Ok(false));
    store.add(vec![record(2, other)]).unwrap();
    for key in [one, other] {
        assert_eq!(store.add(vec![record(3, key)]), Err(StoreError::KeyTaken(Profile::Signature)));
    }
}

#[test]
fn an_answer_that_is_signed_waits_until_its_order_is_kept() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let message = draft.message();
    let (sender, receiver) = channel();
    let other = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = world.ca.begin_answer(&message, None, now(), move |kept| sender.send(kept).unwrap());
    let Begun::Keeping(unfinished) = begun.unwrap() else { panic!("nothing is kept") };
    let name = Transaction::new(draft.transaction.as_bytes()).unwrap();
    assert!(matches!(receiver.try_recv(), Err(TryRecvError::Empty)));
    assert_eq!(world.ca.order(&name).unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    let kept = receiver.recv().unwrap();
    assert_eq!(world.ca.order(&name).unwrap().unwrap().state, OrderState::Issued);
    let response = world.ca.finish_answer(unfinished, Some(kept)).unwrap();
    let answer = world.read(&response.message, &draft.transaction, obnova_enroll::cmc::Asked::Certificates);
    assert_eq!(issued(answer).len(), 2);

    let again = world.ca.begin_answer(&message, None, now(), |_| panic!("it is kept already"));
    assert!(matches!(again, Ok(Begun::Answered(again)) if again.refused.is_none()));
}

#[test]
fn an_answer_whose_order_was_not_kept_never_goes_out() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let begun = world.ca.begin_answer(&draft.message(), None, now(), drop);
    let Begun::Keeping(unfinished) = begun.unwrap() else { panic!("nothing is kept") };
    let lost = world.ca.finish_answer(unfinished, None);
    assert!(matches!(lost, Err(AnswerError::Ca(CaError::Store(StoreError::Stopped)))));
}

#[test]
fn two_messages_of_one_name_that_wait_for_the_disk_together_get_one_order() {
    let world = World::automatic();
    let (one, other) = (Draft::renewing(&world.old, 1), Draft::renewing(&world.old, 1));
    let (sender, receiver) = channel();
    let lock = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = [&one, &other].map(|draft| {
        let sender = sender.clone();
        match world.ca.begin_answer(&draft.message(), None, now(), move |kept| sender.send(kept).unwrap()) {
            Ok(Begun::Keeping(unfinished)) => unfinished,
            _ => panic!("nothing is kept"),
        }
    });
    lock.execute_batch("COMMIT").unwrap();
    // Both are signed; the store has the last word on the second.
    let refused =
        begun.map(|unfinished| world.ca.finish_answer(unfinished, Some(receiver.recv().unwrap())).unwrap().refused);
    assert_eq!(refused, [None, Some("transaction-taken")]);
    assert_eq!(world.ca.list(None, 10).unwrap().len(), 1);
}

#[test]
fn a_torn_file_is_an_error_and_never_a_panic() {
    let world = World::automatic();
    for index in 1..6 {
        let pair = common::first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
        issued(world.send(&Draft::renewing(&pair, index)));
    }
    let path = world.directory.path().join("ca.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let good = fs::read(&path).unwrap();
    assert!(good.len() > 40_000, "enough pages to tear");
    let torn = world.directory.path().join("torn.db");
    let open = |content: &[u8]| {
        for file in ["torn.db", "torn.db-wal", "torn.db-shm"] {
            let _ = fs::remove_file(world.directory.path().join(file));
        }
        fs::write(&torn, content).unwrap();
        SqliteStore::open(&torn)
    };
    let orders = |store: SqliteStore| store.orders(None, 100).map(|orders| orders.len());
    assert_eq!(open(&good).and_then(orders), Ok(5));
    assert_eq!(open(&good).and_then(|store| store.check()), Ok(()));
    for length in (1..good.len() / 4096).map(|pages| pages * 4096).chain([1, 15, 99, 100, 4095]) {
        let outcome = open(&good[..length]).map(drop);
        assert!(matches!(outcome, Err(StoreError::Damaged(_) | StoreError::Foreign { .. })), "{length}: {outcome:?}");
    }
    let pages = good.len() / 4096;
    let mut opened = 0;
    for page in 1..pages {
        let mut scribbled = good.clone();
        scribbled[page * 4096..page * 4096 + 512].fill(0x5a);
        let store = open(&scribbled);
        opened += usize::from(store.is_ok());
        let outcome = store.and_then(|store| store.check());
        assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{page}: {outcome:?}");
        let outcome = open(&scribbled).and_then(orders);
        assert!(matches!(outcome, Ok(5) | Err(StoreError::Damaged(_))), "{page}: {outcome:?}");
    }
    assert!(
        opened > pages / 2,
        "whoever opens a file looks through all of it: {opened} of {pages} pages were not read"
    );
    // An empty file is a new database: nothing was lost that had been there.
    assert_eq!(open(&[]).and_then(orders), Ok(0));
}

#[test]
fn a_value_that_cannot_be_is_named_as_damage() {
    let world = World::new();
    token(&world.send(&Draft::renewing(&world.old, 1)));
    let path = world.directory.path().join("ca.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = 1; UPDATE requests SET profile = 'both'").unwrap();
    let store = SqliteStore::open(&path);
    let outcome = store.and_then(|store| store.orders(None, 10));
    assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{outcome:?}");
}

#[test]
fn the_file_is_its_owners_and_has_no_secret() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let token = token(&world.send(&draft));
    for file in ["ca.db", "ca.db-wal"] {
        let path = world.directory.path().join(file);
        let content = fs::read(&path).unwrap();
        let found = content.windows(token.as_bytes().len()).any(|window| window == token.as_bytes());
        assert!(!found, "the token stands in {file}");
        owners_only(&path);
    }
}

#[cfg(unix)]
fn owners_only(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
}

#[cfg(not(unix))]
fn owners_only(_: &Path) {}

#[test]
fn lists_are_newest_first_bounded_and_by_state() {
    let world = World::new();
    let names: Vec<_> = (1..=4)
        .map(|index| {
            let pair = common::first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
            let draft = Draft::renewing(&pair, index);
            token(&world.send(&draft));
            Transaction::new(draft.transaction.as_bytes()).unwrap()
        })
        .collect();
    world.ca.approve(&names[1], now()).unwrap();
    world.ca.reject(&names[2], "no", now()).unwrap();
    let list = |state, limit| {
        let orders = world.ca.list(state, limit).unwrap();
        orders.into_iter().map(|order| order.transaction).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 100), names.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(list(None, 2), [names[3].clone(), names[2].clone()]);
    assert_eq!(list(Some(OrderState::Pending), 100), [names[3].clone(), names[0].clone()]);
    assert_eq!(list(Some(OrderState::Issued), 100), [names[1].clone()]);
    assert_eq!(list(Some(OrderState::Rejected), 100), [names[2].clone()]);
    assert_eq!(list(Some(OrderState::Confirmed), 100), []);
}

#[test]
fn a_certificate_is_found_by_its_serial_number() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    for certificate in issued(world.send(&draft)) {
        let kept = world.ca.certificate(certificate.tbs_certificate().serial_number().as_bytes()).unwrap().unwrap();
        assert_eq!(kept.der, certificate.to_der().unwrap());
    }
    assert_eq!(world.ca.certificate(&[1, 2, 3]).unwrap(), None);
    assert_eq!(world.ca.certificate(&[]).unwrap(), None);
}

#[test]
fn a_store_behind_the_trait_can_be_anybodys() {
    let world = World::new();
    let store: Box<dyn Store> = Box::new(SqliteStore::open(&world.directory.path().join("ca.db")).unwrap());
    assert_eq!(store.orders(None, 1).unwrap(), []);
}
