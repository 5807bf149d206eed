//! From the hand-over to a card in use.

use obnova_card::{
    Activation, KeyRole, PasswordKind, PasswordState, PasswordStep, PasswordSteps, Pin, ProfileToken, Secret,
    SignDigest, Token as _, TokenError,
};
use obnova_client::RunError;
use obnova_profile::{TransportPinModel, reference};
use obnova_simulator::{Fault, FaultPlan, SimulatorConnection};

use super::{World, passwords};
use crate::{
    compared::compare_all,
    new_password::new_passwords,
    stage::{
        Arrived,
        arrived::{CHOSEN, Typist},
        rules::{Broken, Verdict, keys_on, there, want},
    },
    tokens,
};

/// The certificates beside their keys, a transport PIN, and nothing else that could be typed.
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
    let keys = keys_on(&card);
    let expected = world.card()?.certificates.len();
    want(
        (shown, keys) == (expected, expected),
        format!("{keys} keys are there, {shown} of {expected} with their certificates"),
    )?;
    let activation = card.capabilities.activation;
    want(waits, format!("it is not a transport PIN of the service's kind that it waits for: {activation:?}"))?;
    want(set == 0, format!("{set} of PINs and PUK are set already"))?;
    Ok(format!("keys with their certificates: {shown}; a transport PIN, and no PIN and no PUK"))
}

/// The driver sends nothing that could use a key, whatever is typed.
pub fn unused_client(world: &mut World<'_>) -> Verdict {
    let transport = world.stage.transport_pin();
    let before = tokens::lock(&world.card()?.token).passwords()?;
    let mut refused = 0;
    for (slot, password) in world.card()?.places().flat_map(|place| [(place, transport), (place, CHOSEN[place])]) {
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
        made += raw_signatures(&card, password)?;
    }
    want(made == 0, format!("{made} signatures were made by raw commands"))?;
    let active = world.card()?.fork();
    active.activate()?;
    let control = raw_signatures(&active, CHOSEN[0])? + raw_signatures(&active, CHOSEN[1])?;
    let keys = active.certificates.len();
    want(control == keys, format!("of {keys} keys of an active card the same raw commands use {control}"))?;
    Ok(format!("no signature by raw commands; {control} by the same ones on an active card"))
}

/// What breaks a rule is told before the card is sent anything that could change it: by who collects the new passwords, and by the
/// driver for whoever did not.
pub fn checked_first_client(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    let statuses = tokens::lock(&card.token).passwords()?;
    let mut refused = Vec::new();
    for (first, second) in [("1", "1"), ("123456", "123456"), ("abcdef", "abcdef"), (CHOSEN[0], "482916")] {
        let mut new = new_passwords(&statuses);
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
        ("no PUK", others(|new| drop(new.pop())), Why::Number(PasswordKind::Puk)),
        ("a short PIN", others(|new| new[0].1 = "1".into()), Why::Form(PasswordKind::AuthenticationPin)),
        ("a long PUK", others(|new| new[2].1 = "9182736491827364918".into()), Why::Form(PasswordKind::Puk)),
        ("the same PIN twice", others(|new| new.push(new[0].clone())), Why::Number(PasswordKind::AuthenticationPin)),
    ];
    for (what, new, why) in &sets {
        let outcome = tokens::lock(&card.token).activate(&Pin::new(transport.into()), new);
        want(why.is(&outcome), format!("{what}: the driver says {outcome:?}"))?;
    }
    let sent = card.heard.changing();
    want(sent == 0, format!("{sent} commands went to the card that could change it"))?;
    let asked = card.heard.all();
    want(asked > 0, "the driver did not even look at the card")?;
    let driver = sets.map(|(what, ..)| what).join(", ");
    Ok(format!("{}; by the driver: {driver}; of {asked} commands none could change the card", refused.join("; ")))
}

/// Whoever sends it all the same gets no active card by it; the same with a PIN that can be one does.
pub fn checked_first_card(world: &mut World<'_>) -> Verdict {
    let activates = |card: &Arrived<'_>, pin: &str| {
        let outcome = (world.client.activate_unchecked)(card, pin);
        let waits = ProfileToken::new(card.card.clone()).capabilities()?.activation.is_some();
        Ok::<_, Broken>((outcome, waits))
    };
    let (sound, _) = activates(&world.card()?.fork(), CHOSEN[0])?;
    sound.map_err(|error| Broken(format!("a PIN that can be one: {error}")))?;
    let mut told = Vec::new();
    for (what, pin) in [("a short PIN", "1"), ("a long PIN", "9182736491827364918")] {
        let (outcome, waits) = activates(&world.card()?.fork(), pin)?;
        let Err(error) = outcome else { return Err(Broken(format!("{what} is taken by the card"))) };
        want(waits, format!("{what}: {error}, and the card is active"))?;
        told.push(format!("{what}: {error}"));
    }
    Ok(format!("{}; the same with a PIN that can be one activates it", told.join("; ")))
}

/// Why a driver does not take new passwords.
enum Why {
    /// There is not exactly one for this.
    Number(PasswordKind),
    /// The one for this is too short or too long.
    Form(PasswordKind),
}

impl Why {
    fn is(&self, outcome: &Result<(), TokenError>) -> bool {
        match (self, outcome) {
            (Self::Number(kind), Err(TokenError::Unsupported { what })) => {
                what.ends_with(&format!("without exactly one new {kind}"))
            }
            (Self::Form(kind), Err(TokenError::SecretForm { password, .. })) => password == kind,
            _ => false,
        }
    }
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
    for place in card.places() {
        let what = ["authentication", "signature"][place];
        sign(&card, place, CHOSEN[place])
            .map_err(|error| Broken(format!("the {what} key and its new PIN: {error}")))?;
    }
    Ok(format!(
        "asked for the transport PIN once; active; keys that sign with the new PINs: {}",
        card.certificates.len()
    ))
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
        } else {
            // Nothing was left to do, and whoever does the same once more reads so.
            let outcome = compare_all(&card.token, &mut Typist::types(CHOSEN), &card.view()?);
            outcome.map_err(|error| Broken(format!("torn at command {at}, then compared: {error}")))?;
        }
        sign_first(&card).map_err(|Broken(error)| Broken(format!("torn at command {at}: {error}")))?;
    }
    want(torn > 5, format!("{torn} commands only were there to tear"))?;
    want(finished < torn / 2, format!("{finished} of {torn} cards were finished"))?;
    let finished = if single_use { format!("; {finished} cards said that they are finished") } else { String::new() };
    Ok(format!("torn at each of {torn} commands; the same once more brought the card to life{finished}"))
}

/// Torn at every command: what goes on with the activation is shown with its tries, as the card has them. A wrong one costs one of these,
/// and is asked for again; of what is not shown any value is taken.
pub fn tries_shown_torn(world: &mut World<'_>) -> Verdict {
    let transport = [world.stage.transport_pin(); 2];
    let mut seen = 0;
    for at in 1.. {
        let card = world.card()?.fork();
        let new = card.chosen()?;
        card.card.with_card(|card| card.set_faults(FaultPlan::new().at(at, Fault::TearAfter)));
        let first = obnova_client::activate(&card.token, &mut world.stage.typist(&transport), &new);
        if card.card.with_card(|card| card.faults().waiting()) > 0 {
            first?;
            break;
        }
        let view = card.view()?;
        if view.capabilities.activation.is_none() {
            continue;
        }
        let shown = (world.client.compared)(&view);
        for (place, (kind, _)) in new.iter().enumerate() {
            let (kind, card) = (*kind, card.fork());
            let before = of_kind(&card, kind)?;
            let mut other = new.clone();
            other[place].1 = ["640281", "193758", "64028193"][place].into();
            let mut typist = world.stage.typist(&transport[..1]);
            let went_on = obnova_client::activate(&card.token, &mut typist, &other);
            let asked_again = typist.asked.iter().any(|asked| asked.password == kind && asked.was_wrong);
            let what = format!("torn at command {at}, of the {kind}");
            match (shown.iter().find(|status| status.kind == kind), went_on) {
                (Some(shown), Err(_)) if asked_again => {
                    let told = shown.state;
                    want(told == before, format!("{what} it shows {told:?}, and the card has {before:?}"))?;
                    seen += 1;
                }
                (None, Ok(())) => {}
                (shown, went_on) => {
                    let shown = shown.map(|status| status.state);
                    return Err(Broken(format!("{what} it shows {shown:?}, and with another one: {went_on:?}")));
                }
            }
        }
    }
    let opened = world.stage.service.transport_pin == TransportPinModel::Separate;
    want(opened || seen > 0, "nothing that was set is compared at any tear")?;
    Ok(match opened {
        true => "the transport PIN opens the activation: all are set anew, and none is compared".to_owned(),
        false => format!("shown {seen} times before one that was set could be wrong, as the card had them"),
    })
}

/// How a password stands, as the card itself says.
fn of_kind(card: &Arrived<'_>, kind: PasswordKind) -> Result<PasswordState, Broken> {
    let statuses = ProfileToken::new(card.card.clone()).passwords()?;
    Ok(there(statuses.into_iter().find(|status| status.kind == kind), "such password")?.state)
}

/// Nothing that takes the transport PIN is offered any more.
pub fn transport_pin_dead_client(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    let view = card.view()?;
    let steps = PasswordSteps::of(&view.capabilities, &view.passwords);
    want(steps.offer(PasswordStep::Activate).is_none(), "activation is offered once more")?;
    let transport = Pin::new(world.stage.transport_pin().into());
    match tokens::lock(&card.token).activate(&transport, &card_passwords()) {
        Err(error @ TokenError::Unsupported { .. }) if error.to_string().contains("active already") => {
            Ok(format!("not offered; asked all the same: {error}"))
        }
        outcome => Err(Broken(format!("asked once more the driver says {outcome:?}"))),
    }
}

/// Nor does the card take it, as whatever password, from whoever leaves the driver out.
pub fn transport_pin_dead_card(world: &mut World<'_>) -> Verdict {
    let card = world.card()?.fork();
    card.activate()?;
    let transport = world.stage.transport_pin();
    let verifies = |reference| raw(&card.card, &[select(), verify(reference, transport)]).last() == Some(&0x9000);
    for reference in [1, 2, 4] {
        want(!verifies(reference), format!("the card takes it as password {reference}"))?;
    }
    let own = raw(&card.card, &[select(), verify(1, CHOSEN[0])]);
    want(own.last() == Some(&0x9000), format!("nor is the holder's own PIN taken: {own:04X?}"))?;
    // VERIFY of the PUK opens nothing: what it is good for is a PIN that is blocked.
    let blocked = passwords::blocked(world)?;
    let as_puk = |puk: &str| raw(&blocked.card, &[select(), passwords::reset(puk)]).last().copied();
    want(as_puk(transport) != Some(0x9000) && !verifies(3), "the card takes it as the PUK")?;
    let own = as_puk(CHOSEN[2]);
    want(own == Some(0x9000), format!("nor is the holder's own PUK taken: {own:04X?}"))?;
    Ok("taken as no password of the card; the holder's own PIN and PUK are taken".to_owned())
}

fn card_passwords() -> Vec<(PasswordKind, Secret)> {
    let kinds = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk];
    kinds.into_iter().zip(CHOSEN).map(|(kind, value)| (kind, value.into())).collect()
}

/// Signs with the first key that is there.
pub fn sign_first(card: &Arrived<'_>) -> Result<(), Broken> {
    let place = there(card.places().next(), "key on the card")?;
    Ok(sign(card, place, CHOSEN[place])?)
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

pub fn select() -> Vec<u8> {
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

/// Signatures that raw commands make with either key, after this password was tried as each that guards one. Each is tried on a card
/// of its own, so that no wrong one blocks what would be right.
fn raw_signatures(card: &Arrived<'_>, password: &str) -> Result<usize, Broken> {
    let slots = tokens::lock(&card.token).slots()?;
    let mut made = 0;
    for (slot, key) in slots.iter().filter_map(|slot| Some((slot.id, slot.key.as_ref()?))) {
        let algorithm = *there(key.signs.first(), "algorithm of a key on the card")?;
        let slot = u8::try_from(slot.0)?;
        let set = vec![0x00, 0x22, 0x41, 0xb6, 0x06, 0x80, 0x01, reference::signature(algorithm), 0x84, 0x01, slot];
        let digest = algorithm.digest().of(b"a text");
        let length = u8::try_from(digest.as_bytes().len())?;
        let sign = [&[0x00, 0x2a, 0x9e, 0x9a, length], digest.as_bytes(), &[0]].concat();
        for pin in [1, 2] {
            let card = card.fork();
            let statuses = raw(&card.card, &[select(), verify(pin, password), set.clone(), sign.clone()]);
            made += usize::from(statuses.last().is_some_and(|status| *status == 0x9000 || status >> 8 == 0x61));
        }
    }
    Ok(made)
}
