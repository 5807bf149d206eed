//! What holds a secret in this crate cannot be shown, is compared in constant time or not at all, and wipes it.

use std::fmt::{Debug, Display};

use obnova_algorithm::KeyAlgorithm;
use obnova_profile::TransportPinModel;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::Personalisation;
use crate::hex::Hex;
use crate::key_pair::KeyPair;
use crate::password::StoredPassword;
use crate::session::{Chain, Session};
use crate::state::{State, StoredKey, StoredSlot};

#[test]
fn what_holds_a_secret_cannot_be_shown_or_compared() {
    assert_not_impl_any!(Hex: Debug, Display, PartialEq);
    assert_not_impl_any!(KeyPair: Debug, Display, PartialEq, Clone);
    assert_not_impl_any!(StoredPassword: Debug, Display, PartialEq);
    assert_not_impl_any!(StoredKey: Debug, Display, PartialEq);
    assert_not_impl_any!(StoredSlot: Debug, Display, PartialEq);
    assert_not_impl_any!(State: Debug, Display, PartialEq);
    assert_not_impl_any!(Chain: Debug, Display, PartialEq);
    assert_not_impl_any!(Session: Debug, Display, PartialEq);
    assert_not_impl_any!(Personalisation: Debug, Display, PartialEq);
}

#[test]
fn what_holds_a_secret_wipes_it() {
    fn wiped(_: &impl ZeroizeOnDrop) {}
    assert_impl_all!(Hex: ZeroizeOnDrop);
    wiped(&Chain { header: [0; 3], data: Zeroizing::default() }.data);
    wiped(KeyPair::generate(KeyAlgorithm::P256).unwrap().private());
}

#[test]
fn a_card_is_shown_without_its_secrets() {
    for card in [
        Personalisation::new("OBN1").active(b"Zq7vkW2x", b"Jh4mXc9T", b"Ry6bDf3N").finish().unwrap(),
        Personalisation::new("OBN1").inactive(TransportPinModel::InPlace, b"Zq7vkW2x").finish().unwrap(),
    ] {
        assert_eq!(format!("{card:?}"), "Card { serial: \"OBN1\", store: Memory, .. }");
    }
}
