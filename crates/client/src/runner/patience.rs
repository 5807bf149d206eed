use std::time::{Duration, SystemTime};

use obnova_enroll::est::EstError;
use obnova_renewal::Stage;

use super::{Runner, Turn};
use crate::{CaError, RunError};

/// A time in which there is nothing to do but to wait for the CA.
#[derive(Clone, Copy, Debug)]
pub struct Pause<'e> {
    /// Until when. The CA said so, or nobody did and it is longer each time, up to five minutes.
    pub until: SystemTime,
    /// Why the CA was asked in vain; `None` where it answered that nothing is decided.
    pub away: Option<&'e RunError>,
}

/// How long it waits for a server that is away and does not say for how long, at first and at last.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

impl Runner<'_> {
    /// Goes on until it is done or has failed, also where it has to wait: `wait` is told until when, and returns when it is time to
    /// ask again, or `false` to leave it at that.
    ///
    /// An order that is made is waited for as long as it takes: a server that cannot be reached meanwhile, does not answer, or says
    /// that it cannot now or was asked too often, is asked again. Passwords that were given for this are kept meanwhile. Whatever else comes up ends it.
    ///
    /// # Errors
    /// As [`step`](Self::step); why the server was asked in vain, where it is left at that.
    pub fn run_to_end(&mut self, mut wait: impl FnMut(Pause<'_>) -> bool) -> Result<Turn, RunError> {
        let mut in_vain = 0;
        loop {
            let error = match self.advance() {
                Ok(Turn::Went) => {
                    in_vain = 0;
                    continue;
                }
                Ok(Turn::Waits(until)) if wait(Pause { until, away: None }) => continue,
                Ok(end) => return Ok(end),
                Err(error) => error,
            };
            match self.comes_back(&error, in_vain) {
                Some(until) if wait(Pause { until, away: Some(&error) }) => in_vain += 1,
                _ => {
                    self.pins.forget_all();
                    return Err(error);
                }
            }
        }
    }

    /// When to ask again after this error, if it is one that goes away by itself while an order waits.
    fn comes_back(&self, error: &RunError, in_vain: u32) -> Option<SystemTime> {
        let now = (self.seams.clock)();
        let wait = SHORTEST.saturating_mul(1_u32.checked_shl(in_vain).unwrap_or(u32::MAX)).min(LONGEST);
        let soon = now.checked_add(wait)?;
        if !matches!(self.process.stage(), Stage::Send | Stage::PickUp) {
            return None;
        }
        match error {
            RunError::Ca(CaError::Unreachable { .. } | CaError::Timeout { .. }) => Some(soon),
            RunError::Ca(CaError::Status { status: 500 | 502..=599, .. }) => Some(soon),
            RunError::Ca(CaError::Server(EstError::Unavailable { retry_after: None })) => Some(soon),
            // Asked too often and not told when to ask again: what is locked opens by somebody's hand.
            RunError::Ca(CaError::Server(
                EstError::Unavailable { retry_after: Some(later) }
                | EstError::TooOften { retry_after: Some(later), .. },
            )) => Some(later.moment(now).max(now.checked_add(Duration::from_secs(1))?)),
            _ => None,
        }
    }
}
