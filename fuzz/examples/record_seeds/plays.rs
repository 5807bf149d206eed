//! What a holder's program does, without lies and with the plainest of them, as inputs of `driver`.

use obnova_fuzz::cards::Kind;
use obnova_fuzz::liar::{Lie, What};
use obnova_fuzz::play::{LAST_TRY, Operation, Play, Task};

/// Names and inputs.
pub fn plays() -> Vec<(String, Play)> {
    let lies = lies();
    let mut plays = Vec::new();
    for (name, kind, operations) in sound() {
        plays.push((name.to_owned(), play(kind, operations.clone(), Vec::new())));
        plays.push((format!("{name}-short"), Play { short_only: true, ..play(kind, operations.clone(), Vec::new()) }));
        // Each lie about the second answer, and about the third.
        for (number, (lie, what)) in lies.iter().enumerate() {
            let lie_told = Lie { after: 1 + number as u8 % 3, what: what.clone() };
            plays.push((format!("{name}-{lie}"), play(kind, operations.clone(), vec![lie_told])));
        }
    }
    for (name, field, value) in
        [("more-tries", 0, 15), ("last-try", 0, 1), ("many-certificates", 3, 0xFFFF), ("limits", 5, 300)]
    {
        let operations = vec![does(Task::Overview, 0, 0, 0), does(Task::Sign, 1, 0, 0)];
        let tell = |after| Lie { after, what: What::Tell(field, 0, value) };
        plays.push((format!("tells-{name}"), play(Kind::Active, operations, vec![tell(0), tell(5)])));
    }
    let lies = vec![Lie { after: 0, what: What::Tell(4, 0, 0xFFFF) }, Lie { after: 1, what: trickle() }];
    let overview = vec![does(Task::Overview, 0, 0, 0)];
    plays.push(("tells-long-certificates-trickle".to_owned(), play(Kind::Active, overview, lies)));
    // Of a card that is active the life cycle is another in the answer to SELECT: what was set is compared, and nothing is set.
    let activates = |secret| does(Task::Activate, 0, secret, 0);
    let inactive_again = vec![Lie { after: 5, what: What::Flip(58, 1) }];
    plays.push((
        "activate-in-place-told-inactive-again".to_owned(),
        play(Kind::InPlace, vec![activates(0), activates(12)], inactive_again),
    ));
    plays
}

const fn does(what: Task, slot: u8, secret: u8, detail: u8) -> Operation {
    Operation { what, slot, secret, detail }
}

const fn play(kind: Kind, operations: Vec<Operation>, lies: Vec<Lie>) -> Play {
    Play { kind, short_only: false, operations, lies }
}

/// What is done with a sound card.
fn sound() -> Vec<(&'static str, Kind, Vec<Operation>)> {
    let mut sound = vec![
        ("look", Kind::Active, vec![does(Task::Passwords, 0, 0, 0), does(Task::Overview, 0, 0, 0)]),
        ("sign", Kind::Active, vec![does(Task::Sign, 1, 0, 0), does(Task::Sign, 2, 0, 0b1_1000)]),
        ("sign-rsa", Kind::Rsa, vec![does(Task::Sign, 1, 0, 0b100), does(Task::Sign, 2, 0, 0b1_0110)]),
        (
            "renew",
            Kind::Active,
            vec![
                does(Task::Generate, 5, 0, 0),
                does(Task::Generate, 6, 0, 1),
                does(Task::Install, 5, 0, 0x15),
                does(Task::Install, 6, 0, 0x26),
                does(Task::Sign, 6, 0, 0b1_0000),
            ],
        ),
        ("remove", Kind::Active, vec![does(Task::Remove, 1, 0, 1), does(Task::Remove, 2, 0, 0)]),
        (
            "passwords",
            Kind::Active,
            vec![
                does(Task::Change, 0, 0, 4),
                does(Task::Change, 1, 7, 5),
                does(Task::Change, 1, 7, 5),
                does(Task::Change, 1, LAST_TRY | 7, 5),
                does(Task::Unblock, 1, 0, 5),
            ],
        ),
        (
            "compare",
            Kind::Active,
            vec![
                does(Task::Compare, 0, 0, 0),
                does(Task::Compare, 2, 7, 0),
                does(Task::Compare, 2, 0, 0),
                does(Task::Compare, 3, 0, 0),
                does(Task::Sign, 1, 0, 0),
            ],
        ),
        (
            "activate-single-use",
            Kind::SingleUse,
            vec![does(Task::Activate, 0, LAST_TRY, 0), does(Task::Activate, 0, 0, 0), does(Task::Sign, 1, 0, 0)],
        ),
        ("repair", Kind::Active, vec![does(Task::Repair, 0, 0, 0)]),
        (
            "large-certificate",
            Kind::Large,
            vec![does(Task::Overview, 0, 0, 0), does(Task::Install, 2, 0, 2), does(Task::Remove, 1, 0, 0)],
        ),
        ("first-key", Kind::Empty, vec![does(Task::Generate, 14, LAST_TRY, 1), does(Task::Overview, 0, 0, 0)]),
    ];
    for (name, kind, slot, detail) in [
        ("activate-separate", Kind::Separate, 1, 0),
        ("activate-in-place", Kind::InPlace, 2, 0b1_0000),
        ("activate-unset", Kind::Unset, 1, 0),
        ("activate-null", Kind::Null, 1, 0),
        ("activate-must-change", Kind::MustChange, 1, 0),
        ("activate-five-digits", Kind::FiveDigits, 1, 0),
    ] {
        sound.push((name, kind, vec![does(Task::Activate, 0, 0, 0), does(Task::Sign, slot, 0, detail)]));
    }
    sound
}

/// The plainest lies.
fn lies() -> [(&'static str, What); 11] {
    [
        ("flipped", What::Flip(30, 1)),
        ("truncated", What::Truncate(1)),
        ("wrong-pin", What::Status(0x63C2)),
        ("refused", What::Refuse(0x6982)),
        ("replayed", What::Replay(1)),
        ("swallowed", What::Swallow(vec![0x90, 0x00])),
        ("gone", What::Gone { acted: true }),
        ("endless", What::Endless(vec![0x55, 0x61, 0x00], vec![0x61, 0x00])),
        ("ping-pong", What::Endless(vec![0x6C, 0x05], vec![0x6C, 0x06])),
        ("nothing", What::Endless(vec![0x90, 0x00], vec![0x90, 0x00])),
        ("trickle", trickle()),
    ]
}

/// A byte at a time, without end.
fn trickle() -> What {
    What::Endless(vec![0x55, 0x90, 0x00], vec![0x55, 0x90, 0x00])
}
