//! What the holder's side of the same file asks.

use std::{collections::BTreeSet, time::Duration};

use serde::Deserialize;

use super::{
    Policy, PolicyError,
    wire::{DAY, field, no_duplicates, one_of, range},
};
use crate::Profile;

/// `[holder]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Holder {
    certificates: Vec<String>,
    qualified: bool,
    method: String,
    protocol: String,
    due_before_days: u64,
    clock_tolerance_seconds: u64,
    one_time_password: String,
    ask_status: String,
    #[serde(rename = "confirm_first")]
    _confirm_first: bool,
    #[serde(rename = "prove_login")]
    _prove_login: bool,
    #[serde(rename = "prove_signature")]
    _prove_signature: bool,
}

impl Default for Holder {
    /// What it means to the holder's side where it says nothing; what no CA has to agree about may be anything.
    fn default() -> Self {
        Self {
            certificates: Profile::ALL.map(|profile| profile.to_string()).into(),
            qualified: false,
            method: "re-key".into(),
            protocol: "cmc".into(),
            due_before_days: 30,
            clock_tolerance_seconds: 300,
            one_time_password: "checked".into(),
            ask_status: "try".into(),
            _confirm_first: true,
            _prove_login: true,
            _prove_signature: true,
        }
    }
}

impl Holder {
    /// What both sides have to agree about, where the rest is what a holder's program takes.
    pub(super) fn check(self) -> Result<Asked, PolicyError> {
        if self.certificates.is_empty() {
            return Err(field("holder.certificates", "is empty: name at least one certificate".into()));
        }
        for name in &self.certificates {
            one_of("holder.certificates", name, &["authentication", "signature"])?;
        }
        no_duplicates("holder.certificates", &self.certificates)?;
        one_of("holder.method", &self.method, &["re-key", "same-key"])?;
        one_of("holder.protocol", &self.protocol, &["cmc", "est"])?;
        one_of("holder.one_time_password", &self.one_time_password, &["checked", "any"])?;
        one_of("holder.ask_status", &self.ask_status, &["required", "try", "never"])?;
        range("holder.clock_tolerance_seconds", self.clock_tolerance_seconds, 0, DAY)?;
        Ok(Asked {
            due_before_days: range("holder.due_before_days", self.due_before_days, 1, 3660)?,
            certificates: self.certificates.into_iter().collect(),
            qualified: self.qualified,
            same_key: self.method == "same-key",
            plain_est: self.protocol == "est",
        })
    }
}

/// What the holder's side asks of the CA's.
pub(super) struct Asked {
    certificates: BTreeSet<String>,
    qualified: bool,
    same_key: bool,
    plain_est: bool,
    due_before_days: u64,
}

impl Asked {
    pub(super) fn is_pair(&self) -> bool {
        self.certificates.len() == 2
    }

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
        if self.same_key && !policy.same_key {
            return Err(field("holder.method", "the holder keeps the keys, and renewal.same_key is false".into()));
        }
        if self.plain_est {
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

impl Asked {
    /// Plain EST carries one request, and no revocation password.
    fn suits_plain_est(&self, policy: &Policy) -> Result<(), PolicyError> {
        if self.certificates.len() > 1 {
            let reason = "plain EST is for one certificate, and the holder asks for two (holder.certificates)".into();
            return Err(field("holder.protocol", reason));
        }
        if !self.certificates.contains("authentication") {
            let reason =
                "plain EST renews over a login, which the signature certificate is not for (holder.certificates)"
                    .into();
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
        Policy::from_toml(
            &Policy::TEMPLATE.replace("version = 1", &format!("version = 1\n[service]\nname = \"mine\"\n{holder}")),
        )
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
        let unclaimed =
            unclaimed.replace("version = 1", "version = 1\n[service]\nname = \"mine\"\n[holder]\nqualified = true");
        let error = Policy::from_toml(&unclaimed).unwrap_err().to_string();
        assert!(error.contains("holder.qualified (line ") && error.contains("signature.qualified"), "{error}");
    }

    /// Whose certificate is for signatures alone cannot log in with it, and so could never renew.
    #[test]
    fn plain_est_is_for_the_certificate_that_one_logs_in_with() {
        let signs = |protocol: &str| {
            let holder = format!("[holder]\ncertificates = [\"signature\"]\nprotocol = \"{protocol}\"");
            let head = format!("version = 1\n[service]\nname = \"mine\"\n{holder}");
            let text = Policy::TEMPLATE.replace("version = 1", &head);
            Policy::from_toml(
                &text.replace("profiles = [\"authentication\", \"signature\"]", "profiles = [\"signature\"]"),
            )
        };
        assert!(signs("cmc").is_ok());
        let Err(PolicyError::Field { field, line, reason }) = signs("est") else { panic!() };
        assert_eq!((field, line), ("holder.protocol", Some(8)));
        assert!(reason.contains("over a login"), "{reason}");
    }

    /// What no holder's program would take.
    #[test]
    fn odd_values_are_refused_by_name_also_where_they_are_for_the_other_side() {
        for (line, wanted) in [
            ("certificates = []", "holder.certificates"),
            ("certificates = [\"encryption\"]", "holder.certificates"),
            ("certificates = [\"signature\", \"signature\"]", "holder.certificates"),
            ("method = \"again\"", "holder.method"),
            ("protocol = \"cmp\"", "holder.protocol"),
            ("one_time_password = \"paper\"", "holder.one_time_password"),
            ("ask_status = \"maybe\"", "holder.ask_status"),
            ("due_before_days = 0", "holder.due_before_days"),
            ("clock_tolerance_seconds = 86401", "holder.clock_tolerance_seconds"),
        ] {
            let Err(PolicyError::Field { field, line: at, .. }) = with(&format!("[holder]\n{line}")) else {
                panic!("{line}")
            };
            assert_eq!((field, at), (wanted, Some(7)), "{line}");
        }
        for line in ["bogus = 1", "prove_logins = true", "confirm_first = 1"] {
            let Err(PolicyError::Syntax(text)) = with(&format!("[holder]\n{line}")) else { panic!("{line}") };
            assert!(text.contains("line 7") && text.contains(line), "{text}");
        }
        for (line, wanted) in [
            ("name = \"Mine!\"", "service.name"),
            ("name = \"mine\"\nplays = \"chess\"", "service.plays"),
            ("name = \"mine\"\ntransport_pin = \"null\"", "service.transport_pin"),
            ("name = \"mine\"\nplays = \"twins\"\n[holder]\ncertificates = [\"signature\"]", "service.plays"),
        ] {
            let file = Policy::TEMPLATE.replace("version = 1", &format!("version = 1\n[service]\n{line}"));
            let error = Policy::from_toml(&file).unwrap_err();
            assert!(matches!(error, PolicyError::Field { field, line: Some(_), .. } if field == wanted), "{error}");
        }
        let nameless = Policy::TEMPLATE.replace("version = 1", "version = 1\n[holder]\nmethod = \"re-key\"");
        let error = Policy::from_toml(&nameless).unwrap_err().to_string();
        assert!(error.contains("holder (line ") && error.contains("service.name"), "{error}");
    }

    #[test]
    fn what_is_of_another_type_is_told_with_its_line() {
        let Err(PolicyError::Syntax(text)) = with("[holder]\ndue_before_days = \"soon\"") else { panic!() };
        assert!(text.contains("due_before_days = \"soon\""), "{text}");
    }
}
