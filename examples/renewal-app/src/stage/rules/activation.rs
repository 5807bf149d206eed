//! The rules of `activation`: a card that arrives inactive.

mod life;
mod passwords;
mod registration;

use super::{Check::Seen, Rule};
use crate::{
    stage::{Arrived, Stage},
    texts::t,
};

/// What the rules look at: a card that was brought to life in a play and what is tried out on copies of it.
pub struct World<'s> {
    pub stage: &'s Stage,
    /// As it arrived; nothing was done with it.
    pub arrived: Arrived<'s>,
}

/// The rules, in the order in which a holder meets them.
pub fn rules<'s>() -> Vec<Rule<World<'s>>> {
    vec![
        Rule {
            id: "activation/registration",
            text: || t!("rule-activation-registration"),
            check: Seen(registration::registration),
        },
        Rule {
            id: "activation/correction",
            text: || t!("rule-activation-correction"),
            check: Seen(registration::correction),
        },
        Rule {
            id: "activation/identity",
            text: || t!("rule-activation-identity"),
            check: Seen(registration::identity),
        },
        Rule {
            id: "activation/contract",
            text: || t!("rule-activation-contract"),
            check: Seen(registration::contract),
        },
        Rule {
            id: "activation/transport-pin-page",
            text: || t!("rule-activation-transport-pin-page"),
            check: Seen(registration::transport_pin_page),
        },
        Rule { id: "activation/arrived", text: || t!("rule-activation-arrived"), check: Seen(life::arrived) },
        Rule {
            id: "activation/unused/client",
            text: || t!("rule-activation-unused-client"),
            check: Seen(life::unused_client),
        },
        Rule {
            id: "activation/unused/card",
            text: || t!("rule-activation-unused-card"),
            check: Seen(life::unused_card),
        },
        Rule {
            id: "activation/checked-first",
            text: || t!("rule-activation-checked-first"),
            check: Seen(life::checked_first),
        },
        Rule { id: "activation/activated", text: || t!("rule-activation-activated"), check: Seen(life::activated) },
        Rule { id: "activation/torn", text: || t!("rule-activation-torn"), check: Seen(life::torn) },
        Rule {
            id: "activation/transport-pin-dead/client",
            text: || t!("rule-activation-transport-pin-dead-client"),
            check: Seen(life::transport_pin_dead_client),
        },
        Rule {
            id: "activation/transport-pin-dead/card",
            text: || t!("rule-activation-transport-pin-dead-card"),
            check: Seen(life::transport_pin_dead_card),
        },
        Rule {
            id: "activation/puk-sets-pin",
            text: || t!("rule-activation-puk-sets-pin"),
            check: Seen(passwords::puk_sets_pin),
        },
        Rule {
            id: "activation/puk-blocked/client",
            text: || t!("rule-activation-puk-blocked-client"),
            check: Seen(passwords::puk_blocked_client),
        },
        Rule {
            id: "activation/puk-blocked/card",
            text: || t!("rule-activation-puk-blocked-card"),
            check: Seen(passwords::puk_blocked_card),
        },
        Rule {
            id: "activation/tries-shown",
            text: || t!("rule-activation-tries-shown"),
            check: Seen(passwords::tries_shown),
        },
        Rule { id: "activation/last-try", text: || t!("rule-activation-last-try"), check: Seen(passwords::last_try) },
    ]
}
