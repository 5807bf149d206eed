//! Any bytes as what a card says about itself, its status (SELECT, GET DATA) and its directories: refused, or within the
//! profile's bounds, and written again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use obnova_profile::{CardStatus, Directory, DirectoryError, DirectoryLayout, SlotNumber};

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
    if let Some((&slots, regions)) = bytes.split_first() {
        directory(DirectoryLayout::for_slots(1 + slots % SlotNumber::MOST), regions);
    }
});

fn sound(status: &CardStatus) {
    assert!((1..=usize::from(SlotNumber::MOST)).contains(&status.slots.len()));
    assert!((1..=16).contains(&status.serial.len()) && (1..=32).contains(&status.label.len()));
    assert!(status.slots.iter().all(|slot| slot.certificates.len() <= 8));
}

/// The bytes are the starts of the three regions, a third for each; the rest of a region is free.
fn directory(layout: DirectoryLayout, regions: &[u8]) {
    let third = regions.len() / 3;
    let mut file = vec![0; layout.length().into()];
    for (number, region) in [layout.private_keys(), layout.public_keys(), layout.certificates()].iter().enumerate() {
        let entries = &regions[number * third..][..third.min(region.length.into())];
        file[region.offset.into()..][..entries.len()].copy_from_slice(entries);
    }
    let Ok(directory) = Directory::decode(&file, layout) else { return };
    match directory.encode(layout) {
        Ok(written) => assert_eq!(Directory::decode(&written, layout), Ok(directory)),
        // What other writers leave out is written, so that it can become longer than it was.
        Err(error) => assert!(matches!(error, DirectoryError::Full { .. }), "{error}"),
    }
    assert!(matches!(Directory::decode(&file[1..], layout), Err(DirectoryError::Length { .. })));
}
