//! The card torn out at all commands, the CA killed at all writes, and both, for any rig.

use std::{collections::BTreeSet, ops::RangeInclusive};

use obnova_card::PasswordKind::{AuthenticationPin, SignaturePin};

use crate::{
    mortal::Mortal,
    recorded::{Command, Recording},
    report::report,
    rig::{Rig as _, Tear, Tearing},
    table::{Lived, recorded, well},
    task::Task,
    world::{Ended, Halt, Snapshot, TriesGone, World, no_try},
};

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    SameLife,
    Restart,
    LostJournal,
}

use After::{LostJournal, Restart, SameLife};

/// All of these that there are.
fn ways<T: Task>(ways: &[After]) -> impl Iterator<Item = After> {
    ways.iter().copied().filter(|after| T::HAS_JOURNAL || *after != LostJournal)
}

/// Takes the power from the card before, inside or after each command, and goes on: in the same life, and in another one with
/// and without the journal.
pub fn torn<T: Task<Rig: Tearing>>(tear: Tear) {
    let snapshot = T::begin();
    let commands = recorded::<T>(&snapshot, T::WHAT, |world, life| world.live(life)).0.commands::<T::Rig>();
    let (mut seen, mut gone_on) = (BTreeSet::new(), 0);
    for (at, command) in commands.iter().enumerate() {
        let told = format!("{}: torn {tear:?} {} (command {at})", T::Rig::NAME, command.name);
        let gone = |password| exactly(T::Rig::tries_gone(&command.name, tear, password));
        torn_in_one_life::<T>(&snapshot, (at, tear), &gone, &format!("{told}, {SameLife:?}"));

        let stopped = torn_to_death::<T>(&snapshot, (at, tear), &gone, &told);
        let is_new = command.left_by(tear).is_none_or(|left| seen.insert(left));
        if !is_new && !T::EACH_POINT {
            continue;
        }
        gone_on += 1;
        for after in ways::<T>(&[Restart, LostJournal]) {
            let told = format!("{told}, {after:?}");
            let world = World::<T>::new(&stopped, Mortal::forever());
            if after == LostJournal {
                world.lose_journals();
            }
            let ended = well(world.live(&Mortal::forever()), &told);
            world.assert_whole(&told, &ended, &gone);
        }
    }
    let which = if T::EACH_POINT { "each" } else { "those that leave other files behind than each one before" };
    let journal = if T::HAS_JOURNAL { ", with and without the journal" } else { "" };
    report(&format!(
        "{}, {}: {} commands torn {tear:?}, each in one life, and {gone_on} of them gone on in another life{journal}: {which}",
        T::Rig::NAME,
        T::WHAT,
        commands.len()
    ));
}

fn exactly(number: u8) -> RangeInclusive<u8> {
    number..=number
}

fn torn_in_one_life<T: Task<Rig: Tearing>>(
    snapshot: &Snapshot,
    (at, tear): (usize, Tear),
    gone: TriesGone<'_>,
    told: &str,
) {
    let mut world = World::<T>::new(snapshot, Mortal::forever());
    world.rig().tear(at, tear);
    let mut torn = 0;
    let ended = world.live_on(&Mortal::forever(), &mut |halt| match halt {
        Halt::Waits => world.authority.approve(),
        Halt::Error => {
            torn += 1;
            world.assert_sound(told, gone);
            torn == 1
        }
    });
    assert!(world.rig().is_torn(), "{told}: nothing was torn");
    // Before the journal was begun nobody asks whether to go on.
    let ended = resume(&mut world, SameLife, ended, told);
    world.assert_whole(told, &ended, gone);
}

/// A life that ends when its card is torn out. It writes nothing more: what is left is what was there at that moment.
fn torn_to_death<T: Task<Rig: Tearing>>(
    snapshot: &Snapshot,
    (at, tear): (usize, Tear),
    gone: TriesGone<'_>,
    told: &str,
) -> Snapshot {
    let life_of_ca = Mortal::forever();
    let world = World::<T>::new(snapshot, life_of_ca.clone());
    let (recording, life) = Recording::of(&world, &life_of_ca);
    world.rig().tear(at, tear);
    let ended = world.live(&life);
    assert!(ended.is_err(), "{told}: nothing was torn: {ended:?}");
    let torn = &recording.commands::<T::Rig>()[at];
    let left = if tear == Tear::Before { torn.before } else { torn.after };
    assert_eq!(recording.left(), left, "{told}: it went on to write");
    world.assert_sound(told, gone);
    Snapshot::of(world)
}

/// What the CA writes in a whole life, which is not nothing.
fn writes_of_the_ca<T: Task>(snapshot: &Snapshot) -> Vec<String> {
    let (_, writes) = recorded::<T>(snapshot, T::WHAT, |world, life| world.live(life));
    assert!(writes.len() >= T::LEAST_WRITES, "{}: {writes:?}", T::WHAT);
    writes
}

/// Kills the CA before and after each write to its store, and goes on as above.
pub fn ca_killed<T: Task>() {
    let snapshot = T::begin();
    let writes = writes_of_the_ca::<T>(&snapshot);
    report(&format!("{}, {}: {} stops of the CA: {}", T::Rig::NAME, T::WHAT, writes.len(), writes.join(", ")));
    for (at, write) in writes.iter().enumerate() {
        for after in ways::<T>(&[SameLife, Restart, LostJournal]) {
            let told = format!("{}: CA killed {write}, {after:?}", T::Rig::NAME);
            let mut world = World::<T>::new(&snapshot, Mortal::until(at));
            let ended = live_beside_a_dying_ca(&world, &Mortal::forever(), after, &no_try, &told);
            let ended = resume(&mut world, after, ended, &told);
            world.assert_whole(&told, &ended, &no_try);
        }
    }
}

/// Kills the CA at each write, and tears the card at each command of the lives in which it is killed there. Each of the two
/// ends a life, wherever it comes, and another one goes on with and without the journal. Where two commands of the same lives
/// leave the same behind, one of them is torn: who loses his card writes nothing more, as is seen where it is torn alone.
///
/// Then in the same life, each command in each way; or in one way and with one write, where that takes long.
pub fn torn_and_ca_killed<T: Task<Rig: Tearing>>() {
    let snapshot = T::begin();
    let writes = writes_of_the_ca::<T>(&snapshot);
    let (mut pairs, mut torn, mut in_one_life) = (0, 0, 0);
    for (write_at, write) in writes.iter().enumerate() {
        for after in ways::<T>(&[Restart, LostJournal, SameLife]) {
            let both = Both { snapshot: &snapshot, write_at, write, after };
            let (mut seen, commands) = (BTreeSet::new(), both.never_torn::<T>());
            for (at, command) in commands.iter().enumerate() {
                if after == SameLife {
                    let all = T::Rig::TEARS;
                    let one = all[(at + write_at) % all.len()];
                    let is_its_turn = at % writes.len() == write_at;
                    for &tear in all.iter().filter(|tear| T::EACH_PAIR || is_its_turn && **tear == one) {
                        in_one_life += 1;
                        both.torn_too::<T>(at, command, tear);
                    }
                    continue;
                }
                for &tear in T::Rig::TEARS {
                    pairs += 1;
                    let is_new = match command.left_by(tear) {
                        Some(left) => seen.insert(left),
                        None => has_an_inside::<T::Rig>(command),
                    };
                    if is_new {
                        torn += 1;
                        both.torn_too::<T>(at, command, tear);
                    }
                }
            }
        }
    }
    report(&format!(
        "{}, {}: {pairs} tears in lives whose CA is killed, at {} writes: {torn} that leave other files behind than each one \
         before; and {in_one_life} in the same life{}",
        T::Rig::NAME,
        T::WHAT,
        writes.len(),
        if T::EACH_PAIR { "" } else { ", each command once" }
    ));
}

/// A command that leaves everything as it was has nothing to be torn inside of, unless it counts down and up again.
fn has_an_inside<R: Tearing>(command: &Command) -> bool {
    let is_counted = |password| R::tries_gone(&command.name, Tear::Inside, password) > 0;
    command.before != command.after || [AuthenticationPin, SignaturePin].into_iter().any(is_counted)
}

/// Lives beside a CA that is killed at this write, which go on so.
struct Both<'b> {
    snapshot: &'b Snapshot,
    write_at: usize,
    write: &'b str,
    after: After,
}

impl Both<'_> {
    /// The commands that there are to be torn.
    fn never_torn<T: Task<Rig: Tearing>>(&self) -> Vec<Command> {
        let told = format!("{}: CA killed {}, {:?}", T::Rig::NAME, self.write, self.after);
        let life_of_ca = Mortal::until(self.write_at);
        let mut world = World::<T>::new(self.snapshot, life_of_ca.clone());
        let (recording, life) = Recording::of(&world, &life_of_ca);
        self.to_the_end(&mut world, &life, &no_try, &told);
        recording.commands::<T::Rig>()
    }

    fn torn_too<T: Task<Rig: Tearing>>(&self, at: usize, command: &Command, tear: Tear) {
        let Self { write, after, .. } = self;
        let told = format!("{}: CA killed {write}, torn {tear:?} {} ({at}), {after:?}", T::Rig::NAME, command.name);
        let mut world = World::<T>::new(self.snapshot, Mortal::until(self.write_at));
        world.rig().tear(at, tear);
        let gone = |password| 0..=T::Rig::tries_gone(&command.name, tear, password);
        self.to_the_end(&mut world, &Mortal::forever(), &gone, &told);
        assert!(world.rig().is_torn(), "{told}: nothing was torn");
    }

    fn to_the_end<T: Task<Rig: Tearing>>(&self, world: &mut World<T>, life: &Mortal, gone: TriesGone<'_>, told: &str) {
        let mut stops = 0;
        let ended = loop {
            match live_beside_a_dying_ca(world, life, self.after, gone, told) {
                Err(_) if stops < 2 => stops += 1,
                ended => break ended,
            }
            if self.after == LostJournal {
                world.lose_journals();
            }
            if world.rig().is_torn() {
                world.reinsert();
            }
        };
        let ended = well(ended, told);
        world.reinsert();
        world.assert_whole(told, &ended, gone);
    }
}

/// In the same life the CA is started again as soon as it is missed.
fn live_beside_a_dying_ca<T: Task>(
    world: &World<T>,
    life: &Mortal,
    after: After,
    gone: TriesGone<'_>,
    told: &str,
) -> Lived {
    let mut halts = 0;
    world.live_on(life, &mut |halt| {
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
                world.assert_sound(told, gone);
                after == SameLife
            }
        }
    })
}

fn resume<T: Task>(world: &mut World<T>, after: After, ended: Lived, told: &str) -> Ended {
    if matches!(ended, Ok(Ended::Done)) {
        return Ended::Done;
    }
    if after == LostJournal {
        world.lose_journals();
    }
    world.reinsert();
    world.authority.restart_if_dead();
    well(world.live(&Mortal::forever()), told)
}
