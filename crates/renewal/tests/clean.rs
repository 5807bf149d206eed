//! What may be removed from a card, and what only when its holder names it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{Removal, SlotId};
use obnova_renewal::{Because, CardView, Guard, Removable, keys_lost, removable, removals};
use support::{Holder, House, days, now, play::Play, view};
use x509_cert::ext::pkix::KeyUsages;

fn renewed() -> CardView {
    let house = House::new("CN=Root");
    let token = Box::new(Holder::new(&house).token());
    let mut play = Play::new(house, token);
    play.run();
    view(play.token.as_mut())
}

fn names(found: &[Removable]) -> Vec<String> {
    found.iter().map(|one| one.name.clone()).collect()
}

#[test]
fn a_superseded_pair_that_is_still_valid_goes_only_by_name() {
    let card = renewed();
    let found = removable(&card, now());
    assert_eq!(found.len(), 2, "the new pair is not for removal: {found:?}");
    assert!(found.iter().all(|one| one.because == Because::Superseded));
    assert!(found.iter().all(|one| one.guards == [Guard::StillValid { until: now() + days(20) }]));

    let refused = removals(&card, &found, &[]).unwrap_err();
    assert_eq!(refused.name, found[0].name);
    assert!(refused.to_string().contains("2026-12-11"), "{refused}");
    let one = removals(&card, &found, &names(&found)[..1]).unwrap_err();
    assert_eq!(one.name, found[1].name, "one name is not the other");
    let orders = removals(&card, &found, &names(&found)).unwrap();
    assert_eq!(orders, [Removal::Slot(SlotId(1)), Removal::Slot(SlotId(2))]);

    let later = removable(&card, now() + days(21));
    assert!(later.iter().all(|one| one.guards.is_empty()));
    assert_eq!(removals(&card, &later[..1], &[]).unwrap(), [Removal::Slot(SlotId(1))]);
}

#[test]
fn a_valid_pair_is_never_offered_and_an_expired_one_is() {
    let house = House::new("CN=Root");
    assert_eq!(removable(&Holder::new(&house).view(), now()), []);
    let expired = Holder::with(&house, KeyAlgorithm::P256, |_, draft| draft.until = now() - days(1)).view();
    let found = removable(&expired, now());
    assert_eq!(names(&found), ["Authentication", "Signature"]);
    assert!(found.iter().all(|one| one.because == Because::Expired && one.guards.is_empty()));
}

#[test]
fn a_key_that_may_decrypt_goes_only_by_name() {
    let house = House::new("CN=Root");
    let card = Holder::with(&house, KeyAlgorithm::P256, |_, draft| {
        draft.until = now() - days(1);
        draft.usage = Some(KeyUsages::DigitalSignature | KeyUsages::KeyAgreement);
    });
    let (card, found) = (card.view(), removable(&card.view(), now()));
    assert_eq!(found[0].guards, [Guard::MayDecrypt]);
    assert!(removals(&card, &found, &["Signature".into()]).is_err());
    assert_eq!(removals(&card, &found, &names(&found)).unwrap().len(), 2);
}

#[test]
fn a_key_that_waits_goes_only_by_name() {
    let house = House::new("CN=Root");
    let token = Box::new(Holder::new(&house).token());
    let mut play = Play::new(house, token);
    while play.next().name() != "send" {
        play.step();
    }
    let card = view(play.token.as_mut());
    let found = removable(&card, now());
    assert_eq!(names(&found), ["authentication key in slot 3", "signature key in slot 4"]);
    assert!(found.iter().all(|one| one.guards == [Guard::MayBeCompleted] && one.because == Because::NeverCertified));
    assert_eq!(removals(&card, &found[1..], &names(&found)).unwrap(), [Removal::Slot(SlotId(4))]);
}

#[test]
fn what_an_interruption_left_of_a_key_may_go() {
    let mut card = renewed();
    let slot = card.slots.iter_mut().find(|slot| slot.key.is_none()).unwrap();
    slot.left_over = true;
    let id = slot.id;
    let found: Vec<_> = removable(&card, now()).into_iter().filter(|one| one.because == Because::LeftOver).collect();
    assert_eq!(names(&found), [format!("rest of a key in slot {id}")]);
    assert_eq!(removals(&card, &found, &[]).unwrap(), [Removal::Slot(id)]);
}

#[test]
fn of_several_certificates_on_one_key_only_the_picked_go() {
    let mut card = renewed();
    let old = card.slots[0].certificates[0].clone();
    let current = card.slots[2].certificates[0].clone();
    card.slots[0].certificates = vec![old.clone(), current, old];
    let found: Vec<_> = removable(&card, now()).into_iter().filter(|one| one.slot == SlotId(1)).collect();
    let labels = ["Authentication, slot 1"; 2];
    assert!(found.iter().map(|one| one.name.as_str()).eq(labels), "{:?}", names(&found));
    let orders = removals(&card, &found, &names(&found)).unwrap();
    assert_eq!(orders, [Removal::Certificate(SlotId(1), 2), Removal::Certificate(SlotId(1), 0)], "from the last on");
    assert!(found.iter().all(|one| one.key_stays), "the current one needs it");
    card.slots[0].certificates.remove(1);
    let found: Vec<_> = removable(&card, now()).into_iter().filter(|one| one.slot == SlotId(1)).collect();
    assert!(found.len() == 2 && found.iter().all(|one| !one.key_stays), "with both it goes");
    assert_eq!(removals(&card, &found, &names(&found)).unwrap(), [Removal::Slot(SlotId(1))]);
}

/// Two expired certificates on one key that may decrypt: it goes with the second one only, whatever else is picked.
#[test]
fn a_key_is_lost_with_the_last_of_its_certificates_and_not_with_one_of_them() {
    let house = House::new("CN=Root");
    let card = Holder::with(&house, KeyAlgorithm::P256, |_, draft| {
        draft.until = now() - days(1);
        draft.usage = Some(KeyUsages::DigitalSignature | KeyUsages::KeyAgreement);
    });
    let mut card = card.view();
    let again = card.slots[0].certificates[0].clone();
    card.slots[0].certificates.push(again);
    let found = removable(&card, now());
    let in_slot = |id| found.iter().filter(|one| one.slot == id).cloned().collect::<Vec<_>>();
    let (both, signature) = (in_slot(SlotId(1)), in_slot(SlotId(2)));
    assert_eq!((both.len(), keys_lost(&card, &found)), (2, vec![SlotId(1), SlotId(2)]));
    let one_each = [&both[..1], &signature[..]].concat();
    assert_eq!(keys_lost(&card, &one_each), [SlotId(2)]);
    // Nothing that the key may be needed for is at stake as long as it stays.
    assert_eq!(removals(&card, &both[1..], &[]).unwrap(), [Removal::Certificate(SlotId(1), 1)]);
    assert_eq!(removals(&card, &both, &[]).unwrap_err().guards, [Guard::MayDecrypt]);
    assert_eq!(removals(&card, &one_each, &names(&both)).unwrap_err().name, signature[0].name);
    let slot = card.slots.iter_mut().find(|slot| slot.key.is_none()).unwrap();
    slot.left_over = true;
    let rest = removable(&card, now()).pop().unwrap();
    assert_eq!(
        (rest.because, keys_lost(&card, std::slice::from_ref(&rest))),
        (Because::LeftOver, vec![]),
        "that is no key"
    );
}
