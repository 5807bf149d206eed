//! The policy of a service as a file has it. Which format it is written in is for its reader to say.

use std::time::Duration;

use obnova_card::KeyRole;
use serde::Deserialize;

use super::{CLOCK_TOLERANCE, CertificateRules, Method, PasswordRules, Policy};
use crate::{ByRole, Pair, wire};

/// Days that are a span of a certificate's life, and no typing mistake.
const MOST_DAYS: u64 = 3660;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default = "pair")]
    certificates: Vec<Role>,
    #[serde(default)]
    qualified: bool,
    #[serde(default = "re_key")]
    method: Method,
    #[serde(default = "thirty")]
    due_before_days: u64,
    #[serde(default = "yes")]
    confirm_first: bool,
    revocation_password: Option<PasswordRules>,
    clock_tolerance_seconds: Option<u64>,
    #[serde(default = "yes")]
    prove_login: bool,
    #[serde(default = "yes")]
    prove_signature: bool,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Role(#[serde(with = "wire::role")] KeyRole);

fn pair() -> Vec<Role> {
    Pair::ROLES.map(Role).into()
}

const fn re_key() -> Method {
    Method::ReKey
}

const fn thirty() -> u64 {
    30
}

const fn yes() -> bool {
    true
}

impl TryFrom<File> for Policy {
    type Error = &'static str;

    fn try_from(file: File) -> Result<Self, Self::Error> {
        let has = |role| file.certificates.iter().filter(|one| one.0 == role).count();
        if file.certificates.is_empty() || Pair::ROLES.into_iter().any(|role| has(role) > 1) {
            return Err("certificates: name \"authentication\", \"signature\", or both, each once");
        }
        if !(1..=MOST_DAYS).contains(&file.due_before_days) {
            return Err("due_before_days is out of range: 1 to 3660");
        }
        if file.clock_tolerance_seconds.is_some_and(|seconds| seconds > 86_400) {
            return Err("clock_tolerance_seconds is out of range: 0 to 86400");
        }
        let signature =
            if file.qualified { CertificateRules::qualified_signature() } else { CertificateRules::signature() };
        let asked = |role, rules| (has(role) == 1).then_some(rules);
        Ok(Self {
            method: file.method,
            due_before: Duration::from_secs(file.due_before_days * 24 * 3600),
            algorithms: Pair::default(),
            rules: ByRole {
                authentication: asked(KeyRole::Authentication, CertificateRules::authentication()),
                signature: asked(KeyRole::Signature, signature),
            },
            confirm_first: file.confirm_first,
            revocation_password: file.revocation_password,
            clock_tolerance: file.clock_tolerance_seconds.map_or(CLOCK_TOLERANCE, Duration::from_secs),
            prove_login: file.prove_login,
            prove_signature: file.prove_signature,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_as_it_is_for_most() {
        let twins = Policy::twins();
        let read_back = read(r#"{"qualified": true, "revocation_password": {"minimum": 8, "distinct": 5}}"#).unwrap();
        assert_eq!(read_back, twins);
        let one = read(r#"{"certificates": ["authentication"], "revocation_password": {"minimum": 8, "distinct": 5}}"#);
        assert_eq!(one.unwrap(), Policy::partner());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        for (text, named) in [
            (r#"{"certificates": []}"#, "certificates"),
            (r#"{"certificates": ["signature", "signature"]}"#, "certificates"),
            (r#"{"certificates": ["encryption"]}"#, "role"),
            (r#"{"due_before_days": 0}"#, "due_before_days"),
            (r#"{"due_before_days": 4000}"#, "due_before_days"),
            (r#"{"clock_tolerance_seconds": 100000}"#, "clock_tolerance_seconds"),
            (r#"{"method": "again"}"#, "again"),
            (r#"{"prove_logins": true}"#, "prove_logins"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(named), "{text}: {problem}");
        }
    }
}
