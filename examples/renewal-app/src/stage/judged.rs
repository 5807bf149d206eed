use std::time::Instant;

use super::{
    Arrived, Audience, Report, Scene, Stage, Witness,
    meter::{Meter, ReportedCertificate},
    newcomer::{Joints, Story},
    play,
    rules::{self, Broken, activation, partner, twins as of_twins, twins::World},
};
use crate::failure::{Failure, internal};

/// Plays `twins`, and holds every rule of it against what was seen. A play that breaks off is judged too: what it did not come
/// to see is not true.
pub fn twins(stage: &Stage) -> (Report, Option<Failure>) {
    judged(stage, &mut Nobody, |_| {})
}

/// Brings a card to life that arrived inactive, and holds every rule of `activation` against what it is like.
pub fn activation(stage: &Stage) -> (Report, Option<Failure>) {
    activated(stage, |_| {})
}

/// The same; what the rules look at may be bent before they do. A play that breaks off is judged too.
fn activated(stage: &Stage, bend: impl FnOnce(&mut activation::World<'_>)) -> (Report, Option<Failure>) {
    let begun = Instant::now();
    let arrived = Arrived::new(stage);
    let played = match &arrived {
        Ok(arrived) => brought_to_life(stage, arrived),
        Err(Broken(why)) => Err(Broken(why.clone())),
    };
    let (mut report, failure) = match played {
        Ok(report) => (report, None),
        Err(Broken(why)) => {
            let failure = internal(why);
            (Report::broken_off(&stage.service.name, &failure), Some(failure))
        }
    };
    let mut world = activation::World::new(stage, arrived);
    bend(&mut world);
    report.rules = rules::judge(&stage.service.name, &mut world, &activation::rules_of(&stage.service));
    report.seconds = begun.elapsed().as_secs_f64();
    report.ok &= report.rules.iter().all(|one| one.ok != Some(false));
    (report, failure)
}

/// What it took to bring a copy of a card to life that arrived, and what is on it then.
fn brought_to_life(stage: &Stage, arrived: &Arrived<'_>) -> Result<Report, Broken> {
    let card = arrived.fork();
    let mut meter = Meter::new(card.count.clone());
    meter.begin("list");
    card.view()?;
    meter.end();
    meter.begin("activate");
    card.activate()?;
    meter.end();
    let certificates = ReportedCertificate::shown(&card.view()?, &card.certificates);
    Ok(Report::new(&stage.service.name, meter.figures().to_vec(), certificates))
}

/// Leads somebody from a one-time password to the first certificate, and holds every rule of `partner` against it. A play that
/// breaks off is judged too.
pub fn partner(stage: &Stage) -> (Report, Option<Failure>) {
    for_first(stage, Joints::default(), |_| {})
}

/// The same in a world with these joints; what the rules look at may be bent before they do.
fn for_first(stage: &Stage, joints: Joints, bend: impl FnOnce(&mut partner::World<'_>)) -> (Report, Option<Failure>) {
    let begun = Instant::now();
    let (mut report, story, failure) = match Story::play(stage, joints) {
        Ok((story, report)) => (report, Some(story), None),
        Err(Broken(why)) => {
            let failure = internal(why);
            (Report::broken_off(&stage.service.name, &failure), None, Some(failure))
        }
    };
    let mut world = partner::World::new(stage, joints, report.clone(), story);
    bend(&mut world);
    let rules = partner::rules(&world.expects);
    report.rules = rules::judge(&stage.service.name, &mut world, &rules);
    report.seconds = begun.elapsed().as_secs_f64();
    report.ok &= report.rules.iter().all(|one| one.ok != Some(false));
    (report, failure)
}

/// The same before somebody else; what the rules look at may be bent before they do.
fn judged(stage: &Stage, other: &mut dyn Audience, bend: impl FnOnce(&mut World<'_>)) -> (Report, Option<Failure>) {
    let mut witness = Witness::new(stage);
    let played = play(stage, &mut Both(other, &mut witness));
    let (mut report, failure) = match played {
        Ok(report) => (report, None),
        Err(failure) => (Report::broken_off(&stage.service.name, &failure), Some(failure)),
    };
    let mut world = World::new(stage, witness, report.clone());
    bend(&mut world);
    report.rules = rules::judge(&stage.service.name, &mut world, &of_twins::rules_of(&stage.service));
    report.ok &= report.rules.iter().all(|one| one.ok != Some(false));
    (report, failure)
}

/// An empty house: the rules speak.
struct Nobody;

impl Audience for Nobody {
    fn see(&mut self, _scene: &Scene<'_>) {}
}

struct Both<'a, 'b>(&'a mut dyn Audience, &'b mut dyn Audience);

impl Audience for Both<'_, '_> {
    fn see(&mut self, scene: &Scene<'_>) {
        self.0.see(scene);
        self.1.see(scene);
    }
}

#[cfg(test)]
mod tests;
