//! Any bytes as the files of ISO/IEC 7816-15 that a card has: refused, or within the profile's bounds and written again as the
//! same; and whatever can be entered is read as it was entered.
//!
//! The first byte chooses: 0 the directory file, 1 a private key, 2 a public key, 3 a certificate, 4 the AODF, 5 TokenInfo,
//! 6 the files that are only written, 7 entries made up from what follows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use obnova_apdu::tlv::{Reader, Tlv, Walk};
use obnova_fuzz::entries::Entries;
use obnova_profile::pkcs15::{
    self, CertificateEntry, EntryError, MAX_ID, PinEntry, PrivateKeyEntry, PublicKeyEntry, TokenInfo,
};
use obnova_profile::{Directory, DirectoryError, DirectoryLayout, Label, SlotNumber};

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    match choice % 8 {
        0 => {
            if let Some((&slots, regions)) = bytes.split_first() {
                file(DirectoryLayout::for_slots(1 + slots % SlotNumber::MOST), regions);
            }
        }
        1 => entry(bytes, PrivateKeyEntry::decode, PrivateKeyEntry::encode, |entry| (&entry.label, &entry.id)),
        2 => entry(bytes, PublicKeyEntry::decode, PublicKeyEntry::encode, |entry| (&entry.label, &entry.id)),
        3 => entry(bytes, CertificateEntry::decode, CertificateEntry::encode, |entry| (&entry.label, &entry.id)),
        4 => {
            for object in Reader::padded(bytes).map_while(Result::ok) {
                same(object.encoded(), PinEntry::decode, PinEntry::encode);
            }
        }
        5 => _ = same(bytes, TokenInfo::decode, TokenInfo::encode),
        6 => constant(bytes),
        _ => made_up(bytes),
    }
});

/// The bytes are the starts of the three regions, a third for each; the rest of a region is free.
fn file(layout: DirectoryLayout, regions: &[u8]) {
    let third = regions.len() / 3;
    let mut file = vec![0; layout.length().into()];
    for (number, region) in [layout.private_keys(), layout.public_keys(), layout.certificates()].iter().enumerate() {
        let entries = &regions[number * third..][..third.min(region.length.into())];
        file[region.offset.into()..][..entries.len()].copy_from_slice(entries);
    }
    assert!(matches!(Directory::decode(&file[1..], layout), Err(DirectoryError::Length { .. })));
    match Directory::decode(&file, layout) {
        Ok(directory) => written(&directory, layout),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What was read is written and read as the same, if there is room: what other writers leave out is written, so that it can
/// become longer than it was.
fn written(directory: &Directory, layout: DirectoryLayout) {
    match directory.encode(layout) {
        Ok(file) => {
            assert_eq!(file.len(), usize::from(layout.length()));
            assert_eq!(Directory::decode(&file, layout).as_ref(), Ok(directory));
        }
        Err(error) => assert!(matches!(error, DirectoryError::Full { .. }), "{error}"),
    }
}

fn entry<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, EntryError>,
    encode: impl Fn(&T) -> Vec<u8>,
    parts: impl Fn(&T) -> (&Label, &Vec<u8>),
) {
    let Some(entry) = same(bytes, decode, &encode) else { return };
    let (label, id) = parts(&entry);
    assert!((1..=Label::MAX).contains(&label.as_str().len()) && (1..=MAX_ID).contains(&id.len()));
    assert!(encode(&entry).len() <= DirectoryLayout::PER_SLOT.into(), "the longest entry fits into its share");
}

/// Refused, or written and read as the same.
fn same<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, EntryError>,
    encode: impl Fn(&T) -> Vec<u8>,
) -> Option<T> {
    match decode(bytes) {
        Ok(read) => {
            let written = encode(&read);
            assert_eq!(decode(&written).as_ref(), Ok(&read));
            assert!(decode(&written[..written.len() - 1]).is_err(), "a truncated entry was taken");
            Some(read)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// EF.DIR and ODF, which are written for every label and number of slots; the regions of the ODF lie in the directory file.
fn constant(bytes: &[u8]) {
    let Some((&slots, label)) = bytes.split_first() else { return };
    if let Ok(label) = std::str::from_utf8(label) {
        let ef_dir = pkcs15::ef_dir(label);
        let template = Tlv::parse(&ef_dir).expect("one application template");
        let objects: Vec<_> = template.children().map(|object| object.expect("just written").tag.number()).collect();
        assert_eq!(objects, [0x4F, 0x50, 0x51]);
    }
    let layout = DirectoryLayout::for_slots(1 + slots % SlotNumber::MOST);
    let odf = pkcs15::odf(layout);
    let numbers: Vec<usize> = Walk::<4>::new(&odf)
        .map(|node| node.expect("just written"))
        .filter(|node| matches!(node.tag.number(), 0x02 | 0x80))
        .map(|node| node.value.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
        .collect();
    let mut end = 0;
    for region in numbers.chunks_exact(2) {
        assert_eq!(region[0], end, "regions follow each other");
        end = region[0] + region[1];
    }
    assert_eq!(end, usize::from(layout.length()));
}

fn made_up(bytes: &[u8]) {
    let entries = arbitrary::Unstructured::new(bytes).arbitrary::<Entries>();
    let Ok(Entries { mut directory, slots }) = entries else { return };
    directory.private_keys.retain(|it| is_taken(it, &it.id, PrivateKeyEntry::decode(&it.encode())));
    directory.public_keys.retain(|it| is_taken(it, &it.id, PublicKeyEntry::decode(&it.encode())));
    directory.certificates.retain(|it| is_taken(it, &it.id, CertificateEntry::decode(&it.encode())));
    let layout = DirectoryLayout::for_slots(slots);
    let count = [directory.private_keys.len(), directory.public_keys.len(), directory.certificates.len()];
    if count.iter().all(|count| *count <= slots.into()) {
        directory.encode(layout).expect("as many entries as slots always fit");
    }
    written(&directory, layout);
}

/// An entry is read as it was made, if its identifier is within bounds, and otherwise not at all.
fn is_taken<T: PartialEq + std::fmt::Debug>(made: &T, id: &[u8], read: Result<T, EntryError>) -> bool {
    let sound = (1..=MAX_ID).contains(&id.len());
    match read {
        Ok(read) => assert_eq!((&read, sound), (made, true)),
        Err(error) => assert!(!sound, "{made:?}: {error}"),
    }
    sound
}
