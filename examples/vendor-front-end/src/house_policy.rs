//! What the house asks, as data: on the holder's side and on its own.

use std::time::Duration;

use obnova_algorithm::KeyAlgorithm;
use obnova_client::renewal::{
    AskStatus, ByRole, CertificateRules, Method, NewKey, OneTimePasswords, Pair, Plan, Policy, Protocol,
};

/// What the front end asks of a renewal. The engine does the rest; nothing here is code.
#[must_use]
pub fn policy() -> Policy {
    Policy {
        method: Method::ReKey,
        // The house's own connection carries orders of two, as CMC does.
        protocol: Protocol::Cmc,
        // The office needs its time: six weeks and a bit, where others open 30 days before the end.
        due_before: Duration::from_secs(45 * 24 * 3600),
        // Holders who still have RSA keys move to P-256 with their next pair.
        algorithms: Pair { authentication: Some(KeyAlgorithm::P256), signature: Some(KeyAlgorithm::P256) },
        // What the CA's policy below certifies is seen when it is asked.
        keys: ByRole::default(),
        // The house issues no qualified certificates, so none is demanded.
        rules: ByRole {
            authentication: Some(CertificateRules::authentication()),
            signature: Some(CertificateRules::signature()),
        },
        // Cards leave the house with their first pair on them: there are no first orders.
        confirm_first: true,
        one_time_password: OneTimePasswords::Checked,
        revocation_password: None,
        revocation_password_optional: false,
        revocation_password_at_once: false,
        // Holders' clocks may be off by five minutes.
        clock_tolerance: Duration::from_secs(5 * 60),
        // The office looks itself whether what is renewed is revoked.
        ask_status: AskStatus::Never,
        // There is no server to log in to. The new signature key is proven by a signature.
        prove_login: false,
        prove_signature: true,
    }
}

/// Gives what will be on the card names in the holder's language. A plan is data too: it can be changed until it is begun.
#[must_use]
pub fn named(mut plan: Plan) -> Plan {
    let month = |label: &str| label.split_once(' ').map_or_else(String::new, |(_, rest)| rest.to_owned());
    let name = |key: &mut Option<NewKey>, name: &str| {
        if let Some(key) = key {
            key.label = format!("{name} {}", month(&key.label));
        }
    };
    name(&mut plan.new.authentication, "Přihlášení");
    name(&mut plan.new.signature, "Podpis");
    plan
}

/// What the house CA issues and refuses: a policy file of obnova-ca.
pub const CA_POLICY: &str = r#"
version = 1

[renewal]
approval = "manual"         # an officer looks at every order
window_days = 45
same_key = false
retry_after_seconds = 3600

[authentication]
validity_days = 730
keys = ["rsa-2048", "p-256"]
certificate_policies = ["1.3.6.1.4.1.32473.1.1"]   # an arc for examples (RFC 5612)

[signature]
validity_days = 730
keys = ["rsa-2048", "p-256"]
certificate_policies = ["1.3.6.1.4.1.32473.1.2"]
"#;

#[cfg(test)]
mod tests {
    #[test]
    fn the_ca_can_read_its_policy() {
        let policy = obnova_ca::Policy::from_toml(super::CA_POLICY).unwrap();
        assert_eq!(policy.renewal_window, super::policy().due_before);
    }
}
