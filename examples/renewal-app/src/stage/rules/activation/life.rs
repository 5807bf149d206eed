//! From the hand-over to a card in use.

use obnova_card::{
    Activation, KeyRole, NewPasswords, PasswordKind, PasswordPolicy, PasswordState, PasswordStep, PasswordSteps, Pin,
    Secret, SignDigest, TokenError,
};
use obnova_client::RunError;
use obnova_profile::TransportPinModel;
use obnova_simulator::{Fault, FaultPlan, SimulatorConnection};

use super::World;
use crate::{
    stage::{
        Arrived,
        arrived::CHOSEN,
        rules::{Broken, Verdict, there, want},
    },
    tokens,
};

/// Both certificates beside their keys, a transport PIN, and nothing else that could be typed.
pub fn arrived(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.view()?;
    let certificates = world.card()?.certificates.iter();
    let shown = certificates.filter(|(_, one)| card.slots.iter().any(|slot| slot.key.is_some() && slot.holds(one)));
    let shown = shown.count();
    let once = world.stage.service.transport_pin == TransportPinModel::SingleUse;
    let waits =
        matches!(card.capabilities.activation, Some(Activation::TransportPin { single_use, .. }) if single_use == once);
    let set = card
        .passwords
        .iter()
        .filter(|status| status.kind != PasswordKind::TransportPin && matches!(status.state, PasswordState::Active(_)));
    let set = set.count();
    want(shown == 2, format!("{shown} of two keys are there with their certificates"))?;
    let activation = card.capabilities.activation;
    want(waits, format!("it is not a transport PIN of the service's kind that it waits for: {activation:?}"))?;
    want(set == 0, format!("{set} of PINs and PUK are set already"))?;
    Ok("both keys with their certificates; a transport PIN, and no PIN and no PUK".to_owned())
}

/// The driver sends nothing that could use a key, whatever is typed.
pub fn unused_client(world: &mut World<'_>) -> Verdict {
    let transport = world.stage.transport_pin();
    let before = tokens::lock(&world.card()?.token).passwords()?;
    let mut refused = 0;
    for (slot, password) in [(0, transport), (0, CHOSEN[0]), (1, transport), (1, CHOSEN[1])] {
        match sign(world.card()?, slot, password) {
            Err(TokenError::NotActive) => refused += 1,
            other => return Err(Broken(format!("the driver says {other:?}"))),
        }
    }
    let after = tokens::lock(&world.card()?.token).passwords()?;
    want(after == before, format!("the passwords stand otherwise than before: {after:?}"))?;
    Ok(format!("refused by name {refused} times of {refused}, and no try was spent"))
}

/// Whoever leaves the driver out gets no signature either; on an active card the same commands make some.
pub fn unused_card(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    let mut made = 0;
    for password in [world.stage.transport_pin(), CHOSEN[0], CHOSEN[1]] {
        made += raw_signatures(&card.card, password);
    }
    let active = world.card()?.fork();
    active.activate()?;
    let control = raw_signatures(&active.card, CHOSEN[0]);
    want(made == 0, format!("{made} signatures were made by raw commands"))?;
    want(control > 0, "the same raw commands sign nothing on an active card either")?;
    Ok(format!("no signature by raw commands; {control} by the same ones on an active card"))
}

/// What breaks a rule is told before the card is sent anything that could change it: by who collects the new passwords, and by the
/// driver for whoever did not.
pub fn checked_first(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    let statuses = tokens::lock(&card.token).passwords()?;
    let mut refused = Vec::new();
    for (first, second) in [("1", "1"), ("123456", "123456"), ("abcdef", "abcdef"), (CHOSEN[0], "482916")] {
        let mut new = NewPasswords::new(&statuses, PasswordPolicy::CAREFUL);
        match new.take(Secret::from(first), &Secret::from(second)) {
            Err(why) => refused.push(why.to_string()),
            Ok(()) => return Err(Broken(format!("{first:?} and {second:?} were taken"))),
        }
    }
    let transport = world.stage.transport_pin();
    let others = |bend: fn(&mut Vec<(PasswordKind, Secret)>)| {
        let mut new = card_passwords();
        bend(&mut new);
        new
    };
    let sets = [
        ("no PUK", others(|new| drop(new.pop()))),
        ("a short PIN", others(|new| new[0].1 = "1".into())),
        ("a long PUK", others(|new| new[2].1 = "9182736491827364918".into())),
        ("the same PIN twice", others(|new| new.push(new[0].clone()))),
    ];
    for (what, new) in &sets {
        let outcome = tokens::lock(&card.token).activate(&Pin::new(transport.into()), new);
        want(outcome.is_err(), format!("{what}: the driver took it"))?;
    }
    let sent = card.heard.changing();
    want(sent == 0, format!("{sent} commands went to the card that could change it"))?;
    let asked = card.heard.all();
    want(asked > 0, "the driver did not even look at the card")?;
    let driver = sets.map(|(what, _)| what).join(", ");
    Ok(format!("{}; by the driver: {driver}; of {asked} commands none could change the card", refused.join("; ")))
}

/// In one sequence; then both keys work with the holder's own PINs.
pub fn activated(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    let typist = card.activate()?;
    let asked: Vec<_> = typist.asked.iter().map(|request| request.password).collect();
    want(asked == [PasswordKind::TransportPin], format!("asked for {asked:?}"))?;
    let once = world.stage.service.transport_pin == TransportPinModel::SingleUse;
    let warned = typist.warned.len();
    want(warned == usize::from(once), format!("a yes to the last try was asked for {warned} times"))?;
    want(card.view()?.capabilities.activation.is_none(), "the card is not active")?;
    for (place, what) in [(0, "authentication"), (1, "signature")] {
        sign(&card, place, CHOSEN[place])
            .map_err(|error| Broken(format!("the {what} key and its new PIN: {error}")))?;
    }
    Ok("asked for the transport PIN once; active; both keys sign with the new PINs".to_owned())
}

/// Torn at every command: the same again brings the card to life. Where the transport PIN is used up by being sent, a card that was torn
/// then may be at its end instead, and says so by name.
pub fn torn(world: &mut World<'_>) -> Verdict {
    let transport = world.stage.transport_pin();
    let single_use = world.stage.service.transport_pin == TransportPinModel::SingleUse;
    let (mut torn, mut finished) = (0, 0);
    for at in 1.. {
        let card = world.card()?.fork();
        let new = card.chosen()?;
        card.card.with_card(|card| card.set_faults(FaultPlan::new().at(at, Fault::TearInside)));
        let first = obnova_client::activate(&card.token, &mut world.stage.typist(&[transport; 2]), &new);
        let met = card.card.with_card(|card| card.faults().waiting() == 0);
        if !met {
            first?;
            break;
        }
        torn += 1;
        card.card.with_card(|card| card.set_faults(FaultPlan::new()));
        if card.view()?.capabilities.activation.is_some() {
            match obnova_client::activate(&card.token, &mut world.stage.typist(&[transport; 2]), &new) {
                Err(RunError::Token(TokenError::Finished { .. })) if single_use => {
                    finished += 1;
                    continue;
                }
                outcome => outcome.map_err(|error| Broken(format!("torn at command {at}, then again: {error}")))?,
            }
        }
        sign(&card, 0, CHOSEN[0]).map_err(|error| Broken(format!("torn at command {at}: {error}")))?;
    }
    want(torn > 5, format!("{torn} commands only were there to tear"))?;
    want(finished < torn / 2, format!("{finished} of {torn} cards were finished"))?;
    let finished = if single_use { format!("; {finished} cards said that they are finished") } else { String::new() };
    Ok(format!("torn at each of {torn} commands; the same once more brought the card to life{finished}"))
}

/// Nothing that takes the transport PIN is offered any more.
pub fn transport_pin_dead_client(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    let view = card.view()?;
    let steps = PasswordSteps::of(view.capabilities.activation, &view.passwords);
    want(steps.offer(PasswordStep::Activate).is_none(), "activation is offered once more")?;
    let transport = Pin::new(world.stage.transport_pin().into());
    match tokens::lock(&card.token).activate(&transport, &card_passwords()) {
        Err(error) => Ok(format!("not offered; asked all the same: {error}")),
        Ok(()) => Err(Broken("it was taken once more".to_owned())),
    }
}

/// Nor does the card take it, as whatever password, from whoever leaves the driver out.
pub fn transport_pin_dead_card(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    for reference in 1..=4 {
        let answered = raw(&card.card, &[select(), verify(reference, world.stage.transport_pin())]);
        want(answered.last() != Some(&0x9000), format!("the card takes it as password {reference}"))?;
    }
    let own = raw(&card.card, &[select(), verify(1, CHOSEN[0])]);
    want(own.last() == Some(&0x9000), format!("nor is the holder's own PIN taken: {own:04X?}"))?;
    Ok("taken as none of four passwords; the holder's own PIN is taken".to_owned())
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
