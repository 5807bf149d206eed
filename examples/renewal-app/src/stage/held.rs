//! What whoever holds a card in a play does with it: one way for all of them.

use std::sync::{Arc, Mutex};

use obnova_card::{KeyEntry, ProfileToken, SlotId};
use obnova_client::{RunError, Runner, Seams, SharedToken, look};
use obnova_renewal::{CardView, ParsedCertificate, Plan};
use obnova_simulator::{Card, SimulatorConnection};
use obnova_transport::CardConnection;

use super::{Stage, rules::Broken};
use crate::tokens;

/// A card, taken into use as the stage has it.
pub fn token(stage: &Stage, card: impl CardConnection + 'static) -> SharedToken {
    Arc::new(Mutex::new((stage.through)(Box::new(ProfileToken::new(card)))))
}

/// The same card once more: what happens to one does not happen to the other.
pub fn fork(card: &SimulatorConnection) -> SimulatorConnection {
    SimulatorConnection::new(card.with_card(|card: &mut Card| card.fork()))
}

pub fn view(token: &SharedToken) -> Result<CardView, Broken> {
    Ok(look(tokens::lock(token).as_mut())?)
}

/// The key of a certificate that a card shows, and its slot.
pub fn key_of<'c>(card: &'c CardView, certificate: &ParsedCertificate) -> Result<(SlotId, &'c KeyEntry), Broken> {
    let slot = card.slots.iter().find(|slot| slot.holds(certificate));
    let slot = slot.ok_or_else(|| Broken("the certificate is not on the card".to_owned()))?;
    let key = slot.key.as_ref().ok_or_else(|| Broken("the key of the certificate is not on the card".to_owned()))?;
    Ok((slot.id, key))
}

/// Begins by a plan; goes on where there is none.
pub fn runner<'r>(seams: Seams<'r>, name: &str, plan: Option<Plan>) -> Result<Runner<'r>, RunError> {
    match plan {
        Some(plan) => Runner::begin(seams, name, plan),
        None => Runner::resume(seams),
    }
}
