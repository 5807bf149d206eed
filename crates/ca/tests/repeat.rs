//! Whoever has lost what was written down of an order sends another message for the same keys: both are one order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Draft, World, first_pair, issued, key, now, rule, token};
use obnova_ca::{Ca, PickUpToken, Transaction, store::OrderState};
use obnova_enroll::cmc::{Answer, Asked, PendToken, TransactionId};
use x509_cert::Certificate;

/// The same keys and the same old pair, in a message of its own.
fn again(draft: &Draft, transaction: u8) -> Draft {
    Draft { transaction: TransactionId::from_random([transaction; 16]), ..draft.clone() }
}

fn only_order(ca: &Ca) -> obnova_ca::store::OrderRecord {
    let [order] = &ca.list(None, 10).unwrap()[..] else { panic!("there is not one order") };
    order.clone()
}

#[test]
fn what_is_pending_is_told_with_its_token_and_picked_up_under_either_name() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let first = token(&world.send(&draft));
    let mut other = again(&draft, 2);
    other.requests.reverse();
    other.signers.reverse();
    let message = other.message();
    let send = || world.ask(&message, &other.transaction, Asked::Certificates, now());
    assert!(token(&send()) == first, "the same order has the same token");
    assert!(token(&send()) == first, "and so when the answer was lost");
    only_order(&world.ca);
    let bent = again(&draft, 2);
    assert_eq!(rule(&world.send(&bent)), "transaction-taken", "another message of that name");

    world.approve(&draft.transaction);
    let certificates = issued(world.query(&other.transaction, &first));
    assert_eq!(issued(world.query(&draft.transaction, &first)), certificates);
    assert_eq!(issued(send()), certificates);
    assert_eq!(only_order(&world.ca).certificates.len(), 2);
}

#[test]
fn an_operator_decides_it_under_either_name() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let token = token(&world.send(&draft));
    let other = again(&draft, 2);
    world.send(&other);
    world.approve(&other.transaction);
    assert_eq!(issued(world.query(&draft.transaction, &token)).len(), 2);

    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let other = again(&draft, 2);
    world.send(&draft);
    world.send(&other);
    let name = Transaction::new(other.transaction.as_bytes()).unwrap();
    world.ca.reject(&name, "the address changed", now()).unwrap();
    assert_eq!(only_order(&world.ca).state, OrderState::Rejected);
}

#[test]
fn a_confirmed_receipt_ends_the_name_it_was_given_under_and_who_signs_anew_is_told_again() {
    let world = World::automatic();
    let draft = Draft::renewing(&world.old, 1);
    let first = draft.message();
    let send = |draft: &Draft, message: &[u8]| world.ask(message, &draft.transaction, Asked::Certificates, now());
    let certificates = issued(send(&draft, &first));
    assert_eq!(world.confirm(&draft.transaction, None, &certificates), Answer::Confirmed);
    for transaction in 2..4 {
        let other = again(&draft, transaction);
        let message = other.message();
        assert_eq!(issued(send(&other, &message)), certificates, "both old keys signed it");
        assert_eq!(issued(send(&other, &message)), certificates, "its answer was lost");
        assert_eq!(world.confirm(&other.transaction, None, &certificates), Answer::Confirmed);
        assert_eq!(world.confirm(&other.transaction, None, &certificates), Answer::Confirmed, "a lost receipt");
        assert_eq!(rule(&send(&other, &message)), "token-spent");
        assert_eq!(rule(&send(&draft, &first)), "token-spent", "the first message is worth no more than before");
    }
    let order = only_order(&world.ca);
    assert_eq!((order.state, order.certificates.len()), (OrderState::Confirmed, 2));
    let link = PickUpToken::new(world.ca.token(&order).as_bytes()).unwrap();
    assert!(world.ca.pick_up(&link).is_err(), "the link stays used up");
}

#[test]
fn a_token_is_of_its_order_under_each_of_its_names_and_of_no_other() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let stranger = Draft::renewing(&first_pair(&world.ca, common::HOLDER, common::EMAIL, 20), 9);
    let (ours, theirs) = (token(&world.send(&draft)), token(&world.send(&stranger)));
    let other = again(&draft, 2);
    world.send(&other);
    assert!(matches!(world.query(&other.transaction, &ours), Answer::Pending { .. }));
    assert_eq!(rule(&world.query(&other.transaction, &theirs)), "unknown-token");
    assert_eq!(rule(&world.query(&stranger.transaction, &ours)), "unknown-token");
    assert_eq!(rule(&world.query(&TransactionId::from_random([7; 16]), &ours)), "unknown-token");
    let invented = PendToken::from_bytes(&[7; 20]).unwrap();
    assert_eq!(rule(&world.query(&other.transaction, &invented)), "unknown-token");
}

#[test]
fn other_keys_or_another_pair_are_refused_as_before() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    token(&world.send(&draft));
    let changed = |change: &dyn Fn(&mut Draft)| {
        let mut other = again(&draft, 2);
        change(&mut other);
        rule(&world.send(&other)).to_owned()
    };
    assert_eq!(changed(&|other| other.requests[0].key = key()), "already-ordered");
    assert_eq!(changed(&|other| other.requests[1].key = key()), "already-ordered");
    assert_eq!(
        changed(&|other| {
            let first = other.requests[0].key.clone();
            other.requests[0].key = other.requests[1].key.clone();
            other.requests[1].key = first;
        }),
        "already-ordered",
        "the same keys, swapped"
    );
    let pair = first_pair(&world.ca, common::HOLDER, common::EMAIL, 20);
    let theirs = Draft::renewing(&pair, 2);
    assert_eq!(changed(&|other| other.signers = theirs.signers.clone()), "key-taken");
    only_order(&world.ca);
}

#[test]
fn the_keys_of_an_order_that_was_turned_down_may_be_ordered_again() {
    let world = World::new();
    let draft = Draft::renewing(&world.old, 1);
    let message = draft.message();
    let send = || world.ask(&message, &draft.transaction, Asked::Certificates, now());
    let first = token(&send());
    let name = Transaction::new(draft.transaction.as_bytes()).unwrap();
    world.ca.reject(&name, "the address changed", now()).unwrap();
    let other = again(&draft, 2);
    let second = token(&world.send(&other));
    assert!(first != second, "a new order");
    assert_eq!(rule(&send()), "rejected", "and the old one stays turned down");
    world.approve(&other.transaction);
    assert_eq!(issued(world.query(&other.transaction, &second)).len(), 2);
}

#[test]
fn messages_that_race_for_the_same_keys_are_one_order() {
    for world in [World::new(), World::automatic()] {
        let draft = Draft::renewing(&world.old, 1);
        let cas = [&world.ca, &world.another(), &world.another()];
        let drafts: Vec<_> = (1..13).map(|transaction| again(&draft, transaction)).collect();
        let answers: Vec<_> = std::thread::scope(|scope| {
            let send = |ca: &Ca, draft: &Draft| {
                let response = ca.answer(&draft.message(), None, now()).unwrap();
                world.read(&response.message, &draft.transaction, Asked::Certificates)
            };
            let each = drafts.iter().enumerate();
            let threads: Vec<_> = each.map(|(at, draft)| scope.spawn(move || send(cas[at % 3], draft))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let order = only_order(&world.ca);
        let outcome = |answer: &Answer| match answer {
            Answer::Pending { token, .. } => (Some(token.clone()), Vec::new()),
            Answer::Issued { certificates, .. } => (None, serials(certificates)),
            other => panic!("{other:?}"),
        };
        assert!(answers.iter().all(|answer| outcome(answer) == outcome(&answers[0])));
        assert!(order.certificates.len() <= 2);
    }
}

fn serials(certificates: &[Certificate]) -> Vec<Vec<u8>> {
    certificates.iter().map(|one| one.tbs_certificate().serial_number().as_bytes().to_vec()).collect()
}
