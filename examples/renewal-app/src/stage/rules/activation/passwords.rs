//! What a wrong password costs, and what brings a card back.

use obnova_card::{Dead, PasswordKind, PasswordStep, PasswordSteps, Pin, Secret, TokenError, Tries};
use obnova_client::{Prompt, RunError, SharedToken, with_password};
use obnova_profile::TransportPinModel;

use super::{
    World,
    life::{raw, select, sign, tries_of},
};
use crate::{
    stage::{
        Arrived,
        arrived::{CHOSEN, Typist},
        rules::{Broken, Verdict, there, want},
    },
    tokens, view,
};

const NEW_PIN: &str = "640281";
const WRONG: &str = "000999";

/// An active card whose authentication PIN somebody has blocked.
pub fn blocked<'s>(world: &World<'s>) -> Result<Arrived<'s>, Broken> {
    let card = world.card()?.fork();
    card.activate()?;
    for _ in 0..20 {
        if tries_of(&card, PasswordKind::AuthenticationPin)? == Some(0) {
            return Ok(card);
        }
        let wrong = tokens::lock(&card.token).change_password(
            PasswordKind::AuthenticationPin,
            &Pin::with_last_try(WRONG.into()),
            &NEW_PIN.into(),
        );
        if wrong.is_ok() {
            return Err(Broken("a wrong PIN was taken".to_owned()));
        }
    }
    Err(Broken("the PIN is not blocked after 20 wrong ones".to_owned()))
}

fn unblock(card: &Arrived<'_>, puk: &str) -> Result<(), TokenError> {
    let (kind, puk) = (PasswordKind::AuthenticationPin, Pin::with_last_try(puk.into()));
    tokens::lock(&card.token).unblock_password(kind, &puk, &NEW_PIN.into())
}

/// Blocked for good: the PUK too.
fn finished<'s>(world: &World<'s>) -> Result<Arrived<'s>, Broken> {
    let card = blocked(world)?;
    for _ in 0..20 {
        if tries_of(&card, PasswordKind::Puk)? == Some(0) {
            return Ok(card);
        }
        if unblock(&card, "00099900").is_ok() {
            return Err(Broken("a wrong PUK was taken".to_owned()));
        }
    }
    Err(Broken("the PUK is not blocked after 20 wrong ones".to_owned()))
}

fn steps(card: &Arrived<'_>) -> Result<PasswordSteps, Broken> {
    let seen = card.view()?;
    Ok(PasswordSteps::of(seen.capabilities.activation, &seen.passwords))
}

pub fn puk_sets_pin(world: &mut World<'_>) -> Verdict {
    let card = blocked(world)?;
    let right_pin = sign(&card, 0, CHOSEN[0]);
    let offered = steps(&card)?.offer(PasswordStep::Unblock(PasswordKind::AuthenticationPin)).is_some();
    unblock(&card, CHOSEN[2])?;
    want(right_pin.is_err(), "a PIN that is blocked was taken")?;
    want(offered, "the PUK was not offered")?;
    sign(&card, 0, NEW_PIN).map_err(|error| Broken(format!("the PIN that the PUK set: {error}")))?;
    Ok("blocked, the right PIN was refused; the PUK was offered and set another one, which works".to_owned())
}

/// It is said, and nothing that cannot work is offered.
pub fn puk_blocked_client(world: &mut World<'_>) -> Verdict {
    let card = finished(world)?;
    let steps = steps(&card)?;
    let said: Vec<_> = steps.dead.iter().map(|dead| view::dead(*dead)).collect();
    let pin = Dead::Pin(PasswordKind::AuthenticationPin);
    let offered = steps.offer(PasswordStep::Unblock(PasswordKind::AuthenticationPin)).is_some();
    want(steps.dead.contains(&Dead::Puk) && steps.dead.contains(&pin), format!("it is not said: {said:?}"))?;
    want(!offered, "the PUK is offered all the same")?;
    Ok(said.join(" "))
}

/// Whoever leaves the driver out and has the right PUK gets nothing from the card either.
pub fn puk_blocked_card(world: &mut World<'_>) -> Verdict {
    let card = finished(world)?;
    let statuses = raw(&card.card, &[select(), reset(CHOSEN[2])]);
    let status = there(statuses.last().copied(), "answer")?;
    want(status == 0x6983, format!("RESET RETRY COUNTER with the right PUK: {status:04X}"))?;
    let sound = blocked(world)?;
    let control = raw(&sound.card, &[select(), reset(CHOSEN[2])]).last().copied();
    want(control == Some(0x9000), format!("before the PUK was blocked it does not work either: {control:04X?}"))?;
    Ok(format!("RESET RETRY COUNTER with the right PUK: {status:04X}; before the PUK was blocked it works"))
}

/// RESET RETRY COUNTER: this PUK, and another authentication PIN.
pub fn reset(puk: &str) -> Vec<u8> {
    let values = [puk.as_bytes(), NEW_PIN.as_bytes()].concat();
    let length = u8::try_from(values.len()).unwrap_or(0);
    [&[0x00, 0x2c, 0x00, 0x01, length], values.as_slice()].concat()
}

/// Sets another authentication PIN as the client does.
pub fn change(token: &SharedToken, prompt: &mut dyn Prompt, new: &Secret) -> Result<(), RunError> {
    let kind = PasswordKind::AuthenticationPin;
    with_password(token, prompt, kind, &[], |token, pin| token.change_password(kind, pin, new))
}

/// Before each attempt the tries are shown as the card has them.
pub fn tries_shown(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    let mut typist = Typist::types([WRONG, CHOSEN[0]]);
    (world.change)(&card.token, &mut typist, &NEW_PIN.into())?;
    let shown: Vec<_> = typist.asked.iter().map(|request| request.tries).collect();
    want(shown == [Tries::Known(3), Tries::Known(2)], format!("shown of the PIN before each attempt: {shown:?}"))?;
    if world.stage.service.transport_pin == TransportPinModel::SingleUse {
        return Ok(format!("shown before each attempt: {shown:?}"));
    }
    let typed = world
        .card()?
        .fork()
        .activate_typing(&[&"246802"[..world.stage.transport_pin().len()], world.stage.transport_pin()])?;
    let transport: Vec<_> = typed.asked.iter().map(|request| request.tries).collect();
    want(transport == shown, format!("shown of the transport PIN before each attempt: {transport:?}"))?;
    Ok(format!("shown before each attempt: {shown:?}; of the transport PIN too"))
}

/// Two wrong ones; for the third a yes is asked for, and without it the card keeps it.
pub fn last_try(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    let mut typist = Typist::types([WRONG, WRONG, CHOSEN[0]]);
    let act = |typist: &mut Typist| (world.change)(&card.token, typist, &NEW_PIN.into());
    let kept = act(&mut typist);
    let left = tries_of(&card, PasswordKind::AuthenticationPin)?;
    let is_kept = matches!(kept, Err(RunError::LastTryKept { password: PasswordKind::AuthenticationPin }));
    want(is_kept, format!("nobody said yes, and it ended otherwise: {kept:?}"))?;
    want(left == Some(1), format!("without a yes these tries are left: {left:?}"))?;
    typist.spends_last_try = true;
    act(&mut typist)?;
    want(typist.warned.len() == 2, format!("a yes was asked for {} times", typist.warned.len()))?;
    Ok("without a yes one try was left; with one it was spent".to_owned())
}
