//! Lists as long as large CAs have them: memory does not grow with them, neither where they are written nor where they are read.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufWriter},
    time::Duration,
};

use common::{DAY, World, noon};
use obnova_status::{
    Revocation, RevocationReason, Rules, SerialNumber,
    crl::{Crl, CrlBuilder, CrlNumber, Entry},
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const ENTRIES: u64 = 100_000;

/// As a CA has it: a serial number of 20 bytes, a reason.
fn entry(index: u64) -> Entry {
    let mut serial = [0x5a; 20];
    serial[12..].copy_from_slice(&index.to_be_bytes());
    let revocation = Revocation::new(noon() - Duration::from_secs(index), RevocationReason::ALL[index as usize % 9]);
    Entry::new(SerialNumber::new(&serial).unwrap(), revocation)
}

/// Bytes that `work` had beside what was there, at the most.
fn memory_for<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = work();
    (MEMORY.peak_usage() - before, result)
}

// One test, since the allocator counts for all of them.
#[test]
fn a_hundred_thousand_entries_take_no_more_memory_than_one() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("list.crl");
    let given = Cell::new(0_u64);
    let write = |entries: u64| {
        given.set(0);
        let source = || {
            (0..entries).map(|index| {
                given.set(given.get() + 1);
                io::Result::Ok(entry(index))
            })
        };
        memory_for(|| {
            let builder = CrlBuilder::new(&world.authority(), CrlNumber::from(1), noon(), noon() + DAY);
            let to_sign = builder.finalize(source).unwrap();
            let signature = world.ca_key.sign(to_sign.digest());
            let mut out = BufWriter::new(File::create(&file).unwrap());
            to_sign.write(&signature, &mut out).unwrap()
        })
    };
    let (for_one, short) = write(1);
    assert_eq!(given.get(), 3, "each entry is asked for three times");
    let (for_all, long) = write(ENTRIES);
    assert_eq!(given.get(), 3 * ENTRIES, "and no more often in a long list");
    assert!(long > short + 50 * (ENTRIES - 1), "{long}");
    assert!(for_all <= for_one + 1024, "written: {for_one} bytes for one, {for_all} for all");

    let der = std::fs::read(&file).unwrap();
    assert_eq!(der.len() as u64, long);
    let (for_reading, found) = memory_for(|| {
        let list = Crl::parse(&der).unwrap().verify(&world.authority(), noon(), &Rules::default()).unwrap();
        let found = [0, 1, ENTRIES / 2, ENTRIES - 1].map(|index| list.find(&entry(index).serial).unwrap());
        assert_eq!(list.find(&entry(ENTRIES).serial), Ok(None));
        assert_eq!(list.entries().count() as u64, ENTRIES);
        found
    });
    assert_eq!(found, [0, 1, ENTRIES / 2, ENTRIES - 1].map(|index| Some(entry(index).revocation)));
    assert!(for_reading < 16 * 1024, "read: {for_reading} bytes");
}
