//! The loops over all points.

use std::collections::BTreeMap;

use crate::{
    mortal::Mortal,
    rig::Rig,
    world::{Ended, Snapshot, World},
};

/// Stops at each point, and restarts with the journal.
pub fn with_journal<R: Rig>() {
    let snapshot = Snapshot::take::<R>();
    let points = points_of_a_whole_run::<R>(&snapshot);
    for (at, point) in points.iter().enumerate() {
        let told = format!("{}: stopped {point} (point {at})", R::NAME);
        let mut world = stopped::<R>(&snapshot, at, &told);
        world.reinsert();
        let ended = world.live(&Mortal::forever()).unwrap_or_else(|error| panic!("{told}: {error}"));
        match ended {
            Ended::Done => {}
            // After the last record nothing is left.
            Ended::NothingToDo(_) if at + 1 == points.len() => {}
            other => panic!("{told}: {other:?}"),
        }
        world.assert_whole(&told);
    }
}

/// What a whole run passes, by a recorded one; the numbers are printed.
fn points_of_a_whole_run<R: Rig>(snapshot: &Snapshot) -> Vec<String> {
    let world = World::<R>::new(snapshot, Mortal::forever());
    let life = Mortal::forever();
    assert_eq!(world.live(&life).unwrap(), Ended::Done);
    world.assert_whole("never stopped");
    let points = life.points();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for point in &points {
        *kinds.entry(point.split(' ').nth(1).unwrap_or_default()).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    println!("{}: {} stops of a twin renewal: {}", R::NAME, points.len(), kinds.join(", "));
    points
}

/// A world in which the holder's program was stopped at a point.
fn stopped<R: Rig>(snapshot: &Snapshot, at: usize, told: &str) -> World<R> {
    let world = World::<R>::new(snapshot, Mortal::forever());
    let life = Mortal::until(at);
    let ended = world.live(&life);
    assert!(life.is_dead() && ended.is_err(), "{told}: it was not stopped: {ended:?}");
    world.assert_sound(told, 3);
    world
}
