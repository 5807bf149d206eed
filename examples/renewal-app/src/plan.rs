//! A plan in words, before anything is done.

use obnova_card::KeyRole;
use obnova_renewal::{Pair, PinUse, Plan};

use crate::{
    phrases,
    texts::t,
    ui::{Mark, Screen},
    view,
};

/// Prints what will be done, in order, then which password is asked for and why.
pub fn show(screen: &mut Screen, plan: &Plan) {
    if let Some(risk) = plan.risk {
        screen.mark(Mark::Caution, &phrases::risk(risk));
    }
    for step in steps(plan) {
        screen.mark(Mark::Item, &step);
    }
    screen.detail(&t!("plan-asks"));
    for ask in &plan.asks {
        screen.nested(&t!("plan-ask", name = view::password(ask.password), reason = phrases::phase(ask.phase)));
    }
}

fn steps(plan: &Plan) -> Vec<String> {
    let mut steps: Vec<_> = Pair::ROLES.into_iter().map(|role| key(plan, role)).collect();
    let vouched = plan.has(PinUse::Vouch(KeyRole::Authentication)) || plan.has(PinUse::Vouch(KeyRole::Signature));
    steps.push(if vouched { t!("plan-request") } else { t!("plan-request-alone") });
    steps.push(t!("plan-install"));
    if plan.has(PinUse::Login) {
        steps.push(t!("plan-prove-login"));
    }
    if plan.has(PinUse::TestSignature) {
        steps.push(t!("plan-prove-signature"));
    }
    if plan.risk.is_none() {
        steps.push(t!("plan-stays"));
    }
    steps
}

fn key(plan: &Plan, role: KeyRole) -> String {
    let (old, new) = (plan.old.get(role), plan.new.get(role));
    let (algorithm, role) = (new.algorithm.to_string(), view::role(role));
    match plan.risk {
        None if new.waiting.is_some() => t!(
            "plan-use-key",
            algorithm = algorithm,
            role = role,
            new = new.slot.to_string(),
            old = old.slot.to_string()
        ),
        None => t!(
            "plan-make-key",
            algorithm = algorithm,
            role = role,
            new = new.slot.to_string(),
            old = old.slot.to_string()
        ),
        Some(_) => t!("plan-replace-key", algorithm = algorithm, role = role, new = new.slot.to_string()),
    }
}
