//! Who may end certificates, and with which reasons.

use obnova_status::RevocationReason;
use serde::Deserialize;

use super::{
    PolicyError,
    wire::{field, no_duplicates},
};

/// Who may end certificates beside the operator, and with which reasons ([`RevocationDesk`](crate::RevocationDesk)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationPolicy {
    /// Whether the revocation password alone is enough, for a holder whose card is lost.
    pub password_alone: bool,
    /// Whether a certificate's own key is enough alone (RFC 5272 §6.11); else it needs the revocation password, where the certificate
    /// has one.
    pub own_key_alone: bool,
    /// The reasons that holders may give; the operator may give others too.
    pub holder_reasons: Vec<RevocationReason>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Revocation {
    password_alone: bool,
    own_key_alone: bool,
    holder_reasons: Vec<Reason>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reason {
    Unspecified,
    KeyCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
}

impl Default for Revocation {
    /// As the template has it.
    fn default() -> Self {
        use Reason::{AffiliationChanged, CessationOfOperation, KeyCompromise, Superseded, Unspecified};
        let holder_reasons = vec![Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation];
        Self { password_alone: false, own_key_alone: true, holder_reasons }
    }
}

impl Revocation {
    pub(super) fn check(self) -> Result<RevocationPolicy, PolicyError> {
        let reasons = self.holder_reasons.iter().map(|reason| match reason {
            Reason::Unspecified => RevocationReason::Unspecified,
            Reason::KeyCompromise => RevocationReason::KeyCompromise,
            Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
            Reason::Superseded => RevocationReason::Superseded,
            Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
        });
        let holder_reasons: Vec<_> = reasons.collect();
        no_duplicates("revocation.holder_reasons", &holder_reasons)?;
        if !holder_reasons.contains(&RevocationReason::KeyCompromise) {
            let reason = "has no key-compromise: whoever lost a key must be able to say so".into();
            return Err(field("revocation.holder_reasons", reason));
        }
        let Self { password_alone, own_key_alone, .. } = self;
        Ok(RevocationPolicy { password_alone, own_key_alone, holder_reasons })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Policy, *};

    fn with(revocation: &str) -> Result<RevocationPolicy, PolicyError> {
        let (before, rest) = Policy::TEMPLATE.split_once("[revocation]").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        Policy::from_toml(&format!("{before}{revocation}\n{after}")).map(|policy| policy.revocation)
    }

    #[test]
    fn a_file_that_says_nothing_means_what_the_template_says() {
        let template = Policy::from_toml(Policy::TEMPLATE).unwrap().revocation;
        assert!(!template.password_alone && template.own_key_alone && template.holder_reasons.len() == 5);
        assert_eq!((with("").unwrap(), with("[revocation]").unwrap()), (template.clone(), template));
    }

    #[test]
    fn fields_are_read_and_odd_values_refused_by_name() {
        let read =
            with("[revocation]\npassword_alone = true\nown_key_alone = false\nholder_reasons = [\"key-compromise\"]")
                .unwrap();
        let holder_reasons = vec![RevocationReason::KeyCompromise];
        assert_eq!(read, RevocationPolicy { password_alone: true, own_key_alone: false, holder_reasons });
        for bad in ["[]", "[\"superseded\"]", "[\"key-compromise\", \"key-compromise\"]"] {
            let error = with(&format!("[revocation]\nholder_reasons = {bad}")).unwrap_err().to_string();
            assert!(error.contains("revocation.holder_reasons"), "{error}");
        }
        // What only an operator may say, and what nobody may.
        for bad in ["privilege-withdrawn", "certificate-hold", "ca-compromise", "remove-from-crl"] {
            let error = with(&format!("[revocation]\nholder_reasons = [\"key-compromise\", \"{bad}\"]")).unwrap_err();
            assert!(matches!(error, PolicyError::Syntax(_)), "{bad}: {error}");
        }
    }
}
