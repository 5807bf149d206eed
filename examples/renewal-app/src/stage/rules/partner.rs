//! The rules of `partner`: from a one-time password to the first certificate, and its whole life.

mod first;
mod later;
mod revocation;

use obnova_client::CaConnection as _;
use obnova_renewal::{Answer, Message};

use super::{Broken, Rule, Verdict};
use crate::{
    stage::{Newcomer, Report, Stage, newcomer},
    texts::t,
};

/// What the rules look at: a play that is over, and a stage to try things out on.
pub struct World<'s> {
    pub stage: &'s Stage,
    pub report: Report,
    pub ca: Ask<'s>,
}

/// Sends an order to a module of the CA: the name of the rule by which it is refused, if it is.
pub type Ask<'s> = Box<dyn Fn(&str, &[u8]) -> Result<Option<String>, Broken> + 's>;

impl<'s> World<'s> {
    pub fn new(stage: &'s Stage, report: Report) -> Self {
        let ask = move |module: &str, message: &[u8]| match newcomer::connection(stage, module)?
            .send(&Message(message.to_vec()))?
        {
            Answer::Refused { .. } => {
                let name = stage.wire().iter().rev().find_map(|access| access.refused);
                Ok(Some(name.unwrap_or_default().to_owned()))
            }
            _ => Ok(None),
        };
        Self { stage, report, ca: Box::new(ask) }
    }

    /// That an order with this password is refused by this name, and one with that password is taken.
    fn refused(&self, who: &Newcomer<'_>, bad: &str, by: &str, good: &str) -> Verdict {
        match (self.ca)(newcomer::MODULE, &who.order(bad, &who.email)?)? {
            Some(name) if name == by => {}
            heard => return Err(Broken(format!("the CA said {heard:?} to a client that lies"))),
        }
        match (self.ca)(newcomer::MODULE, &who.order(good, &who.email)?)? {
            None => Ok(format!("refused by name: {by}; the right one is taken")),
            Some(name) => Err(Broken(format!("the right one is refused: {name}"))),
        }
    }
}

/// The rules, in the order in which a holder meets them.
pub fn rules<'s>() -> Vec<Rule<World<'s>>> {
    vec![
        Rule::seen("partner/password/ca", || t!("rule-partner-password-ca"), first::password_ca),
        Rule::seen("partner/password-days/ca", || t!("rule-partner-password-days-ca"), first::password_days_ca),
        Rule::seen("partner/password-once/ca", || t!("rule-partner-password-once-ca"), first::password_once_ca),
        Rule::seen("partner/password-again/ca", || t!("rule-partner-password-again-ca"), first::password_again_ca),
        Rule::seen("partner/module/ca", || t!("rule-partner-module-ca"), first::module_ca),
        Rule::seen("partner/other-names/ca", || t!("rule-partner-other-names-ca"), first::other_names_ca),
        Rule::seen(
            "partner/revocation-password/client",
            || t!("rule-partner-revocation-password-client"),
            first::revocation_password_client,
        ),
        Rule::seen(
            "partner/revocation-password-sealed",
            || t!("rule-partner-revocation-password-sealed"),
            first::revocation_password_sealed,
        ),
        Rule::seen("partner/key-on-card", || t!("rule-partner-key-on-card"), first::key_on_card),
        Rule::seen("partner/waits", || t!("rule-partner-waits"), first::waits),
        Rule::seen("partner/link", || t!("rule-partner-link"), first::link),
        Rule::seen("partner/login", || t!("rule-partner-login"), later::login),
        Rule::seen("partner/list", || t!("rule-partner-list"), later::list),
        Rule::if_installed("partner/registered", || t!("rule-partner-registered"), later::registered),
        Rule::seen("partner/pin-change", || t!("rule-partner-pin-change"), later::pin_change),
        Rule::seen("partner/renewal", || t!("rule-partner-renewal"), later::renewal),
        Rule::seen("partner/expired/client", || t!("rule-partner-expired-client"), later::expired_client),
        Rule::seen("partner/expired/ca", || t!("rule-partner-expired-ca"), later::expired_ca),
        Rule::seen("partner/begins-again", || t!("rule-partner-begins-again"), later::begins_again),
        Rule::seen("partner/revoked-at-once", || t!("rule-partner-revoked-at-once"), revocation::at_once),
        Rule::seen("partner/revoked-by-holder", || t!("rule-partner-revoked-by-holder"), revocation::by_holder),
        Rule::seen("partner/revoked-by-password", || t!("rule-partner-revoked-by-password"), revocation::by_password),
        Rule::seen("partner/revoked-mail", || t!("rule-partner-revoked-mail"), revocation::mail),
    ]
}
