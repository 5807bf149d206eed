use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{CardTransport, Decorator, TransportError};

/// Makes things go wrong by a script: for tests of what a program does then. Clones share one script, so keep one to
/// [`schedule`](Self::schedule) faults while the other works. Each fault happens once.
///
/// ```
/// use obnova_transport::{Fault, FaultInjector, When};
///
/// let injector = FaultInjector::new();
/// injector.schedule(When::Command(3), Fault::TearAfter);
/// // Decorated::new(connection, injector.clone()) …
/// assert_eq!(injector.waiting(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultInjector(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    faults: Vec<(When, Fault)>,
    seen: u64,
    /// The card is out for the rest of the conversation.
    torn: bool,
}

/// When a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At the n-th command that the injector sees, from 1, over all conversations.
    Command(u64),
    /// At the next command with this instruction byte.
    Instruction(u8),
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The card is torn out before the command reaches it; the rest of the conversation fails.
    TearBefore,
    /// The card is torn out after it acted on the command; the answer is lost, the rest of the conversation fails.
    TearAfter,
    /// The command does not reach the card: this is answered in its place.
    Answer(Vec<u8>),
    /// All bits of one byte of the card's answer are turned, counted from 0 (data first); none when it is shorter.
    Flip(usize),
    /// The card's answer is cut to so many bytes.
    Truncate(usize),
    /// The command is held back for so long.
    Slow(Duration),
    /// The command does not reach the card: it fails with this. The conversation can go on.
    Fail(TransportError),
}

impl FaultInjector {
    /// An empty script: nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault. Of several for one command the first scheduled happens, the others wait.
    pub fn schedule(&self, when: When, fault: Fault) {
        self.script().faults.push((when, fault));
    }

    /// Commands seen so far, in all conversations.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.script().seen
    }

    /// Faults that have not happened yet. A test that expects 0 at its end knows that its script was played.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.script().faults.len()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn next(&mut self, command: &[u8]) -> Option<Fault> {
        self.seen += 1;
        let due = self.faults.iter().position(|(when, _)| match when {
            When::Command(number) => *number == self.seen,
            When::Instruction(instruction) => command.get(1) == Some(instruction),
        })?;
        Some(self.faults.remove(due).1)
    }
}

impl Decorator for FaultInjector {
    fn began(&mut self, _place: &str, _atr: &[u8]) {
        self.script().torn = false;
    }

    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        if self.script().torn {
            response.clear();
            return Err(TransportError::CardRemoved);
        }
        let fault = self.script().next(command);
        match fault {
            None => card.transmit(command, response),
            Some(Fault::TearBefore) => {
                self.script().torn = true;
                response.clear();
                Err(TransportError::CardRemoved)
            }
            Some(Fault::TearAfter) => {
                self.script().torn = true;
                let result = card.transmit(command, response);
                response.clear();
                result.and(Err(TransportError::CardRemoved))
            }
            Some(Fault::Answer(answer)) => {
                *response = answer;
                Ok(())
            }
            Some(Fault::Flip(index)) => {
                card.transmit(command, response)?;
                response.get_mut(index).into_iter().for_each(|byte| *byte = !*byte);
                Ok(())
            }
            Some(Fault::Truncate(length)) => {
                card.transmit(command, response)?;
                response.truncate(length);
                Ok(())
            }
            Some(Fault::Slow(delay)) => {
                std::thread::sleep(delay);
                card.transmit(command, response)
            }
            Some(Fault::Fail(error)) => {
                response.clear();
                Err(error)
            }
        }
    }
}
