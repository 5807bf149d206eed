use std::time::{Duration, SystemTime};

use der::DateTime;

/// The longest wait that is believed; a longer one is cut to it.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(31 * 86_400);

/// When to come again (Retry-After, RFC 9110 §10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long from now; at most [`MAX_RETRY_AFTER`].
    In(Duration),
    /// At this time, by the server's clock.
    At(SystemTime),
}

impl RetryAfter {
    /// The moment, when the answer came at `now`; at most [`MAX_RETRY_AFTER`] later.
    #[must_use]
    pub fn moment(self, now: SystemTime) -> SystemTime {
        let latest = now.checked_add(MAX_RETRY_AFTER).unwrap_or(now);
        match self {
            Self::In(wait) => now.checked_add(wait).unwrap_or(latest).min(latest),
            Self::At(time) => time.clamp(now, latest),
        }
    }

    /// Reads the header's value: seconds, or a date in the one form that RFC 9110 §5.6.7 lets senders write.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = value.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs);
            return Some(Self::In(seconds.min(MAX_RETRY_AFTER)));
        }
        parse_date(value).map(Self::At)
    }

    /// The header's value in whole seconds, rounded up.
    pub(super) fn seconds(wait: Duration) -> String {
        let wait = wait.min(MAX_RETRY_AFTER);
        (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).to_string()
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn parse_date(value: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_day_of_week, date) = value.split_once(", ")?;
    let mut fields = date.split(' ');
    let day = fields.next()?.parse().ok()?;
    let month = fields.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u8 + 1;
    let year = fields.next()?.parse().ok()?;
    let mut time = fields.next()?.split(':').map(|part| part.parse().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if fields.next() != Some("GMT") || fields.next().is_some() || time.next().is_some() {
        return None;
    }
    Some(DateTime::new(year, month, day, hour, minute, second).ok()?.to_system_time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(RetryAfter::parse(" 120 "), Some(RetryAfter::In(Duration::from_secs(120))));
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(RetryAfter::parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(RetryAfter::At(date)));
        assert_eq!(RetryAfter::parse("99999999999999999999"), Some(RetryAfter::In(MAX_RETRY_AFTER)));
        for wrong in
            ["", "-1", "soon", "Sun, 06 Nov 1994", "Sun, 31 Feb 2026 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"]
        {
            assert_eq!(RetryAfter::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_moment_is_neither_past_nor_beyond_belief() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(RetryAfter::In(Duration::from_secs(5)).moment(now), now + Duration::from_secs(5));
        assert_eq!(RetryAfter::In(Duration::MAX).moment(now), now + MAX_RETRY_AFTER);
        assert_eq!(RetryAfter::At(SystemTime::UNIX_EPOCH).moment(now), now);
        assert_eq!(RetryAfter::At(now + 2 * MAX_RETRY_AFTER).moment(now), now + MAX_RETRY_AFTER);
    }
}
