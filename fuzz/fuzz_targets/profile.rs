//! Any bytes as what a card says about itself, its status (SELECT, GET DATA) and public keys: refused, or within the profile's
//! bounds, and written again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use obnova_profile::{CardStatus, PublicKeyTemplate, SlotNumber};

fuzz_target!(|bytes: &[u8]| {
    match CardStatus::from_fci(bytes) {
        Ok(status) => {
            sound(&status);
            assert_eq!(CardStatus::from_fci(&status.to_fci()), Ok(status));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(status) = CardStatus::from_template(bytes) {
        sound(&status);
        assert_eq!(CardStatus::from_template(&status.to_template()), Ok(status));
    }
    if let Ok(key) = PublicKeyTemplate::decode(bytes) {
        let spki = key.to_spki().expect("it is a key that the profile makes");
        assert_eq!(PublicKeyTemplate::decode(&key.encode()).as_ref(), Ok(&key));
        assert_eq!(PublicKeyTemplate::from_spki(&spki), Ok(key));
    }
});

fn sound(status: &CardStatus) {
    assert!((1..=usize::from(SlotNumber::MOST)).contains(&status.slots.len()));
    assert!((1..=16).contains(&status.serial.len()) && (1..=32).contains(&status.label.len()));
    assert!(status.slots.iter().all(|slot| slot.certificates.len() <= 8));
}
