//! The journal file: there or not there, never half; and nobody else's.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{fs, path::Path, time::Duration};

use common::{World, support::now};
use obnova_client::{FileJournal, Journal, JournalError, RunError, Turn};
use obnova_renewal::{Fact, Record, Stage};

/// The records of a whole renewal.
fn records() -> Vec<Record> {
    let mut world = World::new();
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    world.journal().records().unwrap()
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("twins.journal")
}

#[test]
fn what_is_appended_is_read_back_by_the_next_who_opens_it() {
    let (all, folder) = (records(), tempfile::tempdir().unwrap());
    let below = folder.path().join("not/yet/there");
    let mut journal = FileJournal::create(&below, "twins").unwrap();
    assert_eq!(journal.records().unwrap(), []);
    for (count, record) in (1..).zip(&all) {
        journal.append(std::slice::from_ref(record)).unwrap();
        assert_eq!(FileJournal::peek(&below, "twins").unwrap(), all[..count], "while it is written");
    }
    drop(journal);
    assert_eq!(FileJournal::open(&below, "twins").unwrap().records().unwrap(), all);
    assert_eq!(FileJournal::list(&below).unwrap(), ["twins"]);
    assert_eq!(FileJournal::list(&folder.path().join("nowhere")).unwrap(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("journals");
    fs::create_dir(&below).unwrap();
    fs::write(below.join("twins.new"), "left by a crash").unwrap();
    fs::set_permissions(below.join("twins.new"), fs::Permissions::from_mode(0o666)).unwrap();
    let mut journal = FileJournal::create(&below, "twins").unwrap();
    journal.append(&[]).unwrap();
    for name in ["twins.journal", "twins.lock"] {
        let mode = fs::metadata(below.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let made = folder.path().join("made");
    FileJournal::create(&made, "twins").unwrap();
    assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_file_cut_or_altered_anywhere_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FileJournal::create(folder.path(), "twins").unwrap();
    journal.append(&records()[..6]).unwrap();
    drop(journal);
    let good = fs::read(file(folder.path())).unwrap();
    let outcome = |bytes: &[u8]| {
        fs::write(file(folder.path()), bytes).unwrap();
        FileJournal::peek(folder.path(), "twins")
    };
    let told = |error: &JournalError| {
        matches!(error, JournalError::Damaged { .. } | JournalError::NotAJournal { .. } | JournalError::Newer { .. })
    };
    for cut in (0..good.len()).step_by(11).chain(good.len() - 3..good.len()) {
        let error = outcome(&good[..cut]).unwrap_err();
        assert!(told(&error), "cut at {cut}: {error}");
    }
    for at in (0..120).chain((120..good.len()).step_by(97)) {
        let mut altered = good.clone();
        altered[at] ^= 1;
        let error = outcome(&altered).unwrap_err();
        assert!(told(&error), "byte {at}: {error}");
    }
    let twice = [good.as_slice(), &good].concat();
    assert!(matches!(outcome(&twice).unwrap_err(), JournalError::Damaged { .. }));
    assert_eq!(outcome(&good).unwrap().len(), 6);
}

#[test]
fn what_is_no_journal_and_what_is_newer_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = |bytes: &[u8]| {
        fs::write(file(folder.path()), bytes).unwrap();
        FileJournal::open(folder.path(), "twins").unwrap_err()
    };
    for bytes in [&b""[..], b"\n", b"{}", b"obnova-journals 1", &[0xFF; 100], &vec![b'['; 5 << 20]] {
        assert!(matches!(outcome(bytes), JournalError::NotAJournal { .. }));
    }
    assert!(matches!(outcome(b"obnova-journal 2 of tomorrow\n"), JournalError::Newer { version: 2, .. }));
    for header in ["obnova-journal 1\n", "obnova-journal 1 0\n", "obnova-journal one 0 00\n", "obnova-journal 1 0 00\n"]
    {
        assert!(matches!(outcome(header.as_bytes()), JournalError::Damaged { .. }), "{header}");
    }
}

#[test]
fn the_program_that_is_waited_for_is_named_whoever_had_the_journal_before() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("twins.lock");
    let holder = || match FileJournal::open(folder.path(), "twins") {
        Err(JournalError::Locked { holder, .. }) => holder,
        other => panic!("{other:?}"),
    };
    fs::write(&lock, "99999999999999\n").unwrap();
    let mut first = FileJournal::create(folder.path(), "twins").unwrap();
    first.append(&[]).unwrap();
    assert_eq!(holder(), Some(std::process::id()));
    assert_eq!(fs::read_to_string(&lock).unwrap(), format!("{}\n", std::process::id()));
    // Between writing the number and cutting what stood there longer.
    fs::write(&lock, "17\n99999999999\n").unwrap();
    assert_eq!(holder(), Some(17));
    fs::write(&lock, "").unwrap();
    assert_eq!(holder(), None);
}

#[test]
fn two_programs_do_not_work_on_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = FileJournal::create(folder.path(), "twins").unwrap();
    first.append(&[]).unwrap();
    assert!(matches!(FileJournal::open(folder.path(), "twins"), Err(JournalError::Locked { .. })));
    let locked = FileJournal::create(folder.path(), "twins").unwrap_err();
    assert!(matches!(locked, JournalError::Locked { .. }));
    assert!(locked.to_string().contains(&format!("(process {})", std::process::id())), "{locked}");
    FileJournal::create(folder.path(), "another").unwrap();
    drop(first);
    FileJournal::open(folder.path(), "twins").unwrap();
    assert!(matches!(FileJournal::create(folder.path(), "twins"), Err(JournalError::Exists { .. })));
}

#[test]
fn names_stay_in_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["", "..", "a/b", "../twins", "a.b", "two words", &"x".repeat(65), "line\nfeed", "žluť"] {
        assert!(matches!(FileJournal::create(folder.path(), name), Err(JournalError::Name { .. })), "{name}");
        assert!(matches!(FileJournal::peek(folder.path(), name), Err(JournalError::Name { .. })));
    }
    assert!(matches!(FileJournal::open(folder.path(), "nobody"), Err(JournalError::Missing { .. })));
    assert!(matches!(FileJournal::peek(folder.path(), "nobody"), Err(JournalError::Missing { .. })));
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    assert!(matches!(FileJournal::create(&in_the_way, "twins"), Err(JournalError::Io { .. })));
    for place in [in_the_way.clone(), in_the_way.join("below"), in_the_way.join("far/below")] {
        assert!(matches!(FileJournal::probe(&place), Err(JournalError::Io { .. })), "{place:?}");
    }
    // Who looks whether one could be written leaves nothing behind.
    for place in [folder.path().to_owned(), folder.path().join("new"), folder.path().join("new/and/deep")] {
        assert!(FileJournal::probe(&place).unwrap().is_empty(), "{place:?}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["file"]);
}

#[test]
fn a_record_that_could_not_be_written_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FileJournal::create(folder.path(), "twins").unwrap();
    let all = records();
    journal.append(&all[..2]).unwrap();
    // A folder cannot be written, and one that is not empty can be neither removed nor replaced.
    let (path, aside) = (file(folder.path()), folder.path().join("aside"));
    let in_the_way = |path: &Path| {
        fs::create_dir(path).unwrap();
        fs::write(path.join("file"), "").unwrap();
    };
    fs::rename(&path, &aside).unwrap();
    in_the_way(&path);
    assert!(matches!(journal.append(&all[2..3]), Err(JournalError::Io { .. })));
    assert_eq!(journal.records().unwrap(), all[..2]);
    fs::remove_dir_all(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    assert_eq!(FileJournal::peek(folder.path(), "twins").unwrap(), all[..2]);
    // What failed is not tried again: a new file is to take its place.
    let new = folder.path().join("twins.new");
    in_the_way(&new);
    assert!(matches!(journal.append(&all[2..3]), Err(JournalError::Io { .. })));
    assert_eq!(FileJournal::peek(folder.path(), "twins").unwrap(), all[..2]);
    fs::remove_dir_all(new).unwrap();
    journal.append(&all[2..3]).unwrap();
    let read = FileJournal::peek(folder.path(), "twins").unwrap();
    assert_eq!(read, all[..3]);
    assert!(matches!(read[0].fact, Fact::Started { .. }));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FileJournal::create(folder.path(), "twins").unwrap();
    let all = records();
    journal.append(&all).unwrap();
    let error = journal.append(&vec![all.clone(); 500].concat()).unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    assert_eq!(FileJournal::peek(folder.path(), "twins").unwrap(), all);
    journal.append(&[]).unwrap();
}

#[test]
fn what_can_be_gone_on_with_is_found() {
    let mut world = World::new();
    let folder = world.folder.path().to_owned();
    let found =
        |now| FileJournal::unfinished(&folder, now).unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(found(now()), Vec::<String>::new());

    world.reach(Stage::Vouch);
    FileJournal::create(&folder, "empty").unwrap().append(&[]).unwrap();
    let name = FileJournal::list(&folder).unwrap().into_iter().find(|name| name != "empty").unwrap();
    assert_eq!(found(now()), [name.as_str()]);
    assert_eq!(found(now() + Duration::from_secs(21 * 24 * 3600)), Vec::<String>::new(), "the old pair has ended");

    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    assert_eq!(found(now()), Vec::<String>::new());

    fs::write(folder.join("broken.journal"), "obnova-journal 1 9 0").unwrap();
    let broken = FileJournal::unfinished(&folder, now()).unwrap_err();
    assert!(matches!(broken, RunError::Journal(JournalError::Damaged { .. })), "{broken}");
}
