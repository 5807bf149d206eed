//! Lists as long as large CAs have them: memory does not grow with them, neither where they are written nor where they are read.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufWriter},
    time::Duration,
};

use common::{DAY, World, noon, sequence, tlv};
use der::{Decode, Encode, asn1::Any};
use obnova_status::{
    Revocation, RevocationReason, Rules, SerialNumber,
    crl::{Crl, CrlBuilder, CrlNumber, Entry, ParseError},
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

    for (part, der) in hostile(&world) {
        let (for_refusing, refused) = memory_for(|| Crl::parse(&der).map(|_| ()));
        assert!(for_refusing < 16 * 1024, "{part}: {for_refusing} bytes for a list of {}", der.len());
        let refused = refused.unwrap_err();
        let named = match refused {
            ParseError::TooLarge { part, .. } => part,
            ParseError::Malformed(_) => "outer algorithm",
            other => panic!("{part}: {other}"),
        };
        assert_eq!(named, part);
    }
}

/// Lists that nobody signed, each with megabytes in a place where an honest one has some bytes.
fn hostile(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    const PIECES: usize = 300_000;
    let fields = |der: &[u8]| Vec::<Any>::from_der(der).unwrap();
    let whole = fields(&world.crl(&[entry(1)]));
    let tbs = fields(&whole[0].to_der().unwrap());
    // signature, issuer, the entries and [0] of the TBSCertList.
    let inside = |index: usize, der: Vec<u8>| {
        let (mut whole, mut tbs) = (whole.clone(), tbs.clone());
        tbs[index] = Any::from_der(&der).unwrap();
        whole[0] = Any::from_der(&tbs.to_der().unwrap()).unwrap();
        whole.to_der().unwrap()
    };
    let extensions = sequence(&sequence(&[6, 1, 42, 4, 0]).repeat(PIECES));
    let listed = fields(&tbs[5].to_der().unwrap());
    let mut hostile_entry = fields(&listed[0].to_der().unwrap());
    hostile_entry[2] = Any::from_der(&extensions).unwrap();
    let algorithm = sequence(&[&[6, 1, 42][..], &tlv(4, &vec![0; PIECES])].concat());
    let mut outside = whole.clone();
    outside[1] = Any::from_der(&algorithm).unwrap();
    vec![
        ("issuer", inside(2, sequence(&[0x31, 0].repeat(PIECES)))),
        ("crlExtensions", inside(6, tlv(0xa0, &extensions))),
        ("extensions of one entry", inside(5, sequence(&hostile_entry.to_der().unwrap()))),
        ("signature algorithm", inside(1, algorithm)),
        ("outer algorithm", outside.to_der().unwrap()),
    ]
}
