//! The rules of `twins`: twin certificates that are renewed in one go.

mod card;
mod holder;
mod notices;
mod order;
mod pick_up;

pub use card::registered_at;
use obnova_client::{CaConnection as _, LinkError, follow_link};
use obnova_renewal::{Answer, Loose, Message};

use super::{
    Broken,
    Check::{IfInstalled, Seen},
    Rule,
};
use crate::{
    stage::{Liar, Lie, Report, Stage, Witness},
    texts::t,
};

/// What the rules look at: a play that is over, and a stage to try things out on.
pub struct World<'s> {
    pub stage: &'s Stage,
    pub witness: Witness<'s>,
    pub report: Report,
    pub ca: Box<dyn Counter + 's>,
}

impl<'s> World<'s> {
    pub fn new(stage: &'s Stage, witness: Witness<'s>, report: Report) -> Self {
        Self { stage, witness, report, ca: Box::new(Wire(stage)) }
    }

    /// What the CA says to an order with a lie in it.
    fn lied(&self, lie: Lie) -> Result<Heard, Broken> {
        let (liar, other) = (Liar::new(self.stage)?, Liar::new(self.stage)?);
        self.ca.order(&liar.order(lie, &other)?)
    }

    /// That the CA refuses a lie by a name, and takes the same order without it.
    fn refused(&self, lie: Lie, by: &str) -> super::Verdict {
        let heard = match self.lied(lie)? {
            Heard::Refused(name) if name == by => name,
            heard => return Err(Broken(format!("the CA said {heard:?} to a client that lies"))),
        };
        match self.lied(Lie::None)? {
            Heard::Accepted => Ok(format!("refused by name: {heard}; without the lie it is accepted")),
            heard => Err(Broken(format!("without the lie the CA says {heard:?}"))),
        }
    }
}

/// The CA, as whoever comes to it meets it.
pub trait Counter {
    /// Sends an order, and says what was heard.
    fn order(&self, message: &[u8]) -> Result<Heard, Broken>;

    /// Follows a link.
    fn link(&self, link: &str) -> Result<Vec<Loose>, LinkError>;
}

/// What a CA says to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Accepted, or issued.
    Accepted,
    /// Refused, by the name of a rule.
    Refused(String),
}

/// Over the wire, where the server's log has the name of the rule.
struct Wire<'s>(&'s Stage);

impl Counter for Wire<'_> {
    fn order(&self, message: &[u8]) -> Result<Heard, Broken> {
        let answer = self.0.authority.connection()?.send(&Message(message.to_vec()))?;
        match answer {
            Answer::Refused { .. } => {
                let name = self.0.wire().iter().rev().find_map(|access| access.refused);
                Ok(Heard::Refused(name.unwrap_or_default().to_owned()))
            }
            _ => Ok(Heard::Accepted),
        }
    }

    fn link(&self, link: &str) -> Result<Vec<Loose>, LinkError> {
        follow_link(link, &self.0.authority.anchors)
    }
}

/// The rules, in the order in which a renewal meets them.
pub fn rules<'s>() -> Vec<Rule<World<'s>>> {
    vec![
        Rule { id: "twins/one-year", text: || t!("rule-twins-one-year"), check: Seen(order::one_year) },
        Rule {
            id: "twins/notice-three-weeks",
            text: || t!("rule-twins-notice-three-weeks"),
            check: Seen(notices::three_weeks),
        },
        Rule { id: "twins/notice-one-week", text: || t!("rule-twins-notice-one-week"), check: Seen(notices::one_week) },
        Rule { id: "twins/notice-address", text: || t!("rule-twins-notice-address"), check: Seen(notices::address) },
        Rule { id: "twins/notice-link", text: || t!("rule-twins-notice-link"), check: Seen(notices::link) },
        Rule { id: "twins/check-first", text: || t!("rule-twins-check-first"), check: Seen(holder::check_first) },
        Rule { id: "twins/check-advice", text: || t!("rule-twins-check-advice"), check: Seen(holder::check_advice) },
        Rule { id: "twins/key-store", text: || t!("rule-twins-key-store"), check: Seen(holder::key_store) },
        Rule {
            id: "twins/subject/client",
            text: || t!("rule-twins-subject-client"),
            check: Seen(order::subject_client),
        },
        Rule { id: "twins/subject/ca", text: || t!("rule-twins-subject-ca"), check: Seen(order::subject_ca) },
        Rule { id: "twins/pin-new-keys", text: || t!("rule-twins-pin-new-keys"), check: Seen(holder::pin_new_keys) },
        Rule { id: "twins/pin-requests", text: || t!("rule-twins-pin-requests"), check: Seen(holder::pin_requests) },
        Rule {
            id: "twins/requested/client",
            text: || t!("rule-twins-requested-client"),
            check: Seen(order::requested_client),
        },
        Rule { id: "twins/requested/ca", text: || t!("rule-twins-requested-ca"), check: Seen(order::requested_ca) },
        Rule {
            id: "twins/vouched/client",
            text: || t!("rule-twins-vouched-client"),
            check: Seen(order::vouched_client),
        },
        Rule { id: "twins/vouched/ca", text: || t!("rule-twins-vouched-ca"), check: Seen(order::vouched_ca) },
        Rule { id: "twins/accepted", text: || t!("rule-twins-accepted"), check: Seen(order::accepted) },
        Rule {
            id: "twins/resume-journal",
            text: || t!("rule-twins-resume-journal"),
            check: Seen(pick_up::resume_journal),
        },
        Rule { id: "twins/resume-link", text: || t!("rule-twins-resume-link"), check: Seen(pick_up::resume_link) },
        Rule { id: "twins/resume-files", text: || t!("rule-twins-resume-files"), check: Seen(pick_up::resume_files) },
        Rule { id: "twins/waiting", text: || t!("rule-twins-waiting"), check: Seen(pick_up::waiting) },
        Rule { id: "twins/single-use", text: || t!("rule-twins-single-use"), check: Seen(pick_up::single_use) },
        Rule {
            id: "twins/one-brings-other",
            text: || t!("rule-twins-one-brings-other"),
            check: Seen(pick_up::one_brings_other),
        },
        Rule { id: "twins/installed", text: || t!("rule-twins-installed"), check: Seen(card::installed) },
        Rule {
            id: "twins/installed-torn",
            text: || t!("rule-twins-installed-torn"),
            check: Seen(card::installed_torn),
        },
        Rule {
            id: "twins/installed-half",
            text: || t!("rule-twins-installed-half"),
            check: Seen(card::installed_half),
        },
        Rule { id: "twins/old-stays", text: || t!("rule-twins-old-stays"), check: Seen(card::old_stays) },
        Rule {
            id: "twins/holder-removes",
            text: || t!("rule-twins-holder-removes"),
            check: Seen(card::holder_removes),
        },
        Rule { id: "twins/registered", text: || t!("rule-twins-registered"), check: IfInstalled(card::registered) },
        Rule { id: "twins/login", text: || t!("rule-twins-login"), check: Seen(card::login) },
        Rule { id: "twins/diagnosis", text: || t!("rule-twins-diagnosis"), check: Seen(holder::diagnosis) },
    ]
}
