use obnova_card::{
    Activation, Capabilities, Dead, PasswordKind, PasswordState, PasswordStatus, PasswordStep, PasswordSteps,
    TokenError,
};
use obnova_client::with_password;

use crate::{
    cli::{Global, Password, PinCommand, PinOptions},
    failure::{Errand, Failure, Kind},
    holder::{Face, Holder},
    new_password::NewPassword,
    pins::{Asked, Pins},
    texts::t,
    tokens,
    ui::Mark,
    view,
};

/// `pin change` and `pin unblock`.
pub fn run(global: &Global, command: PinCommand) -> Result<(), Failure> {
    match command {
        PinCommand::Change { changed, pins, passwords } => {
            let (kind, pins) = (kind(changed), Pins::read_for_new(&pins, &passwords)?);
            set(global, pins, PasswordStep::Change(kind), kind, &t!("pin-changed", name = view::password(kind)))
        }
        PinCommand::Unblock { unblocked, passwords, spend_last_try } => {
            // The PUK allows it, and no PIN.
            let no_pins = PinOptions { spend_last_try, ..PinOptions::default() };
            let (kind, pins) = (kind(unblocked.into()), Pins::read_for_new(&no_pins, &passwords)?);
            set(global, pins, PasswordStep::Unblock(kind), kind, &t!("pin-unblocked", name = view::password(kind)))
        }
    }
}

/// Sets a new password: first the one that allows it is asked for, then the new one, twice. Nothing is asked for that cannot
/// help.
fn set(global: &Global, pins: Pins, step: PasswordStep, kind: PasswordKind, done: &str) -> Result<(), Failure> {
    let token = tokens::open_shared(global)?;
    let (capabilities, passwords) = {
        let mut token = tokens::lock(&token);
        (token.capabilities()?, token.passwords()?)
    };
    let steps = PasswordSteps::of(&capabilities, &passwords);
    let allowed_by = steps.offer(step).and_then(|offer| offer.takes).map(|(password, _)| password);
    let status = passwords.iter().find(|status| status.kind == kind);
    let (Some(allowed_by), Some(status)) = (allowed_by, status) else {
        return Err(cannot(step, &capabilities, &steps, &passwords));
    };
    // What options gave of the card's other passwords, too, though it is not sent.
    let others = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk]
        .into_iter()
        .filter_map(|kind| Some((kind, pins.given(kind.into())?)));
    let mut new = NewPassword::new(step, *status, others);
    let length = view::length(status.minimum, status.maximum);
    let question = t!("pin-new", name = view::password(kind), length = length);
    let given = pins.given(Asked::NewPassword);
    let face = Face::new(Errand::Other);
    face.borrow_mut().speaks_to(&token);
    let mut holder = Holder::new(&face, pins);
    let mut failed = None;
    let outcome = with_password(&token, &mut holder, allowed_by, &[], |token, by| {
        if !by.at_pad {
            let chosen = new.choose(by, |wanted, broken| {
                if let (Some(broken), None) = (broken, &given) {
                    Pins::once_more(broken);
                }
                Pins::take_new(Asked::NewPassword, given.clone(), wanted, &question)
            });
            failed = chosen.err();
        }
        // While none was chosen nothing is sent; the reason is told below.
        new.set(token, by)
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    holder.outcome(outcome)?;
    face.borrow_mut().screen.mark(Mark::Good, done);
    Ok(())
}

/// Why a step is not offered.
fn cannot(
    step: PasswordStep,
    capabilities: &Capabilities,
    steps: &PasswordSteps,
    passwords: &[PasswordStatus],
) -> Failure {
    match capabilities.activation {
        Some(Activation::Finished { password }) => return TokenError::Finished { password }.into(),
        Some(_) => return TokenError::NotActive.into(),
        None => {}
    }
    let (verb, kind) = match step {
        PasswordStep::Change(kind) => ("change", kind),
        PasswordStep::Unblock(kind) => ("unblock", kind),
        PasswordStep::Activate => return TokenError::NotActive.into(),
    };
    let is_blocked = |kind| passwords.iter().any(|one| one.kind == kind && one.state == PasswordState::Blocked);
    if steps.dead.contains(&Dead::Pin(kind)) {
        return Failure::new(Kind::Pin, view::dead(Dead::Pin(kind)));
    }
    let takes_puk = verb == "unblock" || kind == PasswordKind::Puk;
    if takes_puk && view::keeps_puk(capabilities, passwords) {
        return Failure::new(Kind::NotEligible, t!("error-puk-not-taken"));
    }
    if is_blocked(kind) {
        return TokenError::Blocked { password: kind }.into();
    }
    if verb == "unblock" && is_blocked(PasswordKind::Puk) {
        return TokenError::Blocked { password: PasswordKind::Puk }.into();
    }
    TokenError::Unsupported { what: format!("{verb} the {kind}") }.into()
}

const fn kind(which: Password) -> PasswordKind {
    match which {
        Password::Authentication => PasswordKind::AuthenticationPin,
        Password::Signature => PasswordKind::SignaturePin,
        Password::Puk => PasswordKind::Puk,
    }
}
