//! From the form to the transport PIN.

use std::time::{Duration, SystemTime};

use obnova_ca::{ApplicantData, ApplicantDesk, ApplicantError, ApplicantId, Personalised, Registered, TransportPin};
use obnova_enroll::est::{HttpRequest, HttpResponse, Method};
use obnova_reference_ca::house::Holder;

use super::{Office, World, life::sign_first};
use crate::stage::{
    Arrived, Stage,
    rules::{Broken, Verdict, there, want},
};

const OPERATOR: &str = "Olga";

/// Somebody who wants a card.
struct Applicant<'s> {
    stage: &'s Stage,
    office: Office,
    desk: ApplicantDesk,
    id: ApplicantId,
    secret: String,
    number: u32,
    name: String,
    email: String,
}

impl<'s> Applicant<'s> {
    /// Fills in the form; where the CA has none the operator enters the data.
    fn registered(world: &World<'s>) -> Result<Self, Broken> {
        if !world.stage.service.told.ca.registration.open {
            return Self::registered_at(world, SystemTime::now());
        }
        let (number, name, email) = Self::new_name(world.stage);
        let form = serde_json::json!({ "name": name, "email": email, "country": "CZ" }).to_string();
        let answer = asked(world, Method::Post, "/api/applicants", "application/json", &form)?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let secret = there(said["secret"].as_str(), "answer to the form")?.to_owned();
        let desk = world.stage.house().applicant_desk()?;
        let all = desk.list(None, 1000)?;
        let id = all.iter().find(|one| one.data.email().as_str() == email).map(|one| one.id);
        let id = there(id, "applicant")?;
        Ok(Self { stage: world.stage, office: world.office, desk, id, secret, number, name, email })
    }

    /// Has filled in the form at this time.
    fn registered_at(world: &World<'s>, then: SystemTime) -> Result<Self, Broken> {
        let (number, name, email) = Self::new_name(world.stage);
        let desk = world.stage.house().applicant_desk()?;
        let data = ApplicantData::new(&name, &email, "CZ", None).map_err(ApplicantError::from)?;
        let Registered { id, secret } = desk.register(&data, then)?;
        let secret = secret.to_string();
        Ok(Self { stage: world.stage, office: world.office, desk, id, secret, number, name, email })
    }

    fn new_name(stage: &Stage) -> (u32, String, String) {
        let number = stage.next_number();
        (number, format!("Applicant {number}"), format!("applicant-{number}@holder.example"))
    }

    /// The same, and the link in the mail is opened.
    fn confirmed(world: &World<'s>) -> Result<Self, Broken> {
        let this = Self::registered(world)?;
        let link = this.link("confirm")?;
        let page = asked(world, Method::Post, &link, FORM, "")?;
        want(page.status == 200, format!("the link answers {}", page.status))?;
        Ok(this)
    }

    fn identified(world: &World<'s>) -> Result<Self, Broken> {
        let this = Self::confirmed(world)?;
        this.identify()?;
        Ok(this)
    }

    /// The applicant corrects the name.
    fn correct(&self, secret: &str) -> Result<(), ApplicantError> {
        let other = ApplicantData::new(CORRECTED, &self.email, "CZ", None)?;
        self.does(self.desk.correct(self.id, secret, &other, SystemTime::now()))
    }

    /// The operator looks at the data, and says yes to them.
    fn identify(&self) -> Result<(), ApplicantError> {
        let seen = self.desk.get(self.id)?.data.fingerprint();
        self.does(self.desk.identify(self.id, OPERATOR, &seen, SystemTime::now()))
    }

    fn contract(&self) -> Result<(), ApplicantError> {
        self.does(self.desk.contract(self.id, OPERATOR, "2026/1", SystemTime::now()))
    }

    fn pay(&self) -> Result<(), ApplicantError> {
        self.does(self.desk.pay(self.id, OPERATOR, "42", SystemTime::now()))
    }

    fn personalise(&self, made: &Personalised) -> Result<(), ApplicantError> {
        self.does(self.desk.personalise(self.id, OPERATOR, made, SystemTime::now()))
    }

    fn hand_over(&self, then: SystemTime) -> Result<(), ApplicantError> {
        self.does(self.desk.hand_over(self.id, OPERATOR, then))
    }

    fn does<T>(&self, outcome: Result<T, ApplicantError>) -> Result<(), ApplicantError> {
        (self.office.done)(outcome.map(drop))
    }

    /// The path of the last link of a kind that was mailed to the applicant.
    fn link(&self, kind: &str) -> Result<String, Broken> {
        self.link_of(kind, SystemTime::now())
    }

    /// The same, of a mail that went out then: none goes out whose link is over.
    fn link_of(&self, kind: &str, then: SystemTime) -> Result<String, Broken> {
        there(self.stage.mailed_path(&self.email, kind, then)?, "mail with a link")
    }

    fn stage_now(&self) -> Result<&'static str, Broken> {
        Ok(self.desk.get(self.id)?.stage.name())
    }

    /// A card with certificates in the applicant's name, and its transport PIN.
    fn card(&self) -> Result<(Arrived<'s>, Personalised), Broken> {
        let holder = Holder { name: format!("CN={},C=CZ", self.name), email: self.email.clone() };
        let card = Arrived::of(self.stage, self.number, &holder)?;
        let certificates = card.serials.to_vec();
        let transport_pin = there(TransportPin::new(self.stage.transport_pin()), "transport PIN")?;
        Ok((card, Personalised { card: format!("OBN8{:07}", self.number), certificates, transport_pin }))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const CORRECTED: &str = "Another Name";
const HOUR: Duration = Duration::from_secs(3600);

fn asked(world: &World<'_>, method: Method, path: &str, kind: &str, body: &str) -> Result<HttpResponse, Broken> {
    let headers = [("Content-Type", kind)].into_iter().collect();
    let request = HttpRequest { method, path: path.to_owned(), headers, body: body.as_bytes().to_vec() };
    Ok((world.office.asked)(world.stage, &request)?)
}

fn refused(outcome: Result<(), ApplicantError>, by: &str) -> Result<String, Broken> {
    match outcome {
        Err(error) if error.name() == by => Ok(format!("{by} ({error})")),
        Err(error) => Err(Broken(format!("refused by another name: {}", error.name()))),
        Ok(()) => Err(Broken(format!("not refused: {by} was expected"))),
    }
}

/// Looking at the link confirms nothing; opening it does, within its days.
pub fn registration(world: &mut World<'_>) -> Verdict {
    let who = Applicant::registered(world)?;
    let link = who.link("confirm")?;
    asked(world, Method::Get, &link, FORM, "")?;
    let before = who.stage_now()?;
    want(before == "registered", format!("after the form and a look at the link: {before}"))?;
    asked(world, Method::Post, &link, FORM, "")?;
    let after = who.stage_now()?;
    want(after == "confirmed", format!("after the link was opened: {after}"))?;
    let days = world.stage.service.expects.confirm;
    let opened_late = |late: Duration| {
        let then = SystemTime::now() - late;
        let who = Applicant::registered_at(world, then)?;
        asked(world, Method::Post, &who.link_of("confirm", then)?, FORM, "")?;
        who.stage_now()
    };
    let (soon, late) = (opened_late(days - HOUR)?, opened_late(days + HOUR)?);
    let days = in_days(days);
    want(soon == "confirmed", format!("opened an hour before {days} are over: {soon}"))?;
    want(late == "registered", format!("opened an hour after {days}: {late}"))?;
    Ok(format!("{before} after the form and a look at the link, then {after}; after {days} the link is dead"))
}

pub fn correction(world: &mut World<'_>) -> Verdict {
    let who = Applicant::confirmed(world)?;
    who.correct(&who.secret)?;
    let name = who.desk.get(who.id)?.data.name().to_owned();
    want(name == CORRECTED, format!("the name was corrected, and is {name}"))?;
    let stranger = refused(who.correct("nobody's"), "unknown-applicant")?;
    let identified = Applicant::identified(world)?;
    let late = refused(identified.correct(&identified.secret), "too-late")?;
    Ok(format!("before: corrected; by somebody else: {stranger}; after the identity check: {late}"))
}

pub fn identity(world: &mut World<'_>) -> Verdict {
    let who = Applicant::registered(world)?;
    let early = refused(who.identify(), "too-early")?;
    let who = Applicant::confirmed(world)?;
    let without = refused(who.contract(), "too-early")?;
    let other = who.does(who.desk.identify(who.id, OPERATOR, "of other data", SystemTime::now()));
    let other = refused(other, "data-changed")?;
    who.identify()?;
    let seen = who.stage_now()?;
    want(seen == "identified", format!("after the identity check: {seen}"))?;
    Ok(format!(
        "before the address is confirmed: {early}; a contract without it: {without}; other data than were seen: {other}"
    ))
}

pub fn contract(world: &mut World<'_>) -> Verdict {
    let who = Applicant::identified(world)?;
    let unsigned = refused(who.pay(), "too-early")?;
    who.contract()?;
    let (_, made) = who.card()?;
    let unpaid = refused(who.personalise(&made), "too-early")?;
    who.pay()?;
    who.personalise(&made)?;
    let seen = who.stage_now()?;
    want(seen == "personalised", format!("after contract, payment and card: {seen}"))?;
    Ok(format!("paid before the contract: {unsigned}; a card before it is paid: {unpaid}; then {seen}"))
}

/// Behind the link, once, within its days; looking at the page shows nothing. What is shown brings the card to life.
pub fn transport_pin_page(world: &mut World<'_>) -> Verdict {
    let now = SystemTime::now();
    let who = Applicant::confirmed(world)?;
    let early = refused(who.hand_over(now), "too-early")?;
    who.identify()?;
    who.contract()?;
    who.pay()?;
    let (card, made) = who.card()?;
    who.personalise(&made)?;
    let handed_over = |ago| {
        who.hand_over(now - ago)?;
        who.link_of("transport-pin", now - ago)
    };
    let shows = |method, link: &str| {
        let page = asked(world, method, link, FORM, "")?;
        let shown = String::from_utf8_lossy(&page.body).contains(world.stage.transport_pin());
        Ok::<_, Broken>((page.status, shown))
    };
    let days = world.stage.service.expects.transport_pin;
    let late = shows(Method::Post, &handed_over(days + HOUR)?)?;
    want(late.0 >= 400 && !late.1, format!("an hour after {}: {late:?}", in_days(days)))?;
    let link = handed_over(days - HOUR)?;
    let looked = [shows(Method::Get, &link)?, shows(Method::Get, &link)?];
    want(looked == [(200, false); 2], format!("looked at, it answers and shows {looked:?}"))?;
    let (once, again) = (shows(Method::Post, &link)?, shows(Method::Post, &link)?);
    want(once == (200, true), format!("an hour before {} are over: {once:?}", in_days(days)))?;
    want(!again.1 && again.0 >= 400, format!("asked for again, it answers and shows {again:?}"))?;
    card.activate()?;
    sign_first(&card)?;
    let days = in_days(days);
    Ok(format!(
        "before the identity check: {early}; after {days} {}; shown once, then {}; it brought the card to life",
        late.0, again.0
    ))
}

fn in_days(time: Duration) -> String {
    format!("{} days", time.as_secs() / 86_400)
}
