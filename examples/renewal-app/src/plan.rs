//! A plan in words, before anything is done.

use obnova_card::KeyRole;
use obnova_renewal::{Ask, NewKey, Phase, PinUse, Plan};

use crate::{
    phrases,
    texts::t,
    ui::{Mark, Screen},
    view,
};

/// Prints what will be done, in order, then what is asked for and why. `plain` is the server that is asked by plain EST; `knows_user`
/// that an option said the user id.
pub fn show(screen: &mut Screen, plan: &Plan, plain: Option<&str>, knows_user: bool) {
    if let Some(risk) = plan.risk {
        screen.mark(Mark::Caution, &phrases::risk(risk));
    }
    for step in steps(plan, plain) {
        screen.mark(Mark::Item, &step);
    }
    let ask = |screen: &mut Screen, ask: &Ask| {
        screen.nested(&t!("plan-ask", name = view::password(ask.password), reason = phrases::phase(ask.phase)));
    };
    // As they are asked: an order is made ready when its keys have signed the requests.
    let (before, after): (Vec<_>, Vec<_>) = plan.asks.iter().partition(|ask| ask.phase != Phase::Finish);
    screen.detail(&t!("plan-asks"));
    before.into_iter().for_each(|one| ask(screen, one));
    if plan.is_first() {
        if !knows_user {
            screen.nested(&t!("plan-ask-user"));
        }
        screen.nested(&t!("plan-ask-one-time-password"));
        if plan.revocation_password.is_some() {
            screen.nested(&match plan.revocation_password_optional {
                true => t!("plan-ask-revocation-password-optional"),
                false => t!("plan-ask-revocation-password"),
            });
        }
    }
    after.into_iter().for_each(|one| ask(screen, one));
}

fn steps(plan: &Plan, plain: Option<&str>) -> Vec<String> {
    let mut steps: Vec<_> = plan.new.iter().map(|(role, new)| key(plan, role, new)).collect();
    let vouched = plan.has(PinUse::Vouch(KeyRole::Authentication)) || plan.has(PinUse::Vouch(KeyRole::Signature));
    let one = plan.new.len() == 1;
    steps.push(match (vouched, plan.is_first(), plain) {
        (_, true, Some(server)) => t!("plan-request-plain-first", server = server),
        (_, false, Some(server)) => t!("plan-request-plain", server = server),
        (true, ..) if one => t!("plan-request-one"),
        (true, ..) => t!("plan-request"),
        (false, true, _) => t!("plan-request-first"),
        (false, false, _) => t!("plan-request-alone"),
    });
    if plan.revocation_password_later {
        steps.push(t!("plan-password-later"));
    }
    if plan.confirm_certificates {
        steps.push(t!("plan-confirm"));
    }
    steps.push(match plan.is_first() {
        true => t!("plan-install-first"),
        false if one => t!("plan-install-one"),
        false => t!("plan-install"),
    });
    if plan.has(PinUse::Login) {
        steps.push(t!("plan-prove-login"));
    }
    if plan.has(PinUse::TestSignature) {
        steps.push(t!("plan-prove-signature"));
    }
    if plan.risk.is_none() && !plan.is_first() {
        steps.push(t!("plan-stays"));
    }
    steps
}

fn key(plan: &Plan, of: KeyRole, new: &NewKey) -> String {
    let (algorithm, role, slot) = (new.algorithm.to_string(), view::role(of), new.slot.to_string());
    let Some(old) = plan.old.get(of).map(|old| old.slot.to_string()) else {
        return match new.waiting {
            Some(_) => t!("plan-first-use-key", algorithm = algorithm, role = role, new = slot),
            None => t!("plan-first-key", algorithm = algorithm, role = role, new = slot),
        };
    };
    match plan.risk {
        None if plan.keeps_key() => t!("plan-keep-key", algorithm = algorithm, role = role, old = old),
        None if new.waiting.is_some() => {
            t!("plan-use-key", algorithm = algorithm, role = role, new = slot, old = old)
        }
        None => t!("plan-make-key", algorithm = algorithm, role = role, new = slot, old = old),
        Some(_) => t!("plan-replace-key", algorithm = algorithm, role = role, new = slot),
    }
}
