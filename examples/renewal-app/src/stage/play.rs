use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use obnova_card::Pin;
use obnova_client::{FileJournal, Journal as _, RunError, Runner, Seams, SharedToken, Turn, look, renewal::CardView};
use obnova_renewal::{Action, Because, Plan, SlotView, Stage as Reached, Summary, Terms, date, removable, removals};

use super::{
    Audience, Moment, Report, Scene, Stage,
    actor::Holder,
    meter::{Meter, ReportedCertificate},
};
use crate::{
    checks,
    failure::{Failure, Kind},
    texts::t,
    tokens,
    told::Told,
    view,
};

/// Name of the process in its journal.
pub(super) const PROCESS: &str = "twins";

type Shared<'a> = Rc<RefCell<&'a mut (dyn Audience + 'a)>>;

/// Plays `twins` from the first look at the card to its tidying up.
pub fn play(stage: &Stage, audience: &mut dyn Audience) -> Result<Report, Failure> {
    let begun = Instant::now();
    let meter = Rc::new(RefCell::new(Meter::new(stage.count.clone())));
    let shared: Shared<'_> = Rc::new(RefCell::new(audience));

    let card = measured(&meter, "list", || read(&stage.token))?;
    see(&shared, &Scene::Card { moment: Moment::Before, card: &card });
    let plan = prepare(stage, &card, &meter, &shared)?;
    let Renewed { summary, slots } = renew(stage, plan, &meter, &shared)?;

    // As it was read back when the new pair was written.
    let card = CardView { slots, ..card };
    let certificates = ReportedCertificate::shown(&card, &summary.certificates);
    see(&shared, &Scene::Card { moment: Moment::Renewed, card: &card });
    clean(stage, &card, &meter, &shared)?;
    let card = measured(&meter, "list", || read(&stage.token))?;
    see(&shared, &Scene::Card { moment: Moment::Cleaned, card: &card });

    let steps = meter.borrow().figures().to_vec();
    let report =
        Report { seconds: begun.elapsed().as_secs_f64(), ..Report::new(&stage.service.name, steps, certificates) };
    see(&shared, &Scene::Report(&report));
    Ok(report)
}

/// What a renewal ends with.
struct Renewed {
    summary: Box<Summary>,
    slots: Vec<SlotView>,
}

/// From the notice to the plan.
fn prepare(stage: &Stage, card: &CardView, meter: &Rc<RefCell<Meter>>, audience: &Shared<'_>) -> Result<Plan, Failure> {
    let (policy, now) = (&stage.service.policy, SystemTime::now());
    let terms = stage.authority.terms();
    let issuers = terms.as_ref().map(Terms::issuers).unwrap_or_default();
    let plan = Plan::make_for(card, policy, &issuers, now)?;
    let until = plan.old_ends();
    if let Some(until) = until {
        see(audience, &Scene::Notice { days: view::days(now, until), until: date(until), link: &stage.authority.url });
    }
    let lines = measured(meter, "check", || {
        let mut lines = checks::card(card, policy, &issuers, now);
        lines.push(checks::authority(&stage.authority, &terms));
        Ok(lines)
    })?;
    see(audience, &Scene::Check(&lines));
    Ok(plan)
}

/// The renewal, its process dropped while it waits.
fn renew(stage: &Stage, plan: Plan, meter: &Rc<RefCell<Meter>>, audience: &Shared<'_>) -> Result<Renewed, Failure> {
    let folder = stage.journal();
    let first = FileJournal::create(&folder, PROCESS)?;
    let (turn, slots) =
        with_runner(stage, first, meter, audience, |seams| Runner::begin(seams, PROCESS, plan), until_it_waits)?;
    let until = match turn {
        Turn::Waits(until) => until,
        Turn::Done(summary) => return Ok(Renewed { summary, slots }),
        turn => return Err(unexpected(&turn)),
    };
    see(audience, &Scene::Closed);

    stage.approve()?;
    see(audience, &Scene::Approved);
    std::thread::sleep(until.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO));

    let mut second = FileJournal::open(&folder, PROCESS)?;
    see(audience, &Scene::Resumed { records: second.records()?.len() });
    match with_runner(stage, second, meter, audience, |seams| Runner::resume(seams), |runner| runner.run())? {
        (Turn::Done(summary), slots) => Ok(Renewed { summary, slots }),
        (turn, _) => Err(unexpected(&turn)),
    }
}

/// Until the CA has said that the order waits, and no step further: however long it takes to write that down, and also when it is time
/// to ask again by then. The window is closed before certificates come.
fn until_it_waits(runner: &mut Runner<'_>) -> Result<Turn, RunError> {
    loop {
        match runner.step()? {
            Turn::Went if runner.process().stage() == Reached::PickUp => {
                return Ok(Turn::Waits(match runner.upcoming() {
                    Action::Wait { until } => until,
                    _ => SystemTime::now(),
                }));
            }
            Turn::Went => {}
            end => return Ok(end),
        }
    }
}

/// Makes a runner, has it go on, and says how the card looked last. The runner and everything it held are gone when this returns.
fn with_runner(
    stage: &Stage,
    journal: FileJournal,
    meter: &Rc<RefCell<Meter>>,
    audience: &Shared<'_>,
    make: impl for<'r> FnOnce(Seams<'r>) -> Result<Runner<'r>, RunError>,
    go_on: impl FnOnce(&mut Runner<'_>) -> Result<Turn, RunError>,
) -> Result<(Turn, Vec<SlotView>), Failure> {
    let mut holder = Holder {
        pins: &stage.pins,
        meter: meter.clone(),
        record: stage.record.clone(),
        last: "",
        audience: audience.clone(),
    };
    let teller = audience.clone();
    let mut journal = Told { inner: journal, tell: move |fact: &_| see(&teller, &Scene::Fact(fact)) };
    let (mut ca, mut login) = (stage.authority.connection()?, stage.authority.login());
    let seams = Seams {
        token: Some(stage.token.clone()),
        ca: &mut ca,
        prompt: &mut holder,
        journal: &mut journal,
        login: Some(&mut login),
        clock: &SystemTime::now,
    };
    let mut runner = make(seams)?;
    let turn = go_on(&mut runner)?;
    Ok((turn, runner.slots().to_vec()))
}

/// Removes the old pair, which was marked as superseded.
fn clean(stage: &Stage, card: &CardView, meter: &Rc<RefCell<Meter>>, audience: &Shared<'_>) -> Result<(), Failure> {
    let old: Vec<_> =
        removable(card, SystemTime::now()).into_iter().filter(|one| one.because == Because::Superseded).collect();
    let names: Vec<_> = old.iter().map(|one| one.name.clone()).collect();
    see(audience, &Scene::Clean { offered: &old });
    let what = removals(card, &old, &names)
        .map_err(|problem| Failure::new(Kind::Internal, t!("error-other", detail = problem.to_string())))?;
    let pin = Pin::new(stage.pins.authentication.clone());
    measured(meter, "clean", || Ok(tokens::lock(&stage.token).remove(&what, &pin)?))
}

fn read(token: &SharedToken) -> Result<CardView, Failure> {
    Ok(look(tokens::lock(token).as_mut())?)
}

fn measured<T>(
    meter: &Rc<RefCell<Meter>>,
    name: &'static str,
    act: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    meter.borrow_mut().begin(name);
    let outcome = act();
    meter.borrow_mut().end();
    outcome
}

fn see(audience: &Shared<'_>, scene: &Scene<'_>) {
    audience.borrow_mut().see(scene);
}

fn unexpected(turn: &Turn) -> Failure {
    match turn {
        Turn::Failed(failure) => failure.clone().into(),
        turn => Failure::new(Kind::Internal, format!("{turn:?}")),
    }
}
