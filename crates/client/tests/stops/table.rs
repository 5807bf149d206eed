//! The loops over all points, for any rig.

use std::collections::BTreeMap;

use crate::{
    mortal::Mortal,
    rig::{Rig, Tear, Tearing},
    world::{Ended, Halt, Snapshot, World},
};

/// Stops at each point, and restarts with the journal.
pub fn with_journal<R: Rig>() {
    each_stop::<R>(|world, told| match world.live(&Mortal::forever()) {
        Ok(Ended::Done) => {}
        // After the last record nothing is left to do.
        Ok(Ended::NothingToDo(_)) => {}
        other => panic!("{told}: {other:?}"),
    });
}

/// Stops at each point, and restarts with nothing but the card: the keys that wait are gone on with, and the CA finds their
/// order again.
pub fn without_journal<R: Rig>() {
    each_stop::<R>(|world, told| {
        world.lose_journals();
        match world.live(&Mortal::forever()) {
            Ok(Ended::Done | Ended::NothingToDo(_)) => {}
            other => panic!("{told}: {other:?}"),
        }
    });
}

/// Stops at each point, and goes on with nothing but the card and the link that the CA mails once it has issued; where
/// nothing was ordered yet there is no link, and it begins again.
pub fn by_link<R: Rig>() {
    let mut links = 0;
    each_stop::<R>(|world, told| {
        world.lose_journals();
        assert!(world.authority.approve(), "{told}: the CA is down");
        let ended = match world.mailed() {
            Some(came) => {
                links += 1;
                world.install(&Mortal::forever(), &came)
            }
            None => world.live(&Mortal::forever()),
        };
        assert!(matches!(ended, Ok(Ended::Done | Ended::NothingToDo(_))), "{told}: {ended:?}");
    });
    assert!(links > 20, "the link was used {links} times");
}

/// Installs certificates that came as files into a renewal whose order is out, stopped at each point: then with the same
/// files once more, with the journal and without it, and by resuming.
pub fn by_files<R: Rig>() {
    let ordered = ordered::<R>();
    let install = |world: &World<R>, life: &Mortal| world.install(life, &world.mailed().unwrap());
    let (points, _) = recorded::<R>(&ordered, "installing files with the journal", install);
    for_each_stop::<R>(&ordered, &points, install, |world, told| {
        let done = install(world, &Mortal::forever());
        assert!(matches!(done, Ok(Ended::Done)), "{told}: {done:?}");
    });
    for_each_stop::<R>(&ordered, &points, install, |world, told| {
        world.lose_journals();
        let done = install(world, &Mortal::forever());
        assert!(matches!(done, Ok(Ended::Done)), "{told}: {done:?}");
    });
    for_each_stop::<R>(&ordered, &points, install, |world, told| {
        let done = world.live(&Mortal::forever());
        assert!(matches!(done, Ok(Ended::Done | Ended::NothingToDo(_))), "{told}: {done:?}");
    });
    let bare = |world: &World<R>, life: &Mortal| {
        world.lose_journals();
        install(world, life)
    };
    let (points, _) = recorded::<R>(&ordered, "installing files without a journal", bare);
    for_each_stop::<R>(&ordered, &points, bare, |world, told| {
        let done = bare(world, &Mortal::forever());
        assert!(matches!(done, Ok(Ended::Done)), "{told}: {done:?}");
    });
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
                    world.assert_sound(&told, R::tries_after(command));
                    after == After::SameLife && torn == 1
                }
            });
            if after != After::SameLife {
                // Before the journal was begun nobody asks whether to go on.
                assert!(ended.is_err(), "{told}: nothing was torn: {ended:?}");
                world.assert_sound(&told, R::tries_after(command));
            }
            resume(&mut world, after, ended, &told);
            world.assert_whole(&told);
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
            let ended = live_beside_a_dying_ca(&world, after, &told);
            resume(&mut world, after, ended, &told);
            world.assert_whole(&told);
        }
    }
}

/// Kills the CA at each write, and tears the card at each command.
pub fn torn_and_ca_killed<R: Tearing>() {
    let snapshot = Snapshot::take::<R>();
    let (points, writes) = recorded::<R>(&snapshot, "a twin renewal", |world, life| world.live(life));
    let ways = [After::SameLife, After::Restart, After::LostJournal];
    let tears = [Tear::Before, Tear::Inside, Tear::After];
    let mut turn = 0;
    for (write_at, write) in writes.iter().enumerate() {
        for (at, command) in R::commands(&points).iter().enumerate() {
            // Each way of tearing and of going on comes with each write, and at each command.
            let (tear, after) = (tears[turn % 3], ways[(turn / 3) % 3]);
            turn += 1;
            let told = format!("{}: CA killed {write}, torn {tear:?} {command} ({at}), {after:?}", R::NAME);
            let mut world = World::<R>::new(&snapshot, Mortal::until(write_at));
            world.rig().tear(at, tear);
            // Each of the two stops the program once, wherever they come.
            let mut stops = 0;
            let ended = loop {
                match live_beside_a_dying_ca(&world, after, &told) {
                    Err(_) if stops < 2 => stops += 1,
                    ended => break ended,
                }
                if after == After::LostJournal {
                    world.lose_journals();
                }
            };
            assert!(matches!(ended, Ok(Ended::Done | Ended::NothingToDo(_))), "{told}: {ended:?}");
            world.reinsert();
            world.assert_whole(&told);
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
fn live_beside_a_dying_ca<R: Rig>(
    world: &World<R>,
    after: After,
    told: &str,
) -> Result<Ended, obnova_client::RunError> {
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
                world.assert_sound(told, 2);
                after == After::SameLife
            }
        }
    })
}

fn resume<R: Rig>(world: &mut World<R>, after: After, ended: Result<Ended, obnova_client::RunError>, told: &str) {
    if matches!(ended, Ok(Ended::Done)) {
        return;
    }
    if after == After::LostJournal {
        world.lose_journals();
    }
    world.reinsert();
    world.authority.restart_if_dead();
    let ended = world.live(&Mortal::forever());
    assert!(matches!(ended, Ok(Ended::Done | Ended::NothingToDo(_))), "{told}: {ended:?}");
}

/// A world in which the order is out and approved, with nothing fetched yet.
fn ordered<R: Rig>() -> Snapshot {
    let world = World::<R>::new(&Snapshot::take::<R>(), Mortal::forever());
    let ended = world.live_on(&Mortal::forever(), &mut |_| false);
    assert_eq!(ended.unwrap(), Ended::Pending);
    assert!(world.authority.approve());
    Snapshot::of(world)
}

fn each_stop<R: Rig>(mut go_on: impl FnMut(&mut World<R>, &str)) {
    let snapshot = Snapshot::take::<R>();
    let (points, _) = recorded::<R>(&snapshot, "a twin renewal", |world, life| world.live(life));
    for_each_stop(&snapshot, &points, |world, life| world.live(life), &mut go_on);
}

type Lived = Result<Ended, obnova_client::RunError>;

/// Stops a life at each point, takes the card out and in, lets somebody go on, and looks whether all is well.
fn for_each_stop<R: Rig>(
    snapshot: &Snapshot,
    points: &[String],
    live: impl Fn(&World<R>, &Mortal) -> Lived,
    mut go_on: impl FnMut(&mut World<R>, &str),
) {
    for (at, point) in points.iter().enumerate() {
        let told = format!("{}: stopped {point} (point {at})", R::NAME);
        let mut world = World::<R>::new(snapshot, Mortal::forever());
        let life = Mortal::until(at);
        let ended = live(&world, &life);
        assert!(life.is_dead() && ended.is_err(), "{told}: it was not stopped: {ended:?}");
        world.assert_sound(&told, 3);
        world.reinsert();
        go_on(&mut world, &told);
        world.assert_whole(&told);
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
    assert_eq!(live(&world, &life).unwrap(), Ended::Done);
    let (points, writes) = (life.points(), life_of_ca.points());
    world.assert_whole("never stopped");
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for point in &points {
        *kinds.entry(point.split(' ').nth(1).unwrap_or_default()).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    println!("{}: {} stops of {what}: {}", R::NAME, points.len(), kinds.join(", "));
    (points, writes)
}
