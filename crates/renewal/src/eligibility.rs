use std::time::SystemTime;

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm};
use obnova_card::{Activation, Dead, KeyEntry, KeyRole, PasswordKind, PasswordState, PasswordSteps, SlotId};
use x509_cert::name::Name;

use crate::{CardView, NotEligible, Pair, ParsedCertificate, Policy, Reason, plan::OldKey, view::SlotView};

/// The pair to renew, once nothing speaks against it.
///
/// Current is the pair of one subject and issuer that is valid now and was not marked as superseded; of several certificates
/// for one role the youngest counts, unless it is one of a new pair whose other certificate is still to come. `issuer`
/// chooses where more than one pair is valid.
///
/// # Errors
/// [`NotEligible`] with every reason that was found.
pub fn current_pair(
    card: &CardView,
    policy: &Policy,
    issuer: Option<&Name>,
    now: SystemTime,
) -> Result<Pair<OldKey>, NotEligible> {
    current(card, policy, issuer, now).map(|current| current.old)
}

/// The pair to renew, and what an earlier renewal of it left half done.
pub(crate) struct Current {
    pub(crate) old: Pair<OldKey>,
    /// A new certificate that is installed already while the key of its twin waits: role and slot.
    pub(crate) half: Option<(KeyRole, SlotId)>,
}

pub(crate) fn current(
    card: &CardView,
    policy: &Policy,
    issuer: Option<&Name>,
    now: SystemTime,
) -> Result<Current, NotEligible> {
    let mut reasons = Vec::new();
    let waits = card.passwords.iter().any(|password| password.state == PasswordState::Transport);
    match card.capabilities.activation {
        Some(Activation::Finished { password }) => reasons.push(Reason::CardFinished { password }),
        Some(_) => reasons.push(Reason::NotActive),
        None if waits => reasons.push(Reason::NotActive),
        None => {}
    }
    let is_active = reasons.is_empty();
    let chosen = choose(card, issuer, now).map_err(|reason| reasons.push(reason)).ok();
    if let Some((pair, _)) = &chosen {
        reasons.extend(validity(pair, policy, now));
        // Before activation it is no news that passwords have no value.
        reasons.extend(passwords(card, pair).into_iter().filter(|_| is_active));
    }
    match chosen {
        Some((pair, half)) if reasons.is_empty() => {
            let old = usable(&pair).map_err(|reason| NotEligible { reasons: vec![reason] })?;
            Ok(Current { old, half })
        }
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
#[derive(Clone)]
struct Group<'a> {
    /// For each role the one that counts.
    members: Pair<Option<Candidate<'a>>>,
    /// One of a new pair whose other certificate is still to come.
    half: Option<Candidate<'a>>,
}

impl<'a> Group<'a> {
    fn new(card: &CardView, all: &Pair<Vec<Candidate<'a>>>) -> Self {
        let youngest = |role| all.get(role).iter().copied().max_by_key(|one| one.certificate.not_before());
        let mut group = Self { members: Pair::from_fn(youngest), half: None };
        if let Some((role, before)) = group.members.both().and_then(|young| before_half_a_pair(card, all, &young)) {
            group.half = group.members.get_mut(role).replace(before);
        }
        group
    }

    fn is_valid_at(&self, now: SystemTime) -> bool {
        self.members.both().is_some_and(|pair| pair.iter().all(|(_, one)| one.certificate.is_valid_at(now)))
    }

    fn not_after(&self) -> Option<SystemTime> {
        self.members.iter().filter_map(|(_, one)| one.map(|one| one.certificate.not_after())).max()
    }
}

/// When of the two youngest certificates one was installed while its twin was not: its role, and the one that counts in its
/// place. So it is where a key of the other role waits, and an older certificate was issued nearer to the other youngest.
fn before_half_a_pair<'a>(
    card: &CardView,
    all: &Pair<Vec<Candidate<'a>>>,
    youngest: &Pair<Candidate<'a>>,
) -> Option<(KeyRole, Candidate<'a>)> {
    let [authentication, signature] = Pair::ROLES;
    [(authentication, signature), (signature, authentication)].into_iter().find_map(|(role, other)| {
        let waits = card.slots.iter().any(|slot| {
            let key = slot.key.as_ref().filter(|_| slot.certificates.is_empty());
            key.is_some_and(|key| key.role == other && key.public_key.is_some())
        });
        let twin = youngest.get(other).certificate.not_before();
        let apart = |one: &Candidate<'_>| {
            let from = one.certificate.not_before();
            from.duration_since(twin).or_else(|_| twin.duration_since(from)).unwrap_or_default()
        };
        let nearest = all.get(role).iter().copied().min_by_key(apart)?;
        (waits && apart(&nearest) < apart(youngest.get(role))).then_some((role, nearest))
    })
}

type Chosen<'a> = (Pair<Candidate<'a>>, Option<(KeyRole, SlotId)>);

fn choose<'a>(card: &'a CardView, issuer: Option<&Name>, now: SystemTime) -> Result<Chosen<'a>, Reason> {
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
    let half = group.half.map(|one| (one.key.role, one.slot.id));
    let pair = group.members.both().ok_or_else(|| {
        let missing = if group.members.authentication.is_none() { KeyRole::Authentication } else { KeyRole::Signature };
        Reason::OnlyOneOfTwo { missing }
    })?;
    Ok((pair, half))
}

fn groups<'a>(card: &'a CardView, issuer: Option<&Name>) -> Vec<Group<'a>> {
    let mut groups: Vec<(&'a ParsedCertificate, Pair<Vec<Candidate<'a>>>)> = Vec::new();
    for one in candidates(card).filter(|one| issuer.is_none_or(|issuer| one.certificate.issuer() == issuer)) {
        let same = |(known, _): &(&ParsedCertificate, _)| {
            known.subject() == one.certificate.subject() && known.issuer() == one.certificate.issuer()
        };
        let at = groups.iter().position(same).unwrap_or_else(|| {
            groups.push((one.certificate, Pair::default()));
            groups.len() - 1
        });
        groups[at].1.get_mut(one.key.role).push(one);
    }
    groups.iter().map(|(_, all)| Group::new(card, all)).collect()
}

/// Certificates that fit the key in their slot and were not marked as superseded.
fn candidates(card: &CardView) -> impl Iterator<Item = Candidate<'_>> {
    entered(card).filter(|(_, superseded)| !superseded).map(|(candidate, _)| candidate)
}

/// Certificates that fit the key in their slot, and whether they were marked as superseded.
pub(crate) fn entered(card: &CardView) -> impl Iterator<Item = (Candidate<'_>, bool)> {
    card.slots.iter().filter_map(|slot| slot.key.as_ref().map(|key| (slot, key))).flat_map(|(slot, key)| {
        slot.certificates.iter().filter(|entry| entry.fits_key).filter_map(move |entry| {
            let certificate = entry.certificate.as_ref()?;
            Some((Candidate { slot, key, certificate }, entry.superseded))
        })
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
    let dead = PasswordSteps::of(card.capabilities.activation, &card.passwords).dead;
    let reason = |password| match card.password(password)? {
        PasswordState::Blocked if dead.contains(&Dead::Pin(password)) => Some(Reason::PinDead { password }),
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
pub(crate) fn signature_algorithms(key: &KeyEntry) -> Vec<SignatureAlgorithm> {
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
