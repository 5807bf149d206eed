//! What long journals and many of them cost: a record is written behind those that are there, and what is over is not read.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{fs, path::Path, sync::LazyLock};

use common::{World, support::now};
use obnova_client::{FileJournal, Journal, JournalError, RunError, Turn, journal_format};
use obnova_renewal::Record;

/// The records of a whole renewal.
static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let mut world = World::new();
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    world.journal().records().unwrap()
});

fn begun(folder: &Path, count: usize) -> FileJournal {
    let mut journal = FileJournal::create(folder, "twins").unwrap();
    journal.append(&RECORDS[..count]).unwrap();
    journal
}

#[test]
fn a_record_is_written_behind_the_others_which_are_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = begun(folder.path(), 6);
    let path = journal.path().to_owned();
    let mut before = fs::read(&path).unwrap();
    // A change that only who writes everything again would undo.
    before[200] ^= 1;
    fs::write(&path, &before).unwrap();
    journal.append(&RECORDS[6..7]).unwrap();
    let after = fs::read(&path).unwrap();
    let first_line = after.iter().position(|byte| *byte == b'\n').unwrap();
    assert_eq!(after[first_line..before.len()], before[first_line..]);
    assert_eq!(after[before.len()..], *(serde_json::to_string(&RECORDS[6]).unwrap() + "\n").as_bytes());

    let mut mended = after;
    mended[200] ^= 1;
    fs::write(&path, mended).unwrap();
    drop(journal);
    assert_eq!(FileJournal::open(folder.path(), "twins").unwrap().records().unwrap(), RECORDS[..7]);
}

#[test]
fn an_append_that_was_torn_anywhere_had_not_begun_and_is_not_in_the_way_of_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = begun(folder.path(), 6);
    let path = journal.path().to_owned();
    let before = fs::read(&path).unwrap();
    journal.append(&RECORDS[6..8]).unwrap();
    drop(journal);
    let after = fs::read(&path).unwrap();
    let added = &after[before.len()..];
    let zeros = vec![0; added.len()];
    let torn = (0..added.len()).step_by(13).chain([added.len()]).map(|cut| &added[..cut]);
    for (count, behind) in torn.chain([&zeros[..]]).enumerate() {
        let bytes = [&before, behind].concat();
        assert_eq!(journal_format::read(&bytes).unwrap(), RECORDS[..6]);
        if count % 8 == 0 || behind == zeros {
            fs::write(&path, bytes).unwrap();
            let mut journal = FileJournal::open(folder.path(), "twins").unwrap();
            journal.append(&RECORDS[6..7]).unwrap();
            drop(journal);
            assert_eq!(FileJournal::peek(folder.path(), "twins").unwrap(), RECORDS[..7]);
        }
    }
    // The first line is written last: with it, and without what it tells of, the file is damaged.
    let first_line = after.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in (0..added.len()).step_by(13) {
        let bytes = [&after[..first_line], &before[first_line..], &added[..cut]].concat();
        assert_eq!(journal_format::read(&bytes), Err(journal_format::FormatError::Damaged));
    }
}

#[test]
fn a_journal_that_cannot_be_appended_to_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = begun(folder.path(), 2);
    let path = journal.path().to_owned();
    let there = |count: usize| assert_eq!(FileJournal::peek(folder.path(), "twins").unwrap(), RECORDS[..count]);
    fs::remove_file(&path).unwrap();
    journal.append(&RECORDS[2..3]).unwrap();
    there(3);
    fs::write(&path, "short").unwrap();
    journal.append(&RECORDS[3..4]).unwrap();
    there(4);
    drop(journal);
    // A first line of another width, as an earlier version wrote it.
    let text = fs::read_to_string(&path).unwrap();
    let (first_line, body) = text.split_once('\n').unwrap();
    let fields: Vec<_> = first_line.split(' ').collect();
    fs::write(&path, format!("obnova-journal 1 {} {}\n{body}", body.len(), fields[3])).unwrap();
    there(4);
    let mut journal = FileJournal::open(folder.path(), "twins").unwrap();
    journal.append(&RECORDS[4..5]).unwrap();
    there(5);
    journal.append(&RECORDS[5..6]).unwrap();
    there(6);
    assert_eq!(fs::read_to_string(&path).unwrap().find('\n'), text.find('\n'));
}

#[test]
fn a_process_that_is_over_is_read_once_and_again_when_somebody_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(begun(folder.path(), RECORDS.len()));
    let path = folder.path().join("twins.journal");
    let unfinished = || FileJournal::unfinished(folder.path(), now()).map(|found| found.len());
    let content = fs::read(&path).unwrap();
    let spoil = || fs::write(&path, "whoever reads this is told that it is no journal").unwrap();

    let at_work = FileJournal::open(folder.path(), "twins").unwrap();
    assert_eq!(unfinished().unwrap(), 0);
    spoil();
    assert!(unfinished().is_err(), "nothing is marked while somebody works with it");
    drop(at_work);

    fs::write(&path, &content).unwrap();
    assert_eq!(unfinished().unwrap(), 0);
    spoil();
    assert_eq!(unfinished().unwrap(), 0, "it is not read any more");
    assert_eq!(FileJournal::list(folder.path()).unwrap(), ["twins"]);

    fs::write(&path, &content).unwrap();
    drop(FileJournal::open(folder.path(), "twins").unwrap());
    spoil();
    let told = unfinished().unwrap_err();
    assert!(matches!(told, RunError::Journal(JournalError::NotAJournal { .. })), "{told}");
}

#[test]
fn what_is_not_over_is_read_every_time_and_no_mark_outlives_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    drop(begun(folder.path(), 5));
    let unfinished = || FileJournal::unfinished(folder.path(), now()).map(|found| found.len());
    assert_eq!(unfinished().unwrap(), 1);
    fs::write(folder.path().join("twins.over"), "").unwrap();
    assert_eq!(unfinished().unwrap(), 0);
    fs::remove_file(folder.path().join("twins.journal")).unwrap();
    drop(begun(folder.path(), 5));
    assert_eq!(unfinished().unwrap(), 1, "a new process of the same name");
}
