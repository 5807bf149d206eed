//! A folder with more and more journals, and a journal with more and more records.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use obnova_benches::{Growth, Measure};
use obnova_client::{FileJournal, Journal, journal_format};
use obnova_renewal::{Fact, PickUp, Process, Record};

use crate::told::Told;

/// A renewal from its begin to its end, as it was written down.
const RENEWAL: &[u8] = include_bytes!("../../data/renewal.journal");
const RUNS: usize = 9;
const UNFINISHED: usize = 3;

pub fn prepare_many(processes: usize, folder: &Path) {
    let records = journal_format::read(RENEWAL).unwrap();
    for number in 0..processes {
        // The unfinished ones stand anywhere among the others.
        let unfinished = number % (processes / UNFINISHED) == 1;
        let count = if unfinished { pending(&records) } else { records.len() };
        let mut journal = FileJournal::create(folder, &format!("renewal-{number}")).unwrap();
        journal.append(&records[..count]).unwrap();
    }
}

pub fn measure_many(processes: usize, folder: &Path, told: &mut Told) {
    let now = begin();
    let list = told.time("list the names", Growth::Linear, RUNS, || FileJournal::list(folder).unwrap());
    assert_eq!(list.len(), processes);
    // It is the first time once in each folder.
    let mut copies =
        (0..RUNS).map(|copy| copy_of(folder, &folder.join(format!("copy-{copy}")))).collect::<Vec<_>>().into_iter();
    told.time("find the unfinished, the first time", Growth::Linear, RUNS, || {
        FileJournal::unfinished(&copies.next().unwrap(), now).unwrap()
    });
    let unfinished = || FileJournal::unfinished(folder, now).unwrap();
    unfinished();
    // The names are read each time, and no more journals than are unfinished.
    let found = told.time("find the unfinished, from then on", Growth::Linear, RUNS, unfinished);
    told.bytes_read("find the unfinished, from then on", Growth::Flat, unfinished);
    assert!((UNFINISHED..=UNFINISHED + 1).contains(&found.len()), "{}", found.len());
    let name = &found[0].0;
    told.time("open one", Growth::Flat, RUNS, || FileJournal::open(folder, name).unwrap());
    told.time("resume one", Growth::Flat, RUNS, || {
        Process::replay(&FileJournal::open(folder, name).unwrap().records().unwrap()).unwrap()
    });
    told.memory(Growth::Flat);
}

fn copy_of(folder: &Path, copy: &Path) -> PathBuf {
    fs::create_dir(copy).unwrap();
    for file in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|file| file.file_type().unwrap().is_file()) {
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    copy.to_owned()
}

pub fn measure_long(count: usize, folder: &Path, told: &mut Told) {
    let records = journal_format::read(RENEWAL).unwrap();
    let mut all = records[..pending(&records)].to_vec();
    let Some(Fact::Pending(pick_ups)) = all.last().map(|record| &record.fact) else { panic!("not pending") };
    // An issuer that gives another pick-up each time it is asked.
    let by: PickUp = pick_ups[0].clone();
    let record = Record { at: begin(), fact: Fact::PickUpReplaced { index: 0, by } };
    all.resize(count, record.clone());
    let mut journal = FileJournal::create(folder, "long").unwrap();
    journal.append(&all).unwrap();
    told.time("append a record", Growth::Flat, 5 * RUNS, || journal.append(std::slice::from_ref(&record)).unwrap());
    drop(journal);
    told.time("open it", Growth::Linear, RUNS, || FileJournal::open(folder, "long").unwrap());
    told.time("resume it", Growth::Linear, RUNS, || {
        Process::replay(&FileJournal::peek(folder, "long").unwrap()).unwrap()
    });
    let length = fs::metadata(folder.join("long.journal")).unwrap().len();
    told.figure("journal file", Measure::Bytes, Growth::Linear, length as f64);
    told.memory(Growth::Linear);
}

/// How many records there are when the order waits to be picked up.
fn pending(records: &[Record]) -> usize {
    records.iter().position(|record| matches!(record.fact, Fact::Pending(_))).unwrap() + 1
}

/// When the renewal began.
fn begin() -> SystemTime {
    journal_format::read(RENEWAL).unwrap()[0].at
}
