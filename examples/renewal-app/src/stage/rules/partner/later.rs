//! What is done with the certificate, until its end.

use std::time::{Duration, SystemTime};

use obnova_card::{NewPasswords, PasswordKind, PasswordPolicy, Pin, Secret};
use obnova_client::{Login, LoginProof as _, MemoryJournal, Turn};
use obnova_renewal::{ParsedCertificate, Plan, Reason};

use super::World;
use crate::{
    stage::{
        Newcomer, newcomer,
        newcomer::PINS,
        rules::{Broken, Verdict, so, there, twins},
    },
    tokens,
};

/// Logs in with the certificate, and says whom the server saw.
pub fn log_in(who: &Newcomer<'_>, certificate: &ParsedCertificate) -> Result<String, Broken> {
    let card = who.view()?;
    let slot = there(card.slots.iter().find(|slot| slot.holds(certificate)), "certificate on the card")?;
    let key = there(slot.key.as_ref(), "key on the card")?;
    let login = Login { token: &who.token, slot: slot.id, key, certificate, pin: newcomer::pin() };
    Ok(who.stage.authority.login().login(&login)?)
}

pub fn login(world: &mut World<'_>) -> Verdict {
    let (who, certificate) = Newcomer::certified(world.stage)?;
    let seen = log_in(&who, &certificate)?;
    so(seen == certificate.subject().to_string(), format!("the server let in {seen}, with certificate and PIN"))
}

pub fn list(world: &mut World<'_>) -> Verdict {
    let step = there(world.report.steps.iter().find(|step| step.name == "list"), "figure")?;
    so(
        step.apdus > 0 && step.seconds < 5.0,
        format!("{:.3} s and {} commands for the whole content", step.seconds, step.apdus),
    )
}

pub fn registered(world: &mut World<'_>) -> Result<Option<String>, Broken> {
    twins::registered_at(world.stage)
}

/// Old, new, new again; typed differently the card is not even asked.
pub fn pin_change(world: &mut World<'_>) -> Verdict {
    let who = Newcomer::new(world.stage)?;
    let statuses = tokens::lock(&who.token).passwords()?;
    let before = who.count.counts().apdus;
    let mut new = NewPasswords::new(&statuses, PasswordPolicy::CAREFUL);
    let differ = new.take(Secret::from("640281"), &Secret::from("640282"));
    let sent = who.count.counts().apdus - before;
    let change = |old: &str| {
        let new = Secret::from("640281");
        tokens::lock(&who.token).change_password(PasswordKind::AuthenticationPin, &Pin::new(old.into()), &new)
    };
    let wrong = change("000999");
    change(PINS[0])?;
    let old = change(PINS[0]);
    so(
        differ.is_err() && sent == 0 && wrong.is_err() && old.is_err() && change("640281").is_ok(),
        "typed differently: not sent; with a wrong old one: refused; after it only the new one works",
    )
}

/// The valid certificate speaks for its holder: no one-time password, and a year more.
pub fn renewal(world: &mut World<'_>) -> Verdict {
    let (mut who, old) = Newcomer::certified(world.stage)?;
    let later = old.not_after() - Duration::from_secs(20 * 24 * 3600);
    let early = Plan::make(&who.view()?, &world.stage.service.policy, SystemTime::now());
    let early = early.is_err_and(|refused| refused.reasons.iter().any(|one| matches!(one, Reason::NotDue { .. })));
    let plan = Plan::make(&who.view()?, &world.stage.service.policy, later)?;
    who.journal = MemoryJournal::default();
    who.asked.clear();
    // The client's part with the card, up to the order; the CA looks at it on a day when it is due.
    who.with_runner(None, Some(plan), |runner| {
        while runner.process().stage() != obnova_renewal::Stage::Send {
            runner.step()?;
        }
        Ok(())
    })?;
    let typed = who.asked.iter().filter(|asked| matches!(asked, newcomer::Asked::Credential(_))).count();
    let order = sealed(&who)?;
    let answer = world.stage.house().ca().answer(&order, None, later)?;
    so(
        early && typed == 0 && answer.refused.is_none(),
        format!("not before it is due; then an order that the old key signed is taken, {typed} passwords typed"),
    )
}

pub fn expired_client(world: &mut World<'_>) -> Verdict {
    let (who, old) = Newcomer::certified(world.stage)?;
    let after = old.not_after() + Duration::from_secs(3600);
    match Plan::make(&who.view()?, &world.stage.service.policy, after) {
        Err(refused) if refused.reasons.iter().any(|one| matches!(one, Reason::Expired { .. })) => {
            Ok(refused.to_string())
        }
        other => Err(Broken(format!("an hour after the end: {other:?}"))),
    }
}

/// An order that was made in time and is sent an hour too late.
pub fn expired_ca(world: &mut World<'_>) -> Verdict {
    let (mut who, old) = Newcomer::certified(world.stage)?;
    let plan = Plan::make(&who.view()?, &world.stage.service.policy, old.not_after() - Duration::from_secs(3600))?;
    who.journal = MemoryJournal::default();
    who.with_runner(None, Some(plan), |runner| {
        while runner.process().stage() != obnova_renewal::Stage::Send {
            runner.step()?;
        }
        Ok(())
    })?;
    let order = sealed(&who)?;
    let ca = world.stage.house().ca();
    let late = ca.answer(&order, None, old.not_after() + Duration::from_secs(3600))?.refused;
    let in_time = ca.answer(&order, None, old.not_after() - Duration::from_secs(3600))?.refused;
    so(
        late == Some("expired") && in_time.is_none(),
        format!("an hour after the end: {late:?}; the same order an hour before it is taken"),
    )
}

fn sealed(who: &Newcomer<'_>) -> Result<Vec<u8>, Broken> {
    let message = who.journal.0.iter().rev().find_map(|record| match &record.fact {
        obnova_renewal::Fact::Sealed(message) => Some(message.0.clone()),
        _ => None,
    });
    there(message, "order")
}

/// Whoever let it expire gets a new one-time password, and with it another certificate.
pub fn begins_again(world: &mut World<'_>) -> Verdict {
    let (mut who, old) = Newcomer::certified(world.stage)?;
    who.journal = MemoryJournal::default();
    let password = who.password(SystemTime::now())?;
    let turn = who.run(&password)?;
    let Turn::Waits(_) = turn else { return Err(Broken(format!("it was not accepted: {turn:?}"))) };
    world.stage.approve()?;
    match who.run(&password)? {
        Turn::Done(summary) => {
            let new = there(summary.certificates.authentication, "certificate")?;
            so(new != old && new.subject() == old.subject(), "another password, another certificate in the same name")
        }
        turn => Err(Broken(format!("it was not finished: {turn:?}"))),
    }
}
