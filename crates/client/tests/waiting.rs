//! A holder who waits for the CA, and a server that is away meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    cell::Cell,
    time::{Duration, SystemTime},
};

use common::{
    Door, Face, Seat, World,
    support::{days, now},
};
use obnova_client::{
    CaError, FileJournal, Pause, RunError, Turn,
    enroll::est::{EstError, RetryAfter},
};
use obnova_renewal::Stage;

/// A wait in seconds, and whether the CA was away.
type Waited = (u64, bool);

/// One life that waits until the end, or as often as it may, with a clock that only waiting moves.
fn wait(world: &mut World, most: usize) -> (Result<Turn, RunError>, Vec<Waited>) {
    let begun = !FileJournal::list(world.folder.path()).unwrap().is_empty();
    let plan = (!begun).then(|| world.plan());
    let (time, waited) = (Cell::new(now()), Cell::new(Vec::new()));
    let clock = || time.get();
    let seat = Seat { token: world.token.clone(), journals: world.folder.path().to_owned(), clock: &clock };
    let outcome = seat.with_runner(&mut world.ca, &mut world.face, &mut Door, plan, |runner| {
        runner.run_to_end(|Pause { until, away }| {
            let mut known: Vec<Waited> = waited.take();
            let goes_on = known.len() < most;
            if goes_on {
                known.push((seconds(time.get(), until), away.is_some()));
                time.set(until);
            }
            waited.set(known);
            goes_on
        })
    });
    (outcome.unwrap(), waited.take())
}

fn seconds(from: SystemTime, until: SystemTime) -> u64 {
    until.duration_since(from).unwrap().as_secs()
}

fn unreachable() -> CaError {
    CaError::Unreachable { server: "https://ca.example".into(), problem: "Connection refused".into() }
}

fn status(status: u16) -> CaError {
    CaError::Status { status, text: String::new() }
}

fn busy(retry_after: Option<RetryAfter>) -> CaError {
    CaError::Server(EstError::Unavailable { retry_after })
}

fn too_often(retry_after: Option<RetryAfter>) -> CaError {
    CaError::Server(EstError::TooOften { retry_after, text: String::new() })
}

const LONG: usize = 1000;

#[test]
fn a_server_that_is_away_is_waited_for_less_and_less_eagerly_and_as_it_says() {
    let mut undisturbed = World::new();
    let (turn, waited) = wait(&mut undisturbed, LONG);
    assert!(matches!(turn, Ok(Turn::Done(_))) && waited.is_empty(), "{turn:?} {waited:?}");

    let mut world = World::new();
    let timeout = || CaError::Timeout { server: "https://ca.example".into() };
    let later = |seconds| busy(Some(RetryAfter::In(Duration::from_secs(seconds))));
    let never = busy(Some(RetryAfter::At(SystemTime::UNIX_EPOCH)));
    world.ca.away = vec![
        unreachable(),
        timeout(),
        status(500),
        status(502),
        later(7),
        later(86_400),
        never,
        status(503),
        busy(None),
    ];
    world.ca.away.extend((0..20).map(|_| unreachable()));
    let (turn, waited) = wait(&mut world, LONG);
    assert!(matches!(turn, Ok(Turn::Done(_))), "{turn:?}");
    assert!(waited.iter().all(|(_, away)| *away));
    let waited: Vec<_> = waited.iter().map(|(seconds, _)| *seconds).collect();
    assert_eq!(waited[..9], [5, 10, 20, 40, 7, 86_400, 1, 300, 300]);
    assert!(waited.len() == 29 && waited[9..].iter().all(|wait| *wait == 300), "{waited:?}");
    world.assert_renewed();
    assert_eq!(world.ca.sent.len(), 1);
    assert_eq!(world.face.prompts(), undisturbed.face.prompts(), "no password was asked for once more");
}

#[test]
fn an_order_that_is_out_is_waited_for() {
    let mut world = World::new();
    world.reach(Stage::PickUp);
    world.face = Face::default();
    world.ca.away = vec![unreachable(), unreachable(), status(504)];
    let (turn, waited) = wait(&mut world, LONG);
    assert!(matches!(turn, Ok(Turn::Done(_))), "{turn:?}");
    assert_eq!(waited, [(5, true), (10, true), (20, true)]);
    world.assert_renewed();
}

#[test]
fn who_asked_too_often_waits_for_as_long_as_the_server_says() {
    let later = |seconds| too_often(Some(RetryAfter::In(Duration::from_secs(seconds))));
    for stage in [Stage::Send, Stage::PickUp] {
        let mut world = World::new();
        world.reach(stage);
        world.face = Face::default();
        let without_end = too_often(Some(RetryAfter::At(now() + days(3650))));
        world.ca.away = vec![later(7), later(86_400), later(0), without_end];
        let (turn, waited) = wait(&mut world, LONG);
        assert!(matches!(turn, Ok(Turn::Done(_))), "{turn:?}");
        assert_eq!(waited, [7, 86_400, 1, 31 * 86_400].map(|seconds| (seconds, true)));
        world.assert_renewed();
    }
}

#[test]
fn who_does_not_wait_is_told_why_and_comes_back_later() {
    for most in 0..3 {
        let mut world = World::new();
        world.ca.away = (0..=most).map(|_| unreachable()).collect();
        let (turn, waited) = wait(&mut world, most);
        assert!(matches!(turn, Err(RunError::Ca(CaError::Unreachable { .. }))), "{turn:?}");
        assert_eq!(waited.len(), most);
        let (turn, waited) = wait(&mut world, 0);
        assert!(matches!(turn, Ok(Turn::Done(_))) && waited.is_empty(), "{turn:?} {waited:?}");
        world.assert_renewed();
        assert_eq!(world.ca.sent.len(), 1);
    }
}

#[test]
fn what_has_a_name_of_its_own_ends_the_wait() {
    let named: [fn() -> CaError; 14] = [
        || CaError::Tls { server: "https://ca.example".into(), problem: "another certificate".into() },
        || status(400),
        || status(404),
        || status(501),
        || status(302),
        || CaError::TooLarge { limit: 1 },
        || CaError::Server(EstError::Unauthorized),
        || CaError::Server(EstError::Base64),
        || too_often(None),
        || CaError::WrongPassword,
        || CaError::OtherIssuer,
        || CaError::Unvouched,
        || CaError::Protocol("nonsense".into()),
        || CaError::Foreign("another"),
    ];
    for error in named {
        for stage in [Stage::Send, Stage::PickUp] {
            let mut world = World::new();
            world.reach(stage);
            world.ca.away = vec![unreachable(), error()];
            let (turn, waited) = wait(&mut world, LONG);
            let Err(RunError::Ca(ended)) = turn else { panic!("{turn:?}") };
            assert_eq!(ended.to_string(), error().to_string());
            assert_eq!(waited, [(5, true)], "{ended}");
        }
    }
}

#[test]
fn before_an_order_is_made_nobody_waits_for_a_server() {
    for down in ["standing", "terms"] {
        let mut world = World::new();
        world.ca.down.push(down);
        let (turn, waited) = wait(&mut world, LONG);
        assert!(matches!(turn, Err(RunError::Ca(CaError::Unreachable { .. }))), "{turn:?}");
        assert!(waited.is_empty() && world.face.asked.is_empty());
    }
}

#[test]
fn a_wait_without_end_is_cut_to_the_longest_that_is_believed() {
    let mut world = World::new();
    world.reach(Stage::PickUp);
    world.ca.away = vec![busy(Some(RetryAfter::At(now() + days(3650))))];
    let (turn, waited) = wait(&mut world, LONG);
    assert!(matches!(turn, Ok(Turn::Done(_))), "{turn:?}");
    assert_eq!(waited, [(31 * 86_400, true)]);
}
