//! Stops at all points of a life, for any rig.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    mortal::Mortal,
    recorded::{Point, Recording},
    report::report,
    rig::Rig as _,
    task::Task,
    world::{Ended, Snapshot, World, no_try},
};

/// Stops at each point, and restarts in three ways:
///
/// - with the journal;
/// - with nothing but the card: the keys that wait are gone on with, and the CA finds their order again;
/// - with nothing but the card and the link that the CA mails once it has issued; where nothing was ordered yet there is no
///   link, and it begins again.
pub fn stopped<T: Task>() {
    let links = Cell::new(0);
    let resume = |world: &World<T>| world.live(&Mortal::forever());
    let begin_again = |world: &World<T>| {
        world.lose_journals();
        world.live(&Mortal::forever())
    };
    let by_link = |world: &World<T>| {
        world.lose_journals();
        assert!(world.authority.approve(), "the CA is down");
        match world.mailed() {
            Some(came) => {
                links.set(links.get() + 1);
                world.install(&Mortal::forever(), &came)
            }
            None => world.live(&Mortal::forever()),
        }
    };
    let ways: [Way<'_, T>; 3] =
        [("with its journal", &resume), ("without its journal", &begin_again), ("by the link", &by_link)];
    let snapshot = T::begin();
    let (stops, sent_to_the_link) = each_stop::<T>(&snapshot, T::WHAT, |world, life| world.live(life), &ways);
    T::assert_told(sent_to_the_link, stops);
    report(&format!("{}, {}: the link was used {} times", T::Rig::NAME, T::WHAT, links.get()));
    assert!(links.get() > stops / 8, "the link was used {} times", links.get());
}

/// Installs certificates that came as files into a renewal whose order is out, stopped at each point: then with the same
/// files once more, with the journal and without it, and by resuming.
pub fn by_files<T: Task>() {
    let ordered = ordered::<T>();
    let install = |world: &World<T>, life: &Mortal| world.install(life, &world.mailed().unwrap());
    let bare = |world: &World<T>, life: &Mortal| {
        world.lose_journals();
        install(world, life)
    };
    let again = |world: &World<T>| install(world, &Mortal::forever());
    let again_bare = |world: &World<T>| bare(world, &Mortal::forever());
    let resume = |world: &World<T>| world.live(&Mortal::forever());
    let ways: [Way<'_, T>; 3] =
        [("with its journal", &again), ("without its journal", &again_bare), ("by resuming", &resume)];
    let with_journal = each_stop::<T>(&ordered, "installing files with the journal", install, &ways);
    let without = each_stop::<T>(&ordered, "installing files without a journal", bare, &[("again", &again_bare)]);
    assert_eq!((with_journal.1, without.1), (0, 0), "nobody was told that a one-time password is used");
}

/// A world in which the order is out and approved, with nothing fetched yet.
pub fn ordered<T: Task>() -> Snapshot {
    let world = World::<T>::new(&T::begin(), Mortal::forever());
    let ended = world.live_on(&Mortal::forever(), &mut |_| false);
    assert_eq!(ended.unwrap(), Ended::Pending);
    assert!(world.authority.approve());
    Snapshot::of(world)
}

/// It was done, or had been done before.
pub fn well(ended: Lived, told: &str) -> Ended {
    match ended {
        Ok(ended @ (Ended::Done | Ended::NothingToDo(_))) => ended,
        other => panic!("{told}: {other:?}"),
    }
}

/// A way of going on, and what it is called.
type Way<'w, T> = (&'static str, &'w dyn Fn(&World<T>) -> Lived);

pub type Lived = Result<Ended, obnova_client::RunError>;

/// Stops a life at each point, takes the card out and in, goes on in each way, and looks whether all is well. Returns how many
/// stops that were, and how many of those who went on were told that their one-time password is used.
pub fn each_stop<T: Task>(
    snapshot: &Snapshot,
    what: &str,
    live: impl Fn(&World<T>, &Mortal) -> Lived,
    ways: &[Way<'_, T>],
) -> (usize, usize) {
    let (recording, _) = recorded::<T>(snapshot, what, &live);
    let (points, mut seen) = (recording.points(), BTreeSet::new());
    // Who is stopped while he writes to the journal leaves something else behind than what was there at the time.
    let is_new = |point: &Point| seen.insert(point.left) || point.name.starts_with("inside ");
    let is_new: Vec<_> = points.iter().map(is_new).collect();
    let stops: Vec<_> = points.iter().zip(is_new).enumerate().filter(|(_, (_, new))| *new || T::EACH_POINT).collect();
    let which = if T::EACH_POINT { "all of them" } else { "which leave other files behind than each one before" };
    let gone_on: Vec<_> = ways.iter().map(|(way, _)| *way).collect();
    report(&format!(
        "{}, {what}: {} points, stopped at {} of them ({which}), each time gone on {}",
        T::Rig::NAME,
        points.len(),
        stops.len(),
        gone_on.join(", ")
    ));
    let (count, mut sent_to_the_link) = (stops.len(), 0);
    for (at, (Point { name: point, .. }, _)) in stops {
        let told = format!("{}: stopped {point} (point {at})", T::Rig::NAME);
        let world = World::<T>::new(snapshot, Mortal::forever());
        let life = Mortal::until(at);
        let ended = live(&world, &life);
        // That the last conversation could not be closed is told to nobody: all is done.
        let is_over = at + 2 >= points.len();
        assert!(life.is_dead() && (ended.is_err() || is_over), "{told}: it was not stopped: {ended:?}");
        // A certificate is not of the same length each time.
        let function = |point: &str| point.split(' ').take(2).collect::<String>();
        assert_eq!(
            life.points().last().map(|last| function(last)),
            Some(function(point)),
            "{told}: it is another point"
        );
        world.assert_sound(&told, &no_try);
        let stopped = Snapshot::of(world);
        for (way, go_on) in ways {
            let told = format!("{told}, gone on {way}");
            let world = World::<T>::new(&stopped, Mortal::forever());
            let ended = well(go_on(&world), &told);
            world.assert_whole(&told, &ended, &no_try);
            sent_to_the_link += world.sent_to_the_link.get();
        }
    }
    (count, sent_to_the_link)
}

/// What a whole life passes, and the writes of its CA, by a recorded one; the numbers are printed.
pub fn recorded<T: Task>(
    snapshot: &Snapshot,
    what: &str,
    live: impl Fn(&World<T>, &Mortal) -> Lived,
) -> (Recording, Vec<String>) {
    let life_of_ca = Mortal::forever();
    let world = World::<T>::new(snapshot, life_of_ca.clone());
    let (recording, life) = Recording::of(&world, &life_of_ca);
    let ended = live(&world, &life).unwrap();
    assert_eq!(ended, Ended::Done);
    world.assert_whole("never stopped", &ended, &no_try);
    let (points, mut kinds) = (life.points(), BTreeMap::<&str, usize>::new());
    for point in &points {
        *kinds.entry(point.split(' ').nth(1).unwrap_or_default()).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    report(&format!("{}, {what}: {} points: {}", T::Rig::NAME, points.len(), kinds.join(", ")));
    (recording, life_of_ca.points())
}
