//! Guesses of a password are counted, and the count is on disk, before what was guessed is looked at.

use std::time::{Duration, SystemTime};

use super::{seconds, time};
use crate::GuessPolicy;

/// The longest wait between two guesses of a password that is never locked.
const LONGEST: Duration = Duration::from_secs(3600);

/// How often a password was guessed wrong since it was last guessed right, and from when on it may be guessed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guesses {
    pub count: u32,
    pub next: i64,
}

/// Why a guess is not even looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGuess {
    /// It is too soon after the last wrong one.
    Wait {
        /// From when on.
        until: SystemTime,
    },
    /// There were too many wrong ones.
    Locked,
}

impl Guesses {
    /// Whether nobody waits after one more.
    pub fn one_is_free(self, policy: &GuessPolicy) -> bool {
        policy.wait_after(self.count.saturating_add(1)).is_zero()
    }

    /// One more, or why not.
    pub fn count_one(self, policy: &GuessPolicy, now: SystemTime) -> Result<Self, NoGuess> {
        if self.count >= policy.most {
            return Err(NoGuess::Locked);
        }
        self.count_after(now, |count| policy.wait_after(count)).map_err(|until| NoGuess::Wait { until })
    }

    /// One more of a password that is never locked, and for which nobody waits longer than an hour; or from when on.
    pub fn count_slowly(self, policy: &GuessPolicy, now: SystemTime) -> Result<Self, SystemTime> {
        self.count_after(now, |count| policy.wait_after(count).min(LONGEST))
    }

    /// One more at once, beside the last one that was counted: who comes next waits for both.
    pub fn count_beside(self, policy: &GuessPolicy, now: SystemTime) -> Self {
        let count = self.count.saturating_add(1);
        let wait = policy.wait_after(count).min(LONGEST);
        let from = now.max(time(self.next));
        let next = if wait.is_zero() { self.next } else { seconds(from.checked_add(wait).unwrap_or(from)) };
        Self { count, next }
    }

    fn count_after(self, now: SystemTime, wait_after: impl FnOnce(u32) -> Duration) -> Result<Self, SystemTime> {
        if seconds(now) < self.next {
            return Err(time(self.next));
        }
        let count = self.count.saturating_add(1);
        let wait = wait_after(count);
        let next = if wait.is_zero() { 0 } else { seconds(now.checked_add(wait).unwrap_or(now)) };
        Ok(Self { count, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_free_then_slow_then_none() {
        let policy = GuessPolicy { free: 2, pause: Duration::from_secs(10), most: 4 };
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let none = Guesses { count: 0, next: 0 };
        let one = none.count_one(&policy, at(100)).unwrap();
        assert_eq!(one, Guesses { count: 1, next: 0 });
        assert_eq!([none, one].map(|guesses| guesses.one_is_free(&policy)), [true, false]);
        let two = one.count_one(&policy, at(100)).unwrap();
        assert_eq!(two, Guesses { count: 2, next: 110 });
        assert_eq!(two.count_one(&policy, at(109)), Err(NoGuess::Wait { until: at(110) }));
        let three = two.count_one(&policy, at(110)).unwrap();
        assert_eq!(three, Guesses { count: 3, next: 130 });
        let four = three.count_one(&policy, at(130)).unwrap();
        assert_eq!(four.count_one(&policy, at(1_000_000)), Err(NoGuess::Locked));
    }
    #[test]
    fn what_is_never_locked_waits_an_hour_at_most() {
        let policy = GuessPolicy { free: 1, pause: Duration::from_secs(1000), most: 2 };
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let first = Guesses { count: 0, next: 0 }.count_slowly(&policy, at(0)).unwrap();
        assert_eq!((first.next, first.count_slowly(&policy, at(999))), (1000, Err(at(1000))));
        let second = first.count_slowly(&policy, at(1000)).unwrap();
        assert_eq!(second, Guesses { count: 2, next: 3000 });
        // Two at once are as late as one after the other.
        assert_eq!(first.count_beside(&policy, at(0)), second);
        let mut later = second.count_slowly(&policy, at(3000)).unwrap();
        for _ in 0..1000 {
            let moment = time(later.next);
            later = later.count_slowly(&policy, moment).unwrap();
            assert_eq!(time(later.next), moment + LONGEST);
        }
        let last = Guesses { count: u32::MAX, next: 0 };
        assert_eq!(last.count_slowly(&policy, at(0)).unwrap().count, u32::MAX);
    }
}
