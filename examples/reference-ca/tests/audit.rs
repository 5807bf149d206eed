//! `obnova-ca audit`: what was done, by whom, and whether anybody changed the log afterwards; also while the CA is killed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

use common::{World, first_pair};
use obnova_reference_ca::{
    House,
    house::{self, InitOptions},
};
use rusqlite::Connection;
use serde_json::Value;

fn audit(home: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let (what, rest) = arguments.split_first().unwrap();
    obnova_ca(&[&["audit", what, home.to_str().unwrap()], rest].concat())
}

fn obnova_ca(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn shown(home: &Path, arguments: &[&str]) -> Vec<Value> {
    let (code, out, error) = audit(home, &[&["show", "--json"], arguments].concat());
    assert_eq!(code, Some(0), "{error}");
    let Value::Array(list) = serde_json::from_str(&out).unwrap() else { panic!("{out}") };
    list
}

#[test]
fn a_server_and_its_operator_leave_a_trace_that_is_sound() {
    let world = World::new();
    let home = world.home();
    let serial = world.old.certificates[0].serial().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (code, _, error) = obnova_ca(&["revoke", home.to_str().unwrap(), &serial, "--reason", "superseded"]);
    assert_eq!(code, Some(0), "{error}");
    let records = shown(&home, &[]);
    let events: Vec<_> = records.iter().map(|record| record["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["first-pair", "started", "revoked"]);
    let by = |record: &Value, program: &str| record["actor"].as_str().unwrap().ends_with(&format!(" by {program}"));
    assert!(by(&records[2], "obnova-ca"), "{}", records[2]);
    let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&home).unwrap());
    assert!(records[2]["actor"].as_str().unwrap().starts_with(&format!("user {uid} ")), "{}", records[2]);
    assert_eq!((&records[2]["about"], &records[2]["detail"]), (&Value::from(serial), &Value::from("superseded")));

    // As everybody can compute it.
    let file = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let sum = Command::new("sha256sum").arg(file("policy.toml")).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let arguments = ["x509", "-noout", "-fingerprint", "-sha256", "-in", &file("issuing.pem")];
    let print = Command::new("openssl").args(arguments).output().expect("openssl is missing: apt-get install openssl");
    let print = String::from_utf8(print.stdout).unwrap().trim().replace(':', "").to_lowercase();
    let started = records[1]["detail"].as_str().unwrap();
    assert!(started.contains(&format!("policy {} ", sum.split(' ').next().unwrap())), "{started}");
    assert!(started.contains(&format!("certificate {} ", print.rsplit('=').next().unwrap())), "{started}");

    let World { server, .. } = world;
    server.stop();
    let (code, out, _) = audit(&home, &["verify"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("4 records, anchored up to 4\nhead 4:"), "{out}");
    let head = out.trim().rsplit(' ').next().unwrap();
    assert_eq!(audit(&home, &["verify", "--head", head]).0, Some(0));
    let (code, text, _) = audit(&home, &["show"]);
    assert!(code == Some(0) && text.lines().count() == 5 && text.contains("stopped"), "{text}");
    assert_eq!(shown(&home, &["--from", "2100-01-01"]).len(), 0);
    assert_eq!(shown(&home, &["--to", "2020-01-01T00:00:00Z"]).len(), 0);
    assert_eq!(shown(&home, &["--from", "2020-01-01", "--to", "2100-01-01"]).len(), 4);
    assert_eq!(audit(&home, &["show", "--from", "noon"]).0, Some(2));

    let database = Connection::open(home.join("ca.db")).unwrap();
    database.execute_batch("DROP TRIGGER audit_stays; UPDATE audit SET detail = '' WHERE number = 3").unwrap();
    let (code, _, error) = audit(&home, &["verify"]);
    assert_eq!(code, Some(5), "{error}");
    assert!(error.contains("record 3 does not follow") && error.contains("triggers"), "{error}");
    let (code, _, error) = audit(&home, &["verify", "--head", &format!("9:{}", "00".repeat(32))]);
    assert!(code == Some(5) && error.contains("it ends with record 4, and record 9 had been written"), "{error}");
}

/// Whoever can write to the database alone revives what was revoked, or takes away the log: both are found, also in a backup.
#[test]
fn certificates_that_somebody_changed_and_a_log_that_is_gone_are_found() {
    let world = World::new();
    let home = world.home();
    let serial = obnova_ca::to_hex(world.old.certificates[0].serial());
    let home_text = home.to_str().unwrap();
    assert_eq!(obnova_ca(&["revoke", home_text, &serial, "--reason", "superseded"]).0, Some(0));
    assert_eq!(audit(&home, &["verify"]).0, Some(0));
    let database = Connection::open(home.join("ca.db")).unwrap();
    database.execute_batch("DELETE FROM revocations").unwrap();
    let found = format!("certificate {serial}: revoked: superseded by the log, and issued in the database");
    let (code, _, error) = audit(&home, &["verify"]);
    assert!(code == Some(5) && error.contains(&found), "{error}");

    let file = |name: &str| world.directory.path().join(name).to_str().unwrap().to_owned();
    assert_eq!(obnova_ca(&["backup", home_text, &file("backup"), "--unsealed"]).0, Some(0));
    let (code, _, error) = obnova_ca(&["restore", &file("backup"), &file("back")]);
    assert!(code == Some(5) && error.contains(&found) && !fs::exists(file("back")).unwrap(), "{error}");
    let (code, out, error) = obnova_ca(&["restore", &file("backup"), &file("back"), "--with-changed-audit"]);
    assert!(code == Some(5) && error.contains(&found) && fs::exists(file("back")).unwrap(), "{out}{error}");

    database.execute_batch("DROP TABLE audit").unwrap();
    let (code, out, error) = audit(&home, &["verify"]);
    assert!(code == Some(5) && error.contains("the table of the log is gone"), "{error}");
    assert!(out.contains("2 of 2 certificates are older than the log"), "{out}");
}

/// As the change from an older schema finds it: another certificate on the key was revoked as compromised, this one was left.
#[test]
fn what_an_older_program_left_on_a_compromised_key_ends_and_operator_and_holder_are_told() {
    let world = World::new();
    let home = world.home();
    let serial = world.old.certificates[0].serial();
    let database = Connection::open(home.join("ca.db")).unwrap();
    database.execute("INSERT INTO left_on_keys VALUES (?1, 1700000000)", [serial]).unwrap();
    let named = serial.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    // It ends where opening stops half way too, and whoever comes next is told all the same.
    let (secret, away) = (home.join("credentials.secret"), home.join("away"));
    fs::rename(&secret, &away).unwrap();
    let (code, _, said) = obnova_ca(&["check", home.to_str().unwrap()]);
    assert!(code != Some(0) && said.contains("credentials.secret"), "{said}");
    fs::rename(&away, &secret).unwrap();
    let ended = "SELECT count(*) FROM revocations WHERE serial = ?1";
    assert_eq!(database.query_row(ended, [serial], |row| row.get::<_, i64>(0)).unwrap(), 1);
    let (code, _, said) = obnova_ca(&["check", home.to_str().unwrap()]);
    assert!(code == Some(0) && said.contains(&format!("revoked now: {named}, on a key")), "{said}");
    let (code, _, said) = obnova_ca(&["check", home.to_str().unwrap()]);
    assert_eq!((code, said.as_str()), (Some(0), ""), "once");
    let last = shown(&home, &[]).pop().unwrap();
    assert_eq!((&last["event"], &last["about"]), (&Value::from("revoked"), &Value::from(named.clone())));
    let (_, mails, _) = obnova_ca(&["mail", home.to_str().unwrap(), "list", "--json"]);
    assert_eq!(mails.matches("\"revoked\"").count(), 1, "{mails}");
    let (code, _, said) = obnova_ca(&["release", home.to_str().unwrap(), &named]);
    assert!(code == Some(4) && said.contains("revoked"), "{said}");
    assert_eq!(audit(&home, &["verify"]).0, Some(0), "the CA vouches for it");
}

#[test]
fn a_ca_that_is_killed_has_anchored_whatever_it_told() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("ca");
    house::init(&home, &InitOptions::default(), SystemTime::now()).unwrap();
    let house = House::open(&home).unwrap();
    for round in 1..=5_u64 {
        let mut server = Command::new(env!("CARGO_BIN_EXE_obnova-ca"))
            .args(["serve", home.to_str().unwrap(), "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        first_pair(&house, 20);
        server.kill().unwrap();
        server.wait().unwrap();
        let check = house.audit().unwrap().verify(&[]).unwrap();
        assert_eq!(check.findings, []);
        assert_eq!((check.records, check.anchored), (2 * round, check.head.number));
    }
}

#[test]
fn a_ca_older_than_its_log_gets_a_key_and_a_key_that_is_lost_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("ca");
    house::init(&home, &InitOptions::default(), SystemTime::now()).unwrap();
    fs::remove_file(home.join("audit.secret")).unwrap();
    // Many processes at once make one key.
    let opened = std::thread::scope(|scope| {
        let open = || House::open(&home).map(|house| first_pair(&house, 20));
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).count()
    });
    assert_eq!(opened, 4);
    assert_eq!(House::open(&home).unwrap().audit().unwrap().verify(&[]).unwrap().findings, []);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(home.join("audit.secret")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    fs::remove_file(home.join("audit.secret")).unwrap();
    let error = House::open(&home).unwrap_err().to_string();
    assert!(error.contains("audit.secret"), "{error}");
}
