use super::{
    Recorded,
    anchors::Line,
    record::{AuditHead, AuditRecord, hash},
};
use crate::transaction::to_hex;

/// What a look through the whole log brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many records there are.
    pub records: u64,
    /// Where it ends; number 0 when there is nothing.
    pub head: AuditHead,
    /// The last record that an anchor outside the database vouches for; those behind it are only chained.
    pub anchored: i64,
    /// What was done to it, by number; nothing when it is sound. At most [`MOST`](Self::MOST).
    pub findings: Vec<AuditFinding>,
}

impl AuditCheck {
    /// The most findings that are told.
    pub const MOST: usize = 100;
}

/// Something that was done to the log, or to what it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFinding {
    /// The record does not follow from the one before it.
    #[error("record {number} does not follow from the one before: one of both was altered, put in or moved")]
    Broken {
        /// Its number.
        number: i64,
    },
    /// Records are gone from the midst of it.
    #[error("records {first} to {last} are missing")]
    Missing {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// Records are gone from its end.
    #[error("the log is cut off: it ends with record {last}, and record {anchored} had been written")]
    CutOff {
        /// The last that is there.
        last: i64,
        /// The last that was there.
        anchored: i64,
    },
    /// It hangs together, and is another one than was written.
    #[error(
        "the log was written anew: record {number} is another one, and {sound} is the last that is known to be true"
    )]
    Rewritten {
        /// The first number at which it is seen.
        number: i64,
        /// The last number at which log and anchor agree.
        sound: i64,
    },
    /// Records that the CA found when it went on, and that it did not anchor.
    #[error(
        "nobody vouches for records {first} to {last}: the machine went down when they were written, or somebody put them in"
    )]
    Unanchored {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// A record has a number that none can have.
    #[error("there is a record with the number {number}")]
    Number {
        /// The number.
        number: i64,
    },
    /// A line of the file of anchors was not written with the key.
    #[error("line {line} of the anchors was not written with the audit key")]
    ForgedAnchor {
        /// From 1.
        line: usize,
    },
    /// Nothing outside the database vouches for the log.
    #[error("there are no anchors: nothing tells whether the log was cut off or written anew")]
    NoAnchors,
    /// The table takes changes and deletions.
    #[error("the triggers that keep the table as it is are gone")]
    Unguarded,
    /// There is no log.
    #[error("the table of the log is gone, or it is another one than the CA makes: what happened is not known")]
    NoTable,
    /// The database has a certificate otherwise than the log left it.
    #[error("certificate {}: {log} by the log, and {database} in the database", to_hex(serial))]
    Certificate {
        /// Content of its serial number.
        serial: Vec<u8>,
        /// What the log says of it.
        log: Recorded,
        /// What the database says of it.
        database: Recorded,
    },
}

/// Follows the chain, record by record.
pub(super) struct Chain {
    heads: Vec<AuditHead>,
    anchors: bool,
    last: AuditHead,
    /// The last that an anchor or a head from elsewhere agrees with.
    sound: i64,
    records: u64,
    findings: Vec<AuditFinding>,
}

impl Chain {
    /// A log that is held against its anchors, and against heads that were kept elsewhere. It ended at `head` when the anchors were
    /// read.
    pub fn new(anchors: &[Line], elsewhere: &[AuditHead], head: &AuditHead) -> Self {
        let mut heads = elsewhere.to_vec();
        let last_kept = elsewhere.iter().map(|head| head.number).max().unwrap_or_default();
        let mut findings = Vec::new();
        let mut vouched = 0;
        let unanchored = |vouched: i64, last: i64| {
            let first = vouched.max(last_kept) + 1;
            (first <= last).then_some(AuditFinding::Unanchored { first, last })
        };
        for (line, anchor) in anchors.iter().enumerate() {
            match *anchor {
                Line::Forged => findings.push(AuditFinding::ForgedAnchor { line: line + 1 }),
                Line::Found(head) => {
                    findings.extend(unanchored(vouched, head.number));
                    vouched = head.number;
                    heads.push(head);
                }
                Line::Anchor(head) => {
                    vouched = head.number;
                    heads.push(head);
                }
            }
        }
        if !anchors.is_empty() {
            findings.extend(unanchored(vouched, head.number));
        }
        findings.truncate(AuditCheck::MOST);
        heads.sort_by_key(|head| head.number);
        heads.reverse();
        Self { anchors: !anchors.is_empty(), heads, last: AuditHead::NONE, sound: 0, records: 0, findings }
    }

    pub fn find(&mut self, finding: AuditFinding) {
        if self.findings.len() < AuditCheck::MOST {
            self.findings.push(finding);
        }
    }

    /// The next record, by number.
    pub fn next(&mut self, record: &AuditRecord, at: i64) {
        let number = record.number;
        self.records += 1;
        if number < 1 {
            self.find(AuditFinding::Number { number });
            return;
        }
        let follows = self.last.number + 1;
        if number > follows {
            self.find(AuditFinding::Missing { first: follows, last: number - 1 });
        } else {
            let fields = [&record.event, &record.about, &record.detail, &record.actor].map(String::as_str);
            if hash(&self.last, at, fields) != record.hash {
                self.find(AuditFinding::Broken { number });
            }
        }
        self.last = AuditHead { number, hash: record.hash };
        while let Some(head) = self.heads.pop_if(|head| head.number <= number) {
            if head == self.last {
                self.sound = number;
            } else if head.number == number {
                self.find(AuditFinding::Rewritten { number, sound: self.sound });
            }
        }
    }

    /// What there is to say at its end.
    pub fn end(mut self) -> AuditCheck {
        let last = self.last.number;
        if let Some(anchored) = self.heads.iter().map(|head| head.number).max() {
            self.find(AuditFinding::CutOff { last, anchored });
        }
        if self.records > 0 && !self.anchors {
            self.find(AuditFinding::NoAnchors);
        }
        AuditCheck { records: self.records, head: self.last, anchored: self.sound, findings: self.findings }
    }
}
