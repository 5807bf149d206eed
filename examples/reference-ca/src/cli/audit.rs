use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::Subcommand;
use obnova_ca::AuditHead;
use x509_cert::der::DateTime;

/// What is asked of the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Look through the whole log: whether anybody altered, removed, inserted or moved a record, cut it off or wrote it anew; and whether
    /// the database has the certificates that it saw issued, revoked, held and released, and no others
    ///
    /// The server may run meanwhile. Who can write to the database alone is found. Who has the whole directory, keys and all, is
    /// found by a head that you keep elsewhere: it is printed each time.
    Verify {
        /// The CA's directory
        directory: PathBuf,
        /// A head that was printed before: the log must go on from there
        #[arg(long = "head", value_name = "NUMBER:HASH")]
        heads: Vec<AuditHead>,
    },
    /// Show records, the oldest first
    Show {
        /// The CA's directory
        directory: PathBuf,
        /// Only from then on: 2026-03-01 or 2026-03-01T08:00:00Z
        #[arg(long, value_name = "TIME")]
        from: Option<Moment>,
        /// Only until then, the whole day or that second too
        #[arg(long, value_name = "TIME")]
        to: Option<Moment>,
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
    },
}

/// A day or a second, UTC.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    begin: SystemTime,
    length: Duration,
}

impl Moment {
    /// Its first second.
    pub const fn begin(self) -> SystemTime {
        self.begin
    }

    /// The first moment after it.
    pub fn end(self) -> SystemTime {
        self.begin + self.length
    }
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let second = |text: &str| text.parse::<DateTime>().map(|time| time.to_system_time());
        let day = || second(&format!("{text}T00:00:00Z")).map(|begin| (begin, 24 * 60 * 60));
        let (begin, seconds) = second(text)
            .map(|begin| (begin, 1))
            .or_else(|_| day())
            .map_err(|_| "a time is 2026-03-01 or 2026-03-01T08:00:00Z (UTC)")?;
        Ok(Self { begin, length: Duration::from_secs(seconds) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_a_second() {
        let day: Moment = "2026-03-01".parse().unwrap();
        let second: Moment = "2026-03-01T08:00:00Z".parse().unwrap();
        assert_eq!(second.begin().duration_since(day.begin()).unwrap(), Duration::from_secs(8 * 3600));
        assert_eq!(day.end().duration_since(day.begin()).unwrap(), Duration::from_secs(24 * 3600));
        assert_eq!(second.end().duration_since(second.begin()).unwrap(), Duration::from_secs(1));
        for bad in ["", "yesterday", "2026-13-01", "2026-03-01T08:00:00", "2026-03-01T08:00:00+01:00"] {
            assert!(bad.parse::<Moment>().is_err(), "{bad}");
        }
    }
}
