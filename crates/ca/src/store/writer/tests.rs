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
    let job = |n: i64| {
        let path = path.clone();
        let work = move |connection: &Connection| {
            insert(connection, n)?;
            let seen = (count(&connect(&path)), count(connection));
            if n == 2 { Err(StoreError::NoSuchOrder(Transaction::new(b"2").unwrap())) } else { Ok(seen) }
        };
        Box::new(work) as Box<dyn Fn(&Connection) -> Result<(i64, i64), StoreError> + Send>
    };
    let told = in_one_group(&writer, [1, 2, 3, 4].map(job));
    let [one, two, three, four] = <[_; 4]>::try_from(told).unwrap();
    // Each sees those before it, nobody outside sees any, and the row of the second is gone.
    assert_eq!((one, three, four), (Ok((0, 1)), Ok((0, 2)), Ok((0, 3))));
    assert!(matches!(two, Err(StoreError::NoSuchOrder(_))));
    assert_eq!(count(&connect(&path)), 3);
}

/// Has jobs wait for the writer until all are there, so that they are one group; tells what became of each.
fn in_one_group<T: Send + 'static>(
    writer: &Writer,
    jobs: impl IntoIterator<Item = Box<dyn Fn(&Connection) -> Result<T, StoreError> + Send>>,
) -> Vec<Result<T, StoreError>> {
    let (started, start) = channel();
    let (release, held) = channel::<()>();
    let first = writer.post(move |_| {
        started.send(()).unwrap();
        held.recv().unwrap();
        Ok(())
    });
    start.recv().unwrap();
    let waiting: Vec<_> = jobs.into_iter().map(|job| writer.post(job)).collect();
    release.send(()).unwrap();
    first.recv().unwrap().unwrap();
    waiting.into_iter().map(|job| job.recv().unwrap()).collect()
}

type Insertion = Box<dyn Fn(&Connection) -> Result<usize, StoreError> + Send>;

fn inserts(numbers: impl IntoIterator<Item = i64>) -> Vec<Insertion> {
    let job = |n| Box::new(move |connection: &Connection| insert(connection, n)) as Insertion;
    numbers.into_iter().map(job).collect()
}

/// COMMIT itself fails, and leaves the transaction open: a promise that holds at its end only is broken.
#[test]
fn when_a_commit_fails_nobody_of_the_group_is_told_that_it_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let tables = "CREATE TABLE known (n INTEGER PRIMARY KEY);
        CREATE TABLE t (n INTEGER REFERENCES known (n) DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO known VALUES (1), (2), (3), (4), (5)";
    connect(&path).execute_batch(tables).unwrap();
    let connection = connect(&path);
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    let writer = Writer::start(connection, None).unwrap();

    let broken =
        |told: &Result<usize, StoreError>| matches!(told, Err(StoreError::Failed(why)) if why.contains("FOREIGN KEY"));
    let told = in_one_group(&writer, inserts([1, 2, 99, 3]));
    assert!(told.len() == 4 && told.iter().all(broken), "{told:?}");
    assert_eq!(count(&connect(&path)), 0, "nothing is kept");

    // Another's error has each done by itself, and then it is that commit which fails. Who has an error of his own hears it.
    let mut jobs = inserts([1, 99]);
    jobs.push(Box::new(|connection| {
        insert(connection, 2)?;
        Err(StoreError::NoSuchOrder(Transaction::new(b"2").unwrap()))
    }));
    let told = in_one_group(&writer, jobs);
    assert!(told[..2].iter().all(broken) && matches!(told[2], Err(StoreError::NoSuchOrder(_))), "{told:?}");
    assert_eq!(count(&connect(&path)), 0, "nothing is kept");

    assert_eq!(in_one_group(&writer, inserts([4, 5])), [Ok(1), Ok(1)]);
    assert_eq!(writer.run(|connection| insert(connection, 1)), Ok(1));
    assert_eq!(count(&connect(&path)), 3, "the next groups are kept");
}

/// COMMIT fails, and SQLite has undone everything by itself, as it does when the disk refuses.
#[test]
fn when_sqlite_undoes_a_group_by_itself_the_next_one_is_kept() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    connect(&path).execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
    let mut connection = connect(&path);
    let refuses = Arc::new(AtomicBool::new(false));
    let hook = refuses.clone();
    connection.commit_hook(Some(move || hook.load(Ordering::SeqCst))).unwrap();
    let writer = Writer::start(connection, None).unwrap();
    for round in 0..3 {
        // The job that holds the group back is committed before it.
        let switch = refuses.clone();
        let mut jobs = inserts([1, 2, 3]);
        jobs.push(Box::new(move |_| {
            switch.store(true, Ordering::SeqCst);
            Ok(0)
        }));
        let told = in_one_group(&writer, jobs);
        assert!(told.iter().all(|told| matches!(told, Err(StoreError::Failed(_)))), "{told:?}");
        assert_eq!(count(&connect(&path)), round * 2, "nothing is kept");
        refuses.store(false, Ordering::SeqCst);
        assert_eq!(in_one_group(&writer, inserts([1, 2])), [Ok(1), Ok(1)]);
        assert_eq!(count(&connect(&path)), round * 2 + 2, "the next group is kept");
    }
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
