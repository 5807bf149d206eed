//! What a wrong password costs, and what brings a card back.

use obnova_card::{Dead, PasswordKind, PasswordStep, PasswordSteps, Pin, TokenError, Tries};
use obnova_client::{RunError, with_password};

use super::{
    World,
    life::{raw, sign, tries_of},
};
use crate::{
    stage::{
        Arrived,
        arrived::{CHOSEN, Typist},
        rules::{Broken, Verdict, so, there},
    },
    tokens, view,
};

const NEW_PIN: &str = "640281";
const WRONG: &str = "000999";

/// An active card whose authentication PIN somebody has blocked.
fn blocked<'s>(world: &World<'s>) -> Result<Arrived<'s>, Broken> {
    let card = world.arrived.fork();
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
    let new_pin = sign(&card, 0, NEW_PIN);
    so(
        right_pin.is_err() && offered && new_pin.is_ok(),
        "blocked, the right PIN was refused; the PUK was offered and set another one, which works",
    )
}

/// It is said, and nothing that cannot work is offered.
pub fn puk_blocked_client(world: &mut World<'_>) -> Verdict {
    let card = finished(world)?;
    let steps = steps(&card)?;
    let said: Vec<_> = steps.dead.iter().map(|dead| view::dead(*dead)).collect();
    let pin = Dead::Pin(PasswordKind::AuthenticationPin);
    let offered = steps.offer(PasswordStep::Unblock(PasswordKind::AuthenticationPin)).is_some();
    so(steps.dead.contains(&Dead::Puk) && steps.dead.contains(&pin) && !offered, said.join(" "))
}

/// Whoever leaves the driver out and has the right PUK gets nothing from the card either.
pub fn puk_blocked_card(world: &mut World<'_>) -> Verdict {
    let card = finished(world)?;
    let select = vec![0x00, 0xa4, 0x04, 0x00, 0x08, 0xf0, 0x6f, 0x62, 0x6e, 0x6f, 0x76, 0x61, 0x01];
    let values = [CHOSEN[2].as_bytes(), NEW_PIN.as_bytes()].concat();
    let length = u8::try_from(values.len()).unwrap_or(0);
    let reset = [&[0x00, 0x2c, 0x00, 0x01, length], values.as_slice()].concat();
    let statuses = raw(&card.card, &[select.clone(), reset.clone()]);
    let status = there(statuses.last().copied(), "answer")?;
    let sound = blocked(world)?;
    let control = raw(&sound.card, &[select, reset]).last().copied();
    so(
        status == 0x6983 && control == Some(0x9000),
        format!("RESET RETRY COUNTER with the right PUK: {status:04X}; before the PUK was blocked it works"),
    )
}

/// Before each attempt the tries are shown as the card has them.
pub fn tries_shown(world: &mut World<'_>) -> Verdict {
    let card = world.arrived.fork();
    card.activate()?;
    let mut typist = Typist::types([WRONG, CHOSEN[0]]);
    with_password(&card.token, &mut typist, PasswordKind::AuthenticationPin, &[], |token, pin| {
        token.change_password(PasswordKind::AuthenticationPin, pin, &NEW_PIN.into())
    })?;
    let shown: Vec<_> = typist.asked.iter().map(|request| request.tries).collect();
    so(shown == [Tries::Known(3), Tries::Known(2)], format!("shown before each attempt: {shown:?}"))
}

/// Two wrong ones; for the third a yes is asked for, and without it the card keeps it.
pub fn last_try(world: &mut World<'_>) -> Verdict {
    let card = world.arrived.fork();
    card.activate()?;
    let mut typist = Typist::types([WRONG, WRONG, CHOSEN[0]]);
    let act = |typist: &mut Typist| {
        with_password(&card.token, typist, PasswordKind::AuthenticationPin, &[], |token, pin| {
            token.change_password(PasswordKind::AuthenticationPin, pin, &NEW_PIN.into())
        })
    };
    let kept = act(&mut typist);
    let left = tries_of(&card, PasswordKind::AuthenticationPin)?;
    let is_kept = matches!(kept, Err(RunError::LastTryKept { password: PasswordKind::AuthenticationPin }));
    typist.spends_last_try = true;
    act(&mut typist)?;
    so(
        is_kept && left == Some(1) && typist.warned.len() == 2,
        format!("without a yes {} try was left; with one it was spent", left.unwrap_or_default()),
    )
}
