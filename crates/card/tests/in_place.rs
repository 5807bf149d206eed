//! A token like PIV: one place for a role, where the new key takes the place of the old.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Setup, certificate, installation, order, pin};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{InPlaceOnly, KeyRole, SlotId, Token, TokenError};

#[test]
fn a_new_key_destroys_the_old_one_and_its_certificate() {
    let card = Setup::with_pairs(&[1, 2, 3]);
    let mut token = InPlaceOnly::new(card.token, &[SlotId(1), SlotId(2)]);
    let capabilities = token.capabilities().unwrap();
    assert!(capabilities.in_place_only && !capabilities.marks_superseded);
    assert_eq!(capabilities.slots, Some(2));
    assert!(token.identity().unwrap().kind.ends_with("(in place only)"));
    let before = token.slots().unwrap();
    assert_eq!(before.len(), 2, "the third is not shown");

    let key = token.generate(&order(1, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    let after = token.slots().unwrap();
    assert_ne!(after[0].key, before[0].key);
    assert!(after[0].certificates.is_empty());
    assert_eq!(after[1], before[1]);

    let job = installation(1, certificate("Jana", 9, &key, 10));
    let marked = token.install(std::slice::from_ref(&job), &[SlotId(2)], &pin());
    assert!(matches!(marked, Err(TokenError::Unsupported { .. })));
    token.install(&[job], &[], &pin()).unwrap();
    let elsewhere = token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::P256), &pin());
    assert!(matches!(elsewhere, Err(TokenError::Slot { slot: SlotId(3), .. })));
}
