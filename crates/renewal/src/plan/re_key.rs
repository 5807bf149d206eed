use std::time::SystemTime;

use super::{NewKey, Plan, Risk, kind::kinds, label};
use crate::{
    ByRole, CardView, Method, NotEligible, ParsedCertificate, Policy, Reason,
    eligibility::{self, Current, new_key_algorithm},
    scan, waiting,
};

/// New keys beside the old ones, or in their place where the card can do nothing else.
pub(super) fn plan(
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Result<Plan, NotEligible> {
    let current = eligibility::current(card, policy, issuers, now);
    let mut reasons = current.as_ref().err().map_or_else(Vec::new, |refused| refused.reasons.clone());
    let free = waiting::free_slots(card);
    let in_place = card.capabilities.in_place_only;
    let Ok(Current { old, half }) = current else {
        // Which keys wait is known with the pair only; without one every key would be a new one.
        let needed = policy.rules.len();
        if !in_place && free.len() < needed && scan(card).is_empty() {
            reasons.push(Reason::NoFreeSlot { needed, free: free.len() });
        }
        return Err(NotEligible { reasons });
    };
    let algorithms = kinds(card, policy, &old, |old| Some(old.algorithm), &mut reasons);
    let waiting = algorithms.map(|role, algorithm| {
        let found = waiting::find(card, role, *algorithm, half, &[]);
        found.filter(|_| !in_place)
    });
    let slots = match in_place {
        true => Some(old.map(|_, old| old.slot)),
        false => waiting::places(&waiting, &free),
    };
    if slots.is_none() {
        let needed = waiting.iter().filter(|(_, found)| found.is_none()).count();
        reasons.push(Reason::NoFreeSlot { needed, free: free.len() });
    }
    reasons.extend(not_offered(card, &algorithms, &waiting));
    let Some(slots) = slots.filter(|_| reasons.is_empty()) else { return Err(NotEligible { reasons }) };
    let new = ByRole::from_fn(|role| {
        let (old, slot, algorithm) = (old.get(role)?, *slots.get(role)?, *algorithms.get(role)?);
        let made = NewKey {
            slot,
            algorithm,
            password: old.password,
            request_algorithm: new_key_algorithm(old, algorithm),
            label: label(card, role, now),
            waiting: None,
        };
        Some(NewKey::planned(made, waiting.get(role)?.as_ref()))
    });
    Ok(Plan::with(card, policy, Some(Method::ReKey), old, new, in_place.then_some(Risk::InPlaceOnly)))
}

/// Keys that would have to be made and that the card does not make.
pub(super) fn not_offered<'a>(
    card: &'a CardView,
    algorithms: &'a ByRole<obnova_algorithm::KeyAlgorithm>,
    waiting: &'a ByRole<Option<waiting::Waiting<'_>>>,
) -> impl Iterator<Item = Reason> + 'a {
    let to_make = algorithms.iter().filter(|(role, _)| waiting.get(*role).is_none_or(Option::is_none));
    to_make
        .filter(|(_, algorithm)| !card.capabilities.generate.contains(algorithm))
        .map(|(role, algorithm)| Reason::AlgorithmNotOffered { role, algorithm: *algorithm })
}
