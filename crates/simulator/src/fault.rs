use std::collections::BTreeMap;
use std::time::Duration;

use obnova_apdu::StatusWord;

/// A script of what goes wrong inside the card, by the number of the command: the first one after
/// [`Card::set_faults`](crate::Card::set_faults) is 1, and GET RESPONSE and the parts of a chain count. Each fault happens
/// once.
///
/// ```
/// use obnova_simulator::{Fault, FaultPlan};
///
/// let plan = FaultPlan::new().at(3, Fault::TearInside).at(5, Fault::Truncate(1));
/// assert_eq!(plan.waiting(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    faults: BTreeMap<u64, Fault>,
    seen: u64,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Power is lost before the command is acted on.
    TearBefore,
    /// Power is lost right after the first write to memory that the command makes: a VERIFY has counted down and not
    /// compared. A command that writes nothing is torn at its end.
    TearInside,
    /// Power is lost after the command was acted on, before the answer.
    TearAfter,
    /// The command is not acted on; this status is the answer.
    Status(StatusWord),
    /// The command is acted on, and answered with these bytes.
    Answer(Vec<u8>),
    /// The command is acted on; only so many bytes of the answer come back.
    Truncate(usize),
    /// The answer takes so much longer.
    Slow(Duration),
}

impl FaultPlan {
    /// A plan without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The plan with one more fault, at the n-th command, from 1. A fault that was planned there is replaced.
    #[must_use]
    pub fn at(mut self, command: u64, fault: Fault) -> Self {
        self.faults.insert(command, fault);
        self
    }

    /// Commands seen so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Faults that have not happened yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.faults.len()
    }

    pub(crate) fn next(&mut self) -> Option<Fault> {
        self.seen += 1;
        self.faults.remove(&self.seen)
    }
}
