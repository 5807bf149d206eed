//! What the holder is told and asked.

use std::time::SystemTime;

use obnova_card::{PasswordKind, TokenError};
use obnova_client::{PinRequest, Turn};
use obnova_renewal::{CardView, Fact, Method, Phase, Plan, Reason, Stage as Reached};

use super::World;
use crate::{
    advice,
    authority::Authority,
    checks::{self, Check},
    failure::Failure,
    phrases,
    stage::{
        Event, Trial,
        rules::{Broken, Verdict, there, want},
        trial,
    },
};

/// The check stands before everything else, and found nothing wrong.
pub fn check_first(world: &mut World<'_>) -> Verdict {
    match world.witness.seen.first() {
        Some(Event::Check { lines, bad: 0 }) if *lines > 5 => Ok(format!("{lines} lines before anything else")),
        Some(Event::Check { lines, bad }) => Err(Broken(format!("{bad} of {lines} lines are bad"))),
        _ => Err(Broken("something else came before the check".to_owned())),
    }
}

/// Each way to be unfit gives a line that says what to do.
pub fn check_advice(world: &mut World<'_>) -> Verdict {
    let trial = Trial::new(world.stage)?;
    let sound = trial.view()?;
    let mut empty = sound.clone();
    empty.slots.iter_mut().for_each(|slot| slot.certificates.clear());
    let mut half = sound.clone();
    half.slots.iter_mut().skip(1).for_each(|slot| slot.certificates.clear());
    let mut blocked = sound.clone();
    for status in &mut blocked.passwords {
        if status.kind == PasswordKind::AuthenticationPin {
            status.state = obnova_card::PasswordState::Blocked;
        }
    }
    let mut full = sound.clone();
    let taken = full.slots.first().cloned();
    for slot in full.slots.iter_mut().filter(|slot| slot.is_empty()) {
        slot.key = taken.as_ref().and_then(|one| one.key.clone());
        slot.certificates = taken.as_ref().map(|one| one.certificates.clone()).unwrap_or_default();
    }
    let nowhere = Authority { url: "https://127.0.0.1:1".to_owned(), ..world.stage.authority.clone() };
    let mut lines = vec![
        ("no reader", vec![no_card(TokenError::Transport(obnova_transport::TransportError::NoReader))]),
        (
            "no card",
            vec![no_card(TokenError::Transport(obnova_transport::TransportError::NoCard { reader: "Reader".into() }))],
        ),
        ("no certificates", of(world, &empty)),
        ("one of two certificates", of(world, &half)),
        ("a blocked PIN", of(world, &blocked)),
        ("no CA", vec![checks::authority(&nowhere, &nowhere.terms())]),
    ];
    // The same key takes no room.
    if world.stage.service.told.holder.method == Method::ReKey {
        lines.push(("a full card", of(world, &full)));
    }
    for (what, lines) in &lines {
        let bad: Vec<_> = lines.iter().filter(|line| line.failure.is_some()).collect();
        if bad.is_empty() {
            return Err(Broken(format!("{what}: nothing is said")));
        }
        if let Some((line, lacks)) = bad.iter().find_map(|line| Some((line, advice::lacks(&line.text)?))) {
            return Err(Broken(format!("{what}: {:?}: {lacks}", line.text)));
        }
    }
    want(of(world, &sound).iter().all(|line| line.failure.is_none()), "a fit card is called unfit")?;
    Ok(format!("{} ways to be unfit, each with advice", lines.len()))
}

fn no_card(error: TokenError) -> Check {
    let failure = Failure::from(error);
    Check::bad(failure.kind(), failure.message().to_owned())
}

fn of(world: &World<'_>, card: &CardView) -> Vec<Check> {
    (world.client.check)(card, &world.client.policy, SystemTime::now())
}

/// One pair that can be meant is taken without a question; of two it is not guessed.
pub fn key_store(world: &mut World<'_>) -> Verdict {
    let questions = world.witness.seen.iter().filter(|event| matches!(event, Event::Plan)).count();
    let trial = Trial::new(world.stage)?;
    let other = Trial::new(world.stage)?.view()?;
    let mut card = trial.view()?;
    Plan::make(&card, &world.client.policy, SystemTime::now())?;
    let free = card.slots.iter_mut().filter(|slot| slot.is_empty());
    for (slot, taken) in free.zip(other.slots.iter().filter(|slot| !slot.is_empty())) {
        (slot.key, slot.certificates) = (taken.key.clone(), taken.certificates.clone());
    }
    match Plan::make(&card, &world.client.policy, SystemTime::now()) {
        Err(refused) if refused.reasons.iter().any(|one| matches!(one, Reason::SeveralPairs { pairs: 2 })) => {
            want(questions == 1, format!("{questions} questions were asked"))?;
            Ok("one question, about the plan as a whole; with two pairs on the card nothing is guessed".to_owned())
        }
        other => Err(Broken(format!("two pairs on the card: {other:?}"))),
    }
}

pub fn pin_new_keys(world: &mut World<'_>) -> Verdict {
    asked_for(world, Phase::NewKeys, |event| matches!(event, Event::Fact(Fact::KeyMade { .. })))
}

pub fn pin_requests(world: &mut World<'_>) -> Verdict {
    let seen = asked_for(world, Phase::Requests, |event| matches!(event, Event::Fact(Fact::Sealed(_))))?;
    let finished = world.witness.pins().filter(|(_, request)| {
        request.phase == Some(Phase::Finish) && request.password == PasswordKind::AuthenticationPin
    });
    let finished = finished.count();
    want(finished <= 1, format!("after the order it was asked for {finished} times"))?;
    Ok(format!("{seen}; to finish, when the certificates are there: {finished} time more"))
}

/// The authentication PIN was asked for once in this part, with its reason and uses, before what it is for was done.
fn asked_for(world: &World<'_>, phase: Phase, done: fn(&Event) -> bool) -> Verdict {
    let done = there(world.witness.first(done), "action that takes the PIN")?;
    let is_it = |request: &PinRequest| {
        request.phase == Some(phase) && request.password == PasswordKind::AuthenticationPin && !request.uses.is_empty()
    };
    let asked: Vec<_> = world.witness.pins().filter(|(_, request)| is_it(request)).collect();
    let others = [Phase::NewKeys, Phase::Requests].map(phrases::phase);
    match asked.as_slice() {
        [(at, request)] if *at < done && others[0] != others[1] => {
            let uses: Vec<_> = request.uses.iter().map(|one| phrases::pin_use(*one)).collect();
            Ok(format!("{}: {}", phrases::phase(phase), uses.join(", ")))
        }
        asked => Err(Broken(format!("{}: asked for {} times", phrases::phase(phase), asked.len()))),
    }
}

/// Of a step that failed on a holder whose PINs stand in no other text.
pub fn diagnosis(world: &mut World<'_>) -> Verdict {
    let mut trial = Trial::new(world.stage)?;
    trial.reach(Reached::Send, true)?;
    world.stage.revoke(&trial.old.authentication)?;
    let Turn::Failed(_) = trial.run()? else { return Err(Broken("nothing failed".to_owned())) };
    let process = trial.process()?;
    let text = (world.client.diagnosis)(&process);
    let serial = there(process.plan().old.authentication.as_ref(), "old certificate")?.certificate.serial();
    for needed in ["stage", "ended", "refused", &serial] {
        if !text.contains(needed) {
            return Err(Broken(format!("{needed:?} is not in the diagnosis")));
        }
    }
    let card = process.plan().card.clone();
    for secret in [trial::AUTHENTICATION_PIN, trial::SIGNATURE_PIN, "@holder.example", &card.serial, &card.label] {
        // The name on the card is in the certificate too, and may be told.
        if text.contains(secret) && !text.contains(&format!("CN={secret}")) {
            return Err(Broken(format!("{secret:?} is in the diagnosis")));
        }
    }
    Ok(format!("{} lines: stage, reason, certificates, and what was done; no PIN, no address", text.lines().count()))
}
