use std::time::{Duration, SystemTime};

/// What a client asks of what it is told, beside that it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// By how much the clocks of client and CA may differ. Five minutes.
    pub skew: Duration,
    /// How old an answer or a CRL may be that does not say when the next one comes. One day.
    pub max_age: Duration,
    /// Whether an OCSP answer may leave out the nonce that was asked with, as responders do that answer from a store
    /// (RFC 5019 §4). An old answer can then be played back for as long as it is valid. No.
    pub without_nonce: bool,
    /// Whether a delegated OCSP responder's certificate may lack id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1). Its own status would
    /// then have to be looked up elsewhere, which is not done here. No.
    pub without_no_check: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            skew: Duration::from_secs(5 * 60),
            max_age: Duration::from_secs(24 * 60 * 60),
            without_nonce: false,
            without_no_check: false,
        }
    }
}

impl Rules {
    /// Whether what was known at `this_update` counts at `now` (RFC 6960 §4.2.2.1, RFC 5280 §5.1.2.4).
    pub(crate) fn fresh(
        &self,
        this_update: SystemTime,
        next_update: Option<SystemTime>,
        now: SystemTime,
    ) -> Result<(), TimeError> {
        if next_update.is_some_and(|next| next < this_update) {
            return Err(TimeError::Inverted);
        }
        if later_by_more(this_update, now, self.skew) {
            return Err(TimeError::NotYet);
        }
        match next_update {
            Some(next) if later_by_more(now, next, self.skew) => Err(TimeError::Expired),
            None if later_by_more(now, this_update, self.max_age.saturating_add(self.skew)) => Err(TimeError::TooOld),
            _ => Ok(()),
        }
    }
}

/// Whether `one` is later than `other` by more than `slack`.
pub(crate) fn later_by_more(one: SystemTime, other: SystemTime, slack: Duration) -> bool {
    one.duration_since(other).is_ok_and(|by| by > slack)
}

/// Why something is too old or too new to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// thisUpdate or producedAt lies ahead.
    #[error("it was made in the future: check the clock")]
    NotYet,
    /// nextUpdate has passed.
    #[error("it has expired, and a newer one must be there: fetch it again, and check the clock")]
    Expired,
    /// No nextUpdate, and older than [`Rules::max_age`].
    #[error("it does not say when it expires, and is too old to be believed: fetch it again")]
    TooOld,
    /// nextUpdate before thisUpdate.
    #[error("it expired before it was made: it is malformed")]
    Inverted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fresh_is_so_to_the_second() {
        let rules = Rules { skew: Duration::from_secs(10), max_age: Duration::from_secs(100), ..Rules::default() };
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let fresh = |next: Option<u64>, now: u64| rules.fresh(at(1000), next.map(at), at(now));
        assert_eq!(fresh(Some(2000), 989), Err(TimeError::NotYet));
        assert_eq!(fresh(Some(2000), 990), Ok(()));
        assert_eq!(fresh(Some(2000), 2010), Ok(()));
        assert_eq!(fresh(Some(2000), 2011), Err(TimeError::Expired));
        assert_eq!(fresh(None, 1110), Ok(()));
        assert_eq!(fresh(None, 1111), Err(TimeError::TooOld));
        assert_eq!(fresh(Some(999), 1000), Err(TimeError::Inverted));
        assert_eq!(fresh(Some(1000), 1000), Ok(()));
    }
}
