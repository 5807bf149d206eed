use std::time::SystemTime;

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm};
use obnova_card::{KeyEntry, KeyRole, PasswordKind, PasswordState};
use x509_cert::name::Name;

use crate::{CardView, NotEligible, Pair, ParsedCertificate, Policy, Reason, plan::OldKey, view::SlotView};

/// The pair to renew, once nothing speaks against it.
///
/// Current is the pair of one subject and issuer that is valid now and was not marked as superseded; of several certificates
/// for one role the youngest counts. `issuer` chooses where more than one pair is valid.
///
/// # Errors
/// [`NotEligible`] with every reason that was found.
pub fn current_pair(
    card: &CardView,
    policy: &Policy,
    issuer: Option<&Name>,
    now: SystemTime,
) -> Result<Pair<OldKey>, NotEligible> {
    let mut reasons = Vec::new();
    if card.passwords.iter().any(|password| password.state == PasswordState::Transport) {
        reasons.push(Reason::NotActive);
    }
    let pair = choose(card, issuer, now).map_err(|reason| reasons.push(reason)).ok();
    if let Some(pair) = &pair {
        reasons.extend(validity(pair, policy, now));
        reasons.extend(passwords(card, pair));
    }
    match pair {
        Some(pair) if reasons.is_empty() => usable(&pair).map_err(|reason| NotEligible { reasons: vec![reason] }),
        _ => Err(NotEligible { reasons }),
    }
}

/// A certificate together with the slot and the key it was found with.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) slot: &'a SlotView,
    pub(crate) key: &'a KeyEntry,
    pub(crate) certificate: &'a ParsedCertificate,
}

/// Certificates of one subject and issuer.
#[derive(Clone, Copy)]
struct Group<'a> {
    members: Pair<Option<Candidate<'a>>>,
}

impl<'a> Group<'a> {
    fn is_valid_at(&self, now: SystemTime) -> bool {
        self.members.both().is_some_and(|pair| pair.iter().all(|(_, one)| one.certificate.is_valid_at(now)))
    }

    fn any(&self) -> Option<Candidate<'a>> {
        self.members.authentication.or(self.members.signature)
    }

    fn not_after(&self) -> Option<SystemTime> {
        self.members.iter().filter_map(|(_, one)| one.map(|one| one.certificate.not_after())).max()
    }
}

fn choose<'a>(card: &'a CardView, issuer: Option<&Name>, now: SystemTime) -> Result<Pair<Candidate<'a>>, Reason> {
    let groups = groups(card, issuer);
    let valid: Vec<_> = groups.iter().filter(|group| group.is_valid_at(now)).collect();
    if valid.len() > 1 {
        return Err(Reason::SeveralPairs { pairs: valid.len() });
    }
    // With nothing valid, the pair that lived longest is the one its holder asks about.
    let complete =
        || groups.iter().filter(|group| group.members.both().is_some()).max_by_key(|group| group.not_after());
    let group =
        valid.first().copied().or_else(complete).or_else(|| groups.iter().max_by_key(|group| group.not_after()));
    let Some(group) = group else {
        let broken = card.slots.iter().find(|slot| slot.certificates.iter().any(|entry| !entry.fits_key));
        return Err(broken.map_or(Reason::NoCertificates, |slot| Reason::BrokenCertificate { slot: slot.id }));
    };
    group.members.both().ok_or_else(|| {
        let missing = if group.members.authentication.is_none() { KeyRole::Authentication } else { KeyRole::Signature };
        Reason::OnlyOneOfTwo { missing }
    })
}

fn groups<'a>(card: &'a CardView, issuer: Option<&Name>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for candidate in candidates(card).filter(|one| issuer.is_none_or(|issuer| one.certificate.issuer() == issuer)) {
        let same = |group: &Group<'a>| {
            group.any().is_some_and(|one| {
                one.certificate.subject() == candidate.certificate.subject()
                    && one.certificate.issuer() == candidate.certificate.issuer()
            })
        };
        let at = groups.iter().position(same).unwrap_or_else(|| {
            groups.push(Group { members: Pair { authentication: None, signature: None } });
            groups.len() - 1
        });
        let place = groups[at].members.get_mut(candidate.key.role);
        if place.is_none_or(|other| other.certificate.not_before() <= candidate.certificate.not_before()) {
            *place = Some(candidate);
        }
    }
    groups
}

/// Certificates that fit the key in their slot and were not marked as superseded.
pub(crate) fn candidates(card: &CardView) -> impl Iterator<Item = Candidate<'_>> {
    card.slots.iter().filter_map(|slot| slot.key.as_ref().map(|key| (slot, key))).flat_map(|(slot, key)| {
        let usable = slot.certificates.iter().filter(|entry| entry.fits_key && !entry.superseded);
        usable.filter_map(move |entry| Some(Candidate { slot, key, certificate: entry.certificate.as_ref()? }))
    })
}

fn validity(pair: &Pair<Candidate<'_>>, policy: &Policy, now: SystemTime) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (role, one) in pair.iter() {
        if now > one.certificate.not_after() {
            reasons.push(Reason::Expired { role, since: one.certificate.not_after() });
        } else if now < one.certificate.not_before() {
            reasons.push(Reason::NotYetValid { role, from: one.certificate.not_before() });
        }
    }
    let until = pair.authentication.certificate.not_after().min(pair.signature.certificate.not_after());
    let from = until.checked_sub(policy.due_before).unwrap_or(SystemTime::UNIX_EPOCH);
    if reasons.is_empty() && now < from {
        reasons.push(Reason::NotDue { from, until });
    }
    reasons
}

fn passwords(card: &CardView, pair: &Pair<Candidate<'_>>) -> Vec<Reason> {
    let mut kinds = vec![pair.authentication.key.password, pair.signature.key.password];
    kinds.push(PasswordKind::AuthenticationPin);
    kinds.sort_unstable();
    kinds.dedup();
    let reason = |password| match card.password(password)? {
        PasswordState::Blocked => Some(Reason::PinBlocked { password }),
        PasswordState::Empty => Some(Reason::PinNotSet { password }),
        PasswordState::Transport | PasswordState::Active(_) | PasswordState::Disabled => None,
    };
    kinds.into_iter().filter_map(reason).collect()
}

fn usable(pair: &Pair<Candidate<'_>>) -> Result<Pair<OldKey>, Reason> {
    Pair::try_from_fn(|role| {
        let one = pair.get(role);
        let algorithms = signature_algorithms(one.key);
        if algorithms.is_empty() {
            return Err(Reason::KeyCannotSign { role });
        }
        Ok(OldKey {
            slot: one.slot.id,
            algorithm: one.key.algorithm,
            password: one.key.password,
            signs: algorithms,
            certificate: one.certificate.clone(),
        })
    })
}

/// What the card signs with a key, the usual way first.
fn signature_algorithms(key: &KeyEntry) -> Vec<SignatureAlgorithm> {
    let usual = SignatureAlgorithm::default_for(key.algorithm);
    let mut algorithms: Vec<_> = key.signs.iter().copied().filter(|one| one.fits(key.algorithm)).collect();
    algorithms.sort_by_key(|one| *one != usual);
    algorithms
}

/// How requests are signed with a new key, of which the token has not yet said what it can do: as with the old one where that
/// was of the same kind.
pub(crate) fn new_key_algorithm(old: &OldKey, algorithm: KeyAlgorithm) -> SignatureAlgorithm {
    let same_kind = old.signs.first().filter(|_| old.algorithm == algorithm);
    same_kind.copied().unwrap_or(SignatureAlgorithm::default_for(algorithm))
}
