//! How long personal data is kept that no certificate needs.

use std::time::Duration;

use serde::Deserialize;

use super::{
    PolicyError,
    wire::{DAY, range},
};

/// How long personal data is kept that no certificate needs ([`RetentionDesk`](crate::RetentionDesk)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// After an order was decided, and its receipt confirmed where there is one: what the client sent, and of an order that was
    /// turned down its holder and the reason too.
    pub orders: Duration,
    /// After a mail was sent or given up: to whom it went, and its subject.
    pub mails: Duration,
    /// After the last thing was done for an applicant who has no card: all that was written of them.
    pub applicants: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Retention {
    order_days: u64,
    mail_days: u64,
    applicant_days: u64,
}

impl Default for Retention {
    /// As the template has it.
    fn default() -> Self {
        Self { order_days: 90, mail_days: 30, applicant_days: 90 }
    }
}

impl Retention {
    pub(super) fn check(&self) -> Result<RetentionPolicy, PolicyError> {
        let days = |name, days| Ok::<_, PolicyError>(Duration::from_secs(range(name, days, 1, 3660)? * DAY));
        Ok(RetentionPolicy {
            orders: days("retention.order_days", self.order_days)?,
            mails: days("retention.mail_days", self.mail_days)?,
            applicants: days("retention.applicant_days", self.applicant_days)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Policy, *};

    fn with(retention: &str) -> Result<RetentionPolicy, PolicyError> {
        let (before, rest) = Policy::TEMPLATE.split_once("[retention]").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        Policy::from_toml(&format!("{before}{retention}\n{after}")).map(|policy| policy.retention)
    }

    #[test]
    fn a_file_that_says_nothing_means_what_the_template_says() {
        let template = Policy::from_toml(Policy::TEMPLATE).unwrap().retention;
        assert_eq!(template.orders, Duration::from_secs(90 * DAY));
        assert_eq!((with("").unwrap(), with("[retention]").unwrap()), (template.clone(), template));
    }

    #[test]
    fn fields_are_read_and_odd_values_refused_by_name() {
        let days = |days| Duration::from_secs(days * DAY);
        let both = with("[retention]\norder_days = 5\nmail_days = 2\napplicant_days = 3").unwrap();
        assert_eq!(both, RetentionPolicy { orders: days(5), mails: days(2), applicants: days(3) });
        for field in ["order_days", "mail_days", "applicant_days"] {
            for value in [0, 3661] {
                let error = with(&format!("[retention]\n{field} = {value}")).unwrap_err().to_string();
                assert!(error.contains(&format!("retention.{field}")), "{error}");
            }
        }
        assert!(matches!(with("[retention]\nfor_ever = true"), Err(PolicyError::Syntax(_))));
    }
}
