//! Renewal in the strict sense: the key stays, and a new certificate comes beside the old one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{KeyRole, Pin, Secret, Token};
use obnova_profile::pkcs15::SUPERSEDED_SUFFIX;
use obnova_renewal::{
    Action, Answer, CardView, CertificateView, Completion, Event, Failure, Method, NotEligible, Pair,
    ParsedCertificate, PinUse, Plan, Policy, Reason, Refusal, SlotView, removable,
};
use support::{AUTHENTICATION_PIN, Draft, Holder, House, days, now, play::Play, view};

fn same_key() -> Policy {
    Policy { method: Method::SameKey, ..Policy::twins() }
}

fn begin() -> Play {
    let house = House::new("CN=Root");
    let holder = Holder::new(&house);
    let plan = Plan::make(&holder.view(), &same_key(), now()).unwrap();
    Play::of(house, Box::new(holder.token()), plan)
}

#[test]
fn no_key_is_made_and_the_new_certificates_are_beside_the_old_ones() {
    let mut play = begin();
    let plan = play.process.plan().clone();
    assert!(plan.keeps_key() && !plan.is_first());
    assert!(!plan.has(PinUse::MakeKey(KeyRole::Authentication)) && plan.has(PinUse::Vouch(KeyRole::Signature)));
    let slots = |plan: &Plan| (plan.old.map(|_, old| old.slot), plan.new.map(|_, new| new.slot));
    let (old, new) = slots(&plan);
    assert_eq!(old, new, "in the very slots");
    assert!(matches!(play.run(), Action::Done(_)));
    assert!(!play.actions.contains(&"generate"));
    let card = view(play.token.as_mut());
    assert_eq!(card.slots.iter().filter(|slot| slot.key.is_some()).count(), 2);
    for (role, slot) in new.iter() {
        let slot = card.slot(*slot).unwrap();
        let [before, after] = &slot.certificates[..] else { panic!("{role}: {slot:?}") };
        assert!(before.superseded && !after.superseded && before.fits_key && after.fits_key, "{role}");
        assert_eq!(before.certificate.as_ref(), Some(&plan.old.get(role).unwrap().certificate));
    }
    // The youngest is what counts from here on, and the old ones can go without their keys.
    let later = now() + days(340);
    let again = Plan::make(&card, &same_key(), later).unwrap();
    for (role, old) in again.old.iter() {
        assert_eq!(Some(&old.certificate), play.process.certificates().unwrap().get(role));
    }
    let old = removable(&card, later);
    assert_eq!(
        old.iter().map(|one| one.certificate.as_ref().map(|(index, _)| *index)).collect::<Vec<_>>(),
        [Some(0); 2]
    );
    let orders = obnova_renewal::removals(&card, &old, &old.iter().map(|one| one.name.clone()).collect::<Vec<_>>());
    let removal = |slot| obnova_card::Removal::Certificate(slot, 0);
    assert_eq!(orders.unwrap(), card.slots[..2].iter().map(|slot| removal(slot.id)).collect::<Vec<_>>());
}

#[test]
fn interrupted_after_any_action_it_ends_as_if_nothing_had_happened() {
    let mut undisturbed = begin();
    undisturbed.run();
    for stop in 0..undisturbed.actions.len() {
        let mut play = begin();
        for _ in 0..stop {
            play.step();
        }
        play.forget();
        assert!(matches!(play.run(), Action::Done(_)), "stopped after {stop}");
        let card = view(play.token.as_mut());
        assert!(card.slots[..2].iter().all(|slot| slot.certificates.len() == 2), "stopped after {stop}");
    }
}

#[test]
fn without_the_journal_the_card_and_the_files_are_enough() {
    let mut play = begin();
    while !matches!(play.next(), Action::PickUp(_)) {
        assert!(play.step().is_none());
    }
    let (came, terms) = (play.issue(), play.house.terms());
    let make = |play: &mut Play, came: &[Vec<u8>]| {
        Completion::make(&view(play.token.as_mut()), came, &same_key(), &terms, now())
    };
    let completion = make(&mut play, &came).unwrap();
    let slots = |jobs: &[obnova_card::InstallCertificate]| jobs.iter().map(|job| job.slot).collect::<Vec<_>>();
    assert_eq!(slots(&completion.jobs), completion.superseded, "beside the old ones, which are marked");
    let pin = obnova_card::Pin::new(obnova_card::Secret::from(support::AUTHENTICATION_PIN));
    // Where one was written before and nothing was marked, it is not taken for an old one.
    let half = &completion.jobs[..1];
    play.token.install(half, &[], &pin).unwrap();
    let again = Plan::make(&view(play.token.as_mut()), &same_key(), now()).unwrap();
    assert_eq!(again.old, play.process.plan().old, "one of two does not count as current");
    let completion = make(&mut play, &came).unwrap();
    assert_eq!((slots(&completion.jobs), completion.jobs.len()), (completion.superseded.clone(), 2));
    play.token.install(&completion.jobs, &completion.superseded, &pin).unwrap();
    let marked = |slot: &obnova_card::Slot| slot.certificates.iter().map(|one| one.superseded).collect::<Vec<_>>();
    assert!(play.token.slots().unwrap()[..2].iter().all(|slot| marked(slot) == [true, false]));
    assert!(make(&mut play, &came).unwrap().is_done());
    let old = play.process.plan().old.map(|_, old| old.certificate.der().to_vec());
    let old: Vec<_> = old.iter().map(|(_, der)| der.clone()).collect();
    assert_eq!(
        make(&mut play, &old).unwrap_err(),
        Refusal::NotNew { role: KeyRole::Authentication },
        "older ones are not"
    );
}

/// A CA that has only begun, or that issues from midnight on, gives all of them the same beginning; and the two of a pair may live
/// differently long. One of a pair that is not whole does not count.
#[test]
fn certificates_that_begin_at_once_are_not_mistaken_for_twins() {
    let house = House::new("CN=Root");
    let from = now() - days(345);
    let until = |role, minutes: u64| {
        now() + days(if role == KeyRole::Signature { 700 } else { 20 }) + Duration::from_secs(60 * minutes)
    };
    let holder = Holder::with(&house, KeyAlgorithm::P256, |role, draft| draft.until = until(role, 0));
    let issue = |role: KeyRole, minutes| {
        let key = holder.old.get(role).public_key().clone();
        house.issue(&Draft { from, until: until(role, minutes), ..Draft::new(role, key) })
    };
    let renewed = |times: [u64; 2]| {
        let mut card = holder.view();
        for (role, times) in Pair::ROLES.into_iter().zip(times) {
            let has = |slot: &&mut SlotView| slot.key.as_ref().is_some_and(|key| key.role == role);
            let slot = card.slots.iter_mut().find(has).unwrap();
            slot.certificates.extend((1..=times).map(|time| CertificateView {
                label: format!("{role} {time}"),
                superseded: false,
                certificate: Some(issue(role, 10 * time)),
                fits_key: true,
            }));
            // Nor does it count in which order they are listed.
            slot.certificates.reverse();
        }
        card
    };
    for times in [[0, 0], [1, 1], [2, 2], [1, 0], [0, 1], [2, 1], [1, 2]] {
        let plan = Plan::make(&renewed(times), &same_key(), now()).unwrap();
        let whole = times.into_iter().min().unwrap();
        for (role, old) in plan.old.iter() {
            assert_eq!(old.certificate.not_after(), until(role, 10 * whole), "{times:?}: {role}");
        }
    }
    let complete = |minutes| {
        let files = Pair::ROLES.map(|role| issue(role, minutes).der().to_vec());
        Completion::make(&renewed([2, 2]), &files, &same_key(), &house.terms(), now()).map(drop)
    };
    assert_eq!(complete(15), Err(Refusal::NotNew { role: KeyRole::Authentication }));
    assert_eq!(complete(25), Ok(()));
}

#[test]
fn what_is_no_new_certificate_is_refused() {
    type Lie = fn(&Play, KeyRole) -> Vec<u8>;
    let cases: [(&str, Lie, Refusal); 3] = [
        (
            "the old ones once more",
            |play, role| play.process.plan().old.get(role).unwrap().certificate.der().to_vec(),
            Refusal::NotNew { role: KeyRole::Authentication },
        ),
        (
            "new ones that end no later",
            |play, role| {
                let old = &play.process.plan().old.get(role).unwrap().certificate;
                let mut draft = Draft::new(role, old.public_key().clone());
                draft.until = old.not_after();
                play.house.issue(&draft).der().to_vec()
            },
            Refusal::NotNew { role: KeyRole::Authentication },
        ),
        (
            "for other keys",
            |play, role| {
                let key = obnova_ca::CaKey::generate(KeyAlgorithm::P256).unwrap();
                play.house.issue(&Draft::new(role, key.public_key().clone())).der().to_vec()
            },
            Refusal::AnotherKey,
        ),
    ];
    for (told, lie, refusal) in cases {
        let mut play = begin();
        while !matches!(play.next(), Action::PickUp(_)) {
            assert!(play.step().is_none());
        }
        let certificates = Pair::ROLES.map(|role| lie(&play, role)).to_vec();
        play.take(Event::Answered(Answer::Issued { certificates, receipt: None }));
        assert_eq!(play.next(), Action::Failed(Failure::Rejected(refusal)), "{told}");
    }
}

#[test]
fn a_card_that_keeps_one_certificate_a_key_is_told_before_anything_is_done() {
    let mut card = Holder::new(&House::new("CN=Root")).view();
    card.capabilities.certificates_per_key = Some(1);
    let Err(NotEligible { reasons }) = Plan::make(&card, &same_key(), now()) else { panic!("planned") };
    assert_eq!(reasons, [Reason::OneCertificateOnly]);
    assert!(Plan::make(&card, &Policy::twins(), now()).is_ok(), "new keys need no such room");
}

#[test]
fn a_key_that_has_as_many_certificates_as_it_can_is_told_before_anything_is_done() {
    let mut card = Holder::new(&House::new("CN=Root")).view();
    // Its list has room for whatever its keys have.
    card.capabilities.directory = None;
    let most = card.capabilities.certificates_per_key.unwrap();
    let slot = |card: &obnova_renewal::CardView, role| {
        card.slots.iter().position(|slot| slot.key.as_ref().is_some_and(|key| key.role == role)).unwrap()
    };
    let fill = |card: &mut obnova_renewal::CardView, role, with: usize| {
        let at = slot(card, role);
        let mut old = card.slots[at].certificates[0].clone();
        old.superseded = true;
        card.slots[at].certificates.resize(with, old);
    };
    let refused = |card: &_| Plan::make(card, &same_key(), now()).map_err(|refused| refused.reasons);
    fill(&mut card, KeyRole::Authentication, most - 1);
    assert!(refused(&card).is_ok(), "there is room for one more");
    fill(&mut card, KeyRole::Authentication, most);
    let full = |role| Reason::KeyFull { role, most };
    assert_eq!(refused(&card).unwrap_err(), [full(KeyRole::Authentication)]);
    fill(&mut card, KeyRole::Signature, most);
    assert_eq!(refused(&card).unwrap_err(), [full(KeyRole::Authentication), full(KeyRole::Signature)]);
    assert!(Plan::make(&card, &Policy::twins(), now()).is_ok(), "new keys need no such room");
    card.capabilities.certificates_per_key = None;
    assert!(refused(&card).is_ok(), "only memory limits it");
}

/// The list of the certificates has less room than the keys together, and is full while there are free slots.
#[test]
fn a_card_that_can_list_no_more_is_told_before_anything_is_done() {
    let house = House::new("CN=Root");
    let holder = Holder::new(&house);
    let (plan, new) = holder.fill(&house);
    let card = holder.view();
    let most = card.capabilities.certificates_per_key.unwrap();
    assert!(card.slots.iter().any(|slot| slot.is_empty()));
    assert!(card.slots.iter().all(|slot| slot.certificates.len() < most));
    let full = |plan: Result<Plan, NotEligible>| assert_eq!(plan.unwrap_err().reasons, [Reason::CardFull]);
    full(Plan::make(&card, &Policy::twins(), now()));
    // First certificates mark none of those that are there.
    let mut smaller = card.clone();
    smaller.capabilities.directory.as_mut().unwrap().length -= 2 * SUPERSEDED_SUFFIX.len();
    full(Plan::first(&smaller, &Policy::twins(), now()));
    assert_eq!(plan.check_room(&card), Err(Refusal::CardFull));
    let files = Pair::ROLES.map(|role| new.get(role).der().to_vec());
    let complete = |card: &CardView| Completion::make(card, &files, &same_key(), &house.terms(), now()).map(drop);
    assert_eq!(complete(&card), Err(Refusal::CardFull));

    // It came on another way, and needs no room any more.
    let mut there = card.clone();
    for (role, planned) in plan.new.iter() {
        let slot = there.slots.iter_mut().find(|slot| slot.id == planned.slot).unwrap();
        slot.certificates.last_mut().unwrap().certificate = Some(new.get(role).clone());
    }
    assert_eq!((plan.check_room(&there), complete(&there)), (Ok(()), Ok(())));

    // One pair less is room enough.
    let removable = removable(&card, now());
    let pair = Pair::ROLES.map(|role| removable.iter().find(|one| one.role == Some(role)).unwrap().clone());
    let names = pair.clone().map(|one| one.name);
    let removals = obnova_renewal::removals(&card, &pair, &names).unwrap();
    let pin = Pin::new(Secret::from(AUTHENTICATION_PIN));
    holder.token().remove(&removals, &pin).unwrap();
    let card = holder.view();
    assert!(Plan::make(&card, &same_key(), now()).is_ok() && Plan::make(&card, &Policy::twins(), now()).is_ok());
    assert_eq!((plan.check_room(&card), complete(&card)), (Ok(()), Ok(())));
}

/// The order was accepted, and before what came of it was installed, the keys were filled: nothing is lost, and room helps.
#[test]
fn keys_that_became_full_since_are_told_before_anything_is_written() {
    let mut play = begin();
    while !matches!(play.next(), Action::PickUp(_)) {
        assert!(play.step().is_none());
    }
    let (plan, files) = (play.process.plan().clone(), play.issue());
    let card = view(play.token.as_mut());
    let most = card.capabilities.certificates_per_key.unwrap();
    let full = |role| Err(Refusal::KeyFull { role, most });
    let complete = |card: &CardView| Completion::make(card, &files, &same_key(), &play.house.terms(), now());
    assert_eq!(plan.check_room(&card), Ok(()));
    assert_eq!(complete(&card).unwrap().jobs.len(), 2);
    for (role, old) in plan.old.iter() {
        let mut card = card.clone();
        let slot = card.slots.iter_mut().find(|slot| slot.id == old.slot).unwrap();
        let before = slot.certificates[0].clone();
        slot.certificates.resize(most - 1, before.clone());
        assert_eq!(plan.check_room(&card), Ok(()));
        let slot = card.slots.iter_mut().find(|slot| slot.id == old.slot).unwrap();
        slot.certificates.push(before);
        assert_eq!((plan.check_room(&card), complete(&card).map(drop)), (full(role), full(role)));
        // It came on another way, and is one of those that fill it.
        let slot = card.slots.iter_mut().find(|slot| slot.id == old.slot).unwrap();
        let mut new = files.iter().map(|der| ParsedCertificate::from_der(der).unwrap());
        let new = new.find(|one| one.public_key() == old.certificate.public_key());
        slot.certificates.last_mut().unwrap().certificate = new;
        assert_eq!((plan.check_room(&card), complete(&card).map(drop)), (Ok(()), Ok(())));
    }
    let mut card = card;
    (card.capabilities.certificates_per_key, card.capabilities.directory) = (None, None);
    for slot in card.slots.iter_mut().filter(|slot| !slot.certificates.is_empty()) {
        let before = slot.certificates[0].clone();
        slot.certificates.resize(most, before);
    }
    assert_eq!(plan.check_room(&card), Ok(()), "only memory limits it");
}
