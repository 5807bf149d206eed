//! `obnova-ca retention`, and what the server forgets by itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    process::Command,
    sync::{Arc, mpsc::channel},
    time::{Duration, SystemTime},
};

use common::{World, new_keys, order};
use obnova_ca::Transaction;
use obnova_enroll::{
    cmc::{Nonce, TransactionId},
    est,
};
use obnova_reference_ca::mail::Postman;
use rusqlite::Connection;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An order that was turned down, and two files in the folder of mails; `days` ago.
fn world(days: u32) -> World {
    let world = World::new();
    let name = TransactionId::from_random([1; 16]);
    let message = order(&world.old, &new_keys(), &name, &Nonce::from_random([2; 16]));
    world.send(&est::Client::new().fullcmc_request(&message), None);
    let transaction = Transaction::new(name.as_bytes()).unwrap();
    world.house.ca().reject(&transaction, "not paid", SystemTime::now() - DAY * days).unwrap();
    let folder = world.home().join("mail");
    fs::create_dir_all(&folder).unwrap();
    for (file, days) in [("old.eml", days), (".unfinished", days), ("new.eml", 0), ("old.txt", days)] {
        let file = fs::File::create(folder.join(file)).unwrap();
        file.set_modified(SystemTime::now() - DAY * days).unwrap();
    }
    world
}

fn retention(world: &World, arguments: &[&str]) -> String {
    let home = world.home();
    let output = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).arg("retention").arg(home).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_operator_looks_first_and_forgets_then() {
    let young = world(29);
    assert_eq!(
        retention(&young, &[]),
        "forgotten: 0 orders, 0 mails, 0 applicants, 0 subjects, 0 passwords, 0 transport PINs, 0 files of mails\n"
    );
    let world = world(91);
    for _ in 0..2 {
        assert_eq!(
            retention(&world, &["--dry-run"]),
            "due: 1 orders, 0 mails, 0 applicants, 0 subjects, 0 passwords, 0 transport PINs, 2 files of mails\n"
        );
    }
    let database = Connection::open(world.home().join("ca.db")).unwrap();
    let messages = || database.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(messages(), 1);
    assert_eq!(
        retention(&world, &[]),
        "forgotten: 1 orders, 0 mails, 0 applicants, 0 subjects, 0 passwords, 0 transport PINs, 2 files of mails\n"
    );
    assert_eq!(messages(), 0);
    assert_eq!(
        retention(&world, &[]),
        "forgotten: 0 orders, 0 mails, 0 applicants, 0 subjects, 0 passwords, 0 transport PINs, 0 files of mails\n"
    );
    let left = |name: &str| world.home().join("mail").join(name).exists();
    assert!(!left("old.eml") && !left(".unfinished") && left("new.eml") && left("old.txt"));
    assert_eq!(world.house.audit().unwrap().verify(&[]).unwrap().findings, []);
}

/// A backup that was killed leaves a copy of the whole database, with everything that is forgotten later.
#[test]
fn what_a_killed_backup_left_is_gone_and_what_a_backup_works_on_is_not() {
    let world = World::new();
    let left = world.home().join(".obnova-backup-k1ll3d");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("ca.db"), "planted").unwrap();
    let lock = fs::File::create(world.home().join(".backup.lock")).unwrap();
    lock.lock().unwrap();
    assert!(!retention(&world, &[]).contains("copies") && left.exists(), "a backup runs");
    lock.unlock().unwrap();
    let told = ", 1 copies of the database that a backup left which was killed\n";
    assert!(retention(&world, &["--dry-run"]).ends_with(told) && left.exists());
    assert!(retention(&world, &[]).ends_with(told) && !left.exists());
    assert!(!retention(&world, &[]).contains("copies"));
}

#[test]
fn a_server_forgets_by_itself() {
    let world = world(91);
    let (said, log) = channel();
    let tell = move |line: &str| drop(said.send(line.to_owned()));
    let rounds = Postman::new(world.house.clone()).unwrap().start(Arc::new(SystemTime::now), Arc::new(tell)).unwrap();
    // The first thing that a postman does on a day.
    assert_eq!(
        log.recv().unwrap(),
        "forgotten: 1 orders, 0 mails, 0 applicants, 0 subjects, 0 passwords, 0 transport PINs, 2 files of mails"
    );
    drop(rounds);
    assert_eq!(
        retention(&world, &["--dry-run"]),
        "due: 0 orders, 0 mails, 0 applicants, 0 subjects, 0 passwords, 0 transport PINs, 0 files of mails\n"
    );
}
