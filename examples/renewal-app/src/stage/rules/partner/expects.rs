use std::time::Duration;

use obnova_ca::{Approval, Profile, RevocationPasswordPolicy};
use obnova_card::KeyRole;
use obnova_renewal::{AskStatus, ByRole, Method, OneTimePasswords, PasswordRules, Protocol};
use obnova_status::RevocationReason;

use crate::service::Told;

const DAY: u64 = 24 * 3600;

/// What the rules hold what they see against: what the service's file says to both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expects {
    /// The certificates of the service, and how many days each is valid.
    pub days: ByRole<u64>,
    /// What cannot be a one-time password is known as none before it is sent.
    pub checks_password: bool,
    /// How long a one-time password lives.
    pub password_days: u64,
    /// Wrong guesses of it that cost nothing.
    pub free_guesses: u32,
    /// An operator looks at first orders; otherwise nobody waits.
    pub waits: bool,
    /// The same of renewals.
    pub renewals_wait: bool,
    /// Certificates are shown to the holder before they are put on the card.
    pub confirms: bool,
    /// What the revocation password has to be like, where there is one.
    pub revocation_password: Option<PasswordRules>,
    /// A revocation password goes with the order.
    pub password_sent: bool,
    /// A first certificate may come by plain EST too.
    pub plain_est: bool,
    /// Where one comes by plain EST there is no revocation password yet, though one is required.
    pub password_later: bool,
    /// A revocation password is required with the order, so that plain EST is no way to the one certificate.
    pub password_at_once: bool,
    /// The revocation password alone ends a certificate.
    pub password_alone: bool,
    /// A certificate's own key alone ends it; else the revocation password has to come with it, where it has one.
    pub own_key_alone: bool,
    /// For which reasons holders end theirs.
    pub holder_reasons: Vec<RevocationReason>,
    /// How long before the end of a certificate both sides let a renewal begin.
    pub window: Duration,
    /// New keys, or the same again.
    pub method: Method,
    /// It is asked before a renewal whether the certificate is revoked.
    pub asks_status: bool,
}

impl Expects {
    pub fn of(told: &Told) -> Self {
        let Told { ca, holder } = told;
        let days = |role| {
            let profile = match role {
                KeyRole::Authentication => Profile::Authentication,
                KeyRole::Signature => Profile::Signature,
            };
            let validity = ca.profile(profile).validity.as_secs() / DAY;
            ca.first.profiles.contains(&profile).then_some(validity)
        };
        let RevocationPasswordPolicy { required, later, .. } = ca.first.revocation_password;
        let alone = ca.first.profiles == [Profile::Authentication];
        Self {
            days: ByRole::from_fn(days),
            checks_password: holder.one_time_password == OneTimePasswords::Checked,
            password_days: ca.first.password_life.as_secs() / DAY,
            free_guesses: ca.first.guesses.free,
            waits: ca.first.approval == Approval::Manual,
            renewals_wait: ca.approval == Approval::Manual,
            confirms: holder.confirm_first,
            revocation_password: holder.revocation_password,
            password_sent: holder.revocation_password.is_some() && holder.protocol == Protocol::Cmc,
            plain_est: alone && (!required || later),
            password_later: alone && required && later,
            password_at_once: alone && required && !later,
            password_alone: ca.revocation.password_alone,
            own_key_alone: ca.revocation.own_key_alone,
            holder_reasons: ca.revocation.holder_reasons.clone(),
            window: ca.renewal_window.min(holder.due_before),
            method: holder.method,
            asks_status: holder.ask_status != AskStatus::Never,
        }
    }

    /// Whether no new certificate may be renewed at once: what lives no longer than the window may be.
    pub fn must_wait(&self) -> bool {
        let shortest = self.days.iter().map(|(_, days)| Duration::from_secs(days * DAY)).min();
        shortest.is_some_and(|shortest| self.window + Duration::from_secs(DAY) < shortest)
    }

    /// Whether one of the certificates is for logging in.
    pub const fn has_login(&self) -> bool {
        self.days.authentication.is_some()
    }

    pub const fn has_revocation_password(&self) -> bool {
        self.revocation_password.is_some()
    }
}
