use std::time::{Duration, SystemTime};

use obnova_algorithm::verify_digest;
use obnova_card::KeyRole;

use super::{
    Doubt, ProcessError, Stage, State,
    next::{asks_standing, roles_to_request, to_supersede, vouches_to_make},
};
use crate::{
    Answer, ByRole, Consent, Event, Fact, Failure, LinkAnswer, MAX_CERTIFICATES, ParsedCertificate, Refusal, Risk,
    Source, Standing, Vouching,
    view::{CertificateView, SlotView},
};

type Outcome = Result<(Vec<Fact>, Doubt), ProcessError>;

/// What an event means: facts to write down, and what changes for this run.
pub(super) fn facts(state: &State, doubt: &Doubt, event: Event, now: SystemTime) -> Outcome {
    let stage = state.stage();
    let doubt = doubt.clone();
    Ok(match (event, stage) {
        (Event::Standing(told), _) if asks_standing(state, now) => (vec![stands(state, &told)?], doubt),
        (Event::Agreed, Stage::AskRisk) => (vec![Fact::Agreed(Consent::Risk)], doubt),
        (Event::Agreed, Stage::AskPlan) => (vec![Fact::Agreed(Consent::Plan)], doubt),
        (Event::Agreed, Stage::AskCertificates) => (vec![Fact::Agreed(Consent::Certificates)], doubt),
        (Event::Declined, Stage::AskRisk | Stage::AskPlan) => (vec![Fact::Failed(Failure::Declined)], doubt),
        (Event::Declined, Stage::AskCertificates) => (vec![Fact::Failed(Failure::CertificatesDeclined)], doubt),
        // The no is taken back.
        (Event::Agreed, Stage::Failed) if state.declined().is_some() => {
            (vec![Fact::Agreed(Consent::Certificates)], doubt)
        }
        (Event::Link(LinkAnswer::Begun), Stage::UseLink) => (vec![Fact::LinkUsed], doubt),
        (Event::Link(LinkAnswer::Refused(why)), Stage::UseLink) => (vec![Fact::Failed(Failure::Link(why))], doubt),
        // The card was not touched yet in this process, so there is nothing to look for.
        (Event::Terms(terms), Stage::Terms) => {
            let impossible = terms.vouching != Vouching::Elsewhere && state.plan.risk == Some(Risk::InPlaceOnly);
            let mut facts = vec![Fact::Terms(terms)];
            facts.extend(impossible.then_some(Fact::Failed(Failure::OldKeysNeeded)));
            (facts, Doubt { look: false, ..doubt })
        }
        (Event::Looked(slots), Stage::Generate(role)) => looked_for_key(state, doubt, &slots, role),
        (Event::Looked(slots), Stage::Install) => looked_for_certificates(state, doubt, &slots),
        (Event::Looked(slots), Stage::Failed) if state.may_have_come_elsewhere() => {
            (state.found_on(&slots, now).map(Fact::Found).into_iter().collect(), doubt)
        }
        (Event::KeyMade(public_key), Stage::Generate(role)) if !doubt.look => {
            (vec![Fact::KeyMade { role, public_key, found: false }], doubt)
        }
        (Event::Uncertain, Stage::Generate(_) | Stage::Install) => (Vec::new(), Doubt { look: true, ..doubt }),
        (Event::Signed(signatures), Stage::Request(_)) => (requested(state, &signatures)?, doubt),
        (Event::Signed(signatures), Stage::Vouch) => (vouched(state, signatures)?, doubt),
        (Event::Signed(signatures), Stage::ProveSignature) => (proven(state, &signatures)?, doubt),
        (Event::Prepared(prepared), Stage::Prepare) => (vec![Fact::Prepared(prepared)], doubt),
        (Event::Sealed(message), Stage::Seal) => (vec![Fact::Sealed(message)], doubt),
        (Event::Answered(answer), Stage::Send | Stage::PickUp) => answered(state, doubt, answer, now)?,
        // Files that are taken already, by a program that was stopped while it installed them.
        (Event::Files(certificates), stage) if !stage.is_end() && state.has_taken(&certificates) => (Vec::new(), doubt),
        (Event::Files(certificates), _) => {
            // Measured before anything is written down: a wrong file must not end a process that could go on.
            state.check_files(&certificates, now)?;
            (vec![Fact::Arrived { from: Source::Files, certificates, receipt: None }], doubt)
        }
        (Event::Installed, Stage::Install) => (Vec::new(), Doubt { look: true, written: true, ..doubt }),
        (Event::Acknowledged, Stage::Acknowledge) => (vec![Fact::Acknowledged], doubt),
        (Event::LoggedIn(name), Stage::ProveLogin) => (vec![Fact::LoggedIn(printable(&name))], doubt),
        (event, stage) => return Err(ProcessError::Unexpected { what: event.name(), stage }),
    })
}

/// What is told of the certificates that are renewed; or those of them that cannot be. Where one was not asked about, nothing is known.
fn stands(state: &State, told: &ByRole<Standing>) -> Result<Fact, ProcessError> {
    let nothing = || Standing::Unknown { problems: "nobody was asked".into() };
    let told = state.plan.old.map(|role, _| told.get(role).cloned().unwrap_or_else(nothing));
    let unfit = ByRole::from_fn(|role| told.get(role).filter(|one| one.stops(state.plan.ask_status)).cloned());
    let unknown = unfit.iter().all(|(_, one)| matches!(one, Standing::Unknown { .. }));
    match () {
        () if unfit.is_empty() => Ok(Fact::Standing(told)),
        // It ends nothing that was begun: keys may be there, and the old ones gone.
        () if unknown && state.has_begun() => Err(ProcessError::NotKnown(Box::new(unfit))),
        () => Ok(Fact::Failed(Failure::Unfit(unfit))),
    }
}

fn looked_for_key(state: &State, doubt: Doubt, slots: &[SlotView], role: KeyRole) -> (Vec<Fact>, Doubt) {
    let (Some(new), Some(known)) = (state.plan.new.get(role), state.keys.get(role)) else { return (Vec::new(), doubt) };
    let taken = Fact::Failed(Failure::SlotTaken { slot: new.slot });
    let in_place = state.plan.risk == Some(Risk::InPlaceOnly);
    let slot = slots.iter().find(|slot| slot.id == new.slot);
    let key = slot.and_then(|slot| slot.key.as_ref());
    let public = key.and_then(|key| key.public_key.as_ref());
    let old = state.plan.old.get(role).map(|old| old.certificate.public_key());
    let is_old = old.is_some() && public == old;
    let seen = Doubt { look: false, ..doubt };
    // Tokens whose slots are handles of what is there list no empty ones.
    let nothing_made = key.is_none() || (in_place && (is_old || public.is_none()));
    let occupied = slot.is_some_and(|slot| !slot.is_empty());
    match (key, public) {
        _ if !known.generating && (in_place || !occupied) => (vec![Fact::Generating(role)], seen),
        _ if !known.generating => (vec![taken], seen),
        _ if nothing_made && (in_place || !occupied) => (Vec::new(), seen),
        (Some(key), _) if key.role != role || key.algorithm != new.algorithm => (vec![taken], seen),
        (Some(_), None) => (vec![Fact::Failed(Failure::KeyLost { slot: new.slot })], seen),
        (Some(_), Some(public)) if in_place || slot.is_some_and(|slot| slot.certificates.is_empty()) => {
            (vec![Fact::KeyMade { role, public_key: public.clone(), found: true }], seen)
        }
        _ => (vec![taken], seen),
    }
}

fn looked_for_certificates(state: &State, doubt: Doubt, slots: &[SlotView]) -> (Vec<Fact>, Doubt) {
    let Some(certificates) = &state.accepted else { return (Vec::new(), doubt) };
    let slot = |id| slots.iter().find(|slot| slot.id == id);
    for (role, new) in state.plan.new.iter() {
        if slot(new.slot).is_none_or(|slot| slot.key.is_none()) {
            return (vec![Fact::Failed(Failure::KeyGone { role })], doubt);
        }
    }
    let holds = |id, certificate: &ParsedCertificate| slot(id).is_some_and(|slot| slot.holds(certificate));
    // Where the key stays, the new certificate is in the slot whose other ones are marked.
    let is_new = |entry: &CertificateView| certificates.iter().any(|(_, new)| entry.certificate.as_ref() == Some(new));
    let has_unmarked = |slot: &SlotView| slot.certificates.iter().any(|entry| !entry.superseded && !is_new(entry));
    let unmarked: Vec<_> =
        to_supersede(&state.plan).into_iter().filter(|id| slot(*id).is_some_and(has_unmarked)).collect();
    let missing = certificates.iter().filter(|(role, certificate)| {
        let new = state.plan.new.get(*role);
        // It is named once more where others beside it are to be marked, so that it is not taken for one of them.
        new.is_none_or(|new| !holds(new.slot, certificate) || unmarked.contains(&new.slot))
    });
    let missing: Vec<_> = missing.map(|(role, _)| role).collect();
    let mut facts = Vec::new();
    if !state.installing {
        facts.push(Fact::Installing);
    }
    if missing.is_empty() && unmarked.is_empty() {
        facts.push(Fact::Installed);
    } else if doubt.written {
        facts.push(Fact::Failed(Failure::ReadBack));
    }
    (facts, Doubt { look: false, missing: Some((missing, unmarked)), ..doubt })
}

fn requested(state: &State, signatures: &[Vec<u8>]) -> Result<Vec<Fact>, ProcessError> {
    let roles = roles_to_request(state);
    count(roles.len(), signatures.len())?;
    let requests = roles.into_iter().zip(signatures).map(|(role, signature)| {
        let request = state.request_to_sign(role)?.assemble(signature)?;
        Ok(Fact::Requested { role, request: request.der().to_vec() })
    });
    requests.collect()
}

fn vouched(state: &State, signatures: Vec<Vec<u8>>) -> Result<Vec<Fact>, ProcessError> {
    let wanted = vouches_to_make(state);
    count(wanted.len(), signatures.len())?;
    Ok(wanted.into_iter().zip(signatures).map(|(index, signature)| Fact::Vouched { index, signature }).collect())
}

fn proven(state: &State, signatures: &[Vec<u8>]) -> Result<Vec<Fact>, ProcessError> {
    count(1, signatures.len())?;
    let nothing = || ProcessError::Unexpected { what: "signed", stage: state.stage() };
    let (algorithm, digest) = state.proof().ok_or_else(nothing)?;
    if let Some(certificate) = state.accepted.as_ref().and_then(|new| new.signature.as_ref()) {
        verify_digest(certificate.public_key(), algorithm, &digest, &signatures[0])?;
    }
    Ok(vec![Fact::SignatureProven])
}

const fn count(expected: usize, got: usize) -> Result<(), ProcessError> {
    if expected == got { Ok(()) } else { Err(ProcessError::Count { expected, got }) }
}

fn answered(state: &State, doubt: Doubt, answer: Answer, now: SystemTime) -> Outcome {
    let index = state.pick_ups.iter().position(|fetch| !fetch.done);
    Ok(match answer {
        Answer::Issued { certificates, .. } if is_too_much(&certificates) => {
            let refusal = Refusal::TooMany { count: certificates.len(), limit: MAX_CERTIFICATES };
            (vec![Fact::Failed(Failure::Rejected(refusal))], doubt)
        }
        Answer::Issued { certificates, .. } if state.begins_soon(&certificates, now).is_some() => {
            (Vec::new(), Doubt { until: state.begins_soon(&certificates, now), ..doubt })
        }
        Answer::Issued { certificates, receipt } => {
            let from = index.map_or(Source::Order, Source::PickUp);
            (vec![Fact::Arrived { from, certificates, receipt }], Doubt { until: None, ..doubt })
        }
        Answer::Pending { mut pick_ups, retry_after } => {
            let shortest = if index.is_some() { SHORTEST_WAIT } else { Duration::ZERO };
            let until = now.checked_add(retry_after.clamp(shortest, LONGEST_WAIT));
            let facts = match index {
                None if pick_ups.is_empty() => return Err(ProcessError::NoPickUp),
                None => vec![Fact::Pending(pick_ups)],
                Some(index) => {
                    let by = pick_ups.pop().filter(|by| *by != state.pick_ups[index].pick_up);
                    let replaced = by.map(|by| Fact::PickUpReplaced { index, by });
                    let known = |fact: &Fact| state.history.iter().filter(|(_, name)| *name == fact.name()).count();
                    replaced.into_iter().filter(|fact| known(fact) < MOST_REPLACED).collect()
                }
            };
            (facts, Doubt { until, ..doubt })
        }
        Answer::Refused { reason, text } => {
            let failure = Failure::Refused { reason: printable(&reason), text: printable(&text) };
            (vec![Fact::Failed(failure)], doubt)
        }
    })
}

/// Longest time that a CA can make a process wait at once.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Shortest time between two pick-ups of the same thing: a CA that says "at once" for ever does not keep a process busy.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// Most pick-ups that are written down in place of others; from there on the last of them is asked with. A CA that gives
/// another one each time does not fill the journal.
const MOST_REPLACED: usize = 1_000;

/// What is too much is not even written down.
fn is_too_much(certificates: &[Vec<u8>]) -> bool {
    certificates.len() > MAX_CERTIFICATES || certificates.iter().any(|der| der.len() > ParsedCertificate::MAX_SIZE)
}

/// What others wrote, fit to be shown, and not endless.
fn printable(text: &str) -> String {
    obnova_algorithm::text::printable(text, 500)
}
