//! What a wrong password costs, and what brings a card back.

use obnova_card::{
    Activation, Dead, PasswordKind, PasswordState, PasswordStep, PasswordSteps, Pin, ProfileToken, Secret, Token as _,
    TokenError, Tries,
};
use obnova_client::{Prompt, RunError, SharedToken, with_password};
use obnova_renewal::CardView;

use super::{
    World,
    life::{raw, select, sign, tries_of},
};
use crate::{
    new_password::NewPassword,
    stage::{
        Arrived, Stage,
        arrived::{CHOSEN, Typist},
        rules::{Broken, Verdict, there, want},
    },
    tokens, view,
};

const NEW_PIN: &str = "640281";
const WRONG: &str = "000999";

/// An active card whose authentication PIN somebody has blocked.
pub fn blocked<'s>(world: &World<'s>) -> Result<Arrived<'s>, Broken> {
    with_blocked(world, PasswordKind::AuthenticationPin)
}

/// The same of either PIN.
fn with_blocked<'s>(world: &World<'s>, kind: PasswordKind) -> Result<Arrived<'s>, Broken> {
    let card = world.card()?.fork();
    card.activate()?;
    for _ in 0..20 {
        if tries_of(&card, kind)? == Some(0) {
            return Ok(card);
        }
        let wrong = Pin::with_last_try(WRONG.into());
        if tokens::lock(&card.token).change_password(kind, &wrong, &NEW_PIN.into()).is_ok() {
            return Err(Broken("a wrong PIN was taken".to_owned()));
        }
    }
    Err(Broken("the PIN is not blocked after 20 wrong ones".to_owned()))
}

fn unblock(card: &Arrived<'_>, kind: PasswordKind, puk: &str) -> Result<(), TokenError> {
    tokens::lock(&card.token).unblock_password(kind, &Pin::with_last_try(puk.into()), &NEW_PIN.into())
}

/// Blocked for good: the PUK too.
fn finished<'s>(world: &World<'s>) -> Result<Arrived<'s>, Broken> {
    let card = blocked(world)?;
    for _ in 0..20 {
        if tries_of(&card, PasswordKind::Puk)? == Some(0) {
            return Ok(card);
        }
        if unblock(&card, PasswordKind::AuthenticationPin, "00099900").is_ok() {
            return Err(Broken("a wrong PUK was taken".to_owned()));
        }
    }
    Err(Broken("the PUK is not blocked after 20 wrong ones".to_owned()))
}

/// What the client offers for a card.
pub fn offers(card: &CardView) -> PasswordSteps {
    PasswordSteps::of(&card.capabilities, &card.passwords)
}

fn steps(world: &World<'_>, card: &Arrived<'_>) -> Result<PasswordSteps, Broken> {
    Ok((world.client.offers)(&card.view()?))
}

/// Of either PIN.
pub fn puk_sets_pin(world: &mut World<'_>) -> Verdict {
    for (place, kind) in [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin].into_iter().enumerate() {
        let card = with_blocked(world, kind)?;
        let right_pin = works(&card, place, CHOSEN[place]);
        let offered = steps(world, &card)?.offer(PasswordStep::Unblock(kind)).is_some();
        let same = choose_by_puk(&card, kind, CHOSEN[2]);
        choose_by_puk(&card, kind, NEW_PIN).map_err(Broken)?;
        want(same.is_err(), format!("the PUK itself was taken as the new {kind}"))?;
        want(right_pin.is_err(), format!("the {kind} is blocked, and was taken"))?;
        want(offered, "the PUK was not offered")?;
        works(&card, place, NEW_PIN).map_err(|error| Broken(format!("the {kind} that the PUK set: {error}")))?;
    }
    Ok("of either PIN: blocked, the right one was refused; the PUK was offered and set another one, which works; itself it was not taken for one"
        .to_owned())
}

/// Chooses another PIN as the client does, and has the PUK set it.
fn choose_by_puk(card: &Arrived<'_>, kind: PasswordKind, chosen: &str) -> Result<(), String> {
    let mut token = tokens::lock(&card.token);
    let statuses = token.passwords().map_err(|error| error.to_string())?;
    let status = statuses.into_iter().find(|status| status.kind == kind).ok_or("there is no such PIN")?;
    let (mut new, puk) = (NewPassword::new(PasswordStep::Unblock(kind), status, []), Pin::new(CHOSEN[2].into()));
    let taken = new.choose(&puk, |wanted, _| wanted.take(chosen.into(), &chosen.into()));
    taken.map_err(|broken| broken.to_string())?;
    new.set(token.as_mut(), &puk).map_err(|error| error.to_string())
}

/// Signs with the key that a PIN guards; where the service has none, the PIN is changed.
fn works(card: &Arrived<'_>, place: usize, pin: &str) -> Result<(), TokenError> {
    if card.places().any(|one| one == place) {
        return sign(card, place, pin);
    }
    let kind = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin][place];
    tokens::lock(&card.token).change_password(kind, &Pin::new(pin.into()), &"193758".into())
}

/// It is said, and nothing that cannot work is offered.
pub fn puk_blocked_client(world: &mut World<'_>) -> Verdict {
    let card = finished(world)?;
    let steps = steps(world, &card)?;
    let said: Vec<_> = steps.dead.iter().map(|dead| view::dead(*dead)).collect();
    let pin = Dead::Pin(PasswordKind::AuthenticationPin);
    let offered: Vec<_> = steps.offers.iter().map(|offer| offer.step).collect();
    want(steps.dead.contains(&Dead::Puk) && steps.dead.contains(&pin), format!("it is not said: {said:?}"))?;
    want(offered == [PasswordStep::Change(PasswordKind::SignaturePin)], format!("offered all the same: {offered:?}"))?;
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

/// Sets another password as the client does, by this one: by the PUK another authentication PIN, by any other the next of its kind.
pub fn set(token: &SharedToken, prompt: &mut dyn Prompt, by: PasswordKind, new: &Secret) -> Result<(), RunError> {
    with_password(token, prompt, by, &[], |token, typed| match by {
        PasswordKind::Puk => token.unblock_password(PasswordKind::AuthenticationPin, typed, new),
        kind => token.change_password(kind, typed, new),
    })
}

/// The right one and a wrong one.
const fn typed(kind: PasswordKind) -> (&'static str, &'static str) {
    match kind {
        PasswordKind::SignaturePin => (CHOSEN[1], WRONG),
        PasswordKind::Puk => (CHOSEN[2], "00099900"),
        _ => (CHOSEN[0], WRONG),
    }
}

/// Tries that are left, as the card itself has them.
fn left(card: &Arrived<'_>, kind: PasswordKind) -> Result<u8, Broken> {
    let statuses = ProfileToken::new(card.card.clone()).passwords()?;
    match statuses.iter().find(|status| status.kind == kind).map(|status| status.state) {
        Some(PasswordState::Active(Tries::Known(left))) => Ok(left),
        state => Err(Broken(format!("the {kind} is no password that has tries: {state:?}"))),
    }
}

/// Of the authentication PIN; and of the transport PIN, of which there may be one.
pub fn tries_shown(world: &mut World<'_>) -> Verdict {
    let seen = shown(world, PasswordKind::AuthenticationPin)?;
    let card = world.card()?.fork();
    let had = transport_tries(&card)?;
    let (right, wrong) = transport_pins(world.stage);
    let types: &[_] = if had > 1 { &[wrong, right] } else { &[right] };
    let transport: Vec<_> = card.activate_typing(types)?.asked.iter().map(|request| request.tries).collect();
    let expected = [Tries::Known(had), Tries::Known(had.saturating_sub(1))];
    want(
        transport == expected[..types.len()],
        format!("shown of the transport PIN before each attempt: {transport:?}, and it had {had}"),
    )?;
    Ok(format!("{seen}; of the transport PIN {transport:?}"))
}

/// The right one and a wrong one that a holder gets beside the card.
fn transport_pins(stage: &Stage) -> (&'static str, &'static str) {
    let right = stage.transport_pin();
    (right, &"246802"[..right.len()])
}

/// Of the transport PIN, as the card itself has them.
fn transport_tries(card: &Arrived<'_>) -> Result<u8, Broken> {
    match ProfileToken::new(card.card.clone()).capabilities()?.activation {
        Some(Activation::TransportPin { tries: Tries::Known(left), .. }) => Ok(left),
        activation => Err(Broken(format!("it is no transport PIN with tries that it waits for: {activation:?}"))),
    }
}

pub fn tries_shown_signature_pin(world: &mut World<'_>) -> Verdict {
    shown(world, PasswordKind::SignaturePin)
}

pub fn tries_shown_puk(world: &mut World<'_>) -> Verdict {
    shown(world, PasswordKind::Puk)
}

/// Before each attempt the tries are shown as the card has them.
fn shown(world: &World<'_>, kind: PasswordKind) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    let had = left(&card, kind)?;
    let (right, wrong) = typed(kind);
    let mut typist = Typist::types([wrong, right]);
    (world.client.set)(&card.token, &mut typist, kind, &NEW_PIN.into())?;
    let shown: Vec<_> = typist.asked.iter().map(|request| request.tries).collect();
    let seen = format!("shown of the {kind} before each attempt: {shown:?}, and it had {had}");
    want(shown == [Tries::Known(had), Tries::Known(had.saturating_sub(1))], seen.clone())?;
    Ok(seen)
}

pub fn last_try(world: &mut World<'_>) -> Verdict {
    last_kept(world, PasswordKind::AuthenticationPin)
}

pub fn last_try_signature_pin(world: &mut World<'_>) -> Verdict {
    last_kept(world, PasswordKind::SignaturePin)
}

pub fn last_try_puk(world: &mut World<'_>) -> Verdict {
    last_kept(world, PasswordKind::Puk)
}

/// Of a card that is not active yet.
pub fn last_try_transport_pin(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    let left = || transport_tries(&card);
    left()?;
    let new = card.chosen()?;
    let act = |typist: &mut Typist| (world.client.activate)(&card.token, typist, &new);
    spent_after_yes(PasswordKind::TransportPin, transport_pins(world.stage), left, act)
}

fn last_kept(world: &World<'_>, kind: PasswordKind) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    let act = |typist: &mut Typist| (world.client.set)(&card.token, typist, kind, &NEW_PIN.into());
    spent_after_yes(kind, typed(kind), || left(&card, kind), act)
}

/// Wrong ones until one try is left; for that a yes is asked for, and without it the card keeps it.
fn spent_after_yes(
    kind: PasswordKind,
    (right, wrong): (&'static str, &'static str),
    left: impl Fn() -> Result<u8, Broken>,
    act: impl Fn(&mut Typist) -> Result<(), RunError>,
) -> Verdict {
    let had = left()?;
    let wrong = std::iter::repeat_n(wrong, usize::from(had.saturating_sub(1)));
    // Who was not told that it is the last one types it again, after the yes.
    let mut typist = Typist::types(wrong.chain([right; 2]));
    let kept = act(&mut typist);
    let Err(RunError::LastTryKept { password, was_wrong, .. }) = kept else {
        return Err(Broken(format!("nobody said yes, and it ended otherwise: {kept:?}")));
    };
    want(password == kind, format!("the last try of another password was kept: {password:?}"))?;
    // The holder typed a wrong one just before.
    let typed_wrong = had > 1;
    want(was_wrong == typed_wrong, format!("that the one before was wrong is said at the end: {was_wrong}"))?;
    let left = left()?;
    want(left == 1, format!("without a yes {left} tries of {had} are left"))?;
    typist.spends_last_try = true;
    act(&mut typist)?;
    // First by who has just typed a wrong one, if there was more than one try; then by who comes back.
    let told = format!("a yes was asked for: {:?}", typist.warned);
    want(typist.warned == [(kind, typed_wrong), (kind, false)], told)?;
    let wrong = if typed_wrong { "the wrong one before was called wrong; " } else { "" };
    Ok(format!("of {had} tries one was left without a yes; {wrong}with one it was spent, and was right"))
}
