//! When holders are told that their certificates end.

use serde::Deserialize;

use super::{PolicyError, wire::field};

/// When holders are told that their certificates end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticePolicy {
    days: Vec<u32>,
}

impl NoticePolicy {
    /// How many days before the end, the last first; none where nobody is told.
    #[must_use]
    pub fn days(&self) -> &[u32] {
        &self.days
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Notices {
    days: Vec<u32>,
}

impl Default for Notices {
    /// Three weeks, and one.
    fn default() -> Self {
        Self { days: vec![21, 7] }
    }
}

impl Notices {
    pub(super) fn check(mut self) -> Result<NoticePolicy, PolicyError> {
        let wrong = |reason: String| Err(field("notices.days", reason));
        if self.days.len() > 16 {
            return wrong(format!("has {} entries: at most 16", self.days.len()));
        }
        self.days.sort_unstable();
        if let Some(out) = self.days.iter().find(|days| !(1..=365).contains(*days)) {
            return wrong(format!("{out} is out of range: 1 to 365"));
        }
        if let Some(twice) = self.days.windows(2).find(|two| two[0] == two[1]) {
            return wrong(format!("{} stands there twice", twice[0]));
        }
        Ok(NoticePolicy { days: self.days })
    }
}
