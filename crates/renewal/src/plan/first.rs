use std::time::SystemTime;

use obnova_algorithm::{SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyRole, PasswordKind, SlotId};

use super::{NewKey, Plan, kind::kinds, label, re_key::not_offered};
use crate::{
    ByRole, CardView, NotEligible, Policy, Reason,
    eligibility::{entered, inactive, passwords},
    waiting,
};

/// New keys, or those that wait and are not spent, and nothing old.
pub(super) fn plan(
    card: &CardView,
    policy: &Policy,
    spent: &[SubjectPublicKeyInfoOwned],
    now: SystemTime,
) -> Result<Plan, NotEligible> {
    let mut reasons: Vec<_> = inactive(card).into_iter().collect();
    if reasons.is_empty() {
        reasons.extend(passwords(card, policy.rules.roles().map(|role| password(card, role))));
    }
    let algorithms = kinds(card, policy, &policy.rules, |_| None, &mut reasons);
    let half = half_a_pair(card, policy);
    let waiting = algorithms.map(|role, algorithm| waiting::find(card, role, *algorithm, half, spent));
    let free = waiting::free_slots(card);
    let slots = waiting::places(&waiting, &free);
    if slots.is_none() {
        let needed = waiting.iter().filter(|(_, found)| found.is_none()).count();
        reasons.push(Reason::NoFreeSlot { needed, free: free.len() });
    }
    reasons.extend(not_offered(card, &algorithms, &waiting));
    let Some(slots) = slots.filter(|_| reasons.is_empty()) else { return Err(NotEligible { reasons }) };
    let new = ByRole::from_fn(|role| {
        let (slot, algorithm) = (*slots.get(role)?, *algorithms.get(role)?);
        let made = NewKey {
            slot,
            algorithm,
            password: password(card, role),
            request_algorithm: SignatureAlgorithm::default_for(algorithm),
            label: label(card, role, now),
            waiting: None,
        };
        Some(NewKey::planned(made, waiting.get(role)?.as_ref()))
    });
    Ok(Plan::with(card, policy, None, ByRole::default(), new, None))
}

/// The password that will guard a key of this role: a card with one PIN guards everything with it.
fn password(card: &CardView, role: KeyRole) -> PasswordKind {
    match role {
        KeyRole::Signature if card.password(PasswordKind::SignaturePin).is_some() => PasswordKind::SignaturePin,
        _ => PasswordKind::AuthenticationPin,
    }
}

/// A certificate that an earlier order left without its twin: the only one of its subject and issuer, while a key of the
/// other role waits.
fn half_a_pair(card: &CardView, policy: &Policy) -> Option<(KeyRole, SlotId)> {
    policy.rules.pair()?;
    let waits = |role| {
        let bare = card.slots.iter().filter(|slot| slot.certificates.is_empty());
        bare.filter_map(|slot| slot.key.as_ref()).any(|key| key.role == role && key.public_key.is_some())
    };
    let alone = entered(card).filter(|(one, superseded)| !superseded && waits(other(one.key.role))).find(|(one, _)| {
        let twin = entered(card).any(|(twin, _)| {
            twin.key.role != one.key.role
                && twin.certificate.has_subject_of(one.certificate)
                && twin.certificate.has_issuer_of(one.certificate)
        });
        !twin && !waits(one.key.role)
    });
    alone.map(|(one, _)| (one.key.role, one.slot.id))
}

const fn other(role: KeyRole) -> KeyRole {
    match role {
        KeyRole::Authentication => KeyRole::Signature,
        KeyRole::Signature => KeyRole::Authentication,
    }
}
