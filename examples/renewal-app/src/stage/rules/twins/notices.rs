//! The letters that go out before the end. A holder is told at times that are made up; what is mailed lies in the CA's folder.

use std::time::{Duration, SystemTime};

use obnova_client::{CaConnection as _, CaError, EstConnection, HttpExchange, LinkError, RenewalLink};
use obnova_enroll::est::{HttpRequest, HttpResponse, Method};
use obnova_renewal::{LinkAnswer, Plan};

use super::{Counter, World};
use crate::stage::{
    Trial,
    rules::{Broken, Verdict, there, want},
};

/// The mails to one holder, in the order in which they went out: each with the hours before the end at which it was there.
struct Told<'s> {
    trial: Trial<'s>,
    mails: Vec<(u64, String)>,
}

/// Asks the CA, hour after hour around the days that matter, to tell whom it has to.
fn told<'s>(world: &World<'s>) -> Result<Told<'s>, Broken> {
    let trial = Trial::new(world.stage)?;
    let ends = trial.old.authentication.not_after();
    let mut mails: Vec<(u64, String)> = Vec::new();
    let days = world.stage.service.expects.notices.iter();
    for hours in days.flat_map(|days| [days * 24 + 1, days * 24 - 1]).chain([1]) {
        let sent = world.ca.mails(&trial.email, ends - Duration::from_secs(hours * 3600))?;
        mails.extend(sent.into_iter().skip(mails.len()).map(|mail| (hours, mail)));
    }
    Ok(Told { trial, mails })
}

/// A mail came within the hours before this day and not before, and no other one than those that are expected.
fn once(world: &World<'_>, expected: Option<&u64>) -> Verdict {
    let day = *there(expected, "day on which a notice is expected")?;
    let told = told(world)?;
    let hours: Vec<_> = told.mails.iter().map(|(hours, _)| *hours).collect();
    want(
        hours.contains(&(day * 24 - 1)),
        format!("no mail came {day} days before the end, but {hours:?} hours before it"),
    )?;
    let expected = world.stage.service.expects.notices.len();
    want(
        hours.len() == expected,
        format!("{expected} mails are expected, and they came {hours:?} hours before the end"),
    )?;
    Ok(format!("mails {hours:?} hours before the end; asked an hour before and after each day that counts"))
}

pub fn three_weeks(world: &mut World<'_>) -> Verdict {
    once(world, world.stage.service.expects.notices.first())
}

pub fn one_week(world: &mut World<'_>) -> Verdict {
    once(world, world.stage.service.expects.notices.last())
}

/// The address in the head of each mail is the one in the certificate.
pub fn address(world: &mut World<'_>) -> Verdict {
    let told = told(world)?;
    let email = &told.trial.email;
    let named = told.trial.old.authentication.subject_alt_name().unwrap_or_default();
    let in_certificate = named.windows(email.len()).any(|part| part == email.as_bytes());
    let head = |mail: &str| mail.lines().any(|line| line.starts_with("To:") && line.contains(email.as_str()));
    want(in_certificate, format!("{email} does not stand in the certificate"))?;
    want(!told.mails.is_empty(), "no mail came")?;
    let others = told.mails.iter().filter(|(_, mail)| !head(mail)).count();
    want(others == 0, format!("{others} of {} mails went to another address than {email}", told.mails.len()))?;
    Ok(format!("{} mails to {email}, which is in the certificate", told.mails.len()))
}

/// The link opens a page about these certificates as often as anybody looks; the holder's program begins one renewal with it, also where the
/// answer to that was lost and nothing of it is left on the computer; and nobody begins another.
pub fn link(world: &mut World<'_>) -> Verdict {
    let told = told(world)?;
    let (_, mail) = there(told.mails.last(), "mail")?;
    let link = there(mail.lines().find(|line| line.contains("/renew/")), "link in the mail")?;
    let path = there(link.trim().rsplit('/').next(), "link in the mail")?;
    let path = format!("/renew/{path}");
    for _ in 0..2 {
        let page = ask(world, Method::Get, &path, "")?;
        let text = String::from_utf8_lossy(&page.body).to_lowercase();
        let serial = told.trial.old.authentication.serial().to_lowercase().replace(':', "");
        if page.status != 200 || !text.replace(':', "").contains(&serial) {
            return Err(Broken(format!("the link answers {} and does not name the certificate", page.status)));
        }
    }
    let link = RenewalLink::over(Pages(&*world.ca), link.trim()).map_err(not_begun)?;
    let mut client = EstConnection::new(Pages(&*world.ca), world.stage.authority.anchors.clone())?;
    for _ in 0..2 {
        let plan = Plan::make(&told.trial.view()?, &world.stage.service.policy, SystemTime::now())?;
        let plan = link.plan(plan).map_err(not_begun)?;
        let used = client.use_link(there(plan.notice.as_ref(), "link in the plan")?)?;
        want(used == LinkAnswer::Begun, format!("it was not begun: {used:?}"))?;
    }
    let other = ask(world, Method::Post, &path, "attempt=fedcba9876543210")?.status;
    want(other >= 400, format!("another client began it too: {other}"))?;
    Ok(format!("looked at twice, begun, and once more by the same client without its journal; by another one {other}"))
}

fn not_begun(error: LinkError) -> Broken {
    Broken(format!("it was not begun: {error}"))
}

/// The CA's server, for the holder's program.
struct Pages<'w>(&'w dyn Counter);

impl HttpExchange for Pages<'_> {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.0.ask(request).map_err(|Broken(problem)| CaError::Protocol(problem))
    }
}

fn ask(world: &World<'_>, method: Method, path: &str, body: &str) -> Result<HttpResponse, Broken> {
    let headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")];
    let headers = headers.into_iter().collect();
    world.ca.ask(&HttpRequest { method, path: path.to_owned(), headers, body: body.as_bytes().to_vec() })
}
