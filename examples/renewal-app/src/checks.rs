//! The computer check: what a renewal needs, line by line; each line that fails says what to do.

use std::time::SystemTime;

use obnova_card::{Dead, KeyRole, PasswordKind, PasswordState, PasswordStatus, PasswordStep, PasswordSteps};
use obnova_renewal::{
    AskStatus, CardView, NewKey, ParsedCertificate, Plan, Policy, Reason, Standing, Terms, chosen_pair, current_pair,
    date,
};

use crate::{
    authority::Authority,
    failure::{Failure, Kind},
    phrases,
    texts::t,
    ui::Mark,
    view,
};

/// A line of the check.
pub struct Check {
    pub mark: Mark,
    pub text: String,
    /// How a command that needs it would fail; `None` when nothing is wrong.
    pub failure: Option<Kind>,
    /// Nothing is wrong, and nothing can be renewed before this.
    pub too_early: Option<SystemTime>,
}

impl Check {
    pub fn good(text: String) -> Self {
        Self { mark: Mark::Good, text, failure: None, too_early: None }
    }

    pub fn caution(text: String) -> Self {
        Self { mark: Mark::Caution, text, failure: None, too_early: None }
    }

    pub fn bad(kind: Kind, text: String) -> Self {
        Self { mark: Mark::Bad, text, failure: Some(kind), too_early: None }
    }
}

/// Everything about the card, of what these issued, or anybody where there are none.
pub fn card(card: &CardView, policy: &Policy, issuers: &[ParsedCertificate], now: SystemTime) -> Vec<Check> {
    let identity = &card.identity;
    let mut checks = vec![
        Check::good(t!("doctor-reader", place = identity.place.as_str())),
        Check::good(t!(
            "doctor-card",
            label = identity.label.as_str(),
            serial = identity.serial.as_str(),
            kind = identity.kind.as_str()
        )),
    ];
    let steps = PasswordSteps::of(&card.capabilities, &card.passwords);
    checks.extend(card.passwords.iter().map(|status| password(status, &steps)));
    if let Ok(pair) = current_pair(card, policy, issuers, now) {
        for (role, key) in pair.iter() {
            checks.push(certificate(role, key));
        }
    }
    let rests = card.slots.iter().filter(|slot| slot.left_over);
    checks.extend(rests.map(|slot| Check::caution(t!("doctor-left-over", slot = slot.id.to_string()))));
    match Plan::make_for(card, policy, issuers, now) {
        Ok(plan) => {
            let slots: Vec<_> = plan.new.iter().map(|(_, new)| new.slot.to_string()).collect();
            checks.push(match (plan.risk, slots.as_slice()) {
                (Some(_), _) => Check::caution(t!("doctor-room-in-place")),
                (None, slots) if plan.keeps_key() => {
                    Check::good(t!("doctor-keep-keys", count = slots.len(), slots = slots.join(", ")))
                }
                (None, [first, second]) => {
                    Check::good(t!("doctor-room", first = first.as_str(), second = second.as_str()))
                }
                (None, slots) => Check::good(t!("doctor-room-one", slot = slots.join(" "))),
            });
            // A key that is kept has a certificate: it waits for none.
            let waits = |new: &NewKey| new.waiting.is_some() && !plan.keeps_key();
            let waiting = plan.new.iter().filter(|(_, new)| waits(new)).map(|(_, new)| new.slot);
            checks.extend(waiting.map(|slot| Check::caution(t!("doctor-unfinished", slot = slot.to_string()))));
            let idle = plan.unfinished.iter();
            checks.extend(idle.map(|slot| Check::caution(t!("doctor-unused", slot = slot.to_string()))));
        }
        Err(not_eligible) => checks.extend(not_eligible.reasons.iter().map(reason)),
    }
    checks
}

/// Whether the CA answers, and is the one that is trusted.
pub fn authority(authority: &Authority, terms: &Result<Terms, Failure>) -> Check {
    match terms {
        Ok(terms) => {
            let name = terms.anchors.first().map(|anchor| view::name(anchor.subject())).unwrap_or_default();
            Check::good(t!("doctor-ca-good", address = authority.url.as_str(), name = name))
        }
        Err(failure) => Check::bad(failure.kind(), failure.message().to_owned()),
    }
}

/// Whether the certificates that a renewal would be about are revoked, as everybody is told; nothing where there are none.
pub fn standing(
    authority: &Authority,
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Vec<Check> {
    let pair = chosen_pair(card, policy, issuers, now).filter(|_| policy.ask_status != AskStatus::Never);
    let told = pair.map(|pair| {
        let mut road = authority.road()?;
        Ok::<_, Failure>(pair.try_map(|_, certificate| road.standing(certificate, now))?)
    });
    match told {
        // That the CA cannot be reached is said on its own line.
        None | Some(Err(_)) => Vec::new(),
        Some(Ok(told)) => told.iter().map(|(role, standing)| status(role, standing, policy.ask_status)).collect(),
    }
}

fn status(role: KeyRole, standing: &Standing, ask: AskStatus) -> Check {
    let (stops, text) = (phrases::standing_stops(role, standing), phrases::standing(role, standing));
    match standing {
        Standing::Unknown { .. } if standing.stops(ask) => Check::bad(Kind::Network, stops),
        Standing::Unknown { .. } => Check::caution(text),
        _ if standing.stops(ask) => Check::bad(Kind::NotEligible, stops),
        _ => Check::good(text),
    }
}

fn certificate(role: KeyRole, key: &obnova_renewal::OldKey) -> Check {
    Check::good(t!(
        "doctor-certificate",
        role = view::role(role),
        name = view::name(key.certificate.subject()),
        slot = key.slot.to_string(),
        until = date(key.certificate.not_after())
    ))
}

fn password(status: &PasswordStatus, steps: &PasswordSteps) -> Check {
    let state = view::password_state(status);
    let is_finished = steps.dead.iter().any(|dead| matches!(dead, Dead::Token(_)));
    match status.state {
        // What to do about a card that is finished is said once, for all of it.
        PasswordState::Transport | PasswordState::Empty | PasswordState::Blocked if is_finished => {
            Check::caution(t!("doctor-password", state = state))
        }
        // The renewal takes no PUK; that it is gone should be known before it is needed.
        PasswordState::Blocked if status.kind == PasswordKind::Puk => Check::caution(view::dead(Dead::Puk)),
        PasswordState::Blocked if steps.dead.contains(&Dead::Pin(status.kind)) => {
            Check::bad(Kind::Pin, view::dead(Dead::Pin(status.kind)))
        }
        PasswordState::Blocked if steps.instead_of(status.kind).is_none() => {
            Check::bad(Kind::Pin, t!("doctor-password-puk-not-taken", state = state))
        }
        PasswordState::Transport | PasswordState::Empty if steps.offer(PasswordStep::Activate).is_some() => {
            Check::bad(Kind::NotEligible, t!("doctor-password-inactive", state = state))
        }
        PasswordState::Blocked => Check::bad(Kind::Pin, t!("doctor-password-blocked", state = state)),
        PasswordState::Transport | PasswordState::Empty => {
            Check::bad(Kind::NotEligible, t!("doctor-password-unset", state = state))
        }
        PasswordState::Active(tries) if tries.may_be_last() => Check::caution(t!("doctor-password", state = state)),
        PasswordState::Active(_) | PasswordState::Disabled => Check::good(t!("doctor-password", state = state)),
    }
}

/// Too early is not wrong: everything works, only not yet.
fn reason(reason: &Reason) -> Check {
    let text = t!("doctor-reason", reason = phrases::reason(reason));
    match reason {
        Reason::NotDue { from, .. } => Check { too_early: Some(*from), ..Check::caution(text) },
        _ => Check::bad(Kind::NotEligible, text),
    }
}

#[cfg(test)]
mod tests {
    use obnova_card::{Alphabet, Capabilities, Tries};
    use obnova_renewal::ByRole;

    use super::*;

    #[test]
    fn nobody_is_sent_to_a_puk_that_the_card_does_not_take() {
        let status = |kind, state| PasswordStatus { kind, state, minimum: 4, maximum: 8, alphabet: Alphabet::Digits };
        let blocked = status(PasswordKind::SignaturePin, PasswordState::Blocked);
        let puk = status(PasswordKind::Puk, PasswordState::Active(Tries::Known(5)));
        for takes_puk in [false, true] {
            let capabilities = Capabilities { takes_puk, ..Capabilities::default() };
            let check = password(&blocked, &PasswordSteps::of(&capabilities, &[blocked, puk]));
            assert_eq!(check.failure, Some(Kind::Pin));
            assert_eq!(check.text.contains("obnova pin unblock"), takes_puk, "{}", check.text);
            assert_eq!(check.text.contains("sends no PUK to this card"), !takes_puk, "{}", check.text);
            assert_eq!(view::keeps_puk(&capabilities, &[blocked, puk]), !takes_puk);
        }
    }

    /// Nobody who is told that it ends here is told that it goes on.
    #[test]
    fn who_is_stopped_for_want_of_an_answer_is_told_to_try_later() {
        let unknown = Standing::Unknown { problems: "it did not answer".into() };
        let role = KeyRole::Signature;
        let goes_on = status(role, &unknown, AskStatus::Try);
        assert!(goes_on.failure.is_none() && goes_on.text.contains("the issuer will look"), "{}", goes_on.text);
        let stops = status(role, &unknown, AskStatus::Required);
        let failed = Failure::from(obnova_renewal::Failure::Unfit(ByRole::one(role, unknown.clone())));
        let unknown = Box::new(ByRole::one(role, unknown));
        let kept = Failure::from(obnova_renewal::ProcessError::NotKnown(unknown));
        assert_eq!((stops.failure, failed.kind(), kept.kind()), (Some(Kind::Network), Kind::Network, Kind::Network));
        for text in [&stops.text, failed.message(), kept.message()] {
            assert!(text.contains("try again later") && !text.contains("will look"), "{text}");
        }
        assert!(kept.message().contains("--resume") && !failed.message().contains("--resume"), "{}", kept.message());
    }
}
