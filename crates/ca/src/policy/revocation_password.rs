//! What the password is like with which certificates are ended.

use serde::Deserialize;

use super::{PolicyError, wire::range};

/// What the revocation password is like that a holder picks with a first order. The holder's side asks for it by the same table of the
/// same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationPasswordPolicy {
    /// Whether a first order has to set one.
    pub required: bool,
    /// Whether an order that comes by plain EST, where there is no place for it, is taken without it all the same; the CA's
    /// operator sets it then ([`RevocationPasswords::replace`](crate::RevocationPasswords::replace)).
    pub later: bool,
    /// The fewest characters that it has.
    pub minimum: usize,
    /// The fewest different ones among them.
    pub distinct: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RevocationPassword {
    required: bool,
    later: bool,
    minimum: u64,
    distinct: u64,
}

impl Default for RevocationPassword {
    /// As the template has it.
    fn default() -> Self {
        Self { required: false, later: false, minimum: 8, distinct: 5 }
    }
}

impl RevocationPassword {
    pub(super) fn check(&self) -> Result<RevocationPasswordPolicy, PolicyError> {
        let minimum = range("revocation_password.minimum", self.minimum, 6, 64)?;
        let distinct = range("revocation_password.distinct", self.distinct, 1, minimum)?;
        let whole = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let (required, later) = (self.required, self.later);
        Ok(RevocationPasswordPolicy { required, later, minimum: whole(minimum), distinct: whole(distinct) })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Policy, *};

    fn with(table: &str) -> Result<RevocationPasswordPolicy, PolicyError> {
        let (before, rest) = Policy::TEMPLATE.split_once("[revocation_password]").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        Policy::from_toml(&format!("{before}{table}\n{after}")).map(|policy| policy.first.revocation_password)
    }

    #[test]
    fn a_file_that_says_nothing_means_what_the_template_says() {
        let template = Policy::from_toml(Policy::TEMPLATE).unwrap().first.revocation_password;
        let wanted = RevocationPasswordPolicy { required: false, later: false, minimum: 8, distinct: 5 };
        assert_eq!(template, wanted);
        assert_eq!((with("").unwrap(), with("[revocation_password]").unwrap()), (template, template));
    }

    #[test]
    fn odd_values_are_refused_by_name() {
        for (text, wanted) in [
            ("minimum = 5", "revocation_password.minimum"),
            ("minimum = 65", "revocation_password.minimum"),
            ("distinct = 0", "revocation_password.distinct"),
            ("distinct = 9", "revocation_password.distinct"),
        ] {
            match with(&format!("[revocation_password]\n{text}")).unwrap_err() {
                PolicyError::Field { field, .. } => assert_eq!(field, wanted, "{text}"),
                other => panic!("{text}: {other}"),
            }
        }
        let Err(PolicyError::Syntax(text)) = with("[revocation_password]\nlength = 8") else { panic!() };
        assert!(text.contains("length"), "{text}");
    }
}
