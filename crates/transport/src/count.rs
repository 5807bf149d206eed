use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{CardTransport, Decorator, TransportError};

/// Counts what goes to the card and comes from it. Clones share one count, so keep one to read while the other works.
#[derive(Clone, Debug, Default)]
pub struct Count(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    apdus: AtomicU64,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Commands, GET RESPONSE and parts of chains included.
    pub apdus: u64,
    /// Bytes of the commands.
    pub bytes_out: u64,
    /// Bytes of the answers, status words included.
    pub bytes_in: u64,
}

impl std::ops::Sub for Counts {
    type Output = Self;

    /// What was counted since `earlier`; 0 where `earlier` is the later.
    fn sub(self, earlier: Self) -> Self {
        Self {
            apdus: self.apdus.saturating_sub(earlier.apdus),
            bytes_out: self.bytes_out.saturating_sub(earlier.bytes_out),
            bytes_in: self.bytes_in.saturating_sub(earlier.bytes_in),
        }
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            apdus: self.apdus.saturating_add(other.apdus),
            bytes_out: self.bytes_out.saturating_add(other.bytes_out),
            bytes_in: self.bytes_in.saturating_add(other.bytes_in),
        }
    }
}

impl Count {
    /// A count at 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was counted so far; subtract an earlier reading to learn what one step took.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            apdus: self.0.apdus.load(Relaxed),
            bytes_out: self.0.bytes_out.load(Relaxed),
            bytes_in: self.0.bytes_in.load(Relaxed),
        }
    }
}

impl Decorator for Count {
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        self.0.apdus.fetch_add(1, Relaxed);
        self.0.bytes_out.fetch_add(command.len() as u64, Relaxed);
        card.transmit(command, response)?;
        self.0.bytes_in.fetch_add(response.len() as u64, Relaxed);
        Ok(())
    }
}
