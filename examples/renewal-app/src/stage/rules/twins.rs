//! The rules of `twins`: twin certificates that are renewed in one go.

mod card;
mod holder;
mod notices;
mod order;
mod pick_up;
mod registered;
mod revoked;

pub use registered::{Register, as_the_client_does, registered_at};
use std::time::SystemTime;

use obnova_client::{CaConnection as _, Finish, LinkError, PickUpLink, RunError, Runner, follow_link};
use obnova_enroll::est::{HttpRequest, HttpResponse};
use obnova_renewal::{
    Answer, AskStatus, ByRole, CardView, Diagnosis, Loose, Message, Method, ParsedCertificate, PinUse, Policy, Process,
};

use super::{Broken, Rule};
use crate::{
    checks::{self, Check},
    service::Service,
    stage::{Liar, Lie, Report, Stage, Trial, Witness, trial::Face},
    texts::t,
};

/// What the rules look at: a play that is over, and a stage to try things out on.
pub struct World<'s> {
    pub stage: &'s Stage,
    pub witness: Witness<'s>,
    pub report: Report,
    pub ca: Box<dyn Counter + 's>,
    pub client: Client,
}

/// The holder's side, where a rule asks it for something.
pub struct Client {
    /// What a renewal asks for.
    pub policy: Policy,
    /// The computer check of a card.
    pub check: fn(&CardView, &Policy, SystemTime) -> Vec<Check>,
    /// What a help desk is sent.
    pub diagnosis: fn(&Process) -> String,
    /// Takes certificates from files.
    pub take_files: fn(&mut Runner<'_>, Vec<Vec<u8>>) -> Result<(), RunError>,
    /// Registers the card's certificates in one place.
    pub register: Register,
}

impl Client {
    fn of(stage: &Stage) -> Self {
        Self {
            policy: stage.service.policy.clone(),
            check: |card, policy, now| checks::card(card, policy, &[], now),
            diagnosis: |process| Diagnosis::of(process, None, SystemTime::now()).to_string(),
            take_files: |runner, files| runner.take_files(files),
            register: as_the_client_does,
        }
    }
}

impl<'s> World<'s> {
    pub fn new(stage: &'s Stage, witness: Witness<'s>, report: Report) -> Self {
        Self { stage, witness, report, ca: Box::new(Wire(stage)), client: Client::of(stage) }
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

    /// Is told that what a link brought is on this card.
    fn receive(&self, link: &str, trial: &Trial<'_>, on_card: &ByRole<ParsedCertificate>) -> Result<(), Broken>;

    /// Asks for a page.
    fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, Broken>;

    /// The order of the holder of this certificate, as it is kept.
    fn kept(&self, holder: &ParsedCertificate) -> Result<Vec<u8>, Broken>;

    /// What came by mail to this address, up to this moment.
    fn mails(&self, email: &str, now: SystemTime) -> Result<Vec<String>, Broken>;
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

    fn receive(&self, link: &str, trial: &Trial<'_>, on_card: &ByRole<ParsedCertificate>) -> Result<(), Broken> {
        let link = PickUpLink::open(link, &self.0.authority.anchors)?;
        let mut asked = Vec::new();
        let mut face = Face { asked: &mut asked };
        Ok(Finish::new(&trial.token, &mut face, on_card, &[PinUse::Receipt]).close(&link)?)
    }

    fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, Broken> {
        Ok(self.0.ask(request)?)
    }

    fn kept(&self, holder: &ParsedCertificate) -> Result<Vec<u8>, Broken> {
        Ok(self.0.order_of(holder)?.message)
    }

    fn mails(&self, email: &str, now: SystemTime) -> Result<Vec<String>, Broken> {
        let house = self.0.shared_house();
        house.notice_desk()?.send(house.ca(), now)?;
        Ok(self.0.mails_to(email, now)?)
    }
}

/// The rules of a service, in the order in which a renewal meets them.
pub fn rules_of<'s>(service: &Service) -> Vec<Rule<World<'s>>> {
    let applies = |id: &str| match id.split_once('/').map_or("", |(_, id)| id) {
        "revoked/client" => service.told.holder.ask_status != AskStatus::Never,
        "pin-new-keys" => service.told.holder.method == Method::ReKey,
        "accepted" | "resume-link" | "resume-files" | "waiting" | "single-use" | "one-brings-other" => service.waits(),
        "login" => service.told.holder.prove_login,
        notice if notice.starts_with("notice-") => !service.expects.notices.is_empty(),
        _ => true,
    };
    rules().into_iter().filter(|rule| applies(rule.id)).collect()
}

/// Those of every service.
pub fn rules<'s>() -> Vec<Rule<World<'s>>> {
    vec![
        Rule::seen("twins/one-year", || t!("rule-twins-one-year"), order::one_year),
        Rule::seen("twins/notice-three-weeks", || t!("rule-twins-notice-three-weeks"), notices::three_weeks),
        Rule::seen("twins/notice-one-week", || t!("rule-twins-notice-one-week"), notices::one_week),
        Rule::seen("twins/notice-address", || t!("rule-twins-notice-address"), notices::address),
        Rule::seen("twins/notice-link", || t!("rule-twins-notice-link"), notices::link),
        Rule::seen("twins/check-first", || t!("rule-twins-check-first"), holder::check_first),
        Rule::seen("twins/check-advice", || t!("rule-twins-check-advice"), holder::check_advice),
        Rule::seen("twins/key-store", || t!("rule-twins-key-store"), holder::key_store),
        Rule::seen("twins/subject/client", || t!("rule-twins-subject-client"), order::subject_client),
        Rule::seen("twins/subject/ca", || t!("rule-twins-subject-ca"), order::subject_ca),
        Rule::seen("twins/pin-new-keys", || t!("rule-twins-pin-new-keys"), holder::pin_new_keys),
        Rule::seen("twins/pin-requests", || t!("rule-twins-pin-requests"), holder::pin_requests),
        Rule::seen("twins/requested/client", || t!("rule-twins-requested-client"), order::requested_client),
        Rule::seen("twins/requested/ca", || t!("rule-twins-requested-ca"), order::requested_ca),
        Rule::seen("twins/vouched/client", || t!("rule-twins-vouched-client"), order::vouched_client),
        Rule::seen("twins/vouched/ca", || t!("rule-twins-vouched-ca"), order::vouched_ca),
        Rule::seen("twins/revoked/client", || t!("rule-twins-revoked-client"), revoked::client),
        Rule::seen("twins/revoked/ca", || t!("rule-twins-revoked-ca"), revoked::ca),
        Rule::seen("twins/accepted", || t!("rule-twins-accepted"), order::accepted),
        Rule::seen("twins/resume-journal", || t!("rule-twins-resume-journal"), pick_up::resume_journal),
        Rule::seen("twins/resume-link", || t!("rule-twins-resume-link"), pick_up::resume_link),
        Rule::seen("twins/resume-files", || t!("rule-twins-resume-files"), pick_up::resume_files),
        Rule::seen("twins/waiting", || t!("rule-twins-waiting"), pick_up::waiting),
        Rule::seen("twins/single-use", || t!("rule-twins-single-use"), pick_up::single_use),
        Rule::seen("twins/one-brings-other", || t!("rule-twins-one-brings-other"), pick_up::one_brings_other),
        Rule::seen("twins/installed", || t!("rule-twins-installed"), card::installed),
        Rule::seen("twins/installed-torn", || t!("rule-twins-installed-torn"), card::installed_torn),
        Rule::seen("twins/installed-half", || t!("rule-twins-installed-half"), card::installed_half),
        Rule::seen("twins/old-stays", || t!("rule-twins-old-stays"), card::old_stays),
        Rule::seen("twins/holder-removes", || t!("rule-twins-holder-removes"), card::holder_removes),
        Rule::if_installed("twins/registered", || t!("rule-twins-registered"), registered::registered),
        Rule::seen("twins/login", || t!("rule-twins-login"), card::login),
        Rule::seen("twins/diagnosis", || t!("rule-twins-diagnosis"), holder::diagnosis),
    ]
}
