use std::time::SystemTime;

use obnova_algorithm::KeyAlgorithm;
use obnova_card::KeyRole;

use super::{
    NewKey, OldKey, Plan,
    kind::{certified, offered, possible},
    label,
};
use crate::{CardView, Method, NotEligible, ParsedCertificate, Policy, Reason, eligibility, room::full};

/// No key is made: those of the old certificates are certified again, and the new certificates come beside the old.
pub(super) fn plan(
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Result<Plan, NotEligible> {
    let current = eligibility::current(card, policy, issuers, now);
    if !card.capabilities.several_certificates() {
        let mut reasons = current.err().map_or_else(Vec::new, |refused| refused.reasons);
        reasons.push(Reason::OneCertificateOnly);
        return Err(NotEligible { reasons });
    }
    let old = current?.old;
    let others = old.iter().filter(|(role, old)| !policy.certifies(*role, old.algorithm));
    let not_of_service = |(role, old): (_, &OldKey)| {
        let (certified, kept) = (certified(policy, role), old.algorithm);
        match possible(card, policy, role).next() {
            Some(_) => Reason::KeptKeyNotOfService { role, certified, kept },
            None => Reason::KeyNotOfService { role, certified, offered: at_hand(card, kept) },
        }
    };
    let no_room = |(role, old): (KeyRole, &OldKey)| {
        let most = full(card, card.slot(old.slot)?)?;
        Some(Reason::KeyFull { role, most })
    };
    let reasons: Vec<_> = others.map(not_of_service).chain(old.iter().filter_map(no_room)).collect();
    if !reasons.is_empty() {
        return Err(NotEligible { reasons });
    }
    let new = old.map(|role, old| NewKey::same(old, label(card, role, now)));
    Ok(Plan::with(card, policy, Some(Method::SameKey), old, new, None))
}

/// The kind of the key that is there, and what else the card makes.
fn at_hand(card: &CardView, kept: KeyAlgorithm) -> Vec<KeyAlgorithm> {
    std::iter::once(kept).chain(offered(card).filter(|made| *made != kept)).collect()
}
