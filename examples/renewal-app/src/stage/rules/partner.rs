//! The rules of `partner`: from a one-time password to the first certificate, and its whole life.

mod first;
mod later;
mod revocation;

use obnova_client::CaConnection as _;
use obnova_renewal::{Answer, Message};

use super::{
    Broken,
    Check::{IfInstalled, Seen},
    Rule, Verdict,
};
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
        Rule { id: "partner/password/ca", text: || t!("rule-partner-password-ca"), check: Seen(first::password_ca) },
        Rule {
            id: "partner/password-days/ca",
            text: || t!("rule-partner-password-days-ca"),
            check: Seen(first::password_days_ca),
        },
        Rule {
            id: "partner/password-once/ca",
            text: || t!("rule-partner-password-once-ca"),
            check: Seen(first::password_once_ca),
        },
        Rule {
            id: "partner/password-again/ca",
            text: || t!("rule-partner-password-again-ca"),
            check: Seen(first::password_again_ca),
        },
        Rule { id: "partner/module/ca", text: || t!("rule-partner-module-ca"), check: Seen(first::module_ca) },
        Rule {
            id: "partner/other-names/ca",
            text: || t!("rule-partner-other-names-ca"),
            check: Seen(first::other_names_ca),
        },
        Rule {
            id: "partner/revocation-password/client",
            text: || t!("rule-partner-revocation-password-client"),
            check: Seen(first::revocation_password_client),
        },
        Rule {
            id: "partner/revocation-password-sealed",
            text: || t!("rule-partner-revocation-password-sealed"),
            check: Seen(first::revocation_password_sealed),
        },
        Rule { id: "partner/key-on-card", text: || t!("rule-partner-key-on-card"), check: Seen(first::key_on_card) },
        Rule { id: "partner/waits", text: || t!("rule-partner-waits"), check: Seen(first::waits) },
        Rule { id: "partner/link", text: || t!("rule-partner-link"), check: Seen(first::link) },
        Rule { id: "partner/login", text: || t!("rule-partner-login"), check: Seen(later::login) },
        Rule { id: "partner/list", text: || t!("rule-partner-list"), check: Seen(later::list) },
        Rule {
            id: "partner/registered",
            text: || t!("rule-partner-registered"),
            check: IfInstalled(later::registered),
        },
        Rule { id: "partner/pin-change", text: || t!("rule-partner-pin-change"), check: Seen(later::pin_change) },
        Rule { id: "partner/renewal", text: || t!("rule-partner-renewal"), check: Seen(later::renewal) },
        Rule {
            id: "partner/expired/client",
            text: || t!("rule-partner-expired-client"),
            check: Seen(later::expired_client),
        },
        Rule { id: "partner/expired/ca", text: || t!("rule-partner-expired-ca"), check: Seen(later::expired_ca) },
        Rule { id: "partner/begins-again", text: || t!("rule-partner-begins-again"), check: Seen(later::begins_again) },
        Rule {
            id: "partner/revoked-at-once",
            text: || t!("rule-partner-revoked-at-once"),
            check: Seen(revocation::at_once),
        },
        Rule {
            id: "partner/revoked-by-holder",
            text: || t!("rule-partner-revoked-by-holder"),
            check: Seen(revocation::by_holder),
        },
        Rule {
            id: "partner/revoked-by-password",
            text: || t!("rule-partner-revoked-by-password"),
            check: Seen(revocation::by_password),
        },
        Rule { id: "partner/revoked-mail", text: || t!("rule-partner-revoked-mail"), check: Seen(revocation::mail) },
    ]
}
