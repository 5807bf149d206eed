//! What is ordered, by whom, and what is answered.

use std::time::{Duration, SystemTime};

use obnova_ca::store::OrderState;
use obnova_enroll::cmc::{FullRequest, Kind};
use obnova_renewal::{Fact, Pair, Plan, Reason, Stage as Reached, date};

use super::World;
use crate::stage::{
    Event, Lie, Moment, Trial,
    rules::{Broken, Verdict, there, want},
};

/// Of the certificates that the card shows in the end.
pub fn one_year(world: &mut World<'_>) -> Verdict {
    let card = there(world.witness.card(Moment::Cleaned), "card to look at")?;
    let new = new_certificates(world)?;
    let mut seen = Vec::new();
    for (role, certificate) in new.iter() {
        let shown = card.slots.iter().any(|slot| slot.holds(certificate));
        let (from, until) = (certificate.not_before(), certificate.not_after());
        let days = until.duration_since(from).map_or(0, |span| (span + Duration::from_secs(1)).as_secs() / 86_400);
        let text = format!("{role}: {} to {}, {days} days", date(from), date(until));
        if !shown || days != *world.stage.service.expects.days.get(role) {
            return Err(Broken(text));
        }
        seen.push(text);
    }
    Ok(seen.join("; "))
}

/// The requests that went out have the old names; and a certificate in another name is not taken.
pub fn subject_client(world: &mut World<'_>) -> Verdict {
    let plan = there(world.witness.plan.as_ref(), "plan")?;
    let order = sent(world)?;
    let Kind::Enroll(requests) = &order.kind else { return Err(Broken("no order was sent".to_owned())) };
    for (_, request) in requests {
        if !plan.old.iter().any(|(_, old)| old.certificate.subject() == request.subject()) {
            return Err(Broken(format!("a request is for {}", request.subject())));
        }
    }
    let mut trial = Trial::new(world.stage)?;
    trial.reach(Reached::Send, true)?;
    let keys = trial.keys()?;
    let certificates = world.stage.certify_for_another(&keys)?;
    let refusal = trial.with_runner(true, |runner| Ok(runner.take_files(certificates)))?;
    match refusal {
        Err(error) if error.to_string().contains("another subject") => {
            trial.old_pair_works()?;
            Ok(format!("{} requests for the old name; a certificate in another name was refused", requests.len()))
        }
        other => Err(Broken(format!("certificates in another name: {other:?}"))),
    }
}

pub fn subject_ca(world: &mut World<'_>) -> Verdict {
    world.refused(Lie::OtherAddress, "names-changed")?;
    world.refused(Lie::OtherName, "subject-changed")
}

/// Nothing is begun where one of the two is missing.
pub fn requested_client(world: &mut World<'_>) -> Verdict {
    let order = sent(world)?;
    let Kind::Enroll(requests) = &order.kind else { return Err(Broken("no order was sent".to_owned())) };
    if requests.len() != 2 {
        return Err(Broken(format!("the order has {} requests", requests.len())));
    }
    let trial = Trial::new(world.stage)?;
    let mut card = trial.view()?;
    for slot in &mut card.slots {
        slot.certificates.retain(|entry| entry.certificate.as_ref() != Some(&trial.old.signature));
    }
    match Plan::make(&card, &world.client.policy, SystemTime::now()) {
        Err(refused) if matches!(refused.reasons.as_slice(), [Reason::OnlyOneOfTwo { .. }, ..]) => {
            Ok("one order with two requests; a card with one of the two gets no plan".to_owned())
        }
        Err(refused) => Err(Broken(refused.to_string())),
        Ok(_) => Err(Broken("a card with one of the two got a plan".to_owned())),
    }
}

pub fn requested_ca(world: &mut World<'_>) -> Verdict {
    world.refused(Lie::OnlyOne, "request-count")
}

/// Both old keys signed what the CA has kept.
pub fn vouched_client(world: &mut World<'_>) -> Verdict {
    let plan = there(world.witness.plan.as_ref(), "plan")?;
    let order = sent(world)?;
    let signed = |old: &obnova_renewal::OldKey| order.signers.iter().any(|one| one.der() == old.certificate.der());
    let both = plan.old.iter().all(|(_, old)| signed(old)) && order.signers.len() == 2;
    want(both, format!("{} keys signed the order that the CA keeps, and not both old ones", order.signers.len()))?;
    Ok("both old keys signed the order that the CA keeps".to_owned())
}

pub fn vouched_ca(world: &mut World<'_>) -> Verdict {
    world.refused(Lie::ForeignSigner, "signers-not-a-pair")?;
    world.refused(Lie::OneSigner, "signer-count")
}

/// The order stood at the CA, undecided and without certificates, when the client had its answer written down and the window
/// was closed; they came after the operator's word.
pub fn accepted(world: &mut World<'_>) -> Verdict {
    let witness = &world.witness;
    let place = |is: fn(&Event) -> bool, what| there(witness.first(is), what);
    let pending = place(|event| matches!(event, Event::Fact(Fact::Pending(_))), "answer \"accepted\"")?;
    let closed = place(|event| matches!(event, Event::Closed(_)), "closed window")?;
    let approved = place(|event| matches!(event, Event::Approved), "approval")?;
    let arrived = place(|event| matches!(event, Event::Fact(Fact::Arrived { .. })), "certificate")?;
    let Some(Event::Closed(orders)) = witness.seen.get(closed) else { return Err(Broken(String::new())) };
    let undecided = matches!(orders.as_slice(), [(OrderState::Pending, 0)]);
    let in_order = pending < closed && closed < approved && approved < arrived;
    want(undecided, format!("the CA's orders when the window was closed: {orders:?}"))?;
    want(in_order, "certificates came before the operator's word, or before \"accepted\"")?;
    Ok(format!("the CA's orders when the window was closed: {orders:?}; certificates came later"))
}

/// The order as the CA has kept it, whose signatures are verified by reading it.
fn sent(world: &World<'_>) -> Result<FullRequest, Broken> {
    let plan = there(world.witness.plan.as_ref(), "plan")?;
    let old = there(plan.old.authentication.as_ref(), "old certificate")?;
    Ok(FullRequest::parse(&world.ca.kept(&old.certificate)?)?)
}

/// The certificates that came of the play.
pub fn new_certificates(world: &World<'_>) -> Result<Pair<obnova_renewal::ParsedCertificate>, Broken> {
    let read = |role: obnova_card::KeyRole| {
        let named = world.report.certificates.iter().find(|one| one.role == role.to_string());
        let pem = there(named, "new certificate")?.pem.as_bytes();
        let read = obnova_enroll::certs_only::read_file(pem)?;
        Ok::<_, Broken>(obnova_renewal::ParsedCertificate::try_from(there(read.first(), "new certificate")?)?)
    };
    Pair::try_from_fn(read)
}
