use obnova_algorithm::KeyAlgorithm;

use super::*;
use crate::{KeyRole, Label, SlotNumber};

fn full(slots: u8) -> Directory {
    let label = Label::new("x".repeat(Label::MAX)).unwrap();
    let mut directory = Directory::default();
    for slot in SlotNumber::first(slots) {
        let id = [slot.get(); 20];
        let algorithm = KeyAlgorithm::Rsa3072;
        directory.private_keys.push(PrivateKeyEntry::new(label.clone(), KeyRole::Signature, algorithm, slot, &id));
        directory.public_keys.push(PublicKeyEntry { label: label.clone(), id: id.to_vec(), algorithm, slot });
        directory.certificates.push(CertificateEntry::new(label.clone(), slot, &id));
    }
    directory
}

#[test]
fn a_full_card_fits_and_round_trips() {
    for slots in [6, 8, 14] {
        let layout = DirectoryLayout::for_slots(slots);
        let file = full(slots).encode(layout).unwrap();
        assert_eq!(file.len(), layout.length().into());
        assert_eq!(Directory::decode(&file, layout), Ok(full(slots)));
    }
}

#[test]
fn an_empty_card_is_all_zeros() {
    let layout = DirectoryLayout::for_slots(6);
    let file = Directory::default().encode(layout).unwrap();
    assert!(file.iter().all(|byte| *byte == 0));
    assert_eq!(Directory::decode(&file, layout), Ok(Directory::default()));
}

#[test]
fn too_much_and_another_length_are_refused() {
    let layout = DirectoryLayout::for_slots(6);
    assert_eq!(full(14).encode(layout), Err(DirectoryError::Full { directory: "private keys" }));
    let file = full(6).encode(layout).unwrap();
    for end in 0..file.len() {
        let error = DirectoryError::Length { expected: layout.length(), found: end };
        assert_eq!(Directory::decode(&file[..end], layout), Err(error));
    }
}

#[test]
fn a_broken_entry_is_named_with_its_directory() {
    let layout = DirectoryLayout::for_slots(6);
    let mut file = full(6).encode(layout).unwrap();
    file[usize::from(layout.certificates().offset)] = 0x31;
    let Err(DirectoryError::Entry { directory, .. }) = Directory::decode(&file, layout) else {
        panic!("a broken entry was read");
    };
    assert_eq!(directory, "certificates");
}
