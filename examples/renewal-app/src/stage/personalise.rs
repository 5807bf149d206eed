use std::time::SystemTime;

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_card::{GenerateKey, InstallCertificate, KeyRole, Pin, Slot, SlotId, Token};
use obnova_profile::{Label, SlotNumber};
use obnova_reference_ca::house::{FirstCertificates, Holder, House};
use obnova_renewal::Pair;
use obnova_simulator::Card;

use crate::{
    failure::{Failure, Kind},
    texts::t,
};

/// The first pair of a card, as it is put on before the card is handed over.
pub struct FirstPair {
    pub algorithms: Pair<KeyAlgorithm>,
    pub days_left: u32,
}

/// Makes the first pair in free slots, lets the house issue its certificates, and puts them on the card.
pub fn personalise(
    token: &mut dyn Token,
    house: &House,
    holder: &Holder,
    first: &FirstPair,
    pin: &Pin,
    now: SystemTime,
) -> Result<FirstCertificates, Failure> {
    let slots = free_slots(&token.slots()?)?;
    let order = |role: KeyRole| GenerateKey {
        slot: *slots.get(role),
        role,
        algorithm: *first.algorithms.get(role),
        label: label(role),
    };
    let keys = Pair::try_from_fn(|role| token.generate(&order(role), pin))?;
    let issued = house
        .first_pair(holder, &keys.authentication, &keys.signature, first.days_left, now)
        .map_err(|problem| Failure::new(Kind::Internal, problem.to_string()))?;
    let install = |role: KeyRole, der: &[u8]| InstallCertificate {
        slot: *slots.get(role),
        certificate: der.to_vec(),
        label: label(role),
    };
    let jobs = [
        install(KeyRole::Authentication, &issued.authentication.der),
        install(KeyRole::Signature, &issued.signature.der),
    ];
    token.install(&jobs, &[], pin)?;
    Ok(issued)
}

/// The same for a card that is handed over inactive: nobody has a PIN of it, so its maker writes it. What is of another role than these
/// is not on it.
pub fn personalise_inactive(
    card: &mut Card,
    house: &House,
    holder: &Holder,
    first: &FirstPair,
    roles: &[KeyRole],
    now: SystemTime,
) -> Result<FirstCertificates, Failure> {
    let failed = |problem: String| Failure::new(Kind::Internal, problem);
    let place = |role: KeyRole| {
        let slot = SlotNumber::new(if role == KeyRole::Authentication { 1 } else { 2 });
        let label = Label::new(label(role)).map_err(|problem| failed(problem.to_string()))?;
        Ok::<_, Failure>((slot.ok_or_else(|| failed("there is no such slot".to_owned()))?, label))
    };
    let keys = Pair::try_from_fn(|role| {
        let algorithm = *first.algorithms.get(role);
        if !roles.contains(&role) {
            // A house issues both; the key of this one is nowhere.
            let key = CaKey::generate(algorithm).map_err(|problem| failed(problem.to_string()))?;
            return Ok(key.public_key().clone());
        }
        let (slot, label) = place(role)?;
        let key = card.personalise_key(slot, role.into(), algorithm, &label);
        key.map_err(|problem| failed(problem.to_string()))
    })?;
    let issued = house
        .first_pair(holder, &keys.authentication, &keys.signature, first.days_left, now)
        .map_err(|problem| failed(problem.to_string()))?;
    let both = [(KeyRole::Authentication, &issued.authentication.der), (KeyRole::Signature, &issued.signature.der)];
    for (role, der) in both.into_iter().filter(|(role, _)| roles.contains(role)) {
        let (slot, label) = place(role)?;
        card.personalise_certificate(slot, der, &label).map_err(|problem| failed(problem.to_string()))?;
    }
    Ok(issued)
}

fn free_slots(slots: &[Slot]) -> Result<Pair<SlotId>, Failure> {
    let mut free = slots.iter().filter(|slot| slot.key.is_none() && slot.certificates.is_empty()).map(|slot| slot.id);
    match (free.next(), free.next()) {
        (Some(authentication), Some(signature)) => Ok(Pair { authentication, signature }),
        _ => Err(Failure::new(Kind::NotEligible, t!("error-card-full"))),
    }
}

fn label(role: KeyRole) -> String {
    match role {
        KeyRole::Authentication => "Authentication".to_owned(),
        KeyRole::Signature => "Signature".to_owned(),
    }
}
