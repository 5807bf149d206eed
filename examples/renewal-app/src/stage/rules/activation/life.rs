//! From the hand-over to a card in use.

use obnova_card::{
    Activation, KeyRole, NewPasswords, PasswordKind, PasswordPolicy, PasswordState, PasswordStep, PasswordSteps, Pin,
    Secret, SignDigest, TokenError,
};
use obnova_simulator::{Fault, FaultPlan, SimulatorConnection};

use super::World;
use crate::{
    stage::{
        Arrived,
        arrived::{CHOSEN, TRANSPORT_PIN},
        rules::{Broken, Verdict, so, there},
    },
    tokens,
};

/// Both certificates beside their keys, a transport PIN, and nothing else that could be typed.
pub fn arrived(world: &mut World<'_>) -> Verdict {
    let card = world.arrived.view()?;
    let certificates = world.arrived.certificates.iter();
    let shown = certificates.filter(|(_, one)| card.slots.iter().any(|slot| slot.key.is_some() && slot.holds(one)));
    let shown = shown.count();
    let secret = matches!(card.capabilities.activation, Some(Activation::TransportPin { .. }));
    let set = card
        .passwords
        .iter()
        .filter(|status| status.kind != PasswordKind::TransportPin && matches!(status.state, PasswordState::Active(_)));
    let set = set.count();
    so(
        shown == 2 && secret && set == 0,
        format!("{shown} keys with certificates; a transport PIN, and {set} of PINs and PUK"),
    )
}

/// The driver sends nothing that could use a key, whatever is typed.
pub fn unused_client(world: &mut World<'_>) -> Verdict {
    let mut refused = 0;
    for (slot, password) in [(0, TRANSPORT_PIN), (0, CHOSEN[0]), (1, TRANSPORT_PIN), (1, CHOSEN[1])] {
        match sign(&world.arrived, slot, password) {
            Err(TokenError::NotActive) => refused += 1,
            other => return Err(Broken(format!("the driver says {other:?}"))),
        }
    }
    let tries = tries_of(&world.arrived, PasswordKind::TransportPin)?;
    so(tries == Some(3), format!("refused by name {refused} times of {refused}, and no try was spent"))
}

/// Whoever leaves the driver out gets no signature either; on an active card the same commands make some.
pub fn unused_card(world: &mut World<'_>) -> Verdict {
    let card = world.arrived.fork();
    let mut made = 0;
    for password in [TRANSPORT_PIN, CHOSEN[0], CHOSEN[1]] {
        made += raw_signatures(&card.card, password);
    }
    let active = world.arrived.fork();
    active.activate()?;
    let control = raw_signatures(&active.card, CHOSEN[0]);
    so(
        made == 0 && control > 0,
        format!("{made} signatures by raw commands; {control} by the same ones on an active card"),
    )
}

/// What breaks a rule is told before the card is sent anything.
pub fn checked_first(world: &mut World<'_>) -> Verdict {
    let statuses = tokens::lock(&world.arrived.token).passwords()?;
    let before = world.arrived.count.counts().apdus;
    let mut refused = Vec::new();
    for (first, second) in [("1", "1"), ("123456", "123456"), ("abcdef", "abcdef"), (CHOSEN[0], "482916")] {
        let mut new = NewPasswords::new(&statuses, PasswordPolicy::CAREFUL);
        match new.take(Secret::from(first), &Secret::from(second)) {
            Err(why) => refused.push(why.to_string()),
            Ok(()) => return Err(Broken(format!("{first:?} and {second:?} were taken"))),
        }
    }
    let sent = world.arrived.count.counts().apdus - before;
    so(sent == 0, format!("{} ways to be wrong, {sent} commands: {}", refused.len(), refused.join("; ")))
}

/// In one sequence; then both keys work with the holder's own PINs.
pub fn activated(world: &mut World<'_>) -> Verdict {
    let card = world.arrived.fork();
    let typist = card.activate()?;
    let asked: Vec<_> = typist.asked.iter().map(|request| request.password).collect();
    let active = card.view()?.capabilities.activation.is_none();
    let (login, text) = (sign(&card, 0, CHOSEN[0]), sign(&card, 1, CHOSEN[1]));
    so(
        asked == [PasswordKind::TransportPin] && active && login.is_ok() && text.is_ok(),
        format!("asked for {asked:?} once; active; both keys sign with the new PINs"),
    )
}

/// Torn at every command: the same again brings the card to life.
pub fn torn(world: &mut World<'_>) -> Verdict {
    let mut torn = 0;
    for at in 1.. {
        let card = world.arrived.fork();
        let new = card.chosen()?;
        card.card.with_card(|card| card.set_faults(FaultPlan::new().at(at, Fault::TearInside)));
        let mut typist = crate::stage::arrived::Typist::types([TRANSPORT_PIN; 2]);
        let first = obnova_client::activate(&card.token, &mut typist, &new);
        let met = card.card.with_card(|card| card.faults().waiting() == 0);
        if !met {
            first?;
            break;
        }
        torn += 1;
        card.card.with_card(|card| card.set_faults(FaultPlan::new()));
        if card.view()?.capabilities.activation.is_some() {
            let mut typist = crate::stage::arrived::Typist::types([TRANSPORT_PIN; 2]);
            obnova_client::activate(&card.token, &mut typist, &new)?;
        }
        sign(&card, 0, CHOSEN[0]).map_err(|error| Broken(format!("torn at command {at}: {error}")))?;
    }
    so(torn > 5, format!("torn at each of {torn} commands; the same once more brought the card to life"))
}

/// Nothing that takes the transport PIN is offered any more.
pub fn transport_pin_dead_client(world: &mut World<'_>) -> Verdict {
    let card = world.arrived.fork();
    card.activate()?;
    let view = card.view()?;
    let steps = PasswordSteps::of(view.capabilities.activation, &view.passwords);
    let again = tokens::lock(&card.token).activate(&Pin::new(TRANSPORT_PIN.into()), &card_passwords());
    so(
        steps.offer(PasswordStep::Activate).is_none() && again.is_err(),
        format!("not offered; asked all the same: {}", again.err().map(|error| error.to_string()).unwrap_or_default()),
    )
}

/// Nor does the card take it, as whatever password, from whoever leaves the driver out.
pub fn transport_pin_dead_card(world: &mut World<'_>) -> Verdict {
    let card = world.arrived.fork();
    card.activate()?;
    let mut taken = Vec::new();
    for reference in 1..=4 {
        let right = raw(&card.card, &[select(), verify(reference, TRANSPORT_PIN)]);
        if right.last().is_some_and(|status| *status == 0x9000) {
            taken.push(reference);
        }
    }
    let own = raw(&card.card, &[select(), verify(1, CHOSEN[0])]);
    so(
        taken.is_empty() && own.last() == Some(&0x9000),
        "taken as none of four passwords; the holder's own PIN is taken",
    )
}

fn card_passwords() -> Vec<(PasswordKind, Secret)> {
    let kinds = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk];
    kinds.into_iter().zip(CHOSEN).map(|(kind, value)| (kind, value.into())).collect()
}

/// Signs with the key that comes first, or second.
pub fn sign(card: &Arrived<'_>, place: usize, password: &str) -> Result<(), TokenError> {
    let mut token = tokens::lock(&card.token);
    let role = if place == 0 { KeyRole::Authentication } else { KeyRole::Signature };
    let slots = token.slots()?;
    let key = slots.iter().find_map(|slot| Some((slot.id, slot.key.as_ref().filter(|key| key.role == role)?)));
    let Some((slot, key)) = key else { return Err(TokenError::NotActive) };
    let algorithm = key
        .signs
        .first()
        .copied()
        .unwrap_or(obnova_algorithm::SignatureAlgorithm::Ecdsa(obnova_algorithm::Digest::Sha256));
    let job = SignDigest { slot, algorithm, digest: algorithm.digest().of(b"a text") };
    token.sign(&[job], &Pin::new(password.into())).map(drop)
}

/// Tries of a password, as the card tells them.
pub fn tries_of(card: &Arrived<'_>, kind: PasswordKind) -> Result<Option<u32>, Broken> {
    let statuses = tokens::lock(&card.token).passwords()?;
    let status = there(statuses.into_iter().find(|status| status.kind == kind), "such password")?;
    Ok(match status.state {
        PasswordState::Active(obnova_card::Tries::Known(left)) => Some(u32::from(left)),
        PasswordState::Blocked => Some(0),
        _ => None,
    })
}

fn select() -> Vec<u8> {
    vec![0x00, 0xa4, 0x04, 0x00, 0x08, 0xf0, 0x6f, 0x62, 0x6e, 0x6f, 0x76, 0x61, 0x01]
}

fn verify(reference: u8, value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap_or(0);
    [&[0x00, 0x20, 0x00, reference, length], value.as_bytes()].concat()
}

/// Status words of commands in one conversation.
pub fn raw(card: &SimulatorConnection, commands: &[Vec<u8>]) -> Vec<u16> {
    card.with_card(|card| {
        card.reset();
        let status =
            |command: &Vec<u8>| card.process(command).ok()?.last_chunk().map(|status| u16::from_be_bytes(*status));
        let statuses = commands.iter().filter_map(status).collect();
        card.reset();
        statuses
    })
}

/// Signatures that raw commands make with either key, after this password was tried as each that guards one.
fn raw_signatures(card: &SimulatorConnection, password: &str) -> usize {
    let mut made = 0;
    for (reference, key) in [(1, 1), (2, 2), (1, 2), (2, 1)] {
        let set = vec![0x00, 0x22, 0x41, 0xb6, 0x06, 0x80, 0x01, 0x61, 0x84, 0x01, key];
        let sign = [&[0x00, 0x2a, 0x9e, 0x9a, 0x20], [7; 32].as_slice(), &[0]].concat();
        let statuses = raw(card, &[select(), verify(reference, password), set, sign]);
        made += usize::from(statuses.last().is_some_and(|status| *status == 0x9000 || status >> 8 == 0x61));
    }
    made
}
