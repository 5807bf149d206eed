//! Whom to write to before certificates end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{DAY, Draft, EMAIL, World, first_pair, now, token};

#[test]
fn a_pair_that_ends_is_one_notice_to_the_address_in_it() {
    let world = World::new();
    first_pair(&world.ca, "CN=Petr,C=CZ", "petr@example.cz", 6);
    let notices = |from: u32, until: u32| world.ca.notices(now() + DAY * from, now() + DAY * until, 100).unwrap();
    let week = notices(6, 7);
    assert_eq!(week.len(), 1);
    assert_eq!(week[0].holder, "CN=Petr,C=CZ");
    assert_eq!(week[0].email.as_deref(), Some("petr@example.cz"));
    assert_eq!(week[0].ends, now() + 6 * DAY);
    assert_eq!(week[0].certificates.len(), 2);
    assert!(notices(7, 20).is_empty() && notices(21, 400).is_empty());
    let both = notices(0, 30);
    assert_eq!(
        both.iter().map(|notice| notice.email.as_deref().unwrap()).collect::<Vec<_>>(),
        ["petr@example.cz", EMAIL]
    );
}

#[test]
fn two_holders_whose_certificates_end_at_once_get_one_each() {
    let world = World::new();
    first_pair(&world.ca, common::HOLDER, "other@example.cz", 20);
    let notices = world.ca.notices(now(), now() + 30 * DAY, 100).unwrap();
    assert_eq!(notices.len(), 2);
    assert!(notices.iter().all(|notice| notice.certificates.len() == 2));
}

#[test]
fn who_has_ordered_is_left_in_peace_until_the_order_is_turned_down() {
    let world = World::new();
    let due = || world.ca.notices(now(), now() + 30 * DAY, 100).unwrap().len();
    let draft = Draft::renewing(&world.old, 1);
    assert_eq!(due(), 1);
    token(&world.send(&draft));
    assert_eq!(due(), 0);
    let transaction = obnova_ca::Transaction::new(draft.transaction.as_bytes()).unwrap();
    world.ca.reject(&transaction, "not paid", now()).unwrap();
    assert_eq!(due(), 1);
}

#[test]
fn the_list_is_bounded() {
    let world = World::new();
    assert_eq!(world.ca.notices(now(), now() + 30 * DAY, 1).unwrap()[0].certificates.len(), 1);
    assert!(world.ca.notices(now(), now() + 30 * DAY, 0).unwrap().is_empty());
    assert!(world.ca.notices(now() + 30 * DAY, now(), 100).unwrap().is_empty());
}
