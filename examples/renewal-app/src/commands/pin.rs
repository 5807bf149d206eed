use obnova_card::{
    Activation, Dead, NewPasswords, PasswordKind, PasswordPolicy, PasswordState, PasswordStatus, PasswordStep,
    PasswordSteps, Pin, Secret, Token, TokenError,
};
use obnova_client::with_password;

use crate::{
    cli::{Global, Password, PinCommand, PinOptions},
    failure::{Failure, Kind},
    holder::{Face, Holder},
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
            let change = |token: &mut dyn Token, old: &Pin, new: &Secret| token.change_password(kind, old, new);
            set(global, pins, PasswordStep::Change(kind), kind, change, t!("pin-changed", name = view::password(kind)))
        }
        PinCommand::Unblock { unblocked, passwords, spend_last_try } => {
            // The PUK allows it, and no PIN.
            let no_pins = PinOptions { spend_last_try, ..PinOptions::default() };
            let (kind, pins) = (kind(unblocked.into()), Pins::read_for_new(&no_pins, &passwords)?);
            let unblock = |token: &mut dyn Token, puk: &Pin, new: &Secret| token.unblock_password(kind, puk, new);
            set(
                global,
                pins,
                PasswordStep::Unblock(kind),
                kind,
                unblock,
                t!("pin-unblocked", name = view::password(kind)),
            )
        }
    }
}

/// Sets a new password: first the one that allows it is asked for, then the new one, twice. Nothing is asked for that cannot
/// help.
fn set(
    global: &Global,
    pins: Pins,
    step: PasswordStep,
    kind: PasswordKind,
    act: impl Fn(&mut dyn Token, &Pin, &Secret) -> Result<(), TokenError>,
    done: String,
) -> Result<(), Failure> {
    let token = tokens::open_shared(global)?;
    let (activation, passwords) = {
        let mut token = tokens::lock(&token);
        (token.capabilities()?.activation, token.passwords()?)
    };
    let steps = PasswordSteps::of(activation, &passwords);
    let allowed_by = steps.offer(step).and_then(|offer| offer.takes).map(|(password, _)| password);
    let status = passwords.iter().find(|status| status.kind == kind);
    let (Some(allowed_by), Some(status)) = (allowed_by, status) else {
        return Err(cannot(step, activation, &steps, &passwords));
    };
    let mut wanted = NewPasswords::new(std::slice::from_ref(status), PasswordPolicy::NONE);
    let (minimum, maximum) = (status.minimum, status.maximum);
    let question = t!("pin-new", name = view::password(kind), length = view::length(minimum, maximum));
    let given = pins.given(Asked::NewPassword);
    let face = Face::new();
    let mut holder = Holder::new(&face, pins);
    let mut failed = None;
    let mut new = None;
    let outcome = with_password(&token, &mut holder, allowed_by, &[], |token, old| {
        if old.at_pad {
            // The new one is entered there too, twice.
            return act(token, old, &Secret::new(Vec::new()));
        }
        if wanted.wanted().is_some() {
            match Pins::take_new(Asked::NewPassword, given.clone(), &mut wanted, &question) {
                Ok(()) => new = std::mem::replace(&mut wanted, NewPasswords::new(&[], PasswordPolicy::NONE)).finish(),
                Err(failure) => failed = Some(failure),
            }
        }
        match new.iter().flatten().next() {
            Some((_, new)) => act(token, old, new),
            // Nothing was sent; the reason is told below.
            None => Err(TokenError::SecretForm { password: kind, minimum, maximum }),
        }
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    holder.outcome(outcome)?;
    face.borrow_mut().screen.mark(Mark::Good, &done);
    Ok(())
}

/// Why a step is not offered.
fn cannot(
    step: PasswordStep,
    activation: Option<Activation>,
    steps: &PasswordSteps,
    passwords: &[PasswordStatus],
) -> Failure {
    match activation {
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
