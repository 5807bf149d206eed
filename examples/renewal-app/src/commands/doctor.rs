use std::time::SystemTime;

use obnova_client::{FileJournal, look};
use obnova_renewal::{Action, CardView, ParsedCertificate, Policy, Terms, date};

use crate::{
    authority::Authority,
    checks::{self, Check},
    cli::{Global, ServiceOptions},
    failure::{Failure, Kind},
    journals,
    service::Service,
    texts::t,
    tokens,
    ui::{Mark, Screen},
};

/// `doctor`: everything a renewal needs, line by line.
pub fn run(global: &Global, service: &ServiceOptions) -> Result<(), Failure> {
    let policy = Service::asked_for(service)?;
    let mut screen = Screen::new();
    screen.title(&t!("doctor-title"));
    let now = SystemTime::now();
    let seen = tokens::open(global).and_then(|mut token| Ok(look(token.as_mut())?));
    let authority = Authority::named(global);
    let terms = authority.as_ref().ok().and_then(Option::as_ref).map(Authority::terms);
    let issuers = terms.as_ref().and_then(|terms| terms.as_ref().ok()).map(Terms::issuers).unwrap_or_default();
    let mut checks = card(global, &seen, &policy, &issuers, now);
    checks.extend(declined(global, seen.as_ref().ok(), now));
    checks.push(journal(global));
    checks.push(match (&authority, &terms) {
        (Ok(Some(authority)), Some(terms)) => checks::authority(authority, terms),
        (Err(failure), _) => Check::bad(failure.kind(), t!("doctor-ca-bad", problem = failure.message())),
        _ => Check::caution(t!("doctor-ca-none")),
    });
    if let (Ok(Some(authority)), Some(Ok(_)), Ok(card)) = (&authority, &terms, &seen) {
        checks.extend(checks::standing(authority, card, &policy, &issuers, now));
    }
    checks.iter().for_each(|check| screen.mark(check.mark, &check.text));
    let failures: Vec<Kind> = checks.iter().filter_map(|check| check.failure).collect();
    match failures.first() {
        None => {
            let too_early = checks.iter().filter_map(|check| check.too_early).max().map(date);
            let (mark, text) = match (too_early, &global.ca) {
                (Some(from), Some(_)) => (Mark::Caution, t!("doctor-too-early", from = from)),
                (Some(from), None) => (Mark::Caution, t!("doctor-too-early-without-ca", from = from)),
                (None, Some(_)) => (Mark::Good, t!("doctor-good")),
                (None, None) => (Mark::Caution, t!("doctor-good-without-ca")),
            };
            screen.mark(mark, &text);
            Ok(())
        }
        Some(first) => Err(Failure::new(*first, t!("doctor-bad", count = failures.len()))),
    }
}

fn card(
    global: &Global,
    seen: &Result<CardView, Failure>,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    now: SystemTime,
) -> Vec<Check> {
    match seen {
        Ok(card) => {
            let mut checks = checks::card(card, policy, issuers, now);
            checks.extend(without_password(global, card));
            checks
        }
        Err(failure) => vec![Check::bad(failure.kind(), t!("doctor-no-card", problem = failure.message()))],
    }
}

/// A certificate on the card that nobody but the issuer ends when the card is lost, as far as is known here.
fn without_password(global: &Global, card: &CardView) -> Option<Check> {
    // What is wrong with the journals is told in its own line.
    let without = journals::folder(global).and_then(|folder| journals::without_password(&folder)).ok()?;
    let now = SystemTime::now();
    let on_card = |one: &&ParsedCertificate| one.is_valid_at(now) && card.slots.iter().any(|slot| slot.holds(one));
    let one = without.iter().find(on_card)?;
    Some(Check::caution(t!("revocation-password-none", holder = one.subject().to_string())))
}

/// A first order whose certificates were said no to, for this card or, where none can be looked at, for any: it can still be gone on with.
fn declined(global: &Global, card: Option<&CardView>, now: SystemTime) -> Option<Check> {
    let known = journals::folder(global).and_then(|folder| journals::declined(&folder)).ok()??;
    let is_for = |card: &CardView| card.identity.serial == known.process.plan().card.serial;
    let Action::Failed(ended) = known.process.next(now) else { return None };
    let ended = card.is_none_or(is_for).then(|| Failure::of_end(&known.process, ended))?;
    Some(Check::caution(t!("doctor-declined", problem = ended.message())))
}

fn journal(global: &Global) -> Check {
    let folder = match journals::folder(global) {
        Ok(folder) => folder,
        Err(failure) => {
            return Check::bad(Kind::NotEligible, t!("doctor-journal-none", problem = failure.message()));
        }
    };
    match FileJournal::probe(&folder).map_err(Failure::from) {
        Ok(_) => Check::good(t!("doctor-journal", folder = folder.display().to_string())),
        Err(failure) => Check::bad(Kind::NotEligible, t!("doctor-journal-bad", problem = failure.message())),
    }
}
