use std::sync::mpsc::channel;

use super::*;
use crate::{Transaction, store::sqlite::failure};

fn connect(path: &std::path::Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection
}

fn count(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

fn insert(connection: &Connection, n: i64) -> Result<usize, StoreError> {
    connection.execute("INSERT INTO t VALUES (?1)", [n]).map_err(failure)
}

#[test]
fn what_waits_is_committed_together_and_an_error_undoes_its_own_work_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    connect(&path).execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
    let writer = Writer::start(connect(&path), None).unwrap();
    let insert =
        |connection: &Connection, n: i64| connection.execute("INSERT INTO t VALUES (?1)", [n]).map_err(failure);

    // The first job keeps the writer busy until four others wait.
    let (started, start) = channel();
    let (release, held) = channel::<()>();
    let first = writer.post(move |_| {
        started.send(()).unwrap();
        held.recv().unwrap();
        Ok(())
    });
    start.recv().unwrap();
    let post = |n: i64| {
        let path = path.clone();
        writer.post(move |connection| {
            insert(connection, n)?;
            let seen = (count(&connect(&path)), count(connection));
            if n == 2 { Err(StoreError::NoSuchOrder(Transaction::new(b"2").unwrap())) } else { Ok(seen) }
        })
    };
    let jobs = [1, 2, 3, 4].map(post);
    release.send(()).unwrap();
    first.recv().unwrap().unwrap();
    let [one, two, three, four] = jobs.map(|job| job.recv().unwrap());
    // Each sees those before it, nobody outside sees any, and the row of the second is gone.
    assert_eq!((one, three, four), (Ok((0, 1)), Ok((0, 2)), Ok((0, 3))));
    assert!(matches!(two, Err(StoreError::NoSuchOrder(_))));
    assert_eq!(count(&connect(&path)), 3);
}

#[test]
fn a_job_that_panics_stops_the_writer_and_everybody_hears_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let writer = Writer::start(connect(&directory.path().join("db")), None).unwrap();
    assert_eq!(writer.run(|_| -> Result<(), StoreError> { panic!("on purpose, in a test") }), Err(StoreError::Stopped));
    assert_eq!(writer.run(|_| Ok(())), Err(StoreError::Stopped));
}

#[test]
fn what_cannot_be_committed_was_not_done() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    connect(&path).execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
    let connection = connect(&path);
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let writer = Writer::start(connection, None).unwrap();
    let other = connect(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcome = writer.run(|connection| insert(connection, 1));
    assert_eq!(outcome, Err(StoreError::Busy { process: None }), "nobody else has it");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(writer.run(|connection| insert(connection, 1)), Ok(1));
    assert_eq!(count(&other), 1);
}

/// In a process of its own it locks the database that is named, until its input ends.
const LOCKS: &str = "OBNOVA_TEST_LOCKS";

#[cfg(target_os = "linux")]
#[test]
fn the_process_that_keeps_the_database_locked_is_named() {
    use std::{
        io::{Read as _, Write as _},
        process::{Command, Stdio},
    };
    if let Some(path) = std::env::var_os(LOCKS) {
        let connection = connect(path.as_ref());
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        std::io::stderr().write_all(b"!").unwrap();
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    connect(&path).execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)").unwrap();
    let name = "store::writer::tests::the_process_that_keeps_the_database_locked_is_named";
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(LOCKS, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    other.stderr.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let connection = connect(&path);
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let writer = Writer::start(connection, None).unwrap();
    let busy = writer.run(|connection| insert(connection, 1)).unwrap_err();
    assert_eq!(busy, StoreError::Busy { process: Some(other.id()) });
    assert!(busy.to_string().starts_with(&format!("process {} keeps", other.id())), "{busy}");
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());
    assert_eq!(writer.run(|connection| insert(connection, 1)), Ok(1));
}
