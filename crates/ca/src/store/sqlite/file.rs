use std::{fs, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, config::DbConfig};

use super::{failure, failure_of, holder};
use crate::StoreError;

/// `application_id` in the file's header: "ObCA".
const APPLICATION: i64 = 0x4f62_4341;
const SCHEMA_VERSION: i64 = 1 + SCHEMA_CHANGES.len() as i64;
/// What leads to each version from the one before.
pub(super) const SCHEMA_CHANGES: &[(i64, &str)] = &[
    (2, include_str!("../schema-2.sql")),
    (3, include_str!("../schema-3.sql")),
    (4, include_str!("../schema-4.sql")),
    (5, include_str!("../schema-5.sql")),
    (6, include_str!("../schema-6.sql")),
    (7, include_str!("../schema-7.sql")),
    (8, include_str!("../schema-8.sql")),
    (9, include_str!("../schema-9.sql")),
    (10, include_str!("../schema-10.sql")),
    (11, include_str!("../schema-11.sql")),
    (12, include_str!("../schema-12.sql")),
    (13, include_str!("../schema-13.sql")),
    (14, include_str!("../schema-14.sql")),
    (15, include_str!("../schema-15.sql")),
    (16, include_str!("../schema-16.sql")),
    (17, include_str!("../schema-17.sql")),
    (18, include_str!("../schema-18.sql")),
    (19, include_str!("../schema-19.sql")),
    (20, include_str!("../schema-20.sql")),
    (21, include_str!("../schema-21.sql")),
    (22, include_str!("../schema-22.sql")),
];
/// From this version on what changes of the tables delete is overwritten.
const OVERWRITTEN: i64 = 16;
/// How long one process waits for another's write.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it is waited for others to leave, where the file must be brought up to date: commands are short.
pub(super) const LEAVING: Duration = Duration::from_secs(1);
/// Pages in the log before they are copied to the file; what changed many times until then is copied once. The log's index has
/// about as many in one piece.
const CHECKPOINT: i64 = 4000;
/// In KiB, negative as SQLite has it: the connection that writes remembers pages from one commit to the next, the others do not.
const WRITER_CACHE: i64 = -16_000;

/// Opens the file or makes it, and finds out whose it is. What that costs does not grow with what is kept: SQLite sees here
/// whether the file is as long as it should be, and [`check`] looks at the rest.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    make_private(path)?;
    refuse_remains(path)?;
    let connection = connect(path)?;
    prepare(&connection, path)?;
    Ok(connection)
}

/// SQLite makes its files with the umask; requests and subjects are not everybody's business.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::Failed(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// SQLite takes a file that is shorter than its smallest page for a new one, and writes over what is left of it.
fn refuse_remains(path: &Path) -> Result<(), StoreError> {
    let length = fs::metadata(path).map_err(|error| StoreError::Failed(error.to_string()))?.len();
    if (1..512).contains(&length) {
        let reason = format!("{length} bytes are no database; bring it back from a copy if it was one");
        return Err(StoreError::Foreign { path: path.display().to_string(), reason });
    }
    Ok(())
}

/// Another connection to a file that [`open`] opened.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(failure)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failure)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failure)?;
    connection.set_prepared_statement_cache_capacity(128);
    // What is deleted is overwritten: it may be personal. Before the tables are changed, which deletes too.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).map_err(failure)?;
    // Else SQLite plans a statement anew for every value that it is given. Here the plan is the same for all of them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failure)?;
    Ok(connection)
}

/// Finds out whose file it is, makes the tables in an empty one, and those that are missing in an older one.
fn prepare(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let foreign = |reason: String| StoreError::Foreign { path: path.display().to_string(), reason };
    let application = pragma("application_id").map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign("it is no SQLite database".into()),
        _ => failure(error),
    })?;
    // Made by a process that starts at the same moment? Then one makes the tables, and the other finds them.
    begin(connection)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(failure)?;
    let is_new = tables == 0 && application == 0;
    if is_new {
        connection.execute_batch(include_str!("../schema.sql")).map_err(failure)?;
        connection.pragma_update(None, "application_id", APPLICATION).map_err(failure)?;
        connection.pragma_update(None, "user_version", 1).map_err(failure)?;
    }
    let ours = pragma("application_id").map_err(failure)? == APPLICATION;
    let is_older = ours && !is_new && pragma("user_version").map_err(failure)? < SCHEMA_VERSION;
    if is_older {
        connection.execute_batch("ROLLBACK").map_err(failure)?;
        take_alone(connection, path)?;
        if pragma("user_version").map_err(failure)? < OVERWRITTEN {
            // Changes of older files left what they deleted.
            connection.execute_batch("VACUUM").map_err(failure)?;
        }
        begin(connection)?;
    }
    for &(version, changes) in SCHEMA_CHANGES {
        if ours && pragma("user_version").map_err(failure)? == version - 1 {
            connection.execute_batch(changes).map_err(failure)?;
            connection.pragma_update(None, "user_version", version).map_err(failure)?;
        }
    }
    connection.execute_batch("COMMIT").map_err(failure)?;
    if is_older {
        // It is given back with the next access, which follows.
        connection.pragma_update(None, "locking_mode", "NORMAL").map_err(failure)?;
    }
    let application = pragma("application_id").map_err(failure)?;
    if application != APPLICATION {
        return Err(foreign(format!("its application_id is {application:#x}")));
    }
    let found = pragma("user_version").map_err(failure)?;
    if found != SCHEMA_VERSION {
        return Err(StoreError::Version { path: path.display().to_string(), found, known: SCHEMA_VERSION });
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failure)?;
    if mode != "wal" {
        return Err(StoreError::Failed(format!("journal_mode is {mode}: the file system must allow WAL")));
    }
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT).map_err(failure)?;
    connection.pragma_update(None, "cache_size", WRITER_CACHE).map_err(failure)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failure)
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| failure_of(connection, error))
}

/// An older program that has the file open must not find itself in tables that it does not know: it stays as it is until that
/// program has ended. Whoever has a file with a log open has a lock on it, and the log goes only when nobody else does; the lock
/// is kept from then on.
fn take_alone(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    connection.busy_timeout(LEAVING).map_err(failure)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failure)?;
    let mode = connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0));
    match mode.map_err(failure) {
        Ok(mode) if mode == "delete" => {}
        Ok(_) | Err(StoreError::Busy { .. }) => {
            return Err(StoreError::InUse { path: path.display().to_string(), process: holder::any(path) });
        }
        Err(error) => return Err(error),
    }
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failure)
}

/// Looks at every page of every table and index, once: whether each row is in each index too would take a search for each, and
/// hours in a store of millions.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failure)?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What is lost without it no test sees that only ends processes: it takes the machine's power.
    #[test]
    fn what_is_committed_is_flushed() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open(&directory.path().join("ca.db")).unwrap();
        let full: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!((full, mode.as_str()), (2, "wal"));
    }

    /// Between the log's end and the last change of the tables nobody else gets in: he would find half of it, or what an older program
    /// does not know.
    #[test]
    fn nobody_reads_from_the_moment_that_an_older_file_is_alone_until_all_of_it_is_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.db");
        let older = Connection::open(&path).unwrap();
        older.execute_batch(include_str!("../schema.sql")).unwrap();
        older.pragma_update(None, "application_id", APPLICATION).unwrap();
        older.pragma_update(None, "user_version", 1).unwrap();
        older.pragma_update(None, "journal_mode", "WAL").unwrap();
        drop(older);

        // Somebody looks after every few steps of it. He waits for nothing, since we wait for him.
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut connection = connect(&path).unwrap();
        let (told, looked_at) = (seen.clone(), path.clone());
        let look = move || {
            let other = Connection::open(&looked_at).unwrap();
            other.busy_timeout(Duration::ZERO).unwrap();
            let version = other.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
            let mode = other.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
            told.lock().unwrap().push(version.ok().zip(mode.ok()));
            false
        };
        connection.progress_handler(20, Some(look)).unwrap();
        prepare(&connection, &path).unwrap();
        connection.progress_handler(0, None::<fn() -> bool>).unwrap();
        let seen = seen.lock().unwrap();
        let sound = |(version, mode): &(i64, String)| match *version {
            1 => mode == "wal",
            other => other == SCHEMA_VERSION,
        };
        assert!(seen.iter().flatten().all(sound), "{seen:?}");
        assert!(seen.iter().filter(|seen| seen.is_none()).count() > 100, "somebody looked while it was changed");
        let after = Connection::open(&path).unwrap();
        let version: i64 = after.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, SCHEMA_VERSION, "it is given back");
    }
}
