use std::time::{Duration, SystemTime};

use obnova_card::{GenerateKey, InstallCertificate, KeyRole, SignDigest, SlotId};

use super::{Doubt, Stage, State};
use crate::{Action, AskStatus, Asked, Failure, PinNeed, PinUse, Plan, Question, Summary};

pub(super) fn next(state: &State, doubt: &Doubt, now: SystemTime) -> Action {
    if state.stage().is_before_send() && state.plan.old_ends().is_some_and(|end| now > end) {
        return Action::Failed(Failure::PairExpired);
    }
    if asks_standing(state, now) {
        return Action::AskStanding(state.plan.old.map(|_, old| old.certificate.clone()));
    }
    due(state, doubt, now).unwrap_or(Action::Failed(Failure::Inconsistent))
}

/// What is due at the present stage; `None` if something were missing without which the stage is not reached.
fn due(state: &State, doubt: &Doubt, now: SystemTime) -> Option<Action> {
    Some(match state.stage() {
        Stage::AskRisk => Action::Ask(Question::Risk(state.plan.risk?)),
        Stage::AskPlan => Action::Ask(Question::Plan(Box::new(state.plan.clone()))),
        Stage::UseLink => Action::UseLink(state.plan.notice.clone()?),
        Stage::Terms => Action::LearnTerms,
        Stage::Generate(role) if doubt.look || !state.keys.get(role)?.generating => Action::Look,
        Stage::Generate(role) => generate(&state.plan, role)?,
        Stage::Request(_) => request(state)?,
        Stage::Prepare => Action::Prepare(state.order()),
        Stage::Vouch => vouch(state)?,
        Stage::Seal => Action::Seal {
            order: state.order(),
            prepared: state.prepared.clone()?,
            signatures: state.vouches.iter().cloned().collect::<Option<_>>()?,
        },
        Stage::Send | Stage::PickUp if doubt.until.is_some_and(|until| now < until) => {
            Action::Wait { until: doubt.until? }
        }
        Stage::Send => match state.sealed.clone()? {
            message if state.logs_in() => over_login(state, Asked::Order(message))?,
            message => Action::Send(message),
        },
        Stage::PickUp => match state.pick_ups.iter().find(|fetch| !fetch.done)?.pick_up.clone() {
            pick_up if state.logs_in() => over_login(state, Asked::PickUp(pick_up))?,
            pick_up => Action::PickUp(pick_up),
        },
        Stage::AskCertificates => Action::Ask(Question::Certificates(Box::new(state.accepted.clone()?))),
        Stage::Install if doubt.look || !state.installing => Action::Look,
        Stage::Install => install(state, doubt)?,
        Stage::Acknowledge => Action::Acknowledge(state.unacknowledged.first()?.clone()),
        Stage::ProveLogin => Action::ProveLogin {
            slot: state.plan.new.authentication.as_ref()?.slot,
            certificate: state.accepted.as_ref()?.authentication.clone()?,
            pin: need(&state.plan, vec![PinUse::Login])?,
        },
        Stage::ProveSignature => {
            let (algorithm, digest) = state.proof()?;
            let job = SignDigest { slot: state.plan.new.signature.as_ref()?.slot, algorithm, digest };
            Action::Sign { jobs: vec![job], pin: need(&state.plan, vec![PinUse::TestSignature])? }
        }
        Stage::Done => Action::Done(Box::new(summary(state)?)),
        Stage::Failed => Action::Failed(state.failed.clone()?),
    })
}

fn over_login(state: &State, asked: Asked) -> Option<Action> {
    let old = state.plan.old.authentication.as_ref()?;
    Some(Action::OverLogin {
        asked,
        slot: old.slot,
        certificate: old.certificate.clone(),
        pin: need(&state.plan, vec![PinUse::Vouch(KeyRole::Authentication)])?,
    })
}

/// Before anything is asked of the holder, and before a card that can only replace keys loses the old ones.
pub(super) fn asks_standing(state: &State, now: SystemTime) -> bool {
    let asks = !state.plan.is_first() && state.plan.ask_status != AskStatus::Never;
    let counts = |at| now.duration_since(at).map_or(true, |ago| ago <= STANDING_COUNTS);
    asks && state.stage().is_before_send() && !state.stood.is_some_and(counts)
}

/// How long it counts what was told of the old certificates, for who is interrupted and comes back.
const STANDING_COUNTS: Duration = Duration::from_secs(3600);

fn generate(plan: &Plan, role: KeyRole) -> Option<Action> {
    let new = plan.new.get(role)?;
    let order = GenerateKey { slot: new.slot, role, algorithm: new.algorithm, label: new.label.clone() };
    Some(Action::Generate { order, pin: need(plan, vec![PinUse::MakeKey(role)])? })
}

fn request(state: &State) -> Option<Action> {
    let roles = roles_to_request(state);
    let jobs = roles.iter().map(|role| {
        let request = state.request_to_sign(*role).ok()?;
        Some(SignDigest {
            slot: state.plan.new.get(*role)?.slot,
            algorithm: request.algorithm(),
            digest: request.digest(),
        })
    });
    let jobs = jobs.collect::<Option<_>>()?;
    Some(Action::Sign { jobs, pin: need(&state.plan, roles.into_iter().map(PinUse::SignRequest).collect())? })
}

/// The keys whose requests are signed next, together: those of one password.
pub(super) fn roles_to_request(state: &State) -> Vec<KeyRole> {
    let open = || state.keys.iter().filter(|(_, key)| key.request.is_none()).map(|(role, _)| role);
    let password = |role| state.plan.new.get(role).map(|new| new.password);
    let first = open().next().and_then(password);
    open().filter(|role| password(*role) == first).collect()
}

fn vouch(state: &State) -> Option<Action> {
    let prepared = state.prepared.as_ref()?;
    let (mut jobs, mut uses) = (Vec::new(), Vec::new());
    for index in vouches_to_make(state) {
        let job = prepared.to_sign.get(index)?;
        let signer = state.signer(job.voucher)?;
        jobs.push(SignDigest { slot: signer.slot, algorithm: job.algorithm, digest: job.digest });
        uses.push(signer.pin_use);
    }
    Some(Action::Sign { jobs, pin: need(&state.plan, uses)? })
}

/// Which of the signatures that the CA wants are made next, together: those of one password.
pub(super) fn vouches_to_make(state: &State) -> Vec<usize> {
    let wanted = state.prepared.as_ref().map_or(&[][..], |prepared| &prepared.to_sign);
    let open = || wanted.iter().zip(&state.vouches).enumerate().filter(|(_, (_, made))| made.is_none());
    let password = |job: &crate::ToSign| state.signer(job.voucher).map(|signer| signer.password);
    let first = open().next().map(|(_, (job, _))| password(job));
    open().filter(|(_, (job, _))| Some(password(job)) == first).map(|(index, _)| index).collect()
}

fn install(state: &State, doubt: &Doubt) -> Option<Action> {
    let certificates = state.accepted.as_ref()?;
    let (roles, superseded) =
        doubt.missing.clone().unwrap_or_else(|| (certificates.roles().collect(), to_supersede(&state.plan)));
    let jobs = roles.into_iter().map(|role| {
        let (new, certificate) = (state.plan.new.get(role)?, certificates.get(role)?);
        Some(InstallCertificate { slot: new.slot, certificate: certificate.der().to_vec(), label: new.label.clone() })
    });
    Some(Action::Install {
        jobs: jobs.collect::<Option<_>>()?,
        superseded,
        pin: need(&state.plan, vec![PinUse::Install])?,
    })
}

/// Slots of what is renewed, where they can be marked and are still there.
pub(super) fn to_supersede(plan: &Plan) -> Vec<SlotId> {
    let markable = plan.card.marks_superseded && plan.risk.is_none();
    plan.old.iter().filter(|_| markable).map(|(_, old)| old.slot).collect()
}

fn summary(state: &State) -> Option<Summary> {
    let proofs = [(PinUse::Login, KeyRole::Authentication), (PinUse::TestSignature, KeyRole::Signature)];
    let is_proven = |one| state.plan.has(one) && !state.found;
    Some(Summary {
        certificates: state.accepted.clone()?,
        slots: state.plan.new.map(|_, new| new.slot),
        logged_in_as: state.logged_in.clone(),
        proven: proofs.into_iter().filter(|(one, _)| is_proven(*one)).map(|(_, role)| role).collect(),
        came_elsewhere: state.found,
    })
}

fn need(plan: &Plan, uses: Vec<PinUse>) -> Option<PinNeed> {
    Some(PinNeed { password: plan.password_for(*uses.first()?)?, uses })
}
