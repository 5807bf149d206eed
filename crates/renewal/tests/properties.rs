//! What holds for a process whatever happens to it, in whatever order.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::{sync::LazyLock, time::Duration};

use obnova_card::KeyRole;
use obnova_renewal::{Action, Answer, Event, Fact, Pair, Process, Record, Stage};
use proptest::{collection::vec, prelude::*};
use support::{Holder, House, now, play::Play};

/// Everything that happened in a renewal that went well, and more that could have.
struct Happened {
    start: Record,
    /// What each step was answered with, in order.
    events: Vec<Event>,
    records: Vec<Record>,
}

static HAPPENED: LazyLock<Happened> = LazyLock::new(|| {
    let house = House::new("CN=Root");
    let token = Box::new(Holder::new(&house).token());
    let mut play = Play::new(house, token);
    let (start, mut events) = (play.records[0].clone(), Vec::new());
    while let action = play.next()
        && let Some(event) = play.perform(&action)
    {
        events.push(event.clone());
        play.take(event);
    }
    assert_eq!(play.process.stage(), Stage::Done);
    let records = play.records;
    Happened { start, events, records }
});

#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The answer that belongs to the next step of the good run.
    Right,
    /// The answer to another step.
    Other(usize),
    /// Something that was no part of the good run.
    Strange(usize),
    /// The program ended, and reads its journal.
    Forget,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        8 => Just(Turn::Right),
        3 => (0..100_usize).prop_map(Turn::Other),
        1 => (0..8_usize).prop_map(Turn::Strange),
        1 => Just(Turn::Forget),
    ]
}

fn strange(number: usize) -> Event {
    match number {
        0 => Event::Declined,
        1 => Event::Uncertain,
        2 => Event::Answered(Answer::Issued { certificates: Vec::new(), receipt: None }),
        3 => Event::Answered(Answer::Pending { pick_ups: Vec::new(), retry_after: Duration::MAX }),
        4 => Event::Signed(vec![vec![0; 70]; 2]),
        5 => Event::Files(vec![b"not a certificate".to_vec()]),
        6 => Event::Answered(Answer::Refused { reason: "badRequest".into(), text: String::new() }),
        _ => Event::Looked(Vec::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn whatever_happens_the_journal_tells_all_and_nothing_is_done_twice(
        turns in vec(turn(), 0..60),
        clock in vec(-100_000..100_000_i64, 60),
    ) {
        let happened = &*HAPPENED;
        let mut process = Process::replay(std::slice::from_ref(&happened.start)).unwrap();
        let mut records = vec![happened.start.clone()];
        let mut at = 0;
        for (turn, offset) in turns.into_iter().zip(clock) {
            // The clock goes forwards and backwards.
            let far = Duration::from_secs(offset.unsigned_abs());
            let moment = if offset < 0 { now() - far } else { now() + far };
            let _ = process.next(moment);
            let event = match turn {
                Turn::Right => happened.events[at % happened.events.len()].clone(),
                Turn::Other(other) => happened.events[other % happened.events.len()].clone(),
                Turn::Strange(number) => strange(number),
                Turn::Forget => {
                    process = Process::replay(&records).unwrap();
                    continue;
                }
            };
            let (name, before) = (event.name(), process.clone());
            match process.handle(event, moment) {
                Ok(more) => {
                    records.extend(more);
                    at += usize::from(matches!(turn, Turn::Right));
                }
                Err(_) => prop_assert_eq!(&process, &before, "{} was refused and changed something", name),
            }
            prop_assert_eq!(Process::replay(&records).unwrap().stage(), process.stage());
            check(&records)?;
        }
    }

    #[test]
    fn a_journal_of_records_in_any_order_is_refused_or_makes_sense(picks in vec(0..100_usize, 0..30), whole in 0..30_usize) {
        let pool = &HAPPENED.records;
        let mut records = pool[..whole.min(pool.len()).max(1)].to_vec();
        records.extend(picks.into_iter().map(|pick| pool[pick % pool.len()].clone()));
        if let Ok(process) = Process::replay(&records) {
            check(&records)?;
            let _ = process.next(now());
        }
    }
}

/// What no journal may say.
fn check(records: &[Record]) -> Result<(), TestCaseError> {
    let count = |wanted: &dyn Fn(&Fact) -> bool| records.iter().filter(|record| wanted(&record.fact)).count();
    for role in Pair::ROLES {
        let made = count(&|fact| matches!(fact, Fact::KeyMade { role: of, .. } if *of == role));
        let intended = count(&|fact| matches!(fact, Fact::Generating(of) if *of == role));
        prop_assert!(made <= 1 && intended <= 1 && made <= intended, "{role}: {made} of {intended}");
        let requested = count(&|fact| matches!(fact, Fact::Requested { role: of, .. } if *of == role));
        prop_assert!(requested <= made);
    }
    let place = |wanted: &dyn Fn(&Fact) -> bool| records.iter().position(|record| wanted(&record.fact));
    let order: [Option<usize>; 5] = [
        place(&|fact| matches!(fact, Fact::Terms(_))),
        place(&|fact| matches!(fact, Fact::KeyMade { role: KeyRole::Signature, .. })),
        place(&|fact| matches!(fact, Fact::Arrived { .. })),
        place(&|fact| matches!(fact, Fact::Installing)),
        place(&|fact| matches!(fact, Fact::Acknowledged)),
    ];
    let known: Vec<_> = order.iter().flatten().collect();
    prop_assert!(known.is_sorted(), "{order:?}");
    let complete = order.iter().skip_while(|place| place.is_some()).all(Option::is_none);
    prop_assert!(complete, "a step without the one before: {order:?}");
    prop_assert!(count(&|fact| matches!(fact, Fact::Sealed(_))) <= 1, "one order");
    Ok(())
}

#[test]
fn the_good_run_is_good() {
    let happened = &*HAPPENED;
    let process = Process::replay(&happened.records).unwrap();
    assert!(matches!(process.next(now()), Action::Done(_)));
    check(&happened.records).unwrap();
}
