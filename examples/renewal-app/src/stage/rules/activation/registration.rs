//! From the form to the transport PIN.

use std::time::SystemTime;

use obnova_ca::{ApplicantData, ApplicantDesk, ApplicantError, ApplicantId, Personalised, TransportPin};
use obnova_enroll::est::{HttpRequest, HttpResponse, Method};
use obnova_reference_ca::house::Holder;

use super::{World, life::sign};
use crate::stage::{
    Arrived, Stage,
    arrived::{CHOSEN, TRANSPORT_PIN},
    rules::{Broken, Verdict, so, there},
};

const OPERATOR: &str = "Olga";

/// Somebody who wants a card.
struct Applicant<'s> {
    stage: &'s Stage,
    desk: ApplicantDesk,
    id: ApplicantId,
    secret: String,
    number: u32,
    name: String,
    email: String,
}

impl<'s> Applicant<'s> {
    /// Fills in the form.
    fn registered(stage: &'s Stage) -> Result<Self, Broken> {
        let number = stage.next_number();
        let (name, email) = (format!("Applicant {number}"), format!("applicant-{number}@holder.example"));
        let form = serde_json::json!({ "name": name, "email": email, "country": "CZ" }).to_string();
        let answer = asked(stage, Method::Post, "/api/applicants", "application/json", &form)?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let secret = there(said["secret"].as_str(), "answer to the form")?.to_owned();
        let desk = stage.house().applicant_desk()?;
        let all = desk.list(None, 1000)?;
        let id = all.iter().find(|one| one.data.email().as_str() == email).map(|one| one.id);
        Ok(Self { stage, desk, id: there(id, "applicant")?, secret, number, name, email })
    }

    /// The same, and the link in the mail is opened.
    fn confirmed(stage: &'s Stage) -> Result<Self, Broken> {
        let this = Self::registered(stage)?;
        let link = this.link("confirm")?;
        let page = asked(stage, Method::Post, &link, FORM, "")?;
        if page.status == 200 { Ok(this) } else { Err(Broken(format!("the link answers {}", page.status))) }
    }

    fn identified(stage: &'s Stage) -> Result<Self, Broken> {
        let this = Self::confirmed(stage)?;
        this.identify()?;
        Ok(this)
    }

    /// The operator looks at the data, and says yes to them.
    fn identify(&self) -> Result<(), ApplicantError> {
        let seen = self.desk.get(self.id)?.data.fingerprint();
        self.desk.identify(self.id, OPERATOR, &seen, SystemTime::now()).map(drop)
    }

    /// The path of the last link of a kind that was mailed to the applicant.
    fn link(&self, kind: &str) -> Result<String, Broken> {
        there(self.stage.mailed_path(&self.email, kind)?, "mail with a link")
    }

    fn stage_now(&self) -> Result<&'static str, Broken> {
        Ok(self.desk.get(self.id)?.stage.name())
    }

    /// A card with certificates in the applicant's name, and its transport PIN.
    fn card(&self) -> Result<(Arrived<'s>, Personalised), Broken> {
        let holder = Holder { name: format!("CN={},C=CZ", self.name), email: self.email.clone() };
        let card = Arrived::of(self.stage, self.number, &holder)?;
        let serial = |one: &obnova_renewal::ParsedCertificate| {
            one.certificate().tbs_certificate().serial_number().as_bytes().to_vec()
        };
        let certificates = card.certificates.iter().map(|(_, one)| serial(one)).collect();
        let transport_pin = there(TransportPin::new(TRANSPORT_PIN), "transport PIN")?;
        Ok((card, Personalised { card: format!("OBN8{:07}", self.number), certificates, transport_pin }))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn asked(stage: &Stage, method: Method, path: &str, kind: &str, body: &str) -> Result<HttpResponse, Broken> {
    let headers = [("Content-Type", kind)].into_iter().collect();
    Ok(stage.ask(&HttpRequest { method, path: path.to_owned(), headers, body: body.as_bytes().to_vec() })?)
}

fn refused<T>(outcome: Result<T, ApplicantError>, by: &str) -> Result<String, Broken> {
    match outcome {
        Err(error) if error.name() == by => Ok(format!("{by} ({error})")),
        Err(error) => Err(Broken(format!("refused by another name: {}", error.name()))),
        Ok(_) => Err(Broken(format!("not refused: {by} was expected"))),
    }
}

/// Looking at the link confirms nothing; opening it does.
pub fn registration(world: &mut World<'_>) -> Verdict {
    let who = Applicant::registered(world.stage)?;
    let link = who.link("confirm")?;
    asked(world.stage, Method::Get, &link, FORM, "")?;
    let before = who.stage_now()?;
    asked(world.stage, Method::Post, &link, FORM, "")?;
    let after = who.stage_now()?;
    so(
        (before, after) == ("entered", "confirmed"),
        format!("{before} after the form and a look at the link, then {after}"),
    )
}

pub fn correction(world: &mut World<'_>) -> Verdict {
    let who = Applicant::confirmed(world.stage)?;
    let other = ApplicantData::new("Another Name", &who.email, "CZ", None).map_err(ApplicantError::from)?;
    let now = SystemTime::now();
    who.desk.correct(who.id, &who.secret, &other, now)?;
    let corrected = who.desk.get(who.id)?.data.name() == "Another Name";
    let stranger = refused(who.desk.correct(who.id, "nobody's", &other, now), "unknown-applicant")?;
    let identified = Applicant::identified(world.stage)?;
    let late = refused(identified.desk.correct(identified.id, &identified.secret, &other, now), "too-late")?;
    so(corrected, format!("before: corrected; by somebody else: {stranger}; after the identity check: {late}"))
}

pub fn identity(world: &mut World<'_>) -> Verdict {
    let now = SystemTime::now();
    let who = Applicant::registered(world.stage)?;
    let early = refused(who.identify(), "too-early")?;
    let who = Applicant::confirmed(world.stage)?;
    let without = refused(who.desk.contract(who.id, OPERATOR, "2026/1", now), "too-early")?;
    who.identify()?;
    let seen = who.stage_now()?;
    so(
        seen == "identified",
        format!("before the address is confirmed: {early}; a contract without it: {without}; then {seen}"),
    )
}

pub fn contract(world: &mut World<'_>) -> Verdict {
    let now = SystemTime::now();
    let who = Applicant::identified(world.stage)?;
    let unsigned = refused(who.desk.pay(who.id, OPERATOR, "42", now), "too-early")?;
    who.desk.contract(who.id, OPERATOR, "2026/1", now)?;
    let (_, made) = who.card()?;
    let unpaid = refused(who.desk.personalise(who.id, OPERATOR, &made, now), "too-early")?;
    who.desk.pay(who.id, OPERATOR, "42", now)?;
    who.desk.personalise(who.id, OPERATOR, &made, now)?;
    let seen = who.stage_now()?;
    so(
        seen == "personalised",
        format!("paid before the contract: {unsigned}; a card before it is paid: {unpaid}; then {seen}"),
    )
}

/// Behind the link, once; looking at the page shows nothing. What is shown brings the card to life.
pub fn transport_pin_page(world: &mut World<'_>) -> Verdict {
    let now = SystemTime::now();
    let who = Applicant::confirmed(world.stage)?;
    let early = refused(who.desk.hand_over(who.id, OPERATOR, now), "too-early")?;
    who.identify()?;
    who.desk.contract(who.id, OPERATOR, "2026/1", now)?;
    who.desk.pay(who.id, OPERATOR, "42", now)?;
    let (card, made) = who.card()?;
    who.desk.personalise(who.id, OPERATOR, &made, now)?;
    who.desk.hand_over(who.id, OPERATOR, now)?;
    let link = who.link("transport-pin")?;
    let shows = |method| {
        let page = asked(world.stage, method, &link, FORM, "")?;
        Ok::<_, Broken>((page.status, String::from_utf8_lossy(&page.body).contains(TRANSPORT_PIN)))
    };
    let looked = [shows(Method::Get)?, shows(Method::Get)?];
    let (once, again) = (shows(Method::Post)?, shows(Method::Post)?);
    if looked != [(200, false); 2] || once != (200, true) || again.1 || again.0 < 400 {
        return Err(Broken(format!("looked at: {looked:?}, shown: {once:?}, again: {again:?}")));
    }
    card.activate()?;
    sign(&card, 0, CHOSEN[0])?;
    Ok(format!("before the identity check: {early}; shown once, then {}; it brought the card to life", again.0))
}
