use std::time::{Duration, SystemTime};

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm};
use obnova_card::{Activation, Dead, KeyEntry, KeyRole, PasswordKind, PasswordState, PasswordSteps, SlotId};

use crate::{
    ByRole, CardView, MANAGING_PASSWORD, NotEligible, Pair, ParsedCertificate, Policy, Reason, plan::OldKey,
    view::SlotView,
};

/// The pair to renew, or the one certificate where the policy's rules know one role only, once nothing speaks against it.
///
/// Current is the pair of one subject and issuer that is valid now and was not marked as superseded; of several certificates
/// for one role the youngest counts, unless it is one of a new pair whose other certificate is still to come. `issuers` are the
/// certificates of the CA that is meant, all that it has or had ([`Terms::issuers`](crate::Terms::issuers)): what others issued is left
/// alone. Where there are none, whoever issued it.
///
/// # Errors
/// [`NotEligible`] with every reason that was found.
pub fn current_pair(
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Result<ByRole<OldKey>, NotEligible> {
    current(card, policy, issuers, now).map(|current| current.old)
}

/// The certificates that a renewal would be about, whatever else speaks against it: what to ask about whether they are revoked.
#[must_use]
pub fn chosen_pair(
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Option<ByRole<ParsedCertificate>> {
    let wanted: Vec<_> = policy.rules.roles().collect();
    let (pair, _) = choose(card, &wanted, issuers, now).ok()?;
    Some(pair.map(|_, one| one.certificate.clone()))
}

/// The pair to renew, and what an earlier renewal of it left half done.
pub(crate) struct Current {
    pub(crate) old: ByRole<OldKey>,
    /// A new certificate that is installed already while the key of its twin waits: role and slot.
    pub(crate) half: Option<(KeyRole, SlotId)>,
}

pub(crate) fn current(
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Result<Current, NotEligible> {
    let mut reasons: Vec<_> = inactive(card).into_iter().collect();
    let is_active = reasons.is_empty();
    let wanted: Vec<_> = policy.rules.roles().collect();
    let chosen = choose(card, &wanted, issuers, now).map_err(|reason| reasons.push(reason)).ok();
    if let Some((pair, _)) = &chosen {
        reasons.extend(validity(pair, policy, now));
        // Before activation it is no news that passwords have no value.
        let needed = pair.iter().map(|(_, one)| one.key.password);
        reasons.extend(passwords(card, needed).into_iter().filter(|_| is_active));
    }
    match chosen {
        Some((pair, half)) if reasons.is_empty() => {
            let old = usable(&pair).map_err(|reason| NotEligible { reasons: vec![reason] })?;
            Ok(Current { old, half })
        }
        _ => Err(NotEligible { reasons }),
    }
}

/// Why no key on the card works yet, or ever will.
pub(crate) fn inactive(card: &CardView) -> Option<Reason> {
    let waits = card.passwords.iter().any(|password| password.state == PasswordState::Transport);
    match card.capabilities.activation {
        Some(Activation::Finished { password }) => Some(Reason::CardFinished { password }),
        Some(_) => Some(Reason::NotActive),
        None => waits.then_some(Reason::NotActive),
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
    members: ByRole<Candidate<'a>>,
    /// One of a new pair whose other certificate is still to come.
    half: Option<Candidate<'a>>,
}

impl<'a> Group<'a> {
    fn new(card: &CardView, all: &Pair<Vec<Candidate<'a>>>) -> Self {
        let youngest = |role| all.get(role).iter().copied().max_by_key(|one| period(one));
        let mut group = Self { members: ByRole::from_fn(youngest), half: None };
        if let Some((role, before)) = group.members.pair().and_then(|young| before_half_a_pair(card, all, &young)) {
            let young = group.members.place(role).replace(before);
            group.half = young.filter(|young| young.slot.id != before.slot.id);
        }
        group
    }

    /// The role that there is no certificate for.
    fn missing(&self, wanted: &[KeyRole]) -> Option<KeyRole> {
        wanted.iter().copied().find(|role| self.members.get(*role).is_none())
    }

    fn is_valid_at(&self, now: SystemTime, wanted: &[KeyRole]) -> bool {
        self.missing(wanted).is_none() && self.members.iter().all(|(_, one)| one.certificate.is_valid_at(now))
    }

    fn not_after(&self) -> Option<SystemTime> {
        self.members.iter().map(|(_, one)| one.certificate.not_after()).max()
    }
}

/// From when until when. A CA that has only begun, or that issues from midnight on, gives the old and the new one the same beginning.
pub(crate) fn period(one: &Candidate<'_>) -> (SystemTime, SystemTime) {
    (one.certificate.not_before(), one.certificate.not_after())
}

fn between(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).or_else(|_| other.duration_since(one)).unwrap_or_default()
}

/// Certificates that begin no further apart may be of one order, or of two that came one right after the other.
const AT_ONCE: Duration = Duration::from_secs(60);

/// When of the two youngest certificates one was installed while its twin was not: its role, and the one that counts in its
/// place. So it is where a key of the other role waits, or where the key stays and has the older certificate too, and that one
/// was issued nearer to the other youngest. Of those that begin at once nothing tells which two are twins, for they may live differently
/// long, but that there is one too many.
fn before_half_a_pair<'a>(
    card: &CardView,
    all: &Pair<Vec<Candidate<'a>>>,
    youngest: &Pair<&Candidate<'a>>,
) -> Option<(KeyRole, Candidate<'a>)> {
    let [authentication, signature] = Pair::ROLES;
    [(authentication, signature), (signature, authentication)].into_iter().find_map(|(role, other)| {
        let (young, twin) = (youngest.get(role), youngest.get(other));
        let waits = card.slots.iter().any(|slot| {
            let key = slot.key.as_ref().filter(|_| slot.certificates.is_empty());
            key.is_some_and(|key| key.role == other && key.public_key.is_some())
        });
        let begin = |one: &Candidate<'_>| one.certificate.not_before();
        let at_once = |role| {
            let beside = all.get(role).iter().copied().filter(|one| between(begin(one), begin(young)) <= AT_ONCE);
            beside.collect::<Vec<_>>()
        };
        let (mut own, twins) = (at_once(role), at_once(other));
        let before = if own.len() > 1 && !twins.is_empty() {
            own.sort_by_key(period);
            (own.len() > twins.len()).then(|| own[twins.len() - 1])
        } else {
            let apart = |one: &Candidate<'_>| {
                let (own, twin) = (period(one), period(twin));
                (between(own.0, twin.0), between(own.1, twin.1))
            };
            let nearest = all.get(role).iter().copied().min_by_key(apart);
            nearest.filter(|nearest| apart(nearest) < apart(young))
        };
        before.filter(|before| waits || before.slot.id == young.slot.id).map(|before| (role, before))
    })
}

type Chosen<'a> = (ByRole<Candidate<'a>>, Option<(KeyRole, SlotId)>);

fn choose<'a>(
    card: &'a CardView,
    wanted: &[KeyRole],
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Result<Chosen<'a>, Reason> {
    let groups = groups(card, wanted, issuers);
    let valid: Vec<_> = groups.iter().filter(|group| group.is_valid_at(now, wanted)).collect();
    if valid.len() > 1 {
        return Err(Reason::SeveralPairs { pairs: valid.len() });
    }
    // With nothing valid, the pair that lived longest is the one its holder asks about.
    let complete =
        || groups.iter().filter(|group| group.missing(wanted).is_none()).max_by_key(|group| group.not_after());
    let group =
        valid.first().copied().or_else(complete).or_else(|| groups.iter().max_by_key(|group| group.not_after()));
    let Some(group) = group else {
        if candidates(card).any(|one| wanted.contains(&one.key.role)) {
            return Err(Reason::OfOtherIssuers);
        }
        let broken = card.slots.iter().find(|slot| slot.certificates.iter().any(|entry| !entry.fits_key));
        return Err(broken.map_or(Reason::NoCertificates, |slot| Reason::BrokenCertificate { slot: slot.id }));
    };
    let half = group.half.map(|one| (one.key.role, one.slot.id));
    match group.missing(wanted) {
        Some(missing) => Err(Reason::OnlyOneOfTwo { missing }),
        None => Ok((group.members, half)),
    }
}

fn groups<'a>(card: &'a CardView, wanted: &[KeyRole], issuers: &[ParsedCertificate]) -> Vec<Group<'a>> {
    let mut groups: Vec<(&'a ParsedCertificate, Pair<Vec<Candidate<'a>>>)> = Vec::new();
    let wanted = candidates(card).filter(|one| wanted.contains(&one.key.role));
    let meant = |one: &Candidate<'_>| issuers.is_empty() || issuers.iter().any(|ca| one.certificate.is_issued_by(ca));
    for one in wanted.filter(meant) {
        let same = |(known, _): &(&ParsedCertificate, _)| {
            known.has_subject_of(one.certificate) && known.has_issuer_of(one.certificate)
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

fn validity(pair: &ByRole<Candidate<'_>>, policy: &Policy, now: SystemTime) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (role, one) in pair.iter() {
        if now > one.certificate.not_after() {
            reasons.push(Reason::Expired { role, since: one.certificate.not_after() });
        } else if now < one.certificate.not_before() {
            reasons.push(Reason::NotYetValid { role, from: one.certificate.not_before() });
        }
    }
    let until = pair.iter().map(|(_, one)| one.certificate.not_after()).min();
    let from = until.map(|until| until.checked_sub(policy.due_before).unwrap_or(SystemTime::UNIX_EPOCH));
    if let (Some(until), Some(from)) = (until, from)
        && reasons.is_empty()
        && now < from
    {
        reasons.push(Reason::NotDue { from, until });
    }
    reasons
}

/// What is wrong with the passwords that keys are guarded by, and with the one that manages the card.
pub(crate) fn passwords(card: &CardView, of_keys: impl Iterator<Item = PasswordKind>) -> Vec<Reason> {
    let mut kinds: Vec<_> = of_keys.chain([MANAGING_PASSWORD]).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let steps = PasswordSteps::of(&card.capabilities, &card.passwords);
    let reason = |password| match card.password(password)? {
        PasswordState::Blocked if steps.dead.contains(&Dead::Pin(password)) => Some(Reason::PinDead { password }),
        PasswordState::Blocked if steps.instead_of(password).is_none() => Some(Reason::PukNotTaken { password }),
        PasswordState::Blocked => Some(Reason::PinBlocked { password }),
        PasswordState::Empty => Some(Reason::PinNotSet { password }),
        PasswordState::Transport | PasswordState::Active(_) | PasswordState::Disabled => None,
    };
    kinds.into_iter().filter_map(reason).collect()
}

fn usable(pair: &ByRole<Candidate<'_>>) -> Result<ByRole<OldKey>, Reason> {
    pair.try_map(|role, one| {
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
