//! Orders by plain EST, stopped at each point at which they can be: before and after each command to the card and each message
//! to the CA, before, inside and after each record of the journal. Then gone on with the journal.

use obnova_client::{Credential, FileJournal, Turn};
use obnova_renewal::{Process, Stage};

use super::{Mortal, Order, Place, common::Face};

fn stopped_everywhere(order: Order) -> usize {
    for stop in 0.. {
        let mut place = Place::new(order);
        let life = Mortal::until(stop);
        // A program that ends where it has to wait begins again, in the same life.
        let mut turn = place.live(&life);
        if matches!(turn, Ok(Turn::Waits(_))) {
            place.later += std::time::Duration::from_secs(5);
            place.face.credentials = super::typed();
            turn = place.live(&life);
        }
        if !life.is_dead() {
            assert!(matches!(turn, Ok(Turn::Done(_))), "{turn:?}");
            return stop;
        }
        let told = format!("{order:?}, ended at {:?}", life.points().last().unwrap());
        assert!(turn.is_err(), "{told}: {turn:?}");
        place.later += std::time::Duration::from_secs(5);
        asked_as_far_as_it_came(&mut place, &told);
        let turn = place.finish();
        assert!(matches!(turn, Turn::Done(_)), "{told}: {turn:?}");
        place.assert_certified(&told);
    }
    unreachable!()
}

/// What the next life asks for is what its journal cannot know: who asks, as long as the CA wants to be told; that it was given before is
/// said from when the order was made, and none of it is asked for when the certificate is there.
fn asked_as_far_as_it_came(place: &mut Place, told: &str) {
    let records = FileJournal::peek(place.folder.path(), "one").unwrap_or_default();
    let stage = Process::replay(&records).map_or(Stage::AskPlan, |process| process.stage());
    place.face = Face { credentials: super::typed(), ..Face::default() };
    let _ = place.live(&Mortal::forever());
    let who = [Credential::UserId, Credential::OneTimePassword];
    let asked: Vec<_> = place.face.asked_for.iter().map(|(what, _)| *what).collect();
    let (asked_for, again) = match (place.order, stage) {
        (Order::Renewal, _) => (&[][..], &[][..]),
        (_, Stage::Seal | Stage::Send | Stage::PickUp) => (&who[..], &who[..]),
        (_, stage) if is_before_the_order(stage) => (&who[..], &[][..]),
        _ => (&[][..], &[][..]),
    };
    assert_eq!(asked, asked_for, "{told}, at the stage {stage}");
    assert_eq!(place.face.asked_again, again, "{told}, at the stage {stage}");
    place.later += std::time::Duration::from_secs(5);
}

fn is_before_the_order(stage: Stage) -> bool {
    matches!(stage, Stage::AskPlan | Stage::Terms | Stage::Generate(_) | Stage::Request(_) | Stage::Prepare)
}

#[test]
fn a_first_order_stopped_anywhere_comes_to_its_end_and_is_ordered_once() {
    let stops = stopped_everywhere(Order::First);
    println!("plain EST, first: {stops} stops");
    assert!(stops > 60, "{stops}");
}

#[test]
fn a_renewal_stopped_anywhere_comes_to_its_end_and_is_ordered_once() {
    let stops = stopped_everywhere(Order::Renewal);
    println!("plain EST, renewal: {stops} stops");
    assert!(stops > 60, "{stops}");
}
