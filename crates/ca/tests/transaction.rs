//! One transaction from order to receipt, interrupted, repeated and raced.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Barrier;

use common::{DAY, Draft, EMAIL, HOLDER, World, first_pair, issued, issued_pair, now, rule, token};
use obnova_ca::{Ca, CaError, Outcome, PickUpToken, Transaction, store::OrderState};
use obnova_enroll::cmc::{Answer, Asked, PendToken};
use x509_cert::Certificate;

fn name(draft: &Draft) -> Transaction {
    Transaction::new(draft.transaction.as_bytes()).unwrap()
}

fn state(ca: &Ca, draft: &Draft) -> OrderState {
    ca.order(&name(draft)).unwrap().unwrap().state
}

#[test]
fn ordered_approved_picked_up_confirmed() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let message = draft.message();
    let send = || world.ask(&message, &draft.transaction, Asked::Certificates, now());
    let answer = send();
    let Answer::Pending { token, check_at } = answer else { panic!("{answer:?}") };
    assert_eq!(check_at, now() + world.ca.policy().retry_after);
    assert!(matches!(world.query(&draft.transaction, &token), Answer::Pending { .. }), "not approved yet");
    assert_eq!(state(&world.ca, &draft), OrderState::Pending);

    world.approve(&draft.transaction);
    let certificates = issued(world.query(&draft.transaction, &token));
    assert_eq!(issued(world.query(&draft.transaction, &token)), certificates, "a lost pick-up can be repeated");
    assert_eq!(world.confirm(&draft.transaction, Some(&token), &certificates), Answer::Confirmed);
    assert_eq!(state(&world.ca, &draft), OrderState::Confirmed);
    assert_eq!(rule(&world.query(&draft.transaction, &token)), "token-spent");
    assert_eq!(rule(&send()), "token-spent", "the message is worth no more than its token");
    assert_eq!(world.confirm(&draft.transaction, Some(&token), &certificates), Answer::Confirmed, "a lost receipt too");
}

#[test]
fn a_year_of_validity_begins_when_it_is_issued_and_not_when_it_was_asked_for() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let token = token(&world.send(&draft));
    world.ca.approve(&name(&draft), now() + 3 * DAY).unwrap();
    let begin = now() + 3 * DAY - world.ca.policy().backdate;
    for certificate in issued(world.query(&draft.transaction, &token)) {
        let validity = certificate.tbs_certificate().validity();
        assert_eq!(validity.not_before.to_system_time(), begin);
        // Valid through its last second: 365 days and not one second more (RFC 5280 §4.1.2.5).
        assert_eq!(validity.not_after.to_system_time(), begin + 365 * DAY - std::time::Duration::from_secs(1));
    }
}

#[test]
fn what_is_issued_can_vouch_for_the_next_pair() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let new = issued_pair(&draft, world.send(&draft));
    let next = Draft::renewing(&new, 2);
    assert_eq!(rule(&world.send(&next)), "too-early");
    let later = world.ask(&next.message(), &next.transaction, Asked::Certificates, now() + 340 * DAY);
    assert_eq!(issued(later).len(), 2);
}

#[test]
fn the_same_message_again_is_the_same_order_also_in_another_process() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let message = draft.message();
    let ask = |ca: &Ca, when| {
        let response = ca.answer(&message, None, when).unwrap();
        world.read(&response.message, &draft.transaction, Asked::Certificates)
    };
    let first = token(&ask(&world.ca, now()));
    let other = world.another();
    assert!(token(&ask(&other, now())) == first, "the same token");
    assert_eq!(world.ca.list(None, 10).unwrap().len(), 1);
    other.approve(&name(&draft), now()).unwrap();
    let certificates = issued(ask(&world.ca, now()));
    // Long after the old certificates have expired it is still the order that was accepted in time.
    assert_eq!(issued(ask(&other, now() + 300 * DAY)), certificates);
    assert_eq!(issued(world.query(&draft.transaction, &first)), certificates);
}

#[test]
fn the_same_message_at_two_processes_at_the_same_moment_is_issued_once() {
    const ROUNDS: u8 = 10;
    let world = World::automatic();
    let (one, two) = (&world.ca, &world.another());
    for round in 1..=ROUNDS {
        let old = first_pair(one, HOLDER, EMAIL, 20);
        let draft = Draft::renewing(&old, round);
        let (message, start) = (draft.message(), Barrier::new(4));
        let ask = |ca: &Ca| {
            start.wait();
            ca.answer(&message, None, now()).unwrap().message
        };
        let answers = std::thread::scope(|scope| {
            let asking = [one, two, one, two].map(|ca| scope.spawn(move || ask(ca)));
            asking.map(|thread| issued(world.read(&thread.join().unwrap(), &draft.transaction, Asked::Certificates)))
        });
        assert!(answers.iter().all(|pair| *pair == answers[0]), "round {round}: two pairs for one order");
        assert_eq!(one.list(None, 100).unwrap().len(), usize::from(round));
    }
    let database = rusqlite::Connection::open(world.directory.path().join("ca.db")).unwrap();
    let issued: u8 = database.query_row("SELECT count(*) FROM certificates", [], |row| row.get(0)).unwrap();
    assert_eq!(issued, 2 + ROUNDS * 4, "each holder's first pair and one more");
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn what_was_answered_outlives_the_process() {
    let World { directory, ca, old, .. } = &World::new();
    let draft = Draft::renewing(old, 1);
    let message = draft.message();
    ca.answer(&message, None, now()).unwrap();
    // As a kill leaves it: what is on disk now, write-ahead log and all, with no connection closed.
    let copy = directory.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in ["ca.db", "ca.db-wal"] {
        std::fs::copy(directory.path().join(file), copy.join(file)).unwrap();
    }
    let store = obnova_ca::SqliteStore::open(&copy.join("ca.db")).unwrap();
    let kept = obnova_ca::Store::order(&store, &name(&draft)).unwrap().unwrap();
    assert_eq!(kept.message, message);
    assert_eq!(kept.requests.len(), 2);
    assert_eq!(kept.state, OrderState::Pending);
}

#[test]
fn a_token_opens_its_own_order_and_nothing_else() {
    let world = World::new();
    let (first, second) = (
        Draft::renewing(&world.old, 1),
        Draft::renewing(&common::first_pair(&world.ca, common::HOLDER, common::EMAIL, 20), 2),
    );
    let (token_one, token_two) = (token(&world.send(&first)), token(&world.send(&second)));
    world.approve(&first.transaction);
    assert_eq!(rule(&world.query(&first.transaction, &token_two)), "unknown-token");
    assert_eq!(rule(&world.query(&second.transaction, &token_one)), "unknown-token");
    for length in [1, 19, 20, 21, 256] {
        let invented = PendToken::from_bytes(&vec![7; length]).unwrap();
        assert_eq!(rule(&world.query(&first.transaction, &invented)), "unknown-token");
    }
    let link = PickUpToken::new(token_one.as_bytes()).unwrap();
    assert!(matches!(world.ca.pick_up(&link).unwrap(), Outcome::Issued(certificates) if certificates.len() == 2));
}

#[test]
fn a_receipt_names_exactly_what_was_issued() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let token = token(&world.send(&draft));
    let old: Vec<Certificate> = world.old.certificates.iter().map(|one| one.certificate.clone()).collect();
    assert_eq!(rule(&world.confirm(&draft.transaction, Some(&token), &old)), "wrong-receipt", "nothing is issued yet");
    world.approve(&draft.transaction);
    let got = issued(world.query(&draft.transaction, &token));
    let wrong = [vec![got[0].clone()], vec![got[0].clone(), got[0].clone()], vec![got[0].clone(), old[1].clone()], old];
    for named in wrong {
        assert_eq!(rule(&world.confirm(&draft.transaction, Some(&token), &named)), "wrong-receipt");
    }
    let invented = PendToken::from_bytes(&[7; 20]).unwrap();
    assert_eq!(rule(&world.confirm(&draft.transaction, Some(&invented), &got)), "unknown-token");
    let nobody = obnova_enroll::cmc::TransactionId::from_random([9; 16]);
    assert_eq!(rule(&world.confirm(&nobody, None, &got)), "unknown-token");
    assert_eq!(state(&world.ca, &draft), OrderState::Issued, "a wrong receipt ends nothing");
    assert_eq!(issued(world.query(&draft.transaction, &token)), got);
}

#[test]
fn an_order_that_was_issued_at_once_is_confirmed_without_a_token() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let answer = world.send(&draft);
    assert!(matches!(&answer, Answer::Issued { confirm: true, chain, .. } if chain.is_empty()), "the chain is known");
    let mut got = issued(answer);
    got.reverse();
    assert_eq!(world.confirm(&draft.transaction, None, &got), Answer::Confirmed);
    assert_eq!(state(&world.ca, &draft), OrderState::Confirmed);
}

#[test]
fn an_order_is_decided_once() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let missing = world.ca.approve(&name(&draft), now()).unwrap_err();
    assert!(missing.to_string().contains("no order"), "{missing}");
    token(&world.send(&draft));
    world.approve(&draft.transaction);
    for error in [
        world.ca.approve(&name(&draft), now()).unwrap_err(),
        world.ca.reject(&name(&draft), "too late", now()).unwrap_err(),
    ] {
        assert!(matches!(error, CaError::Decided { state: OrderState::Issued }), "{error}");
    }
}

#[test]
fn threads_and_processes_that_send_the_same_order_get_the_same_answer() {
    for world in [World::automatic(), World::new()] {
        let draft = Draft::renewing(&world.old, 1);
        let message = draft.message();
        let cas = [&world.ca, &world.another(), &world.another()];
        let answers: Vec<_> = std::thread::scope(|scope| {
            let send = |ca: &Ca| {
                let response = ca.answer(&message, None, now()).unwrap();
                world.read(&response.message, &draft.transaction, Asked::Certificates)
            };
            let threads: Vec<_> = (0..12).map(|index| scope.spawn(move || send(cas[index % 3]))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(world.ca.list(None, 10).unwrap().len(), 1);
    }
}

#[test]
fn operators_who_approve_at_once_issue_once() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let token = token(&world.send(&draft));
    let cas = [&world.ca, &world.another()];
    let approved: usize = std::thread::scope(|scope| {
        let approve = |ca: &Ca| match ca.approve(&name(&draft), now()) {
            Ok(_) => 1,
            Err(CaError::Decided { state: OrderState::Issued }) => 0,
            Err(error) => panic!("{error}"),
        };
        let threads: Vec<_> = (0..8).map(|index| scope.spawn(move || approve(cas[index % 2]))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(approved, 1);
    assert_eq!(issued(world.query(&draft.transaction, &token)).len(), 2);
}

#[test]
fn orders_that_race_for_one_key_or_one_pair_have_one_winner() {
    let world = World::new();
    let other = common::first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
    let mut drafts: Vec<_> = (1..5).map(|index| Draft::renewing(&world.old, index)).collect();
    let mut same_key = Draft::renewing(&other, 9);
    same_key.requests[0].key = drafts[0].requests[0].key.clone();
    drafts.push(same_key);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let world = &world;
        let threads: Vec<_> = drafts.iter().map(|draft| scope.spawn(move || world.send(draft))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let accepted = answers[..4].iter().filter(|answer| matches!(answer, Answer::Pending { .. })).count();
    assert_eq!(accepted, 1, "one pair, one order");
    let both = matches!(answers[0], Answer::Pending { .. }) && matches!(answers[4], Answer::Pending { .. });
    assert!(!both, "one key, one order");
}

#[test]
fn hostile_bytes_get_an_error_or_a_refusal_and_change_nothing_that_was_signed() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let requests: Vec<_> = draft.requests.iter().map(common::RequestDraft::request).collect();
    let good = draft.message_of(requests.clone());
    for length in 0..good.len() {
        if let Ok(response) = world.ca.answer(&good[..length], None, now()) {
            rule(&world.read(&response.message, &draft.transaction, Asked::Certificates));
        }
    }
    let mut refused = 0;
    for position in (0..good.len()).step_by(7) {
        let mut bent = good.clone();
        bent[position] ^= 0x11;
        match world.ca.answer(&bent, None, now()) {
            Ok(_) => refused += 1,
            Err(error) => assert!(matches!(error, obnova_ca::AnswerError::Malformed(_)), "{error}"),
        }
    }
    assert!(refused > 0, "what can be addressed is answered");
    let deep = [0x30, 0x80].repeat(50_000);
    let endless = [vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff], vec![0; 1 << 20]].concat();
    for hostile in [Vec::new(), deep, endless, vec![0; 1 << 20]] {
        assert!(world.ca.answer(&hostile, None, now()).is_err());
    }
    // What is bent in the frame around what was signed (version numbers, the list of digests) says the same still.
    for kept in world.ca.list(None, 10).unwrap() {
        assert!(kept.requests.iter().map(|kept| kept.request.as_slice()).eq(requests.iter().map(|one| one.der())));
    }
}
