//! The rules of `activation`: a card that arrives inactive.

mod life;
mod passwords;
mod registration;

use obnova_ca::ApplicantError;
use obnova_card::{PasswordKind, PasswordStatus, PasswordSteps, Secret, TokenError};
use obnova_client::{Prompt, RunError, SharedToken};
use obnova_enroll::est::{HttpRequest, HttpResponse};
use obnova_renewal::CardView;

pub use passwords::{offers, set};

use super::{Broken, Rule};
use crate::{
    compared::compared,
    failure::Failure,
    service::Service,
    stage::{Arrived, Stage},
    texts::t,
};

/// What the rules look at: a card that was brought to life in a play and what is tried out on copies of it.
pub struct World<'s> {
    pub stage: &'s Stage,
    /// As it arrived; nothing was done with it. What is wrong, where none did.
    pub arrived: Result<Arrived<'s>, Broken>,
    pub office: Office,
    pub client: Client,
}

/// The holder's client, where a rule asks it for something.
pub struct Client {
    /// Brings a card to life, with these new passwords.
    pub activate: Activate,
    /// The same by a client that looks at nothing before: with this authentication PIN among them.
    pub activate_unchecked: fn(&Arrived<'_>, &str) -> Result<(), TokenError>,
    /// Sets another password, by this one.
    pub set: fn(&SharedToken, &mut dyn Prompt, PasswordKind, &Secret) -> Result<(), RunError>,
    /// What it shows of a card whose activation was torn: passwords that are compared, with their tries.
    pub compared: fn(&CardView) -> Vec<PasswordStatus>,
    /// What it offers for a card's passwords, and what it says is lost.
    pub offers: fn(&CardView) -> PasswordSteps,
}

type Activate = fn(&SharedToken, &mut dyn Prompt, &[(PasswordKind, Secret)]) -> Result<(), RunError>;

impl<'s> World<'s> {
    pub fn new(stage: &'s Stage, arrived: Result<Arrived<'s>, Broken>) -> Self {
        Self {
            stage,
            arrived,
            office: Office { asked: Stage::ask, done: |outcome| outcome },
            client: Client {
                activate: obnova_client::activate,
                activate_unchecked: |card, pin| card.activate_unchecked(pin),
                set,
                compared,
                offers,
            },
        }
    }

    /// The card, as it arrived.
    fn card(&self) -> Result<&Arrived<'s>, Broken> {
        self.arrived.as_ref().map_err(|Broken(why)| Broken(format!("no card arrived: {why}")))
    }
}

/// Where people register, as whoever comes to it meets it.
#[derive(Clone, Copy)]
pub struct Office {
    /// Its pages.
    pub asked: fn(&Stage, &HttpRequest) -> Result<HttpResponse, Failure>,
    /// What it says of a step that applicant or operator asked for.
    pub done: fn(Result<(), ApplicantError>) -> Result<(), ApplicantError>,
}

/// The rules of a service, in the order in which a holder meets them.
pub fn rules_of<'s>(service: &Service) -> Vec<Rule<World<'s>>> {
    let applies = |id: &str| id != "activation/registration" || service.told.ca.registration.open;
    rules().into_iter().filter(|rule| applies(rule.id)).collect()
}

/// Those of every service.
pub fn rules<'s>() -> Vec<Rule<World<'s>>> {
    vec![
        Rule::seen("activation/registration", || t!("rule-activation-registration"), registration::registration),
        Rule::seen("activation/correction", || t!("rule-activation-correction"), registration::correction),
        Rule::seen("activation/identity", || t!("rule-activation-identity"), registration::identity),
        Rule::seen("activation/contract", || t!("rule-activation-contract"), registration::contract),
        Rule::seen(
            "activation/transport-pin-page",
            || t!("rule-activation-transport-pin-page"),
            registration::transport_pin_page,
        ),
        Rule::seen("activation/arrived", || t!("rule-activation-arrived"), life::arrived),
        Rule::seen("activation/unused/client", || t!("rule-activation-unused-client"), life::unused_client),
        Rule::seen("activation/unused/card", || t!("rule-activation-unused-card"), life::unused_card),
        Rule::seen(
            "activation/checked-first/client",
            || t!("rule-activation-checked-first-client"),
            life::checked_first_client,
        ),
        Rule::seen(
            "activation/checked-first/card",
            || t!("rule-activation-checked-first-card"),
            life::checked_first_card,
        ),
        Rule::seen("activation/activated", || t!("rule-activation-activated"), life::activated),
        Rule::seen("activation/torn", || t!("rule-activation-torn"), life::torn),
        Rule::seen(
            "activation/transport-pin-dead/client",
            || t!("rule-activation-transport-pin-dead-client"),
            life::transport_pin_dead_client,
        ),
        Rule::seen(
            "activation/transport-pin-dead/card",
            || t!("rule-activation-transport-pin-dead-card"),
            life::transport_pin_dead_card,
        ),
        Rule::seen("activation/puk-sets-pin", || t!("rule-activation-puk-sets-pin"), passwords::puk_sets_pin),
        Rule::seen(
            "activation/puk-blocked/client",
            || t!("rule-activation-puk-blocked-client"),
            passwords::puk_blocked_client,
        ),
        Rule::seen(
            "activation/puk-blocked/card",
            || t!("rule-activation-puk-blocked-card"),
            passwords::puk_blocked_card,
        ),
        Rule::seen("activation/tries-shown", || t!("rule-activation-tries-shown"), passwords::tries_shown),
        Rule::seen(
            "activation/tries-shown-signature-pin",
            || t!("rule-activation-tries-shown-signature-pin"),
            passwords::tries_shown_signature_pin,
        ),
        Rule::seen("activation/tries-shown-puk", || t!("rule-activation-tries-shown-puk"), passwords::tries_shown_puk),
        Rule::seen("activation/tries-shown-torn", || t!("rule-activation-tries-shown-torn"), life::tries_shown_torn),
        Rule::seen("activation/last-try", || t!("rule-activation-last-try"), passwords::last_try),
        Rule::seen(
            "activation/last-try-signature-pin",
            || t!("rule-activation-last-try-signature-pin"),
            passwords::last_try_signature_pin,
        ),
        Rule::seen("activation/last-try-puk", || t!("rule-activation-last-try-puk"), passwords::last_try_puk),
        Rule::seen(
            "activation/last-try-transport-pin",
            || t!("rule-activation-last-try-transport-pin"),
            passwords::last_try_transport_pin,
        ),
    ]
}
