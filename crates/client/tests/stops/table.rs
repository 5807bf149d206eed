//! The loops over all points, for any rig.

use std::{cell::Cell, collections::BTreeMap};

use crate::{
    mortal::Mortal,
    rig::{Rig, Tear, Tearing},
    world::{Ended, Halt, Snapshot, World},
};

/// Tries that each PIN has.
const TRIES: u8 = 3;

/// Stops at each point, and restarts in three ways:
///
/// - with the journal;
/// - with nothing but the card: the keys that wait are gone on with, and the CA finds their order again;
/// - with nothing but the card and the link that the CA mails once it has issued; where nothing was ordered yet there is no
///   link, and it begins again.
pub fn stopped<R: Rig>() {
    let links = Cell::new(0);
    let resume = |world: &World<R>| world.live(&Mortal::forever());
    let begin_again = |world: &World<R>| {
        world.lose_journals();
        world.live(&Mortal::forever())
    };
    let by_link = |world: &World<R>| {
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
    let ways: [Way<'_, R>; 3] =
        [("with its journal", &resume), ("without its journal", &begin_again), ("by the link", &by_link)];
    let snapshot = Snapshot::take::<R>();
    each_stop::<R>(&snapshot, "a twin renewal", |world, life| world.live(life), &ways);
    println!("{}: the link was used {} times", R::NAME, links.get());
    assert!(links.get() > 20, "the link was used {} times", links.get());
}

/// Installs certificates that came as files into a renewal whose order is out, stopped at each point: then with the same
/// files once more, with the journal and without it, and by resuming.
pub fn by_files<R: Rig>() {
    let ordered = ordered::<R>();
    let install = |world: &World<R>, life: &Mortal| world.install(life, &world.mailed().unwrap());
    let bare = |world: &World<R>, life: &Mortal| {
        world.lose_journals();
        install(world, life)
    };
    let again = |world: &World<R>| install(world, &Mortal::forever());
    let again_bare = |world: &World<R>| bare(world, &Mortal::forever());
    let resume = |world: &World<R>| world.live(&Mortal::forever());
    let ways: [Way<'_, R>; 3] =
        [("with its journal", &again), ("without its journal", &again_bare), ("by resuming", &resume)];
    each_stop::<R>(&ordered, "installing files with the journal", install, &ways);
    each_stop::<R>(&ordered, "installing files without a journal", bare, &[("again", &again_bare)]);
}

/// Takes the power from the card before, inside and after each command, and goes on: in the same life, and in another one
/// with and without the journal.
pub fn torn<R: Tearing>(tear: Tear) {
    let snapshot = Snapshot::take::<R>();
    let (points, _) = recorded::<R>(&snapshot, "a twin renewal", |world, life| world.live(life));
    let commands = R::commands(&points);
    println!("{}: {} commands to be torn {tear:?}", R::NAME, commands.len());
    for (at, command) in commands.iter().enumerate() {
        for after in [After::SameLife, After::Restart, After::LostJournal] {
            let told = format!("{}: torn {tear:?} {command} (command {at}), {after:?}", R::NAME);
            let mut world = World::<R>::new(&snapshot, Mortal::forever());
            world.rig().tear(at, tear);
            let mut torn = 0;
            let ended = world.live_on(&Mortal::forever(), &mut |halt| match halt {
                Halt::Waits => world.authority.approve(),
                Halt::Error => {
                    torn += 1;
                    world.assert_sound(&told, R::tries_after(command, tear));
                    after == After::SameLife && torn == 1
                }
            });
            if after != After::SameLife {
                // Before the journal was begun nobody asks whether to go on.
                assert!(ended.is_err(), "{told}: nothing was torn: {ended:?}");
                world.assert_sound(&told, R::tries_after(command, tear));
            }
            let ended = resume(&mut world, after, ended, &told);
            world.assert_whole(&told, &ended, R::tries_after(command, tear));
        }
    }
}

/// Kills the CA before and after each write to its store, and goes on as above.
pub fn ca_killed<R: Rig>() {
    let snapshot = Snapshot::take::<R>();
    let (_, writes) = recorded::<R>(&snapshot, "a twin renewal", |world, life| world.live(life));
    println!("{}: {} stops of the CA: {}", R::NAME, writes.len(), writes.join(", "));
    assert!(writes.len() >= 6, "{writes:?}");
    for (at, write) in writes.iter().enumerate() {
        for after in [After::SameLife, After::Restart, After::LostJournal] {
            let told = format!("{}: CA killed {write}, {after:?}", R::NAME);
            let mut world = World::<R>::new(&snapshot, Mortal::until(at));
            let ended = live_beside_a_dying_ca(&world, after, TRIES, &told);
            let ended = resume(&mut world, after, ended, &told);
            world.assert_whole(&told, &ended, TRIES);
        }
    }
}

/// Kills the CA at each write, and tears the card at each command.
pub fn torn_and_ca_killed<R: Tearing>() {
    let snapshot = Snapshot::take::<R>();
    let (points, writes) = recorded::<R>(&snapshot, "a twin renewal", |world, life| world.live(life));
    let ways = [After::SameLife, After::Restart, After::LostJournal];
    let (commands, tears) = (R::commands(&points), R::TEARS);
    let tried = if R::EACH_WITH_EACH { writes.len() } else { 1 };
    println!("{}: {} commands torn, each with {tried} of {} stops of the CA", R::NAME, commands.len(), writes.len());
    let mut turn = 0;
    for (at, command) in commands.iter().enumerate() {
        for write_at in (0..tried).map(|nth| (at + nth) % writes.len()) {
            let write = &writes[write_at];
            // Each way of tearing and of going on comes with each write.
            let (tear, after) = (tears[turn % tears.len()], ways[(turn / tears.len()) % ways.len()]);
            turn += 1;
            let told = format!("{}: CA killed {write}, torn {tear:?} {command} ({at}), {after:?}", R::NAME);
            let mut world = World::<R>::new(&snapshot, Mortal::until(write_at));
            world.rig().tear(at, tear);
            // When the CA is killed first it is another command that is torn.
            let tries = if tear == Tear::Inside { TRIES - 1 } else { TRIES };
            // Each of the two stops the program once, wherever they come.
            let mut stops = 0;
            let ended = loop {
                match live_beside_a_dying_ca(&world, after, tries, &told) {
                    Err(_) if stops < 2 => stops += 1,
                    ended => break ended,
                }
                if after == After::LostJournal {
                    world.lose_journals();
                }
            };
            let ended = well(ended, &told);
            world.reinsert();
            world.assert_whole(&told, &ended, tries);
        }
    }
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    SameLife,
    Restart,
    LostJournal,
}

/// In the same life the CA is started again as soon as it is missed.
fn live_beside_a_dying_ca<R: Rig>(world: &World<R>, after: After, tries: u8, told: &str) -> Lived {
    let mut halts = 0;
    world.live_on(&Mortal::forever(), &mut |halt| {
        halts += 1;
        assert!(halts < 20, "{told}: it comes to no end");
        match halt {
            Halt::Waits => {
                // Who finds the CA dead starts it, and approves then.
                if !world.authority.approve() {
                    world.authority.restart_if_dead();
                    assert!(world.authority.approve(), "{told}");
                }
                true
            }
            Halt::Error => {
                world.authority.restart_if_dead();
                world.assert_sound(told, tries);
                after == After::SameLife
            }
        }
    })
}

fn resume<R: Rig>(world: &mut World<R>, after: After, ended: Lived, told: &str) -> Ended {
    if matches!(ended, Ok(Ended::Done)) {
        return Ended::Done;
    }
    if after == After::LostJournal {
        world.lose_journals();
    }
    world.reinsert();
    world.authority.restart_if_dead();
    well(world.live(&Mortal::forever()), told)
}

/// It was done, or had been done before.
fn well(ended: Lived, told: &str) -> Ended {
    match ended {
        Ok(ended @ (Ended::Done | Ended::NothingToDo(_))) => ended,
        other => panic!("{told}: {other:?}"),
    }
}

/// A world in which the order is out and approved, with nothing fetched yet.
fn ordered<R: Rig>() -> Snapshot {
    let world = World::<R>::new(&Snapshot::take::<R>(), Mortal::forever());
    let ended = world.live_on(&Mortal::forever(), &mut |_| false);
    assert_eq!(ended.unwrap(), Ended::Pending);
    assert!(world.authority.approve());
    Snapshot::of(world)
}

/// A way of going on, and what it is called.
type Way<'w, R> = (&'static str, &'w dyn Fn(&World<R>) -> Lived);

type Lived = Result<Ended, obnova_client::RunError>;

/// Stops a life at each point, takes the card out and in, goes on in each way, and looks whether all is well.
fn each_stop<R: Rig>(snapshot: &Snapshot, what: &str, live: impl Fn(&World<R>, &Mortal) -> Lived, ways: &[Way<'_, R>]) {
    let (points, _) = recorded::<R>(snapshot, what, &live);
    for (way, _) in ways {
        println!("{}: {} times gone on {way}", R::NAME, points.len());
    }
    for (at, point) in points.iter().enumerate() {
        let told = format!("{}: stopped {point} (point {at})", R::NAME);
        let world = World::<R>::new(snapshot, Mortal::forever());
        let life = Mortal::until(at);
        let ended = live(&world, &life);
        // That the last conversation could not be closed is told to nobody: all is done.
        let is_over = at + 2 >= points.len();
        assert!(life.is_dead() && (ended.is_err() || is_over), "{told}: it was not stopped: {ended:?}");
        world.assert_sound(&told, TRIES);
        let stopped = Snapshot::of(world);
        for (way, go_on) in ways {
            let told = format!("{told}, gone on {way}");
            let world = World::<R>::new(&stopped, Mortal::forever());
            let ended = well(go_on(&world), &told);
            world.assert_whole(&told, &ended, TRIES);
        }
    }
}

/// What a whole life passes, and the writes of its CA, by a recorded one; the numbers are printed.
fn recorded<R: Rig>(
    snapshot: &Snapshot,
    what: &str,
    live: impl Fn(&World<R>, &Mortal) -> Lived,
) -> (Vec<String>, Vec<String>) {
    let (life, life_of_ca) = (Mortal::forever(), Mortal::forever());
    let world = World::<R>::new(snapshot, life_of_ca.clone());
    let ended = live(&world, &life).unwrap();
    assert_eq!(ended, Ended::Done);
    let (points, writes) = (life.points(), life_of_ca.points());
    world.assert_whole("never stopped", &ended, TRIES);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for point in &points {
        *kinds.entry(point.split(' ').nth(1).unwrap_or_default()).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    println!("{}: {} stops of {what}: {}", R::NAME, points.len(), kinds.join(", "));
    (points, writes)
}
