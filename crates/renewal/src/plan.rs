use std::time::{Duration, SystemTime};

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{Identity, KeyRole, PasswordKind, SlotId};
use serde::{Deserialize, Serialize};

use crate::{
    Ask, AskStatus, ByRole, CardView, CertificateRules, Method, NotEligible, NoticeLink, OneTimePasswords,
    ParsedCertificate, PasswordRules, PinUse, Policy, Reason, Refusal, Wanted,
    policy::CLOCK_TOLERANCE,
    room::{fit, full},
    view::SlotView,
    wire,
};

mod asks;
mod first;
mod keys;
mod kind;
mod re_key;
mod same_key;

pub use keys::{NewKey, OldKey};
pub(crate) use kind::possible;

/// What will be done, said before anything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// On which card.
    pub card: PlannedCard,
    /// New keys, or the same again; `None` for a first order, which renews nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// What is renewed, and nothing in a first order. It stays on the card unless there is a [`risk`](Self::risk).
    #[serde(default, skip_serializing_if = "ByRole::is_empty")]
    pub old: ByRole<OldKey>,
    /// The keys that will be certified: made anew, or there already.
    pub new: ByRole<NewKey>,
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
    pub rules: ByRole<CertificateRules>,
    /// The holder is shown the new certificates before they are put on the card, and can say no.
    #[serde(default, skip_serializing_if = "is_false")]
    pub confirm_certificates: bool,
    /// What the one-time password is like that will be asked for, where one is.
    #[serde(default = "whatever_was_typed")]
    pub one_time_password: OneTimePasswords,
    /// What the revocation password has to be like that will be asked for; `None` where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_password: Option<PasswordRules>,
    /// It may be left out: an order without one is taken.
    #[serde(default, skip_serializing_if = "is_false")]
    pub revocation_password_optional: bool,
    /// There should be one, and the way to the issuer has no place for it: the issuer is asked for one afterwards.
    #[serde(default, skip_serializing_if = "is_false")]
    pub revocation_password_later: bool,
    /// Extensions that the CA wants to find in each request, in place of what would stand there otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<Wanted>,
    /// How far the issuer's clock may be ahead of ours, in whole seconds.
    #[serde(with = "wire::span", default = "default_tolerance")]
    pub clock_tolerance: Duration,
    /// Whether it is asked first whether the old certificates are revoked.
    #[serde(default = "nobody_asked")]
    pub ask_status: AskStatus,
    /// The link by which it is begun, where one was mailed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeLink>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// For journals of before it was part of the plan.
const fn default_tolerance() -> Duration {
    CLOCK_TOLERANCE
}

/// In journals of before it was part of the plan.
const fn whatever_was_typed() -> OneTimePasswords {
    OneTimePasswords::Any
}

/// In journals of before it was part of the plan.
const fn nobody_asked() -> AskStatus {
    AskStatus::Never
}

impl Plan {
    /// Makes the plan for what is on a card and is to be renewed. Nothing is touched, and the same card gives the same plan.
    ///
    /// # Errors
    /// [`NotEligible`] with every reason that was found.
    pub fn make(card: &CardView, policy: &Policy, now: SystemTime) -> Result<Self, NotEligible> {
        Self::make_for(card, policy, &[], now)
    }

    /// As [`make`](Self::make), for what one CA issued, where a card carries certificates of several: `issuers` are all certificates that this
    /// CA has or had ([`Terms::issuers`](crate::Terms::issuers)), and what none of them issued is left alone. Where there are none, it is as
    /// with [`make`](Self::make).
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_for(
        card: &CardView,
        policy: &Policy,
        issuers: &[ParsedCertificate],
        now: SystemTime,
    ) -> Result<Self, NotEligible> {
        Self::when_due(card, policy, issuers, now).map_err(|refused| {
            let is_early = refused.reasons.iter().any(|one| matches!(one, Reason::NotDue { .. }));
            let due = Policy { due_before: Duration::MAX, ..policy.clone() };
            let then = is_early.then(|| Self::when_due(card, &due, issuers, now).err()).flatten();
            refused.and(then)
        })
    }

    /// As [`make_for`](Self::make_for), and where it is too early nothing is looked at that only a renewal that is due gets to.
    fn when_due(
        card: &CardView,
        policy: &Policy,
        issuers: &[ParsedCertificate],
        now: SystemTime,
    ) -> Result<Self, NotEligible> {
        match policy.method {
            Method::ReKey => re_key::plan(card, policy, issuers, now),
            Method::SameKey => same_key::plan(card, policy, issuers, now),
        }
        .and_then(|plan| plan.fitting(card))
    }

    /// Makes the plan for first certificates, that renew none: new keys in empty slots, or keys that wait there, for each role
    /// that the policy has rules for. What else is on the card stays as it is.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn first(card: &CardView, policy: &Policy, now: SystemTime) -> Result<Self, NotEligible> {
        Self::first_beside(card, policy, &[], now)
    }

    /// As [`first`](Self::first), and keys that are [spent](crate::Process::spent_keys) are not gone on with: others are made beside
    /// them.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn first_beside(
        card: &CardView,
        policy: &Policy,
        spent: &[SubjectPublicKeyInfoOwned],
        now: SystemTime,
    ) -> Result<Self, NotEligible> {
        first::plan(card, policy, spent, now).and_then(|plan| plan.fitting(card))
    }

    /// The certificates are entered somewhere too.
    fn fitting(self, card: &CardView) -> Result<Self, NotEligible> {
        let labels = self.new.iter().map(|(_, new)| new.label.as_str());
        if fit(card, labels, self.old.iter().map(|(_, old)| old.slot)) {
            Ok(self)
        } else {
            Err(NotEligible { reasons: vec![Reason::CardFull] })
        }
    }

    /// With everything that follows from the keys.
    fn with(
        card: &CardView,
        policy: &Policy,
        method: Option<Method>,
        old: ByRole<OldKey>,
        new: ByRole<NewKey>,
        risk: Option<Risk>,
    ) -> Self {
        let revocation_password = policy.revocation_password.filter(|_| old.is_empty());
        let slots = old.iter().map(|(_, old)| old.slot).chain(new.iter().map(|(_, new)| new.slot));
        let touched: Vec<_> = slots.collect();
        let taken = |slot: &&SlotView| !slot.is_empty() && !touched.contains(&slot.id);
        let orphan =
            |slot: &&SlotView| slot.key.is_some() && slot.certificates.is_empty() && !touched.contains(&slot.id);
        Self {
            card: PlannedCard::from(card),
            method,
            risk,
            asks: asks::asks(&old, &new, policy, risk.is_some()),
            stays: card.slots.iter().filter(taken).map(|slot| slot.id).collect(),
            unfinished: card.slots.iter().filter(orphan).map(|slot| slot.id).collect(),
            rules: policy.rules.clone(),
            confirm_certificates: policy.confirm_first && old.is_empty(),
            one_time_password: policy.one_time_password,
            revocation_password,
            revocation_password_optional: revocation_password.is_some() && policy.revocation_password_optional,
            revocation_password_later: false,
            wanted: Vec::new(),
            clock_tolerance: Duration::from_secs(policy.clock_tolerance.as_secs()),
            ask_status: policy.ask_status,
            notice: None,
            old,
            new,
        }
    }

    /// Begun by the link of a notice, at this path of the issuer's server.
    #[must_use]
    pub fn by_link(self, path: &str) -> Self {
        Self { notice: Some(NoticeLink::new(path, &self)), ..self }
    }

    /// Whether there is still room on the card for the new certificates: something else may have come to it since the plan was made. What is
    /// there already needs none. Nothing is lost where there is none: once it is made, what was begun goes on.
    ///
    /// # Errors
    /// [`Refusal::KeyFull`] of a key that is kept, [`Refusal::CardFull`].
    pub fn check_room(&self, card: &CardView) -> Result<(), Refusal> {
        let missing: Vec<_> = self.new.iter().filter(|(role, new)| !self.may_be_there(card, *role, new)).collect();
        for (role, new) in missing.iter().filter(|_| self.keeps_key()) {
            if let Some(most) = card.slot(new.slot).and_then(|slot| full(card, slot)) {
                return Err(Refusal::KeyFull { role: *role, most });
            }
        }
        let labels = missing.iter().map(|(_, new)| new.label.as_str());
        let fit = missing.is_empty() || fit(card, labels, self.old.iter().map(|(_, old)| old.slot));
        if fit { Ok(()) } else { Err(Refusal::CardFull) }
    }

    fn may_be_there(&self, card: &CardView, role: KeyRole, new: &NewKey) -> bool {
        // On a key that is kept what is new ends later than what it renews.
        let old = self.old.get(role).filter(|_| self.keeps_key()).map(|old| old.certificate.not_after());
        let is_new = |one: &ParsedCertificate| old.is_none_or(|old| one.not_after() > old);
        let there = card.slot(new.slot).map_or(&[][..], |slot| &slot.certificates);
        there.iter().any(|entry| entry.certificate.as_ref().is_some_and(is_new))
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

    /// Without what the way to the CA has no place for, so that no password is asked for it.
    pub(crate) fn drop_uses(&mut self, dropped: impl Fn(PinUse) -> bool) {
        self.asks.iter_mut().for_each(|ask| ask.uses.retain(|one| !dropped(*one)));
        self.asks.retain(|ask| !ask.uses.is_empty());
    }

    /// The password that guards a use; `None` when it is not part of the plan.
    #[must_use]
    pub fn password_for(&self, one: PinUse) -> Option<PasswordKind> {
        self.asks.iter().find(|ask| ask.uses.contains(&one)).map(|ask| ask.password)
    }

    /// When what is renewed stops being valid: nothing may be asked of a CA after it. `None` in a first order.
    #[must_use]
    pub fn old_ends(&self) -> Option<SystemTime> {
        self.old.iter().map(|(_, old)| old.certificate.not_after()).min()
    }

    /// Whether it is for first certificates: nothing is renewed, and no old key vouches.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.old.is_empty()
    }

    /// Whether a new certificate comes beside the old one, on the same key.
    #[must_use]
    pub fn keeps_key(&self) -> bool {
        self.method == Some(Method::SameKey)
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

impl PlannedCard {
    /// Whether a card is this one.
    #[must_use]
    pub fn is(&self, card: &Identity) -> bool {
        (&self.kind, &self.serial) == (&card.kind, &card.serial)
    }
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
