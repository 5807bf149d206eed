//! Orders by plain EST, stopped at each point at which they can be: before and after each command to the card and each message
//! to the CA, before, inside and after each record of the journal. Then gone on with the journal.

use obnova_client::Turn;

use super::{Mortal, Order, Place};

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
        let turn = place.finish();
        assert!(matches!(turn, Turn::Done(_)), "{told}: {turn:?}");
        place.assert_certified(&told);
    }
    unreachable!()
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
