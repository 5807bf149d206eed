use std::time::{Duration, SystemTime};

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyRole, PasswordKind, SlotId};
use serde::{Deserialize, Serialize};
use x509_cert::name::Name;

use crate::{
    Ask, CardView, CertificateRules, Method, NotEligible, Pair, ParsedCertificate, Phase, PinUse, Policy, Reason,
    eligibility::{self, Current, new_key_algorithm, signature_algorithms},
    policy::CLOCK_TOLERANCE,
    scan,
    view::SlotView,
    waiting::{self, Waiting},
    wire,
};

/// What will be done, said before anything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// On which card.
    pub card: PlannedCard,
    /// New keys, or the same again.
    pub method: Method,
    /// The pair that is renewed. It stays on the card unless there is a [`risk`](Self::risk).
    pub old: Pair<OldKey>,
    /// The keys that will be certified: made anew, or left by an earlier renewal.
    pub new: Pair<NewKey>,
    /// What may go wrong by the nature of the card; it must be accepted by name before anything else.
    pub risk: Option<Risk>,
    /// Passwords that will be asked for, with the reasons.
    pub asks: Vec<Ask>,
    /// Slots that are not touched at all.
    #[serde(with = "wire::slots")]
    pub stays: Vec<SlotId>,
    /// Slots with a key and no certificate that this plan has no use for: traces of a renewal that was begun and not finished.
    #[serde(with = "wire::slots")]
    pub unfinished: Vec<SlotId>,
    /// What the new certificates must say.
    pub rules: Pair<CertificateRules>,
    /// How far the issuer's clock may be ahead of ours, in whole seconds.
    #[serde(with = "wire::span", default = "default_tolerance")]
    pub clock_tolerance: Duration,
}

/// For journals of before it was part of the plan.
const fn default_tolerance() -> Duration {
    CLOCK_TOLERANCE
}

impl Plan {
    /// Makes the plan for the current pair of a card. Nothing is touched, and the same card gives the same plan.
    ///
    /// # Errors
    /// [`NotEligible`] with every reason that was found.
    pub fn make(card: &CardView, policy: &Policy, now: SystemTime) -> Result<Self, NotEligible> {
        Self::make_for(card, policy, None, now)
    }

    /// As [`make`](Self::make), for the pair of one issuer where a card carries valid pairs of several.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_for(
        card: &CardView,
        policy: &Policy,
        issuer: Option<&Name>,
        now: SystemTime,
    ) -> Result<Self, NotEligible> {
        let current = eligibility::current(card, policy, issuer, now);
        let mut reasons = current.as_ref().err().map_or_else(Vec::new, |refused| refused.reasons.clone());
        let free: Vec<_> = card.slots.iter().filter(|slot| slot.is_empty()).map(|slot| slot.id).collect();
        let in_place = card.capabilities.in_place_only;
        let Ok(Current { old, half }) = current else {
            // Which keys wait is known with the pair only; without one every key would be a new one.
            if !in_place && free.len() < Pair::ROLES.len() && scan(card).is_empty() {
                reasons.push(Reason::NoFreeSlot { needed: Pair::ROLES.len(), free: free.len() });
            }
            return Err(NotEligible { reasons });
        };
        let algorithms = Pair::from_fn(|role| policy.algorithms.get(role).unwrap_or(old.get(role).algorithm));
        let waiting = Pair::from_fn(|role| {
            let found = waiting::find(card, role, *algorithms.get(role), half);
            found.filter(|_| !in_place)
        });
        let slots = match in_place {
            true => Some(Pair::from_fn(|role| old.get(role).slot)),
            false => waiting::places(&waiting, &free),
        };
        if slots.is_none() {
            let needed = waiting.iter().filter(|(_, found)| found.is_none()).count();
            reasons.push(Reason::NoFreeSlot { needed, free: free.len() });
        }
        for (role, algorithm) in algorithms.iter().filter(|(role, _)| waiting.get(*role).is_none()) {
            if !card.capabilities.generate.contains(algorithm) {
                reasons.push(Reason::AlgorithmNotOffered { role, algorithm: *algorithm });
            }
        }
        let Some(slots) = slots.filter(|_| reasons.is_empty()) else { return Err(NotEligible { reasons }) };
        let new = Pair::from_fn(|role| {
            let label = label(card, role, now);
            let (old, algorithm) = (old.get(role), *algorithms.get(role));
            NewKey::planned(old, *slots.get(role), algorithm, label, waiting.get(role).as_ref())
        });
        let touched = [old.authentication.slot, old.signature.slot, new.authentication.slot, new.signature.slot];
        let taken = |slot: &&SlotView| !slot.is_empty() && !touched.contains(&slot.id);
        let orphan =
            |slot: &&SlotView| slot.key.is_some() && slot.certificates.is_empty() && !touched.contains(&slot.id);
        Ok(Self {
            card: PlannedCard::from(card),
            method: policy.method,
            risk: in_place.then_some(Risk::InPlaceOnly),
            asks: asks(&old, &new, policy, in_place),
            stays: card.slots.iter().filter(taken).map(|slot| slot.id).collect(),
            unfinished: card.slots.iter().filter(orphan).map(|slot| slot.id).collect(),
            rules: policy.rules.clone(),
            clock_tolerance: Duration::from_secs(policy.clock_tolerance.as_secs()),
            old,
            new,
        })
    }

    /// Signatures that will be made, all keys together.
    #[must_use]
    pub fn signatures(&self) -> usize {
        self.asks.iter().flat_map(|ask| &ask.uses).filter(|one| one.is_signature()).count()
    }

    /// Whether something is part of the plan.
    #[must_use]
    pub fn has(&self, one: PinUse) -> bool {
        self.asks.iter().any(|ask| ask.uses.contains(&one))
    }

    /// The password that guards a use; `None` when it is not part of the plan.
    #[must_use]
    pub fn password_for(&self, one: PinUse) -> Option<PasswordKind> {
        self.asks.iter().find(|ask| ask.uses.contains(&one)).map(|ask| ask.password)
    }

    /// When the old pair stops being valid: nothing may be asked of a CA after it.
    #[must_use]
    pub fn old_ends(&self) -> SystemTime {
        self.old.authentication.certificate.not_after().min(self.old.signature.certificate.not_after())
    }
}

/// The card a plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCard {
    /// What kind.
    pub kind: String,
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// Certificates that are installed together become visible together.
    pub atomic_install: bool,
    /// Superseded certificates can be marked on the card.
    pub marks_superseded: bool,
}

impl From<&CardView> for PlannedCard {
    fn from(card: &CardView) -> Self {
        Self {
            kind: card.identity.kind.clone(),
            label: card.identity.label.clone(),
            serial: card.identity.serial.clone(),
            atomic_install: card.capabilities.atomic_install,
            marks_superseded: card.capabilities.marks_superseded,
        }
    }
}

/// A key of the pair that is renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldKey {
    /// Where.
    #[serde(with = "wire::slot")]
    pub slot: SlotId,
    /// Which kind.
    #[serde(with = "wire::key_algorithm")]
    pub algorithm: KeyAlgorithm,
    /// The password that guards it.
    #[serde(with = "wire::password")]
    pub password: PasswordKind,
    /// How the card signs with it, the preferred way first; never empty.
    #[serde(with = "wire::signature_algorithms")]
    pub signs: Vec<SignatureAlgorithm>,
    /// Its certificate.
    pub certificate: ParsedCertificate,
}

/// A key that will be made, or that waits already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Where.
    #[serde(with = "wire::slot")]
    pub slot: SlotId,
    /// Which kind.
    #[serde(with = "wire::key_algorithm")]
    pub algorithm: KeyAlgorithm,
    /// The password that will guard it.
    #[serde(with = "wire::password")]
    pub password: PasswordKind,
    /// How its request is signed.
    #[serde(with = "wire::signature_algorithm")]
    pub request_algorithm: SignatureAlgorithm,
    /// Its label, and that of its certificate. A house that names things otherwise, or in another language, writes its own
    /// here before the process is begun.
    pub label: String,
    /// The key is there already, left by a renewal whose journal was lost or that came to no end, and is gone on with. That
    /// it works is proven by the signature on its request.
    #[serde(with = "wire::maybe_public_key", default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<SubjectPublicKeyInfoOwned>,
}

impl NewKey {
    fn planned(
        old: &OldKey,
        slot: SlotId,
        algorithm: KeyAlgorithm,
        label: String,
        waiting: Option<&Waiting<'_>>,
    ) -> Self {
        let usual = new_key_algorithm(old, algorithm);
        let Some(Waiting { key, public_key, .. }) = waiting else {
            return Self { slot, algorithm, password: old.password, request_algorithm: usual, label, waiting: None };
        };
        let offered = signature_algorithms(key);
        let request_algorithm = Some(usual).filter(|usual| offered.contains(usual)).or(offered.first().copied());
        Self {
            slot,
            algorithm,
            password: key.password,
            request_algorithm: request_algorithm.unwrap_or(usual),
            label,
            waiting: Some((*public_key).clone()),
        }
    }
}

/// What may go wrong by the nature of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// New keys take the place of the old ones.
    #[error(
        "this card can only replace keys where they are: the old keys are destroyed before the new certificates exist, and until the new ones are installed nothing on the card works; if the issuer refuses, only the issuer can help"
    )]
    InPlaceOnly,
}

impl Risk {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::InPlaceOnly => "risk-in-place-only",
        }
    }
}

/// Managing the content of a card (keys made, certificates written, things removed) takes this password; the signature PIN
/// signs and nothing else.
pub const MANAGING_PASSWORD: PasswordKind = PasswordKind::AuthenticationPin;

fn asks(old: &Pair<OldKey>, new: &Pair<NewKey>, policy: &Policy, in_place: bool) -> Vec<Ask> {
    let to_make = new.iter().filter(|(_, key)| key.waiting.is_none());
    let mut uses: Vec<(PasswordKind, PinUse)> =
        to_make.map(|(role, _)| (MANAGING_PASSWORD, PinUse::MakeKey(role))).collect();
    uses.extend(new.iter().map(|(role, key)| (key.password, PinUse::SignRequest(role))));
    if !in_place {
        uses.extend(old.iter().map(|(role, key)| (key.password, PinUse::Vouch(role))));
    }
    uses.push((MANAGING_PASSWORD, PinUse::Install));
    if policy.prove_login {
        uses.push((new.authentication.password, PinUse::Login));
    }
    if policy.prove_signature {
        uses.push((new.signature.password, PinUse::TestSignature));
    }
    let mut asks: Vec<Ask> = Vec::new();
    for phase in Phase::ALL {
        for (password, one) in uses.iter().copied().filter(|(_, one)| one.phase() == Some(phase)) {
            match asks.iter_mut().find(|ask| ask.phase == phase && ask.password == password) {
                Some(ask) => ask.uses.push(one),
                None => asks.push(Ask { phase, password, uses: vec![one] }),
            }
        }
    }
    asks
}

/// A label that tells role and month, and that nothing on the card has yet.
pub(crate) fn label(card: &CardView, role: KeyRole, now: SystemTime) -> String {
    let mut month = crate::reason::date(now);
    month.truncate("2026-11".len());
    let name = match role {
        KeyRole::Authentication => "Authentication",
        KeyRole::Signature => "Signature",
    };
    let taken = |label: &str| card.slots.iter().flat_map(|slot| &slot.certificates).any(|entry| entry.label == label);
    let plain = format!("{name} {month}");
    if !taken(&plain) {
        return plain;
    }
    (2..=card.slots.len() + 2).map(|n| format!("{plain} ({n})")).find(|label| !taken(label)).unwrap_or(plain)
}
