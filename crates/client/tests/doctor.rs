//! The computer check: each line has an id, and each failed one says what to do.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    HouseCa, World,
    support::{Holder, House, days, now},
};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{InPlaceOnly, SlotId, TokenError};
use obnova_client::{CaConnection, Check, Checkup, Outcome, SharedToken, Subject, check_up, is_ready, share};
use obnova_renewal::{Policy, Stage, Standing};

fn check(token: Result<SharedToken, TokenError>, ca: Option<&mut dyn CaConnection>) -> Vec<Check> {
    let folder = tempfile::tempdir().unwrap();
    let journals = folder.path().join("journals");
    let ca = ca.map(|ca| ca as &mut dyn CaConnection);
    check_up(Checkup { token, ca, journals: Some(&journals), policy: &Policy::twins(), issuers: &[] }, now())
}

fn of(checks: &[Check], subject: Subject) -> &Outcome {
    &checks.iter().find(|check| check.subject == subject).unwrap().outcome
}

fn bad_id(checks: &[Check], subject: Subject) -> &'static str {
    match of(checks, subject) {
        Outcome::Bad(problem) | Outcome::Warning(problem) => {
            assert!(problem.text.contains([':', ';']), "no advice in \"{}\"", problem.text);
            problem.id
        }
        other => panic!("{subject:?}: {other:?}"),
    }
}

#[test]
fn all_is_well() {
    let mut world = World::new();
    let checks = check(Ok(world.token.clone()), Some(&mut world.ca));
    let subjects: Vec<_> = checks.iter().map(|check| check.subject).collect();
    assert_eq!(subjects, Subject::ALL);
    for check in &checks {
        assert!(matches!(check.outcome, Outcome::Good(_)), "{check:?}");
    }
    assert!(is_ready(&checks));
    let Outcome::Good(seen) = of(&checks, Subject::Card) else { panic!() };
    assert!(seen.contains(&("serial", "OBN00000001".into())));
}

#[test]
fn nothing_is_touched_by_looking() {
    let world = World::new();
    let before = obnova_client::look(world.token.lock().unwrap().as_mut()).unwrap();
    check(Ok(world.token.clone()), None);
    assert_eq!(obnova_client::look(world.token.lock().unwrap().as_mut()).unwrap(), before);
}

#[test]
fn without_a_card_the_rest_is_still_checked() {
    let mut ca = HouseCa::new(House::new("CN=Root"));
    let gone = TokenError::Transport(obnova_transport::TransportError::NoReader);
    let checks = check(Err(gone), Some(&mut ca));
    assert_eq!(bad_id(&checks, Subject::Card), "problem-card");
    let skipped = [Subject::Passwords, Subject::Pair, Subject::Validity, Subject::Room, Subject::Unfinished];
    assert!(skipped.iter().all(|subject| *of(&checks, *subject) == Outcome::Skipped));
    assert!(matches!(of(&checks, Subject::Issuer), Outcome::Good(_)));
    assert!(!is_ready(&checks));
}

#[test]
fn each_problem_is_told_at_its_line() {
    let house = House::new("CN=Root");
    let expired = Holder::with(&house, KeyAlgorithm::P256, |_, draft| draft.until = now() - days(1));
    let checks = check(Ok(share(expired.token())), None);
    assert_eq!(bad_id(&checks, Subject::Validity), "reason-expired");
    assert_eq!(of(&checks, Subject::Issuer), &Outcome::Skipped, "none is configured");

    let empty = obnova_simulator::SimulatorConnection::new(Holder::empty_card());
    let checks = check(Ok(share(obnova_card::ProfileToken::new(empty))), None);
    assert_eq!(bad_id(&checks, Subject::Pair), "reason-no-certificates");

    let holder = Holder::new(&house);
    let in_place = InPlaceOnly::new(holder.token(), &[SlotId(1), SlotId(2)]);
    let checks = check(Ok(share(in_place)), None);
    assert_eq!(bad_id(&checks, Subject::Room), "risk-in-place-only");
    assert!(is_ready(&checks), "a risk is the holder's to take");

    holder.fill(&house);
    let checks = check(Ok(share(holder.token())), None);
    assert_eq!(bad_id(&checks, Subject::Room), "reason-card-full");
    assert!(!is_ready(&checks));

    let mut world = World::new();
    world.ca.down.push("terms");
    let checks = check(Ok(world.token.clone()), Some(&mut world.ca));
    assert_eq!(bad_id(&checks, Subject::Issuer), "problem-issuer");
    assert!(!is_ready(&checks));
    world.ca.down.clear();
    world.reach(Stage::Send);
    let checks = check(Ok(world.token.clone()), Some(&mut world.ca));
    assert_eq!(bad_id(&checks, Subject::Unfinished), "problem-unfinished");

    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    let policy = Policy::twins();
    let checkup = Checkup {
        token: Ok(world.token.clone()),
        ca: None,
        journals: Some(&in_the_way),
        policy: &policy,
        issuers: &[],
    };
    let checks = check_up(checkup, now());
    assert_eq!(bad_id(&checks, Subject::Journal), "problem-journal");
}

#[test]
fn what_another_ca_issued_is_told() {
    let [ours, theirs] = ["CN=Root"; 2].map(House::new);
    let holder = Holder::new(&ours);
    let policy = Policy::twins();
    let check = |house: &House| {
        let (token, issuers) = (Ok(share(holder.token())), house.terms().issuers());
        check_up(Checkup { token, ca: None, journals: None, policy: &policy, issuers: &issuers }, now())
    };
    assert!(is_ready(&check(&ours)));
    assert_eq!(bad_id(&check(&theirs), Subject::Pair), "reason-of-other-issuers");
}

#[test]
fn what_is_revoked_is_told_before_a_renewal_is_begun() {
    let mut world = World::new();
    let (since, place) = (now() - days(3), || "http://status.example".to_owned());
    for (standing, id, is_bad) in [
        (Standing::Revoked { since, reason: "keyCompromise".into(), place: place() }, "standing-revoked", true),
        (Standing::OnHold { since, place: place() }, "standing-on-hold", true),
        (Standing::NeverIssued { place: place() }, "standing-never-issued", true),
        (Standing::Unknown { problems: "nobody answers".into() }, "standing-unknown", false),
    ] {
        world.ca.standing = standing;
        let checks = check(Ok(world.token.clone()), Some(&mut world.ca));
        assert_eq!((bad_id(&checks, Subject::Status), is_ready(&checks)), (id, !is_bad));
    }
    // Nobody asks a CA that does not answer, nor where none is configured.
    world.ca.down.push("terms");
    let checks = check(Ok(world.token.clone()), Some(&mut world.ca));
    assert_eq!(of(&checks, Subject::Status), &Outcome::Skipped);
    assert_eq!(of(&check(Ok(world.token.clone()), None), Subject::Status), &Outcome::Skipped);
}
