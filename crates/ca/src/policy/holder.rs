//! What the holder's side of the same file asks, as far as both sides have to agree.

use std::{collections::BTreeSet, time::Duration};

use serde::Deserialize;

use super::{
    Policy, PolicyError,
    wire::{DAY, field},
};
use crate::Profile;

/// `[holder]`. All else in it is for the holder's side, whose reader knows its names.
#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Holder {
    certificates: BTreeSet<String>,
    qualified: bool,
    method: String,
    protocol: String,
    due_before_days: u64,
}

impl Default for Holder {
    /// What it means to the holder's side where it says nothing.
    fn default() -> Self {
        Self {
            certificates: Profile::ALL.map(|profile| profile.to_string()).into(),
            qualified: false,
            method: "re-key".into(),
            protocol: "cmc".into(),
            due_before_days: 30,
        }
    }
}

impl Holder {
    /// Whether a holder who goes by this file gets what he asks from a CA that goes by it.
    pub(super) fn agrees_with(&self, policy: &Policy) -> Result<(), PolicyError> {
        let profiles: BTreeSet<_> = policy.first.profiles.iter().map(ToString::to_string).collect();
        if self.certificates != profiles {
            let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" and ");
            let reason = format!(
                "the holder asks for {}, and first.profiles has {}",
                names(&self.certificates),
                names(&profiles)
            );
            return Err(field("holder.certificates", reason));
        }
        let claims = policy.signature.qualified.as_ref().is_some_and(|claims| claims.compliance && claims.sscd);
        if self.qualified && policy.first.profiles.contains(&Profile::Signature) && !claims {
            let reason = "the holder takes only what signature.qualified says compliance and sscd of".into();
            return Err(field("holder.qualified", reason));
        }
        if self.method == "same-key" && !policy.same_key {
            return Err(field("holder.method", "the holder keeps the keys, and renewal.same_key is false".into()));
        }
        if self.protocol == "est" {
            self.suits_plain_est(policy)?;
        }
        let due = Duration::from_secs(self.due_before_days.saturating_mul(DAY));
        if due > policy.renewal_window {
            let window = policy.renewal_window.as_secs() / DAY;
            let reason = format!(
                "the holder renews {} days before the end, renewal.window_days is {window}",
                self.due_before_days
            );
            return Err(field("holder.due_before_days", reason));
        }
        match policy.notices.days().last() {
            Some(first) if u64::from(*first) > self.due_before_days => {
                let reason = format!(
                    "holders are told {first} days before the end, and can begin {} days before it (holder.due_before_days)",
                    self.due_before_days
                );
                Err(field("notices.days", reason))
            }
            _ => Ok(()),
        }
    }
}

impl Holder {
    /// Plain EST carries one request, and no revocation password.
    fn suits_plain_est(&self, policy: &Policy) -> Result<(), PolicyError> {
        if self.certificates.len() > 1 {
            let reason = "plain EST is for one certificate, and the holder asks for two (holder.certificates)".into();
            return Err(field("holder.protocol", reason));
        }
        let password = policy.first.revocation_password;
        if password.required && !password.later {
            let reason = "plain EST has no place for the revocation password that is required with an order \
                          (revocation_password.later)";
            return Err(field("holder.protocol", reason.into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(holder: &str) -> Result<Policy, PolicyError> {
        Policy::from_toml(&Policy::TEMPLATE.replace("version = 1", &format!("version = 1\n{holder}")))
    }

    #[test]
    fn a_file_for_the_ca_alone_need_not_agree_with_anybody() {
        let text = Policy::TEMPLATE.replace("window_days = 30", "window_days = 3");
        assert!(Policy::from_toml(&text).is_ok());
        // With a name it is a service, whose holder's side means something also where it says nothing.
        let text = text.replace("version = 1", "version = 1\n[service]\nname = \"mine\"");
        let Err(PolicyError::Field { field, line, .. }) = Policy::from_toml(&text) else { panic!() };
        assert_eq!((field, line), ("holder.due_before_days", None));
    }

    #[test]
    fn both_sides_of_a_file_agree() {
        assert!(with("[holder]\nqualified = true\nprove_login = false").is_ok());
        for (holder, wanted, other) in [
            ("certificates = [\"authentication\"]", "holder.certificates", "first.profiles"),
            ("method = \"same-key\"", "holder.method", "renewal.same_key"),
            ("due_before_days = 31", "holder.due_before_days", "renewal.window_days"),
            ("due_before_days = 20", "notices.days", "holder.due_before_days"),
            ("protocol = \"est\"", "holder.protocol", "one certificate"),
        ] {
            let error = with(&format!("[holder]\n{holder}")).unwrap_err();
            assert!(error.to_string().contains(other), "{error}");
            match error {
                PolicyError::Field { field, line, .. } => {
                    assert_eq!(field, wanted);
                    assert!(line.is_some_and(|line| line > 4), "{field}: {line:?}");
                }
                other => panic!("{holder}: {other}"),
            }
        }
        let unclaimed = Policy::TEMPLATE.replace("sscd = true", "sscd = false");
        let unclaimed = unclaimed.replace("version = 1", "version = 1\n[holder]\nqualified = true");
        let error = Policy::from_toml(&unclaimed).unwrap_err().to_string();
        assert!(error.contains("holder.qualified (line ") && error.contains("signature.qualified"), "{error}");
    }

    #[test]
    fn what_is_of_another_type_is_told_with_its_line() {
        let Err(PolicyError::Syntax(text)) = with("[holder]\ndue_before_days = \"soon\"") else { panic!() };
        assert!(text.contains("due_before_days = \"soon\""), "{text}");
    }
}
