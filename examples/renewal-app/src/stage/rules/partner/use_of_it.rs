//! What is done with the certificate.

use obnova_card::{PasswordKind, PasswordStep, Pin, Secret};

use super::World;
use crate::{
    new_password::NewPassword,
    stage::{
        newcomer::PINS,
        rules::{Verdict, so, there},
    },
    tokens,
};

pub fn login(world: &mut World<'_>) -> Verdict {
    let holder = &world.story()?.holder;
    let certificate = holder.one()?;
    let seen = holder.who.log_in(certificate)?;
    so(
        seen == certificate.subject().to_string(),
        format!("the server let in {seen} by certificate and PIN, and the certificate is of {}", certificate.subject()),
    )
}

pub fn list(world: &mut World<'_>) -> Verdict {
    let step = there(world.report.steps.iter().find(|step| step.name == "list"), "figure")?;
    so(
        step.apdus > 0 && step.seconds < 5.0,
        format!("{:.3} s and {} commands for the whole content", step.seconds, step.apdus),
    )
}

/// Old, new, new again; typed differently, too easy to guess, or with a wrong old one, the old one stays.
pub fn pin_change(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let kind = PasswordKind::AuthenticationPin;
    let statuses = tokens::lock(&who.token).passwords()?;
    let status = *there(statuses.iter().find(|status| status.kind == kind), "authentication PIN")?;
    let change = |old: &str, new: &str, again: &str| {
        let (mut password, old) = (NewPassword::new(PasswordStep::Change(kind), status, []), Pin::new(old.into()));
        let taken = password.choose(&old, |wanted, _| wanted.take(Secret::from(new), &Secret::from(again)));
        taken.map_err(|broken| format!("{broken:?}"))?;
        let changed = password.set(tokens::lock(&who.token).as_mut(), &old);
        changed.map_err(|error| error.to_string())
    };
    let differs = change(PINS[0], "640281", "640282");
    let easy = ["666666", "234567", "abcxyz"].map(|easy| change(PINS[0], easy, easy));
    let wrong = change("000999", "640281", "640281");
    let right = change(PINS[0], "640281", "640281");
    let old = change(PINS[0], "917364", "917364");
    let new = change("640281", "917364", "917364");
    let refused = [&differs, &wrong, &old].into_iter().chain(&easy).all(Result::is_err);
    let easy: Vec<_> = easy.iter().map(said).collect();
    so(
        refused && right.is_ok() && new.is_ok(),
        format!(
            "typed differently: {}; easy to guess, or with letters: {}; with a wrong old one: {}; with the right one: {}; then with the old one: {}, with the new one: {}",
            said(&differs),
            easy.join(", "),
            said(&wrong),
            said(&right),
            said(&old),
            said(&new)
        ),
    )
}

fn said(outcome: &Result<(), String>) -> &str {
    outcome.as_ref().map_or_else(String::as_str, |()| "changed")
}
