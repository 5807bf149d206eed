#![allow(clippy::unwrap_used)]

use std::{io, time::SystemTime};

use obnova_card::KeyRole;
use obnova_renewal::{Fact, Record};

use super::{Disk, append_to};
use crate::journal_format;

/// A disk whose power goes: what is durable, and what was done since, of which any part may have reached it.
#[derive(Clone, Default)]
struct Failing {
    durable: Vec<u8>,
    since: Vec<Done>,
    /// What may be done before the power goes.
    left: usize,
}

#[derive(Clone)]
enum Done {
    Cut(usize),
    Write(usize, Vec<u8>),
}

impl Failing {
    fn act(&mut self) -> io::Result<()> {
        let left = self.left.checked_sub(1).ok_or(io::Error::other("the power went"))?;
        self.left = left;
        Ok(())
    }

    /// Everything that may be found when the power is back: each choice of what was done since, and the longest write cut at
    /// each byte, unless it is the first line, which lies in one sector.
    fn found(&self) -> Vec<Vec<u8>> {
        let choices = 0..1_u32 << self.since.len();
        let whole = choices.map(|choice| {
            let chosen = self.since.iter().enumerate().filter(|(index, _)| choice >> index & 1 == 1);
            chosen.fold(self.durable.clone(), |bytes, (_, done)| done.on(bytes))
        });
        let torn = self.since.iter().flat_map(|done| match done {
            Done::Write(start, bytes) if *start > 0 => {
                let cuts = 0..bytes.len();
                cuts.map(|cut| Done::Write(*start, bytes[..cut].to_vec()).on(self.durable.clone())).collect()
            }
            _ => Vec::new(),
        });
        whole.chain(torn).collect()
    }
}

impl Done {
    fn on(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Cut(length) => bytes.truncate(*length),
            Self::Write(start, written) => {
                let end = start + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*start..end].copy_from_slice(written);
            }
        }
        bytes
    }
}

impl Disk for Failing {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.act()?;
        self.since.push(Done::Cut(length as usize));
        Ok(())
    }

    fn write_at(&mut self, start: u64, bytes: &[u8]) -> io::Result<()> {
        self.act()?;
        self.since.push(Done::Write(start as usize, bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.act()?;
        self.durable = self.since.drain(..).fold(std::mem::take(&mut self.durable), |bytes, done| done.on(bytes));
        Ok(())
    }
}

#[test]
fn whenever_the_power_goes_the_records_are_those_before_or_those_after() {
    let (before, after) = (journal(2), journal(4));
    let records = |bytes: &[u8]| journal_format::read(bytes).unwrap().len();
    assert_eq!((records(&before), records(&after)), (2, 4));
    let first_line = after.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (lines, first_line) = (text(&after[before.len()..]), text(&after[..first_line]));
    for leftover in [&b""[..], b"{half a rec"] {
        let disk = Failing { durable: [&before, leftover].concat(), ..Failing::default() };
        let there = disk.durable.len() as u64;
        let mut told = 0;
        for left in 0.. {
            let mut disk = Failing { left, ..disk.clone() };
            let outcome = append_to(&mut disk, there, before.len() as u64, &lines, &first_line);
            for found in disk.found() {
                let count = records(&found);
                assert!(count == 2 || count == 4, "{left}");
                assert!(outcome.is_err() || count == 4, "it was told that they are written");
                told += 1;
            }
            if outcome.is_ok() {
                break;
            }
        }
        assert!(told > lines.len(), "{told}");
    }
}

/// A journal of so many records.
fn journal(count: usize) -> Vec<u8> {
    let record = Record { at: SystemTime::UNIX_EPOCH, fact: Fact::Generating(KeyRole::Signature) };
    journal_format::write(&vec![record; count]).unwrap().into_bytes()
}
