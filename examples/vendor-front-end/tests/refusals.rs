//! What the office refuses, by name; the holder reads it in the vendor's words, and nothing is lost.
#![allow(clippy::unwrap_used)]

mod support;

use std::{fs, path::Path, time::SystemTime};

use obnova_client::{
    CaConnection, CaError, Turn,
    renewal::{Answer, Failure, Message, Order, PickUp, Prepared, Receipt, Terms},
};
use obnova_vendor_front_end::{Done, HouseConnection, OrderNumber, Tray};
use support::Play;

/// Places an order, does something to its files before the office sees it, and says how the renewal ends.
fn tampered(tamper: impl FnOnce(&Path)) -> (Play, String) {
    let mut play = Play::set();
    assert!(matches!(play.renew().unwrap(), Turn::Waits(_)));
    let (number, place) = play.order();
    tamper(&place);
    play.office_day();
    let Turn::Failed(Failure::Refused { reason, .. }) = play.renew().unwrap() else { panic!("it was not refused") };
    assert_eq!(play.answer_files(number), ["refusal.txt"]);
    assert_eq!(play.scene.office.issued().unwrap(), 0);
    assert!(play.old_pair_is_untouched());
    (play, reason)
}

#[test]
fn a_statement_lacks_a_signature() {
    for role in ["authentication", "signature"] {
        let name = format!("statement.{role}.sig");
        let (play, reason) = tampered(|place| fs::remove_file(place.join(&name)).unwrap());
        assert_eq!(reason, "missing-signature");
        assert!(play.flat().contains("pod prohlášením chybí podpis jednoho z dosavadních klíčů"));
    }
}

#[test]
fn a_statement_was_signed_by_another_key() {
    // A true signature over the very statement, by the holder's other key.
    let (play, reason) = tampered(|place| {
        fs::copy(place.join("statement.authentication.sig"), place.join("statement.signature.sig")).unwrap();
    });
    assert_eq!(reason, "foreign-signature");
    assert!(play.flat().contains("prohlášení nepodepsal dosavadní klíč"));
}

#[test]
fn a_statement_is_about_something_else() {
    let replaced = |from: &'static str, to: &'static str| {
        tampered(move |place| {
            let path = place.join("statement.txt");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from));
            fs::write(path, text.replace(from, to)).unwrap();
        })
    };
    let (_, reason) = replaced("obou najednou", "jen jednoho");
    assert_eq!(reason, "statement");
    let (_, reason) = replaced("číslo: ", "číslo: 0A");
    assert_eq!(reason, "unknown-certificate");
    // The requests change places: each is good, and signed; the statement names them the other way round.
    let (_, reason) = tampered(|place| {
        let [one, two] = ["authentication.csr.pem", "signature.csr.pem"].map(|name| place.join(name));
        let kept = fs::read(&one).unwrap();
        fs::copy(&two, &one).unwrap();
        fs::write(two, kept).unwrap();
    });
    assert_eq!(reason, "statement");
}

#[test]
fn what_lies_in_the_folder_is_no_order() {
    let (_, reason) = tampered(|place| fs::remove_file(place.join("signature.csr.pem")).unwrap());
    assert_eq!(reason, "unreadable-order");
    let (_, reason) = tampered(|place| fs::write(place.join("statement.txt"), vec![b'a'; 1 << 20]).unwrap());
    assert_eq!(reason, "unreadable-order");
    let (_, reason) = tampered(|place| fs::write(place.join("signature.csr.pem"), [0; 100]).unwrap());
    assert_eq!(reason, "unreadable-order");
}

#[test]
fn an_order_under_another_number_is_not_taken_for_a_new_one() {
    let mut play = Play::set();
    assert!(matches!(play.renew().unwrap(), Turn::Waits(_)));
    let (number, _) = play.order();
    let stolen = OrderNumber::from_random([9; 16]);
    let parcel = play.scene.folder.take(Tray::Orders, number).unwrap().unwrap();
    play.scene.folder.put(Tray::Orders, stolen, &parcel).unwrap();
    let mut done = play.scene.office.work(SystemTime::now()).unwrap();
    done.sort_by_key(|(which, _)| *which == stolen);
    assert_eq!(done, [(number, Done::Entered), (stolen, Done::Refused("statement".into()))]);
}

/// A front end whose second request is broken before both old keys sign for it.
struct Careless(HouseConnection);

impl Careless {
    fn broken(order: &Order) -> Order {
        let mut order = order.clone();
        // In the signature by the new key: it proves nothing any more.
        *order.requests[1].der.last_mut().unwrap() ^= 1;
        order
    }
}

impl CaConnection for Careless {
    fn terms(&mut self) -> Result<Terms, CaError> {
        self.0.terms()
    }
    fn prepare(&mut self, order: &Order) -> Result<Prepared, CaError> {
        self.0.prepare(&Self::broken(order))
    }
    fn seal(&mut self, order: &Order, prepared: &Prepared, signatures: &[Vec<u8>]) -> Result<Message, CaError> {
        self.0.seal(&Self::broken(order), prepared, signatures)
    }
    fn send(&mut self, message: &Message) -> Result<Answer, CaError> {
        self.0.send(message)
    }
    fn pick_up(&mut self, pick_up: &PickUp) -> Result<Answer, CaError> {
        self.0.pick_up(pick_up)
    }
    fn acknowledge(&mut self, receipt: &Receipt) -> Result<(), CaError> {
        self.0.acknowledge(receipt)
    }
}

#[test]
fn one_bad_request_and_neither_certificate_is_issued() {
    let mut play = Play::set();
    let mut careless = Careless(play.scene.connection());
    assert!(matches!(play.renew_with(&mut careless, &[]).unwrap(), Turn::Waits(_)));
    let (number, _) = play.order();
    play.office_day();
    let Turn::Failed(Failure::Refused { reason, text }) = play.renew().unwrap() else { panic!("it was not refused") };
    assert_eq!(reason, "request", "{text}");
    assert_eq!(play.answer_files(number), ["refusal.txt"]);
    assert_eq!(play.scene.office.issued().unwrap(), 0);
    assert!(play.old_pair_is_untouched());
    assert!(play.flat().contains("nevydává se ani druhý certifikát"));

    // The refusal binds nobody: the next order, made well, goes through.
    assert!(matches!(play.renew().unwrap(), Turn::Waits(_)));
    play.office_day();
    assert!(matches!(play.renew().unwrap(), Turn::Done(_)));
    assert_eq!(play.scene.office.issued().unwrap(), 2);
}
