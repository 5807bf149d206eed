//! Files of older schemas, made by their own SQL: everything is found again, and nobody is surprised by the change.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use common::{Draft, World, issued, now, token};
use obnova_ca::{
    AuditAnchors, AuditKey, AuditLog, Ca, English, Lapse, Outbox, Outcome, Profile, RevocationDesk, SqliteStore, Stage,
    Store, StoreError, Transaction,
    store::{KeptStatus, OrderState},
};
use obnova_enroll::cmc::{Asked, TransactionId};
use obnova_status::RevocationReason;
use rusqlite::Connection;

/// The SQL that leads to each schema from the one before, from the first on.
fn schemas() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut schemas = vec![fs::read_to_string(folder.join("schema.sql")).unwrap()];
    while let Ok(next) = fs::read_to_string(folder.join(format!("schema-{}.sql", schemas.len() + 1))) {
        schemas.push(next);
    }
    schemas
}

/// The version that left the tables as they were.
const ONLY_DATA: usize = 21;

/// A file of this schema with everything in it that it has a place for.
fn older(version: usize, from: &Path) -> PathBuf {
    let path = from.with_file_name(format!("older-{version}.db"));
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    for sql in &schemas()[..version] {
        connection.execute_batch(sql).unwrap();
    }
    connection.execute("ATTACH ?1 AS today", [from.to_str().unwrap()]).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let tables = |schema| {
        let internal = "name LIKE 'sqlite_%'";
        names(&format!(
            "SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND NOT {internal} ORDER BY rowid"
        ))
    };
    let columns = |schema, table| names(&format!("SELECT name FROM pragma_table_info('{table}', '{schema}')"));
    let today = tables("today");
    for table in tables("main").iter().filter(|table| today.contains(table)) {
        let now = columns("today", table);
        let (mut to, mut from): (Vec<_>, Vec<_>) =
            columns("main", table).into_iter().filter(|column| now.contains(column)).map(|it| (it.clone(), it)).unzip();
        if table == "orders" && version < 3 {
            to.push("message".to_owned());
            from.push("(SELECT message FROM today.messages WHERE order_id = id)".to_owned());
        }
        let (to, from) = (to.join(", "), from.join(", "));
        let copy = format!("INSERT OR REPLACE INTO main.{table} ({to}) SELECT {from} FROM today.{table}");
        connection.execute(&copy, []).unwrap();
    }
    connection.pragma_update(None, "application_id", 0x4f62_4341).unwrap();
    connection.pragma_update(None, "user_version", version as i64).unwrap();
    path
}

fn version(path: &Path) -> i64 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// Everything that SQLite knows about tables, indexes and triggers.
fn shape(path: &Path) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
}

fn name(number: u8) -> Transaction {
    Transaction::new(&[number; 16]).unwrap()
}

#[test]
fn what_stands_in_a_file_of_an_older_schema_is_found_again() {
    // Waiting and repeated, issued, confirmed, turned down, and one certificate revoked.
    let world = World::new();
    let waiting = Draft::renewing(&world.old, 1);
    let first = token(&world.send(&waiting));
    let again = |number| Draft { transaction: TransactionId::from_random([number; 16]), ..waiting.clone() };
    let second = again(2).message();
    let ask = |ca: &Ca, message: &[u8], number| {
        let response = ca.answer(message, None, now()).unwrap();
        world.read(&response.message, &TransactionId::from_random([number; 16]), Asked::Certificates)
    };
    assert!(token(&ask(&world.ca, &second, 2)) == first, "a repeat has the token of its order");
    for decided in [3, 4, 5] {
        let pair = common::first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
        token(&world.send(&Draft::renewing(&pair, decided)));
    }
    for issued in [3, 5] {
        world.ca.approve(&name(issued), now()).unwrap();
    }
    world.ca.reject(&name(4), "no", now()).unwrap();
    world.store().confirm(&name(5), now()).unwrap();
    let spare = common::first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
    let revoked = spare.certificates[0].serial();
    world.revoke(revoked, RevocationReason::Superseded);
    let orders = world.ca.list(None, 9).unwrap();
    let states: Vec<_> = [1, 3, 4, 5].map(|number| world.ca.order(&name(number)).unwrap().unwrap().state).into();
    assert_eq!(states, [OrderState::Pending, OrderState::Issued, OrderState::Rejected, OrderState::Confirmed]);
    let repeat = world.store().repeat(&name(2)).unwrap().unwrap();
    let today = world.directory.path().join("ca.db");

    for older_version in 1..schemas().len() {
        let path = older(older_version, &today);
        let had = shape(&path);
        let store = SqliteStore::open(&path).unwrap();
        let told = format!("schema {older_version}");
        let other_tables = (older_version + 1..=schemas().len()).any(|version| version != ONLY_DATA);
        assert_eq!(shape(&path) != had, other_tables, "{told} was not an older one");
        assert_eq!(shape(&path), shape(&today), "{told}: the tables are those of a new file");
        assert_eq!(version(&path), schemas().len() as i64);
        store.check().unwrap();
        let other = Connection::open(&path).unwrap().execute("UPDATE orders SET state = 'other'", []);
        assert!(other.unwrap_err().to_string().contains("CHECK constraint failed"), "{told}");
        assert_eq!(store.orders(None, 9).unwrap(), orders, "{told}");
        for order in &orders {
            assert_eq!(store.order(&order.transaction).unwrap().as_ref(), Some(order), "{told}");
            assert_eq!(store.order_by_token(&order.token_hash).unwrap().as_ref(), Some(order), "{told}");
            let taken = order.state != OrderState::Rejected;
            for request in &order.requests {
                assert_eq!(store.key_is_taken(&request.key), Ok(taken), "{told}: {}", order.state);
                assert!(store.certificate(request.replaces.as_deref().unwrap()).unwrap().is_some(), "{told}");
            }
            for certificate in &order.certificates {
                assert_eq!(store.certificate(&certificate.serial).unwrap().as_ref(), Some(certificate), "{told}");
                assert_eq!(store.status(&certificate.serial), Ok(KeptStatus::Good), "{told}");
            }
        }
        let repeats = (older_version >= 2).then(|| repeat.clone());
        assert_eq!(store.repeat(&name(2)).unwrap(), repeats, "{told}");
        let is_revoked = matches!(store.status(revoked), Ok(KeptStatus::Revoked(_)));
        assert_eq!(is_revoked, older_version >= 4, "{told}: {:?}", store.status(revoked));

        // And it all goes on.
        let ca = world.remembering(store);
        assert!(token(&ask(&ca, &second, 2)) == first, "{told}");
        ca.approve(&name(1), now()).unwrap();
        assert_eq!(issued(ask(&ca, &again(6).message(), 6)).len(), 2, "{told}");
        let order = ca.order(&name(1)).unwrap().unwrap();
        assert!(matches!(ca.pick_up(&ca.token(&order)), Ok(Outcome::Issued(_))), "{told}");
        assert_eq!(ca.list(Some(OrderState::Pending), 9).unwrap(), [], "{told}");
    }
}

#[test]
fn who_only_registered_with_an_older_program_is_at_the_stage_that_has_another_name_now() {
    let world = World::new();
    let older = older(ONLY_DATA - 1, &world.directory.path().join("ca.db"));
    let add = |id: u8, stage: &str| {
        let sql = "INSERT INTO applicants (id, secret, stage, name, email, country, registered)
             VALUES (?1, x'00', ?2, 'Eva', 'eva@example.cz', 'CZ', 0)";
        Connection::open(&older).unwrap().execute(sql, (vec![id; 16], stage)).unwrap();
    };
    add(1, "entered");
    add(2, "admitted");
    drop(SqliteStore::open(&older).unwrap());
    let connection = Connection::open(&older).unwrap();
    let mut statement = connection.prepare("SELECT stage FROM applicants ORDER BY id").unwrap();
    let stages = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap();
    assert_eq!(stages, [Stage::Registered, Stage::Admitted].map(Stage::name));
}

/// In a process of its own it has the database open that is named, as an older server has, until its input ends.
const OPENS: &str = "OBNOVA_TEST_OPENS";

/// An older program ended the one certificate that was named; what else is on its key ends when a newer one opens the file.
#[test]
fn what_was_left_on_a_key_that_others_may_have_ends_when_the_file_is_opened() {
    let world = World::new();
    let pair = |days| common::first_pair(&world.ca, common::HOLDER, common::EMAIL, days);
    let (named, sibling, held, past, other) = (pair(20), pair(30), pair(40), pair(1), pair(20));
    let serial = |pair: &common::Pair| pair.certificates[0].serial().to_vec();
    // One of them is being renewed.
    token(&world.send(&Draft::renewing(&sibling, 1)));
    let older = older(16, &world.directory.path().join("ca.db"));
    let connection = Connection::open(&older).unwrap();
    for on_the_same_key in [&sibling, &held, &past] {
        let sql = "UPDATE certificates SET key = (SELECT key FROM certificates WHERE serial = ?1) WHERE serial = ?2";
        connection.execute(sql, [serial(&named), serial(on_the_same_key)]).unwrap();
    }
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let (compromised, hold) = (now() + 2 * common::DAY, now() - common::DAY);
    let sql = "INSERT INTO revocations (serial, since, reason) VALUES (?1, ?2, ?3)";
    connection.execute(sql, (serial(&named), seconds(compromised), "keyCompromise")).unwrap();
    connection.execute(sql, (serial(&held), seconds(hold), "certificateHold")).unwrap();
    connection.execute(sql, (serial(&other), seconds(compromised), "superseded")).unwrap();
    drop(connection);

    let anchors = world.directory.path().join("anchors");
    let key = world.directory.path().join("audit.secret");
    AuditKey::generate().unwrap().save(&key).unwrap();
    let open = || {
        let anchors = AuditAnchors::new(anchors.clone(), AuditKey::load(&key).unwrap());
        SqliteStore::open_anchored(&older, anchors).unwrap()
    };
    let before = SystemTime::now();
    let store = open();
    let mut ended = [serial(&sibling), serial(&held)];
    ended.sort();
    assert_eq!(store.ended_on_opening(), ended);
    let status = |pair| match store.status(&serial(pair)).unwrap() {
        KeptStatus::Revoked(revocation) => Some((revocation.reason, revocation.at, revocation.invalid_since)),
        _ => None,
    };
    let (reason, at, since) = status(&sibling).unwrap();
    assert_eq!((reason, since), (RevocationReason::KeyCompromise, Some(compromised)));
    assert!(at + std::time::Duration::from_secs(1) > before, "it is not revoked in the past");
    assert_eq!(status(&held), Some((RevocationReason::KeyCompromise, hold, Some(compromised))));
    assert_eq!(status(&past), None, "it had ended");
    assert!(matches!(status(&other), Some((RevocationReason::Superseded, _, None))));
    // Whoever opens it hears of them until their holders were told, each in the step that posts his mail; however often that is begun.
    let store = Arc::new(store);
    let policy = &world.ca.policy().revocation;
    let desk = |store: &Arc<SqliteStore>| RevocationDesk::new(policy.clone(), store.clone(), Arc::new(English));
    desk(&store).tell(&ended[..1], now()).unwrap();
    let again = Arc::new(open());
    assert_eq!(again.ended_on_opening(), &ended[1..]);
    desk(&again).tell(store.ended_on_opening(), now()).unwrap();
    let mut posted: Vec<_> = Outbox::new(again).list(None, 9).unwrap().into_iter().map(|mail| mail.key).collect();
    posted.sort();
    let hexadecimal = |serial: &Vec<u8>| serial.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(posted, ended.each_ref().map(|serial| format!("revoked/{}", hexadecimal(serial))));
    // Each has its record, which the CA vouches for; and it is done once.
    let again = Arc::new(open());
    assert!(again.ended_on_opening().is_empty());
    let log = AuditLog::new(open());
    let mut records = Vec::new();
    let each = |record: obnova_ca::AuditRecord| {
        if record.event == "revoked" {
            records.push((record.about, record.detail, record.actor));
        }
        true
    };
    log.read(1, each).unwrap();
    let wanted = ended.each_ref().map(|serial| (hexadecimal(serial), "keyCompromise".to_owned()));
    assert_eq!(records.iter().map(|(about, detail, _)| (about.clone(), detail.clone())).collect::<Vec<_>>(), wanted);
    assert!(records.iter().all(|(_, _, actor)| actor != "client"));
    let findings = log.verify(&[]).unwrap();
    assert_eq!(findings.anchored, findings.head.number);
    // What waited to replace one of them is turned down as all that is over, and its holder is told, once.
    assert_eq!([0, 1].map(|_| desk(&again).turn_down_lapsed(now()).unwrap()), [1, 0]);
    let order = again.orders(None, 9).unwrap().remove(0);
    assert_eq!((order.state, order.lapse), (OrderState::Rejected, Some(Lapse::Revoked(Profile::Authentication))));
    let mut posted: Vec<_> = Outbox::new(again).list(None, 9).unwrap().into_iter().map(|mail| mail.key).collect();
    posted.retain(|key| key.starts_with("turned-down/"));
    assert_eq!(posted, [format!("turned-down/{}", order.transaction)]);
}

#[test]
fn an_older_program_that_runs_keeps_the_file_as_it_knows_it() {
    if let Some(path) = std::env::var_os(OPENS) {
        let connection = Connection::open(path).unwrap();
        let _: i64 = connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
        std::io::stderr().write_all(b"!").unwrap();
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let world = World::new();
    token(&world.send(&Draft::renewing(&world.old, 1)));
    let newest = schemas().len();
    let path = older(newest - 1, &world.directory.path().join("ca.db"));
    let as_it_was = shape(&path);

    let in_this_process = Connection::open(&path).unwrap();
    let reads = "SELECT count(*) FROM orders";
    let count = |connection: &Connection| connection.query_row(reads, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(&in_this_process), 1);
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { process: None, .. }), "{refused}");
    // It goes on as before, and may write.
    assert_eq!((count(&in_this_process), version(&path)), (1, newest as i64 - 1));
    in_this_process.execute("UPDATE orders SET holder = 'somebody'", []).unwrap();
    drop(in_this_process);

    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_older_program_that_runs_keeps_the_file_as_it_knows_it", "--nocapture"])
        .env(OPENS, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    other.stderr.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    let process = cfg!(target_os = "linux").then(|| other.id());
    assert!(matches!(&refused, StoreError::InUse { process: named, .. } if *named == process), "{refused}");
    assert_eq!(shape(&path), as_it_was);
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.orders(None, 9).unwrap()[0].holder, "somebody");
    // From here on any number may have it open, and who comes from an older time is told.
    let more = SqliteStore::open(&path).unwrap();
    more.reject(&name(1), "no", now()).unwrap();
    assert_eq!(store.order(&name(1)).unwrap().unwrap().state, OrderState::Rejected);
    let mode: String =
        Connection::open(&path).unwrap().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn what_an_older_file_had_deleted_is_gone_once_it_is_changed() {
    let world = World::new();
    token(&world.send(&Draft::renewing(&world.old, 1)));
    let path = older(9, &world.directory.path().join("ca.db"));
    let connection = Connection::open(&path).unwrap();
    let sql = "INSERT INTO orders (name, holder, state, token_salt, token_hash, received)
             SELECT x'77', 'planted-and-deleted', state, token_salt, x'77', received FROM orders LIMIT 1;
         DELETE FROM orders WHERE name = x'77';
         UPDATE requests SET request = CAST('planted-and-moved' AS BLOB) WHERE position = 0";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let count = |part: &[u8]| {
        let content = [path.clone(), path.with_extension("db-wal")].map(|path| fs::read(path).unwrap_or_default());
        content.concat().windows(part.len()).filter(|window| *window == part).count()
    };
    assert!(count(b"planted-and-deleted") > 0 && count(b"planted-and-moved") > 0);
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!((count(b"planted-and-deleted"), count(b"planted-and-moved")), (0, 1));
}
