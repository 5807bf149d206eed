//! Guesses of a password are counted, and the count is on disk, before what was guessed is looked at.

use std::time::SystemTime;

use super::{seconds, time};
use crate::GuessPolicy;

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
    /// One more, or why not.
    pub fn count_one(self, policy: &GuessPolicy, now: SystemTime) -> Result<Self, NoGuess> {
        if self.count >= policy.most {
            return Err(NoGuess::Locked);
        }
        if seconds(now) < self.next {
            return Err(NoGuess::Wait { until: time(self.next) });
        }
        let count = self.count + 1;
        let wait = policy.wait_after(count);
        let next = if wait.is_zero() { 0 } else { seconds(now.checked_add(wait).unwrap_or(now)) };
        Ok(Self { count, next })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn guesses_are_free_then_slow_then_none() {
        let policy = GuessPolicy { free: 2, pause: Duration::from_secs(10), most: 4 };
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let none = Guesses { count: 0, next: 0 };
        let one = none.count_one(&policy, at(100)).unwrap();
        assert_eq!(one, Guesses { count: 1, next: 0 });
        let two = one.count_one(&policy, at(100)).unwrap();
        assert_eq!(two, Guesses { count: 2, next: 110 });
        assert_eq!(two.count_one(&policy, at(109)), Err(NoGuess::Wait { until: at(110) }));
        let three = two.count_one(&policy, at(110)).unwrap();
        assert_eq!(three, Guesses { count: 3, next: 130 });
        let four = three.count_one(&policy, at(130)).unwrap();
        assert_eq!(four.count_one(&policy, at(1_000_000)), Err(NoGuess::Locked));
    }
}
