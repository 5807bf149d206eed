use obnova_algorithm::KeyAlgorithm;
use obnova_card::KeyRole;

use crate::{ByRole, CardView, Policy, Reason};

/// The kinds of the keys that will be made: what the policy names, else the kind of the old key, else what the card prefers. Where the
/// service certifies none of that kind and the policy leaves it open, the first that the service certifies and the card makes; where
/// there is none, why.
pub(super) fn kinds<T>(
    card: &CardView,
    policy: &Policy,
    of: &ByRole<T>,
    old: impl Fn(&T) -> Option<KeyAlgorithm>,
    reasons: &mut Vec<Reason>,
) -> ByRole<KeyAlgorithm> {
    of.map(|role, one| {
        let named = *policy.algorithms.get(role);
        let wished = named.or_else(|| old(one)).unwrap_or_else(|| usual(card));
        if policy.certifies(role, wished) {
            return wished;
        }
        let other = possible(card, policy, role).next().filter(|_| named.is_none());
        other.unwrap_or_else(|| {
            let offered = named.map_or_else(|| offered(card).collect(), |named| vec![named]);
            reasons.push(Reason::KeyNotOfService { role, certified: certified(policy, role), offered });
            wished
        })
    })
}

/// New keys for this role that the card makes, the policy leaves open and the service certifies, the preferred kind first.
pub(crate) fn possible<'a>(
    card: &'a CardView,
    policy: &'a Policy,
    role: KeyRole,
) -> impl Iterator<Item = KeyAlgorithm> + 'a {
    let named = *policy.algorithms.get(role);
    offered(card).filter(move |key| named.is_none_or(|named| named == *key) && policy.certifies(role, *key))
}

/// What the service certifies for this role, where it says so.
pub(super) fn certified(policy: &Policy, role: KeyRole) -> Vec<KeyAlgorithm> {
    policy.keys.get(role).cloned().unwrap_or_default()
}

/// What is taken where everything leaves it open.
fn usual(card: &CardView) -> KeyAlgorithm {
    offered(card).next().unwrap_or(KeyAlgorithm::P256)
}

/// What the card makes, the preferred kind first.
pub(super) fn offered(card: &CardView) -> impl Iterator<Item = KeyAlgorithm> {
    let preferred =
        [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048, KeyAlgorithm::P384, KeyAlgorithm::Rsa3072, KeyAlgorithm::Rsa4096];
    preferred.into_iter().filter(|algorithm| card.capabilities.generate.contains(algorithm))
}
