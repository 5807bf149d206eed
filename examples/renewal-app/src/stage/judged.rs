use super::{
    Audience, Report, Scene, Stage, Witness, play,
    play::PROCESS,
    rules::{self, World},
};
use crate::failure::Failure;

/// Plays `twins`, and holds every rule of it against what was seen. A play that breaks off is judged too: what it did not come
/// to see is not true.
pub fn twins(stage: &Stage) -> (Report, Option<Failure>) {
    judged(stage, &mut Nobody, |_| {})
}

/// The same before somebody else; what the rules look at may be bent before they do.
fn judged(stage: &Stage, other: &mut dyn Audience, bend: impl FnOnce(&mut World<'_>)) -> (Report, Option<Failure>) {
    let mut witness = Witness::new(stage);
    let played = play(stage, &mut Both(other, &mut witness));
    let (mut report, failure) = match played {
        Ok(report) => (report, None),
        Err(failure) => (Report::broken_off(PROCESS, &failure), Some(failure)),
    };
    let mut world = World::new(stage, witness, report.clone());
    bend(&mut world);
    report.rules = rules::judge(&mut world, &rules::twins());
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
