//! The audit log: what is in it, and that whatever is done to it afterwards is found and named.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::PathBuf;

use common::{Draft, HOLDER, World, first_pair, issued, now, token};
use obnova_ca::{
    AuditAnchors, AuditComparison, AuditEvent, AuditFinding, AuditHead, AuditKey, AuditLog, AuditRecord, Recorded,
    SqliteStore, Transaction,
};
use obnova_status::RevocationReason;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn serials(certificates: &[Certificate]) -> String {
    let serials: Vec<_> = certificates
        .iter()
        .map(|certificate| hexadecimal(certificate.tbs_certificate().serial_number().as_bytes()))
        .collect();
    serials.join(" ")
}

fn records(log: &AuditLog) -> Vec<AuditRecord> {
    let mut all = Vec::new();
    log.read(1, |record| {
        all.push(record);
        true
    })
    .unwrap();
    all
}

#[test]
fn everything_that_is_kept_has_its_record_and_nothing_that_is_not() {
    let world = World::new();
    let name = |draft: &Draft| hexadecimal(draft.transaction.as_bytes());
    let first = Draft::renewing(&world.old, 1);
    let token = token(&world.send(&first));
    // The same once more is nothing new.
    world.send(&first);
    world.approve(&first.transaction);
    let certificates = issued(world.query(&first.transaction, &token));
    world.confirm(&first.transaction, None, &certificates);
    world.confirm(&first.transaction, None, &certificates);
    let pair = first_pair(&world.ca, HOLDER, common::EMAIL, 20);
    let second = Draft::renewing(&pair, 2);
    common::token(&world.send(&second));
    let second_name = Transaction::new(second.transaction.as_bytes()).unwrap();
    world.ca.reject(&second_name, "Jana has not paid", now()).unwrap();
    assert!(world.ca.reject(&second_name, "twice", now()).is_err());
    let (desk, revocations) = (world.desk(), world.revocations());
    let serial = pair.certificates[0].serial();
    revocations.by_operator(serial, RevocationReason::CertificateHold, now()).unwrap();
    desk.release(serial).unwrap();
    revocations.by_operator(serial, RevocationReason::KeyCompromise, now()).unwrap();
    assert!(revocations.by_operator(serial, RevocationReason::Superseded, now()).is_err());
    desk.crl(now(), &mut Vec::new()).unwrap();

    let log = AuditLog::new(world.store());
    log.note(AuditEvent::Started, "", "policy 12").unwrap();
    let of = |pair: &common::Pair| serials(&pair.certificates.each_ref().map(|one| one.certificate.clone()));
    let expected = [
        ("first-pair", String::new(), of(&world.old), false),
        ("order-pending", name(&first), String::new(), true),
        ("order-issued", name(&first), serials(&certificates), false),
        ("order-confirmed", name(&first), String::new(), true),
        ("first-pair", String::new(), of(&pair), false),
        ("order-pending", name(&second), String::new(), true),
        ("order-rejected", name(&second), String::new(), false),
        ("held", hexadecimal(serial), String::new(), false),
        ("released", hexadecimal(serial), String::new(), false),
        ("revoked", hexadecimal(serial), "keyCompromise".into(), false),
        ("crl-made", "1".into(), String::new(), false),
        ("started", String::new(), "policy 12".into(), false),
    ];
    let records = records(&log);
    let said =
        records.iter().map(|one| (one.event.as_str(), one.about.clone(), one.detail.clone(), one.actor == "client"));
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert!(records.iter().zip(1..).all(|(record, number)| record.number == number));
    let own = &records[0].actor;
    assert!(own.starts_with("user ") && own.contains(" by audit-"), "{own}");
    let whole = format!("{records:?}");
    assert!(!whole.contains("Jana") && !whole.contains("example.cz"), "personal data: {whole}");
}

#[test]
fn orders_that_are_issued_at_once_and_repeats_have_one_record_each() {
    let world = World::automatic();
    let first = Draft::renewing(&world.old, 1);
    let certificates = issued(world.send(&first));
    let again = Draft { transaction: obnova_enroll::cmc::TransactionId::from_random([2; 16]), ..first };
    issued(world.send(&again));
    let records = records(&AuditLog::new(world.store()));
    let said: Vec<_> = records[1..].iter().map(|one| (one.event.as_str(), one.detail.clone())).collect();
    let expected = [("order-issued", serials(&certificates)), ("order-repeated", hexadecimal(&[1; 16]))];
    assert_eq!(said, expected);
}

/// As the schema has them.
fn triggers() -> &'static str {
    let schema = include_str!("../src/store/schema-5.sql");
    &schema[schema.find("CREATE TRIGGER").unwrap()..]
}

/// A log of eight records with an anchor for the last.
struct Kept {
    directory: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        AuditKey::generate().unwrap().save(&directory.path().join("secret")).unwrap();
        let kept = Self { directory };
        let log = kept.log();
        (1..=8).for_each(|number: i64| log.note(AuditEvent::Revoked, &number.to_string(), "unspecified").unwrap());
        kept
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("ca.db")
    }

    fn anchors(&self) -> PathBuf {
        self.directory.path().join("anchors")
    }

    fn log(&self) -> AuditLog {
        let key = AuditKey::load(&self.directory.path().join("secret")).unwrap();
        AuditLog::new(SqliteStore::open_anchored(&self.path(), AuditAnchors::new(self.anchors(), key)).unwrap())
    }

    /// What somebody does who can write to the database, and to nothing else.
    fn tamper(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        let guards = triggers();
        connection
            .execute_batch(&format!("DROP TRIGGER audit_stays; DROP TRIGGER audit_keeps; {sql}; {guards}"))
            .unwrap();
    }

    /// Writes a record at the end, as who knows how the chain is computed.
    fn put_in(&self, about: &str) {
        let connection = Connection::open(self.path()).unwrap();
        let sql = "INSERT INTO audit SELECT number + 1, at, 'revoked', ?1, detail, 'user 0 by obnova-ca', x''
             FROM audit ORDER BY number DESC LIMIT 1";
        connection.execute(sql, [about]).unwrap();
        let number = connection.query_row("SELECT max(number) FROM audit", [], |row| row.get(0)).unwrap();
        self.rebuild(number);
    }

    /// Writes records until there are so many; many at a time, which share their commits.
    fn grow(&self, until: i64) {
        let log = self.log();
        let first = log.head().unwrap().number + 1;
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let log = &log;
                let note = move |number: i64| log.note(AuditEvent::CrlMade, &number.to_string(), "").unwrap();
                scope.spawn(move || (first + thread..=until).step_by(16).for_each(note));
            }
        });
    }

    /// Computes every hash anew from one record on, as who knows how it is done.
    fn rebuild(&self, from: i64) {
        let connection = Connection::open(self.path()).unwrap();
        let count: i64 = connection.query_row("SELECT count(*) FROM audit", [], |row| row.get(0)).unwrap();
        connection.execute_batch("BEGIN; DROP TRIGGER audit_stays; DROP TRIGGER audit_keeps").unwrap();
        for number in from..=count {
            let before: Vec<u8> = match number {
                1 => vec![0; 32],
                _ => connection
                    .query_row("SELECT hash FROM audit WHERE number = ?1", [number - 1], |row| row.get(0))
                    .unwrap(),
            };
            let mut hash = Sha256::new();
            hash.update(b"obnova audit record 1");
            hash.update(before);
            hash.update(number.to_be_bytes());
            let fields: (i64, [String; 4]) = connection
                .query_row("SELECT at, event, about, detail, actor FROM audit WHERE number = ?1", [number], |row| {
                    Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))
                })
                .unwrap();
            hash.update(fields.0.to_be_bytes());
            for field in &fields.1 {
                hash.update((field.len() as u64).to_be_bytes());
                hash.update(field);
            }
            let hash = hash.finalize().to_vec();
            connection.execute("UPDATE audit SET hash = ?2 WHERE number = ?1", (number, hash)).unwrap();
        }
        connection.execute_batch(&format!("{}; COMMIT", triggers())).unwrap();
    }

    fn findings(&self) -> Vec<AuditFinding> {
        self.log().verify(&[]).unwrap().findings
    }
}

#[test]
fn a_log_that_nobody_touched_is_sound_while_it_grows() {
    let kept = Kept::new();
    let check = kept.log().verify(&[]).unwrap();
    assert_eq!((check.records, check.head.number, check.anchored, check.findings), (8, 8, 8, vec![]));
    // Two processes take turns, and a thousand is passed.
    let logs = [kept.log(), kept.log()];
    for number in 9..12 {
        logs[number % 2].note(AuditEvent::CrlMade, &number.to_string(), "").unwrap();
    }
    kept.grow(997);
    for number in 998..1020 {
        logs[number % 2].note(AuditEvent::CrlMade, &number.to_string(), "").unwrap();
    }
    let check = logs[0].verify(&[check.head]).unwrap();
    assert_eq!((check.records, check.anchored, check.findings), (1019, 1019, vec![]));
    assert_eq!(std::fs::metadata(kept.anchors()).unwrap().len(), 384, "one line for each thousand, and a blank one");
    let mut seen = Vec::new();
    logs[1]
        .read(1015, |record| {
            seen.push(record.number);
            record.number < 1017
        })
        .unwrap();
    assert_eq!(seen, [1015, 1016, 1017]);
}

#[test]
fn whatever_is_done_to_it_is_found_and_named() {
    use AuditFinding::{Broken, CutOff, Missing, Number, Rewritten, Unanchored};
    let swap = |one: i64, other: i64| {
        format!(
            "UPDATE audit SET number = 100 WHERE number = {one}; UPDATE audit SET number = {one} WHERE number = {other};
             UPDATE audit SET number = {other} WHERE number = 100"
        )
    };
    let insert = "UPDATE audit SET number = number + 100 WHERE number > 4;
         UPDATE audit SET number = number - 99 WHERE number > 100;
         INSERT INTO audit SELECT 5, at, event, about, detail, actor, hash FROM audit WHERE number = 4";
    let close = "DELETE FROM audit WHERE number = 4; UPDATE audit SET number = number + 100 WHERE number > 4;
         UPDATE audit SET number = number - 101 WHERE number > 100";
    let number = |number| Broken { number };
    let cases: Vec<(&str, String, Vec<AuditFinding>)> = vec![
        ("altered", "UPDATE audit SET about = 'x' WHERE number = 5".into(), vec![number(5)]),
        ("the first altered", "UPDATE audit SET detail = '' WHERE number = 1".into(), vec![number(1)]),
        ("another time", "UPDATE audit SET at = at - 1 WHERE number = 8".into(), vec![number(8)]),
        ("another event", "UPDATE audit SET event = 'held' WHERE number = 3".into(), vec![number(3)]),
        ("another actor", "UPDATE audit SET actor = 'client' WHERE number = 3".into(), vec![number(3)]),
        ("no hash", "UPDATE audit SET hash = x'' WHERE number = 3".into(), vec![number(3), number(4)]),
        ("no text", "UPDATE audit SET detail = CAST(x'ff' AS TEXT) WHERE number = 5".into(), vec![number(5)]),
        (
            "no hash at the end",
            "UPDATE audit SET hash = x'' WHERE number = 8".into(),
            vec![number(8), Rewritten { number: 8, sound: 0 }],
        ),
        ("removed", "DELETE FROM audit WHERE number BETWEEN 3 AND 5".into(), vec![Missing { first: 3, last: 5 }]),
        ("the first removed", "DELETE FROM audit WHERE number = 1".into(), vec![Missing { first: 1, last: 1 }]),
        (
            "removed and closed up",
            close.into(),
            vec![number(4), number(5), number(6), number(7), CutOff { last: 7, anchored: 8 }],
        ),
        (
            "inserted",
            insert.into(),
            vec![
                Unanchored { first: 9, last: 9 },
                number(5),
                number(6),
                number(7),
                number(8),
                Rewritten { number: 8, sound: 0 },
                number(9),
            ],
        ),
        ("reordered", swap(4, 5), vec![number(4), number(5), number(6)]),
        ("cut at the end", "DELETE FROM audit WHERE number > 6".into(), vec![CutOff { last: 6, anchored: 8 }]),
        ("the last removed", "DELETE FROM audit WHERE number = 8".into(), vec![CutOff { last: 7, anchored: 8 }]),
        ("emptied", "DELETE FROM audit".into(), vec![CutOff { last: 0, anchored: 8 }]),
        (
            "before the first",
            "INSERT INTO audit SELECT 0, at, event, about, detail, actor, hash FROM audit WHERE number = 1".into(),
            vec![Number { number: 0 }],
        ),
        (
            "far behind the last",
            format!("INSERT INTO audit SELECT {}, at, event, about, detail, actor, hash FROM audit LIMIT 1", i64::MAX),
            vec![Unanchored { first: 9, last: i64::MAX }, Missing { first: 9, last: i64::MAX - 1 }],
        ),
        (
            "put behind the last",
            "INSERT INTO audit SELECT 9, at, event, about, detail, actor, hash FROM audit WHERE number = 1".into(),
            vec![Unanchored { first: 9, last: 9 }, number(9)],
        ),
    ];
    for (what, sql, findings) in cases {
        let kept = Kept::new();
        assert_eq!(kept.findings(), [], "{what}");
        kept.tamper(&sql);
        assert_eq!(kept.findings(), findings, "{what}");
    }
}

#[test]
fn a_chain_that_was_made_anew_without_the_key_is_found() {
    let kept = Kept::new();
    kept.tamper("UPDATE audit SET about = 'x' WHERE number = 3");
    kept.rebuild(3);
    assert_eq!(kept.findings(), [AuditFinding::Rewritten { number: 8, sound: 0 }]);
    // Nor does it help to let the CA go on.
    for event in [AuditEvent::Held, AuditEvent::Released] {
        kept.log().note(event, "9", "").unwrap();
        assert_eq!(kept.findings(), [AuditFinding::Rewritten { number: 8, sound: 0 }]);
    }
    let kept = Kept::new();
    kept.tamper("DELETE FROM audit WHERE number > 6");
    for number in 7..12 {
        kept.log().note(AuditEvent::Held, &number.to_string(), "").unwrap();
        let left = AuditFinding::CutOff { last: 7, anchored: 8 };
        let findings = if number == 7 { left } else { AuditFinding::Rewritten { number: 8, sound: 0 } };
        assert_eq!(kept.findings(), [findings], "{number}");
    }
}

#[test]
fn a_record_put_in_at_the_end_is_told_for_ever_and_the_ca_never_vouches_for_it() {
    let kept = Kept::new();
    let running = kept.log();
    running.note(AuditEvent::Held, "9", "").unwrap();
    kept.put_in("10");
    let ten = [AuditFinding::Unanchored { first: 10, last: 10 }];
    assert_eq!(kept.findings(), ten);
    for _ in 0..3 {
        running.note(AuditEvent::Held, "more", "").unwrap();
        assert_eq!(kept.findings(), ten, "the CA that runs");
        kept.log().note(AuditEvent::Held, "more", "").unwrap();
        assert_eq!(kept.findings(), ten, "another process");
    }
    // A copy has it too, and vouches for the rest.
    kept.put_in("17");
    kept.put_in("18");
    let both = [ten[0].clone(), AuditFinding::Unanchored { first: 17, last: 18 }];
    assert_eq!(kept.findings(), both);
    let key = AuditKey::load(&kept.directory.path().join("secret")).unwrap();
    let store = SqliteStore::open_anchored(&kept.path(), AuditAnchors::new(kept.anchors(), key)).unwrap();
    let copied = store.copy_to(&kept.directory.path().join("copy")).unwrap();
    drop(store);
    std::fs::write(kept.anchors(), copied.anchors.unwrap()).unwrap();
    assert_eq!(kept.findings(), both);
    let head = kept.log().head().unwrap();
    assert_eq!(kept.log().verify(&[head]).unwrap().findings, [], "somebody kept elsewhere what it was");
}

#[test]
fn what_was_written_anew_is_told_to_the_thousand() {
    let kept = Kept::new();
    for number in [998, 1998, 2099] {
        kept.grow(number);
        kept.log().note(AuditEvent::CrlMade, &number.to_string(), "").unwrap();
    }
    kept.tamper("UPDATE audit SET about = 'x' WHERE number = 2050");
    kept.rebuild(2050);
    assert_eq!(kept.findings(), [AuditFinding::Rewritten { number: 2100, sound: 1999 }]);
}

#[test]
fn anchors_and_triggers_that_are_gone_are_missed() {
    let kept = Kept::new();
    let connection = Connection::open(kept.path()).unwrap();
    for sql in ["UPDATE audit SET about = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE number = 8"] {
        let error = connection.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("audit log"), "{error}");
    }
    connection.execute_batch("DROP TRIGGER audit_keeps").unwrap();
    assert_eq!(kept.findings(), [AuditFinding::Unguarded]);

    // Triggers of the same names that do nothing, and one that makes the log swallow what it is given.
    let keeps =
        "DROP TRIGGER audit_keeps; CREATE TRIGGER audit_keeps BEFORE DELETE ON audit WHEN 0 BEGIN SELECT 1; END";
    let swallows = "CREATE TRIGGER quiet BEFORE INSERT ON audit BEGIN SELECT raise(ignore); END";
    for sql in [keeps, swallows] {
        let kept = Kept::new();
        Connection::open(kept.path()).unwrap().execute_batch(sql).unwrap();
        assert_eq!(kept.findings(), [AuditFinding::Unguarded], "{sql}");
        assert_eq!(kept.log().note(AuditEvent::Held, "9", "").is_err(), sql == swallows, "{sql}");
    }

    let kept = Kept::new();
    std::fs::remove_file(kept.anchors()).unwrap();
    assert_eq!(kept.findings(), [AuditFinding::NoAnchors]);

    // Anchors of another key, as whoever cannot read ours would write them.
    let kept = Kept::new();
    std::fs::remove_file(kept.directory.path().join("secret")).unwrap();
    AuditKey::generate().unwrap().save(&kept.directory.path().join("secret")).unwrap();
    let unanchored = AuditFinding::Unanchored { first: 1, last: 8 };
    assert_eq!(kept.findings(), [AuditFinding::ForgedAnchor { line: 1 }, unanchored]);
}

#[test]
fn who_has_everything_is_found_by_a_head_from_elsewhere() {
    let kept = Kept::new();
    let head = kept.log().head().unwrap();
    kept.tamper("UPDATE audit SET about = 'x' WHERE number = 3");
    kept.rebuild(3);
    std::fs::remove_file(kept.anchors()).unwrap();
    kept.log().note(AuditEvent::Held, "9", "").unwrap();
    assert_eq!(kept.findings(), [AuditFinding::Unanchored { first: 1, last: 8 }], "the CA does not vouch for it");
    kept.tamper("DELETE FROM audit");
    std::fs::remove_file(kept.anchors()).unwrap();
    (1..=9).for_each(|number: i64| kept.log().note(AuditEvent::Held, &number.to_string(), "").unwrap());
    assert_eq!(kept.findings(), [], "he has the key, and wrote everything anew");
    let findings = kept.log().verify(&[head]).unwrap().findings;
    assert_eq!(findings, [AuditFinding::Rewritten { number: 8, sound: 0 }]);
    let later = AuditHead { number: 20, ..head };
    assert_eq!(kept.log().verify(&[later]).unwrap().findings, [AuditFinding::CutOff { last: 9, anchored: 20 }]);
}

#[test]
fn an_anchor_is_never_ahead_of_the_log() {
    let kept = Kept::new();
    let other = Connection::open(kept.path()).unwrap();
    // The anchors are locked by somebody else: the commit waits, or is not done.
    std::fs::remove_file(kept.anchors()).unwrap();
    std::fs::create_dir(kept.anchors()).unwrap();
    assert!(kept.log().note(AuditEvent::Held, "9", "").is_err(), "there is no place for an anchor");
    let count: i64 = other.query_row("SELECT count(*) FROM audit", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 8, "nothing is kept that cannot be anchored");
}

/// A CA with a pair that was renewed, and of the new one a certificate revoked and one on hold; and a pair that was on hold for a while.
struct Issued {
    world: World,
    revoked: Vec<u8>,
    held: Vec<u8>,
    released: Vec<u8>,
}

impl Issued {
    fn new() -> Self {
        let world = World::automatic();
        let new = issued(world.send(&Draft::renewing(&world.old, 1)));
        let [revoked, held] = [0, 1].map(|index| new[index].tbs_certificate().serial_number().as_bytes().to_vec());
        let released = world.old.certificates[0].serial().to_vec();
        world.revoke(&revoked, RevocationReason::CertificateHold);
        world.revoke(&revoked, RevocationReason::Superseded);
        world.revoke(&held, RevocationReason::CertificateHold);
        world.revoke(&released, RevocationReason::CertificateHold);
        world.desk().release(&released).unwrap();
        Self { world, revoked, held, released }
    }

    fn compare(&self) -> AuditComparison {
        AuditLog::new(self.world.store()).compare().unwrap()
    }

    fn tamper(&self, sql: &str) {
        let connection = Connection::open(self.world.directory.path().join("ca.db")).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    }
}

#[test]
fn certificates_that_are_not_as_the_log_left_them_are_named() {
    let blob = |serial: &[u8]| format!("x'{}'", hexadecimal(serial));
    let superseded = Recorded::Revoked(RevocationReason::Superseded);
    let hold = Recorded::Revoked(RevocationReason::CertificateHold);
    let Issued { world, revoked, held, released } = Issued::new();
    drop(world);
    let copy = "profile, key, subject, not_after, der, NULL, NULL FROM certificates LIMIT 1";
    // What is done to which certificate, and what log and database say of it then.
    type Case<'a> = (&'a str, fn(&Issued) -> &[u8], Recorded, Recorded);
    let foreign: fn(&Issued) -> &[u8] = |_| &[1, 2];
    let cases: [Case<'_>; 9] = [
        ("DELETE FROM revocations WHERE serial = $", |it| &it.revoked, superseded, Recorded::Issued),
        ("DELETE FROM revocations WHERE serial = $", |it| &it.held, hold, Recorded::Issued),
        ("UPDATE revocations SET reason = 'certificateHold' WHERE serial = $", |it| &it.revoked, superseded, hold),
        ("UPDATE revocations SET reason = 'no reason' WHERE serial = $", |it| &it.held, hold, Recorded::Odd),
        ("INSERT INTO revocations VALUES ($, 1, 'superseded', NULL)", |it| &it.released, Recorded::Issued, superseded),
        ("DELETE FROM certificates WHERE serial = $", |it| &it.revoked, superseded, Recorded::Nothing),
        ("INSERT INTO certificates SELECT $, #", foreign, Recorded::Nothing, Recorded::Issued),
        // Before the first one, where those of a program without a log would be.
        (
            "INSERT INTO certificates (rowid, serial, profile, key, subject, not_after, der, order_id, position)
                 SELECT -1, $, #",
            foreign,
            Recorded::Nothing,
            Recorded::Issued,
        ),
        ("INSERT INTO revocations VALUES ($, 1, 'superseded', NULL)", foreign, Recorded::Nothing, Recorded::Nothing),
    ];
    assert!(revoked != held && held != released);
    for (sql, which, log, database) in cases {
        let kept = Issued::new();
        let sound = AuditComparison { certificates: 4, older: 0, findings: Vec::new() };
        assert_eq!(kept.compare(), sound);
        let serial = which(&kept).to_vec();
        kept.tamper(&sql.replace('$', &blob(&serial)).replace('#', copy));
        assert_eq!(kept.compare().findings, [AuditFinding::Certificate { serial, log, database }], "{sql}");
    }
    let finding = AuditFinding::Certificate { serial: vec![1, 0xab], log: superseded, database: Recorded::Nothing };
    assert_eq!(
        finding.to_string(),
        "certificate 01ab: revoked: superseded by the log, and never issued in the database"
    );
}

/// A file of a program that kept no log: what was there when it began is counted, and what it saw since is compared.
#[test]
fn certificates_from_before_the_log_are_counted_and_not_missed() {
    let kept = Issued::new();
    let (pair, revoked) = (&kept.world.old.certificates, hexadecimal(&kept.released));
    kept.tamper(&format!(
        "DROP TRIGGER audit_keeps; DELETE FROM audit WHERE event = 'first-pair'; DELETE FROM audit WHERE about = '{revoked}'"
    ));
    let older = AuditComparison { certificates: 4, older: 2, findings: Vec::new() };
    assert_eq!(kept.compare(), older);
    // One was revoked before the log, too.
    let other = pair[1].serial().to_vec();
    kept.tamper(&format!("INSERT INTO revocations VALUES (x'{}', 1, 'superseded', NULL)", hexadecimal(&other)));
    assert_eq!(kept.compare(), older);
    kept.world.revoke(&kept.released, RevocationReason::CessationOfOperation);
    assert_eq!(kept.compare(), older);
    kept.tamper(&format!("DELETE FROM revocations WHERE serial = x'{revoked}'"));
    let log = Recorded::Revoked(RevocationReason::CessationOfOperation);
    let finding = AuditFinding::Certificate { serial: kept.released.clone(), log, database: Recorded::Issued };
    assert_eq!(kept.compare().findings, [finding]);
    // Where the log saw nothing at all, it misses nothing.
    kept.tamper("DELETE FROM audit");
    assert_eq!(kept.compare(), AuditComparison { older: 4, ..older });
}

#[test]
fn a_log_that_is_gone_as_a_whole_is_missed() {
    let another = triggers().replace("audit_", "other_");
    for sql in [
        "DROP TABLE audit".to_owned(),
        "ALTER TABLE audit RENAME TO elsewhere".to_owned(),
        "ALTER TABLE audit DROP COLUMN actor".to_owned(),
        format!("DROP TABLE audit; CREATE TABLE audit (number INTEGER PRIMARY KEY); {another}"),
        "DROP TABLE audit; CREATE VIEW audit AS SELECT 1 AS number, x'' AS hash".to_owned(),
    ] {
        let kept = Kept::new();
        Connection::open(kept.path()).unwrap().execute_batch(&sql).unwrap();
        let gone = [AuditFinding::NoTable, AuditFinding::CutOff { last: 0, anchored: 8 }];
        assert_eq!(kept.findings(), gone, "{sql}");
        assert_eq!(kept.log().compare().unwrap().findings, [], "{sql}");
    }
}
