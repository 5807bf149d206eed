//! What the CA does and refuses, as data: a TOML file.

mod first;
mod holder;
mod line;
mod notices;
mod registration;
mod retention;
mod revocation;
mod revocation_password;
mod service;
mod wire;

use std::time::Duration;

use const_oid::ObjectIdentifier;
use obnova_algorithm::KeyAlgorithm;

use crate::Profile;

pub use first::{FirstPolicy, GuessPolicy};
pub use notices::NoticePolicy;
pub use registration::RegistrationPolicy;
pub use retention::RetentionPolicy;
pub use revocation::RevocationPolicy;
pub use revocation_password::RevocationPasswordPolicy;
pub use service::service_option;

/// What a CA issues, to whom, and when it asks a person first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What the service is called that the file is of, where it says so: holders name it to their programs.
    pub service: Option<String>,
    /// Whether renewals wait for an operator.
    pub approval: Approval,
    /// How long before the end of the old certificates a renewal may be asked for.
    pub renewal_window: Duration,
    /// Whether the old key may be certified again (renewal in the strict sense, ETSI EN 319 411-1 §6.3.6) or a new one is
    /// demanded (re-key, §6.3.7).
    pub same_key: bool,
    /// When a client that waits is told to ask again.
    pub retry_after: Duration,
    /// How long before they are issued certificates begin to be valid: holders and servers whose clocks are that much behind
    /// the CA's take them at once.
    pub backdate: Duration,
    /// When holders are told that their certificates end.
    pub notices: NoticePolicy,
    /// How long personal data is kept that no certificate needs.
    pub retention: RetentionPolicy,
    /// Who may end certificates, and with which reasons.
    pub revocation: RevocationPolicy,
    /// How people may apply for a card.
    pub registration: RegistrationPolicy,
    /// The certificate one logs in with.
    pub authentication: ProfilePolicy,
    /// The certificate one signs with.
    pub signature: ProfilePolicy,
    /// Which certificates a holder has, and how the first ones are asked for.
    pub first: FirstPolicy,
}

/// Whether renewals wait for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Every order waits for [`Ca::approve`](crate::Ca::approve).
    Manual,
    /// An order that keeps every rule is issued at once.
    Automatic,
}

/// What one kind of certificate is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfilePolicy {
    /// How long it is valid, from notBefore through notAfter.
    pub validity: Duration,
    /// Keys that are certified.
    pub keys: Vec<KeyAlgorithm>,
    /// certificatePolicies (RFC 5280 §4.2.1.4).
    pub certificate_policies: Vec<ObjectIdentifier>,
    /// caIssuers in authorityInfoAccess (RFC 5280 §4.2.2.1); left out when `None`.
    pub ca_issuers: Option<String>,
    /// Where an OCSP responder is, in authorityInfoAccess (RFC 5280 §4.2.2.1); left out when `None`.
    pub ocsp: Option<String>,
    /// Where the CRL is, in cRLDistributionPoints (RFC 5280 §4.2.1.13); left out when `None`.
    pub crl: Option<String>,
    /// qcStatements; none when `None`.
    pub qualified: Option<QualifiedPolicy>,
}

/// What a certificate claims about being qualified (ETSI EN 319 412-5). A claim that is true only of a CA that is
/// supervised as such; the reference policy makes it so that clients have something to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualifiedPolicy {
    /// QcCompliance: issued as a qualified certificate.
    pub compliance: bool,
    /// QcSSCD: the private key is in a qualified device.
    pub sscd: bool,
    /// QcType esign: for electronic signatures.
    pub esign: bool,
    /// QcPDS: where the disclosure statement is, and its language (two letters).
    pub disclosure: Option<(String, String)>,
}

impl Policy {
    /// The longest policy file that is read, in bytes.
    pub const MAX_SIZE: usize = 64 * 1024;

    /// The policy file that a new CA starts with, comments included.
    pub const TEMPLATE: &str = include_str!("policy/template.toml");

    /// Reads a policy. Strict: a name that is not known, a value out of its range, a list with nothing in it or with
    /// something twice is an error that names the field. The tables for the holder's side, where they are there, are read as
    /// strictly as by a holder's program, and both sides have to agree: which certificates, how they are renewed, and from when on.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        if text.len() > Self::MAX_SIZE {
            return Err(PolicyError::TooLong { size: text.len() });
        }
        let file: wire::Policy = toml::from_str(text).map_err(|error| PolicyError::Syntax(error.to_string()))?;
        file.check().map_err(|error| match error {
            PolicyError::Field { field, reason, .. } => {
                PolicyError::Field { field, line: line::of(text, field), reason }
            }
            other => other,
        })
    }

    /// The rules for one kind of certificate.
    #[must_use]
    pub const fn profile(&self, profile: Profile) -> &ProfilePolicy {
        match profile {
            Profile::Authentication => &self.authentication,
            Profile::Signature => &self.signature,
        }
    }
}

impl std::str::FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        Self::from_toml(text)
    }
}

/// What is wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Longer than [`Policy::MAX_SIZE`].
    #[error("the policy has {size} bytes: at most {max} are read", max = Policy::MAX_SIZE)]
    TooLong {
        /// Its length.
        size: usize,
    },
    /// Not TOML, a field that is unknown or missing, or a value of the wrong type; the text names line and field.
    #[error("the policy cannot be read: {0}")]
    Syntax(String),
    /// A value that makes no sense, or does not fit to others.
    #[error("policy field {field}{}: {reason}", line.map_or_else(String::new, |line| format!(" (line {line})")))]
    Field {
        /// Where it stands, as `signature.validity_days`.
        field: &'static str,
        /// In which line, counted from 1; `None` where the file does not have it, and what is left out makes no sense.
        line: Option<usize>,
        /// What is wrong with it.
        reason: String,
    },
}

#[cfg(test)]
mod tests;
