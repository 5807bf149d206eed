//! First certificates, and the passwords that go with them.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Approval, PolicyError, RevocationPasswordPolicy,
    wire::{DAY, WireApproval, field, no_duplicates, range},
};
use crate::Profile;

/// Which certificates a holder has, and how the first ones are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstPolicy {
    /// The certificates of this service: what a first order asks for, and a renewal, all in one order. One or both.
    pub profiles: Vec<Profile>,
    /// Whether first orders wait for an operator.
    pub approval: Approval,
    /// How long a first order waits for an operator, who has not decided on it then: it is turned down
    /// ([`Ca::turn_down_undecided`](crate::Ca::turn_down_undecided)). A renewal waits until the old certificates end.
    pub decision: Duration,
    /// How long a one-time password can be used.
    pub password_life: Duration,
    /// What becomes of who guesses passwords.
    pub guesses: GuessPolicy,
    /// What a revocation password has to be like, and whether a first order has to set one. In the file it is a table of its own,
    /// `[revocation_password]`, which both sides read.
    pub revocation_password: RevocationPasswordPolicy,
}

/// What becomes of who guesses one password, a one-time or a revocation password. The right one begins the count anew. A revocation
/// password is never locked, and the wait for its next guess is an hour at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessPolicy {
    /// Wrong guesses after which each next one has to wait.
    pub free: u32,
    /// The first wait, which each further wrong guess doubles.
    pub pause: Duration,
    /// Wrong guesses after which a one-time password is locked.
    pub most: u32,
}

impl GuessPolicy {
    /// The longest wait between two guesses.
    const LONGEST: Duration = Duration::from_secs(DAY);

    /// Whether the audit log tells of the last of so many wrong guesses: of the first that makes others wait, and each time there
    /// were twice as many. Who guesses for ever fills no log.
    pub(crate) fn tells(&self, guesses: u32) -> bool {
        let times = guesses / self.free.max(1);
        times.is_power_of_two() && guesses == times * self.free
    }

    /// How long the next guess waits after this many.
    pub(crate) fn wait_after(&self, guesses: u32) -> Duration {
        match guesses.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(doubled) => self.pause.saturating_mul(2_u32.saturating_pow(doubled)).min(Self::LONGEST),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct First {
    profiles: Vec<WireProfile>,
    approval: Option<WireApproval>,
    decision_days: u64,
    password_days: u64,
    free_guesses: u64,
    guess_pause_seconds: u64,
    most_guesses: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireProfile {
    Authentication,
    Signature,
}

impl Default for First {
    /// As the template has it.
    fn default() -> Self {
        Self {
            profiles: vec![WireProfile::Authentication, WireProfile::Signature],
            approval: None,
            decision_days: 90,
            password_days: 21,
            free_guesses: 3,
            guess_pause_seconds: 30,
            most_guesses: 10,
        }
    }
}

impl First {
    pub(super) fn check(
        self,
        renewals: Approval,
        revocation_password: RevocationPasswordPolicy,
    ) -> Result<FirstPolicy, PolicyError> {
        let profiles = self.profiles.iter().map(|profile| match profile {
            WireProfile::Authentication => Profile::Authentication,
            WireProfile::Signature => Profile::Signature,
        });
        let profiles: Vec<_> = profiles.collect();
        if profiles.is_empty() {
            return Err(field("first.profiles", "is empty: name at least one certificate".into()));
        }
        no_duplicates("first.profiles", &profiles)?;
        let count = |name, value, most| Ok::<_, PolicyError>(u32::try_from(range(name, value, 1, most)?).unwrap_or(1));
        let free = count("first.free_guesses", self.free_guesses, 100)?;
        let most = count("first.most_guesses", self.most_guesses, 100)?;
        if most < free {
            return Err(field("first.most_guesses", format!("{most} is less than free_guesses, {free}")));
        }
        let pause = range("first.guess_pause_seconds", self.guess_pause_seconds, 1, DAY)?;
        Ok(FirstPolicy {
            profiles,
            approval: self.approval.map_or(renewals, Approval::from),
            decision: Duration::from_secs(range("first.decision_days", self.decision_days, 1, 3660)? * DAY),
            password_life: Duration::from_secs(range("first.password_days", self.password_days, 1, 366)? * DAY),
            guesses: GuessPolicy { free, pause: Duration::from_secs(pause), most },
            revocation_password,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Policy, *};

    fn with(first: &str) -> Result<FirstPolicy, PolicyError> {
        let (template, _) = Policy::TEMPLATE.split_once("[first]").unwrap();
        Policy::from_toml(&format!("{template}\n{first}")).map(|policy| policy.first)
    }

    #[test]
    fn a_file_that_says_nothing_means_what_the_template_says() {
        let template = Policy::from_toml(Policy::TEMPLATE).unwrap().first;
        assert_eq!(with("").unwrap(), template);
        assert_eq!(with("[first]").unwrap(), template);
        assert_eq!(template.profiles, Profile::ALL);
        assert_eq!(template.password_life, Duration::from_secs(21 * DAY));
        assert_eq!(template.decision, Duration::from_secs(90 * DAY));
        assert_eq!(template.approval, Approval::Manual);
    }

    #[test]
    fn every_field_is_read_and_every_odd_value_refused_by_its_name() {
        let policy = with(
            "[first]\nprofiles = [\"authentication\"]\napproval = \"automatic\"\ndecision_days = 8\npassword_days = 7\nfree_guesses = 1\n\
             guess_pause_seconds = 5\nmost_guesses = 4",
        );
        let guesses = GuessPolicy { free: 1, pause: Duration::from_secs(5), most: 4 };
        assert_eq!(
            policy.unwrap(),
            FirstPolicy {
                profiles: vec![Profile::Authentication],
                approval: Approval::Automatic,
                decision: Duration::from_secs(8 * DAY),
                password_life: Duration::from_secs(7 * DAY),
                guesses,
                revocation_password: RevocationPasswordPolicy {
                    required: false,
                    later: false,
                    minimum: 8,
                    distinct: 5
                },
            }
        );
        for (text, wanted) in [
            ("profiles = []", "first.profiles"),
            ("profiles = [\"signature\", \"signature\"]", "first.profiles"),
            ("decision_days = 0", "first.decision_days"),
            ("decision_days = 3661", "first.decision_days"),
            ("password_days = 0", "first.password_days"),
            ("password_days = 367", "first.password_days"),
            ("free_guesses = 0", "first.free_guesses"),
            ("free_guesses = 11", "first.most_guesses"),
            ("most_guesses = 101", "first.most_guesses"),
            ("guess_pause_seconds = 0", "first.guess_pause_seconds"),
        ] {
            match with(&format!("[first]\n{text}")).unwrap_err() {
                PolicyError::Field { field, .. } => assert_eq!(field, wanted, "{text}"),
                other => panic!("{text}: {other}"),
            }
        }
        assert!(matches!(with("[first]\npassword = 1"), Err(PolicyError::Syntax(_))));
    }

    #[test]
    fn guesses_are_told_when_they_begin_to_wait_and_when_there_were_twice_as_many() {
        let told = |free| {
            let guesses = GuessPolicy { free, pause: Duration::from_secs(30), most: 100 };
            (0..=50).filter(|count| guesses.tells(*count)).collect::<Vec<_>>()
        };
        assert_eq!((told(1), told(3)), (vec![1, 2, 4, 8, 16, 32], vec![3, 6, 12, 24, 48]));
        let guesses = GuessPolicy { free: 1, pause: Duration::from_secs(30), most: 100 };
        assert!(!guesses.tells(u32::MAX), "the count ends there");
    }

    #[test]
    fn each_wrong_guess_doubles_the_wait_up_to_a_day() {
        let guesses = GuessPolicy { free: 3, pause: Duration::from_secs(30), most: 100 };
        let waits: Vec<_> = (0..7).map(|count| guesses.wait_after(count).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 30, 60, 120, 240]);
        assert_eq!(guesses.wait_after(99), Duration::from_secs(DAY));
    }
}
