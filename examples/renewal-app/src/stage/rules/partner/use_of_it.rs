//! What is done with the certificate.

use obnova_card::{NewPasswords, PasswordKind, PasswordPolicy, Pin, Secret};

use super::World;
use crate::{
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

/// Old, new, new again; typed differently, or with a wrong old one, the old one stays.
pub fn pin_change(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let statuses = tokens::lock(&who.token).passwords()?;
    let change = |old: &str, new: &str, again: &str| {
        let mut wanted = NewPasswords::new(&statuses, PasswordPolicy::CAREFUL);
        wanted.take(Secret::from(new), &Secret::from(again)).map_err(|broken| format!("{broken:?}"))?;
        let changed = tokens::lock(&who.token).change_password(
            PasswordKind::AuthenticationPin,
            &Pin::new(old.into()),
            &Secret::from(new),
        );
        changed.map_err(|error| error.to_string())
    };
    let differs = change(PINS[0], "640281", "640282");
    let wrong = change("000999", "640281", "640281");
    let right = change(PINS[0], "640281", "640281");
    let old = change(PINS[0], "917364", "917364");
    let new = change("640281", "917364", "917364");
    let sound = differs.is_err() && wrong.is_err() && right.is_ok() && old.is_err() && new.is_ok();
    so(
        sound,
        format!(
            "typed differently: {}; with a wrong old one: {}; with the right one: {}; then with the old one: {}, with the new one: {}",
            said(&differs),
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
