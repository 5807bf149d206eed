use std::{
    cell::{Cell, RefCell},
    time::{Duration, SystemTime},
};

use obnova_client::{Pause, Turn};
use obnova_renewal::{ByRole, ParsedCertificate};

use super::{Asked, Certified, Joints, Newcomer};
use crate::stage::{
    Report, Stage,
    meter::{Meter, ReportedCertificate},
    rules::Broken,
};

/// How often a client asks the CA whose operator has said yes, before nobody believes any more that it finishes.
const PATIENCE: u32 = 5;

/// What became of one newcomer, who did everything right and waited for the certificate.
pub struct Story<'s> {
    pub holder: Certified<'s>,
    /// What was asked of him, and the steps that he saw.
    pub asked: Vec<Asked>,
    pub steps: Vec<&'static str>,
    /// Keys on the card before anything was begun.
    pub keys_before: usize,
    /// How often his client waited.
    pub waited: u32,
}

impl<'s> Story<'s> {
    /// Plays it: his client is begun once and comes to the end by itself; while it waits the CA's operator says yes.
    pub fn play(stage: &'s Stage, joints: Joints) -> Result<(Self, Report), Broken> {
        let mut who = Newcomer::new(stage, joints)?;
        who.waited = Duration::ZERO;
        let keys_before = keys(&who)?;
        let password = who.password(SystemTime::now())?;
        let meter = RefCell::new(Meter::new(who.count.clone()));
        let (waited, problem) = (Cell::new(0), RefCell::new(None));
        meter.borrow_mut().begin("order");
        let turn = who.with_runner(Some(&password), None, |runner| {
            runner.run_to_end(|Pause { until, away }| {
                if waited.get() == 0 {
                    meter.borrow_mut().end();
                    *problem.borrow_mut() = stage.approve().err();
                    meter.borrow_mut().begin("finish");
                }
                waited.set(waited.get() + 1);
                std::thread::sleep(until.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO));
                away.is_none() && problem.borrow().is_none() && waited.get() < PATIENCE
            })
        })?;
        meter.borrow_mut().end();
        if let Some(problem) = problem.into_inner() {
            return Err(problem.into());
        }
        let Turn::Done(summary) = turn else { return Err(Broken(format!("the order was not finished: {turn:?}"))) };
        let mut meter = meter.into_inner();
        meter.begin("list");
        let card = who.view()?;
        meter.end();
        let certificates = ReportedCertificate::shown(&card, &summary.certificates);
        let report = Report::new(&stage.service.name, meter.figures().to_vec(), certificates);
        who.set_password()?;
        let asked = who.asked.clone();
        let steps = who.steps.clone();
        let holder = Certified { who, certificates: summary.certificates };
        let story = Self { holder, asked, steps, keys_before, waited: waited.get() };
        Ok((story, report))
    }

    pub fn certificates(&self) -> &ByRole<ParsedCertificate> {
        &self.holder.certificates
    }
}

/// Keys on the card.
pub fn keys(who: &Newcomer<'_>) -> Result<usize, Broken> {
    Ok(who.view()?.slots.iter().filter(|slot| slot.key.is_some()).count())
}
