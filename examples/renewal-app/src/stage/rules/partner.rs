//! The rules of `partner`: from a one-time password to the first certificate, and its whole life.

mod expects;
mod first;
mod later;
mod no_revocation;
mod passwords;
mod plain;
mod registered;
mod renewal;
mod revocation;
mod use_of_it;

use obnova_enroll::OneTimePassword;

use super::{Broken, Rule, Verdict};
use crate::{
    stage::{
        Newcomer, Report, Stage,
        newcomer::{Certified, Joints, Order, Story},
    },
    texts::t,
};

pub use expects::Expects;
use renewal::Renewed;
use revocation::Ended;

/// What the rules look at: a play that is over, and a stage to try things out on.
pub struct World<'s> {
    pub stage: &'s Stage,
    pub joints: Joints,
    pub expects: Expects,
    pub report: Report,
    /// What was played; nothing where it came to no end.
    pub story: Option<Story<'s>>,
    /// Somebody who has renewed, whose certificate is over, and whose was ended: more than one rule looks at them.
    renewed: Option<Renewed<'s>>,
    expired: Option<Certified<'s>>,
    ended: Option<Ended<'s>>,
}

impl<'s> World<'s> {
    pub fn new(stage: &'s Stage, joints: Joints, report: Report, story: Option<Story<'s>>) -> Self {
        let expects = Expects::of(&stage.service.told);
        Self { stage, joints, expects, report, story, renewed: None, expired: None, ended: None }
    }

    fn newcomer(&self) -> Result<Newcomer<'s>, Broken> {
        Newcomer::new(self.stage, self.joints)
    }

    fn certified(&self) -> Result<Certified<'s>, Broken> {
        Newcomer::certified(self.stage, self.joints)
    }

    fn story(&self) -> Result<&Story<'s>, Broken> {
        super::there(self.story.as_ref(), "end of the play")
    }

    /// That an order is refused by this name.
    fn refused(&self, order: &Order, by: &str) -> Result<(), Broken> {
        is_refused(self.joints.sent(self.stage, order)?, by)
    }

    /// That an order is taken.
    fn taken(&self, who: &Newcomer<'_>, password: &OneTimePassword) -> Verdict {
        let order = who.order(password)?;
        match self.joints.sent(self.stage, &order)? {
            None => Ok(format!("the right one is taken ({})", order.operation())),
            Some(name) => Err(Broken(format!("the right one is refused: {name}"))),
        }
    }
}

/// That a client that lies heard this name.
fn is_refused(heard: Option<String>, by: &str) -> Result<(), Broken> {
    match heard {
        Some(name) if name == by => Ok(()),
        Some(name) => Err(Broken(format!("a client that lies is refused by another name: {name}"))),
        None => Err(Broken("a client that lies is not refused".to_owned())),
    }
}

/// A rule, and the services that it is one of.
struct Of<'s> {
    rule: Rule<World<'s>>,
    applies: fn(&Expects) -> bool,
}

/// The rules of a service of whose file both sides say this, in the order in which a holder meets them.
pub fn rules<'s>(expects: &Expects) -> Vec<Rule<World<'s>>> {
    all().into_iter().filter(|of| (of.applies)(expects)).map(|of| of.rule).collect()
}

/// The names of all of them.
#[cfg(test)]
pub fn ids() -> impl Iterator<Item = &'static str> {
    all().into_iter().map(|of| of.rule.id)
}

/// Those of every service.
fn all<'s>() -> Vec<Of<'s>> {
    let every = |rule| Of { rule, applies: |_| true };
    let where_one_waits = |rule| Of { rule, applies: |expects| expects.waits };
    let by_plain_est = |rule| Of { rule, applies: |expects| expects.plain_est };
    let where_it_is_checked = |rule| Of { rule, applies: |expects| expects.checks_password };
    let where_it_is_sent = |rule| Of { rule, applies: |expects| expects.password_sent };
    let where_he_sets_one =
        |rule| Of { rule, applies: |expects| expects.plain_est && expects.has_revocation_password() };
    let where_it_comes_later = |rule| Of { rule, applies: |expects| expects.password_later };
    let where_it_comes_at_once = |rule| Of { rule, applies: |expects| expects.password_at_once };
    let where_one_must_wait = |rule| Of { rule, applies: Expects::must_wait };
    let where_it_is_asked = |rule| Of { rule, applies: |expects| expects.asks_status };
    let with_login = |rule| Of { rule, applies: Expects::has_login };
    let with_revocation = |rule| Of { rule, applies: Expects::has_revocation_password };
    let by_password =
        |rule| Of { rule, applies: |expects| expects.has_revocation_password() && expects.password_alone };
    let not_by_password =
        |rule| Of { rule, applies: |expects| expects.has_revocation_password() && !expects.password_alone };
    let with_both = |rule| Of { rule, applies: |expects| expects.has_login() && expects.has_revocation_password() };
    vec![
        every(Rule::seen("partner/handed-over", || t!("rule-partner-handed-over"), passwords::handed_over)),
        where_it_is_checked(Rule::seen(
            "partner/password/client",
            || t!("rule-partner-password-client"),
            passwords::mistyped,
        )),
        every(Rule::seen("partner/password/ca", || t!("rule-partner-password-ca"), passwords::wrong)),
        every(Rule::seen("partner/password-days/ca", || t!("rule-partner-password-days-ca"), passwords::days)),
        every(Rule::seen("partner/password-once/ca", || t!("rule-partner-password-once-ca"), passwords::once)),
        every(Rule::seen("partner/password-again/ca", || t!("rule-partner-password-again-ca"), passwords::again)),
        every(Rule::seen("partner/password-guessed/ca", || t!("rule-partner-password-guessed-ca"), passwords::guessed)),
        every(Rule::seen("partner/module/ca", || t!("rule-partner-module-ca"), passwords::module)),
        every(Rule::seen("partner/other-names/client", || t!("rule-partner-other-names-client"), first::names_client)),
        every(Rule::seen("partner/other-names/ca", || t!("rule-partner-other-names-ca"), first::names_ca)),
        where_it_is_sent(Rule::seen(
            "partner/revocation-password/client",
            || t!("rule-partner-revocation-password-client"),
            passwords::revocation_client,
        )),
        with_revocation(Rule::seen(
            "partner/revocation-password/ca",
            || t!("rule-partner-revocation-password-ca"),
            passwords::revocation_ca,
        )),
        with_revocation(Rule::seen(
            "partner/revocation-password-sealed",
            || t!("rule-partner-revocation-password-sealed"),
            passwords::revocation_sealed,
        )),
        every(Rule::seen("partner/key-on-card", || t!("rule-partner-key-on-card"), first::key_on_card)),
        where_one_waits(Rule::seen("partner/waits", || t!("rule-partner-waits"), first::waits)),
        where_one_waits(Rule::seen("partner/link", || t!("rule-partner-link"), first::link)),
        by_plain_est(Rule::seen("partner/plain-est", || t!("rule-partner-plain-est"), plain::plain_est)),
        by_plain_est(Rule::seen("partner/plain-est-renewal", || t!("rule-partner-plain-est-renewal"), plain::renewal)),
        by_plain_est(Rule::seen(
            "partner/plain-est-renewal/ca",
            || t!("rule-partner-plain-est-renewal-ca"),
            plain::renewal_ca,
        )),
        where_he_sets_one(Rule::seen(
            "partner/revocation-password-own",
            || t!("rule-partner-revocation-password-own"),
            later::own,
        )),
        where_it_comes_later(Rule::seen(
            "partner/revocation-password-later",
            || t!("rule-partner-revocation-password-later"),
            later::later,
        )),
        where_it_comes_at_once(Rule::seen(
            "partner/revocation-password-at-once/client",
            || t!("rule-partner-revocation-password-at-once-client"),
            later::at_once_client,
        )),
        where_it_comes_at_once(Rule::seen(
            "partner/revocation-password-at-once/ca",
            || t!("rule-partner-revocation-password-at-once-ca"),
            later::at_once_ca,
        )),
        every(Rule::seen("partner/one-year", || t!("rule-partner-one-year"), first::one_year)),
        with_login(Rule::seen("partner/login", || t!("rule-partner-login"), use_of_it::login)),
        every(Rule::seen("partner/list", || t!("rule-partner-list"), use_of_it::list)),
        every(Rule::if_installed("partner/registered", || t!("rule-partner-registered"), registered::registered)),
        every(Rule::seen("partner/pin-change", || t!("rule-partner-pin-change"), use_of_it::pin_change)),
        every(Rule::seen("partner/renewal", || t!("rule-partner-renewal"), renewal::renewal)),
        every(Rule::seen("partner/renewal-steps", || t!("rule-partner-renewal-steps"), renewal::steps)),
        where_one_must_wait(Rule::seen(
            "partner/early/client",
            || t!("rule-partner-early-client"),
            renewal::early_client,
        )),
        where_one_must_wait(Rule::seen("partner/early/ca", || t!("rule-partner-early-ca"), renewal::early_ca)),
        every(Rule::seen("partner/expired/client", || t!("rule-partner-expired-client"), renewal::expired_client)),
        every(Rule::seen("partner/expired/ca", || t!("rule-partner-expired-ca"), renewal::expired_ca)),
        where_it_is_asked(Rule::seen(
            "partner/revoked/client",
            || t!("rule-partner-revoked-client"),
            renewal::revoked_client,
        )),
        every(Rule::seen("partner/revoked/ca", || t!("rule-partner-revoked-ca"), renewal::revoked_ca)),
        every(Rule::seen("partner/begins-again", || t!("rule-partner-begins-again"), renewal::begins_again)),
        every(Rule::seen("partner/forgotten", || t!("rule-partner-forgotten"), renewal::forgotten)),
        every(Rule::seen("partner/revoked-at-once", || t!("rule-partner-revoked-at-once"), revocation::at_once)),
        with_both(Rule::seen(
            "partner/revoked-by-holder",
            || t!("rule-partner-revoked-by-holder"),
            revocation::by_holder,
        )),
        with_login(Rule::seen("partner/revoked-by-key", || t!("rule-partner-revoked-by-key"), revocation::by_key)),
        every(Rule::seen(
            "partner/revocation-reason/client",
            || t!("rule-partner-revocation-reason-client"),
            no_revocation::reason_client,
        )),
        every(Rule::seen(
            "partner/revocation-reason/ca",
            || t!("rule-partner-revocation-reason-ca"),
            no_revocation::reason_ca,
        )),
        by_password(Rule::seen(
            "partner/revoked-by-password",
            || t!("rule-partner-revoked-by-password"),
            revocation::by_password,
        )),
        not_by_password(Rule::seen(
            "partner/password-alone/client",
            || t!("rule-partner-password-alone-client"),
            no_revocation::password_alone_client,
        )),
        not_by_password(Rule::seen(
            "partner/password-alone/ca",
            || t!("rule-partner-password-alone-ca"),
            no_revocation::password_alone_ca,
        )),
        every(Rule::seen("partner/revoked-mail", || t!("rule-partner-revoked-mail"), revocation::mail)),
    ]
}
