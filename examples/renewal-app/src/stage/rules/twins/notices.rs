//! The letters that go out before the end. A holder is told at times that are made up; what is mailed lies in the CA's folder.

use std::time::{Duration, SystemTime};

use obnova_enroll::est::{HttpRequest, HttpResponse, Method};

use super::World;
use crate::stage::{
    Stage, Trial,
    rules::{Broken, Verdict, so, there},
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
        let sent = carried(world.stage, &trial, ends - Duration::from_secs(hours * 3600))?;
        mails.extend(sent.into_iter().skip(mails.len()).map(|mail| (hours, mail)));
    }
    Ok(Told { trial, mails })
}

/// Sends what is due at this moment, and reads the holder's mails.
fn carried(stage: &Stage, trial: &Trial<'_>, now: SystemTime) -> Result<Vec<String>, Broken> {
    let house = stage.shared_house();
    house.notice_desk()?.send(house.ca(), now)?;
    Ok(stage.mails_to(&trial.email, now)?)
}

/// A mail came within the hours before this day and not before, and no other one than those that are expected.
fn once(world: &World<'_>, expected: Option<&u64>) -> Verdict {
    let day = *there(expected, "day on which a notice is expected")?;
    let told = told(world)?;
    let hours: Vec<_> = told.mails.iter().map(|(hours, _)| *hours).collect();
    let right = hours.contains(&(day * 24 - 1)) && hours.len() == world.stage.service.expects.notices.len();
    so(right, format!("mails {hours:?} hours before the end; asked an hour before and after each day that counts"))
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
    let all = told.mails.iter().all(|(_, mail)| head(mail));
    so(
        in_certificate && all && !told.mails.is_empty(),
        format!("{} mails to {email}, which is in the certificate", told.mails.len()),
    )
}

/// The link opens a page about these certificates as often as anybody looks; begins one renewal, and not another.
pub fn link(world: &mut World<'_>) -> Verdict {
    let told = told(world)?;
    let (_, mail) = there(told.mails.last(), "mail")?;
    let link = there(mail.lines().find(|line| line.contains("/renew/")), "link in the mail")?;
    let path = there(link.trim().rsplit('/').next(), "link in the mail")?;
    let path = format!("/renew/{path}");
    for _ in 0..2 {
        let page = ask(world.stage, Method::Get, &path, "")?;
        let text = String::from_utf8_lossy(&page.body).to_lowercase();
        let serial = told.trial.old.authentication.serial().to_lowercase().replace(':', "");
        if page.status != 200 || !text.replace(':', "").contains(&serial) {
            return Err(Broken(format!("the link answers {} and does not name the certificate", page.status)));
        }
    }
    let begun = |attempt: &str| ask(world.stage, Method::Post, &path, &format!("attempt={attempt}"));
    let first = begun("0123456789abcdef")?.status;
    let same = begun("0123456789abcdef")?.status;
    let other = begun("fedcba9876543210")?.status;
    so(
        (first, same) == (200, 200) && other >= 400,
        format!("looked at twice, begun with {first}, once more by the same client {same}, by another one {other}"),
    )
}

fn ask(stage: &Stage, method: Method, path: &str, body: &str) -> Result<HttpResponse, Broken> {
    let headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")];
    let headers = headers.into_iter().collect();
    Ok(stage.ask(&HttpRequest { method, path: path.to_owned(), headers, body: body.as_bytes().to_vec() })?)
}
