//! A journal file holds what was written to it; a file that somebody changed is no journal.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{fs, sync::LazyLock};

use common::World;
use obnova_client::{FileJournal, Journal, Turn};
use obnova_renewal::{Process, Record};
use proptest::{collection::vec, prelude::*};

static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let mut world = World::new();
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    world.journal().records().unwrap()
});

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn whatever_the_portions_the_records_are_read_back(sizes in vec(0..6_usize, 1..12), reopened in vec(any::<bool>(), 12)) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = FileJournal::create(folder.path(), "twins").unwrap();
        let (mut rest, mut written) = (RECORDS.as_slice(), Vec::new());
        journal.append(&[]).unwrap();
        for (size, reopen) in sizes.into_iter().zip(reopened) {
            let (portion, after) = rest.split_at(size.min(rest.len()));
            journal.append(portion).unwrap();
            written.extend_from_slice(portion);
            rest = after;
            if reopen {
                drop(journal);
                journal = FileJournal::open(folder.path(), "twins").unwrap();
            }
            prop_assert_eq!(&journal.records().unwrap(), &written);
            prop_assert_eq!(&FileJournal::peek(folder.path(), "twins").unwrap(), &written);
        }
        prop_assert_eq!(Process::replay(&written).is_ok(), !written.is_empty());
    }

    #[test]
    fn a_file_that_was_changed_or_cut_is_refused(at in any::<prop::sample::Index>(), change in 1..=255_u8, count in 1..12_usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = FileJournal::create(folder.path(), "twins").unwrap();
        journal.append(&RECORDS[..count]).unwrap();
        let path = journal.path().to_owned();
        drop(journal);
        let honest = fs::read(&path).unwrap();
        let at = at.index(honest.len());
        let mut changed = honest.clone();
        changed[at] ^= change;
        for bytes in [&changed[..], &honest[..at]] {
            fs::write(&path, bytes).unwrap();
            // What is read in spite of it (a blank in the first line, say) is what was written.
            if let Ok(read) = FileJournal::open(folder.path(), "twins").and_then(|mut journal| journal.records()) {
                prop_assert_eq!(&read, &RECORDS[..count]);
            }
            prop_assert_eq!(fs::read(&path).unwrap(), bytes, "and left as it is");
        }
    }
}
