use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::tlv::{Reader, Walk};

use super::*;
use crate::{DirectoryLayout, KeyRole, PasswordReference, SlotNumber, TransportPinModel, reference};

fn slot() -> SlotNumber {
    SlotNumber::new(14).unwrap()
}

fn label() -> Label {
    Label::new("x".repeat(Label::MAX)).unwrap()
}

fn private_keys() -> impl Iterator<Item = PrivateKeyEntry> {
    let roles = [KeyRole::Authentication, KeyRole::Signature];
    reference::KEY_ALGORITHMS.into_iter().flat_map(move |algorithm| {
        roles.map(|role| PrivateKeyEntry::new(label(), role, algorithm, slot(), &[9; MAX_ID]))
    })
}

#[test]
fn entries_round_trip_and_the_longest_fits_its_share() {
    for entry in private_keys() {
        assert_eq!(PrivateKeyEntry::decode(&entry.encode()), Ok(entry.clone()));
        assert!(entry.encode().len() <= DirectoryLayout::PER_SLOT.into(), "{}", entry.encode().len());
        let PrivateKeyEntry { label, id, algorithm, slot, .. } = entry;
        let public = PublicKeyEntry { label, id, algorithm, slot };
        assert_eq!(PublicKeyEntry::decode(&public.encode()), Ok(public.clone()));
        assert!(public.encode().len() <= DirectoryLayout::PER_SLOT.into());
    }
    let certificate = CertificateEntry::new(label(), slot(), &[9; MAX_ID]);
    assert_eq!(CertificateEntry::decode(&certificate.encode()), Ok(certificate.clone()));
    assert!(certificate.encode().len() <= DirectoryLayout::PER_SLOT.into());
    let info = TokenInfo { serial: vec![1, 2], manufacturer: Some("Obnova".into()), label: Some("Jana".into()) };
    assert_eq!(TokenInfo::decode(&info.encode()), Ok(info));
    for reference in PasswordReference::ALL {
        let pin = PinEntry::of(reference, TransportPinModel::Separate);
        assert_eq!(PinEntry::decode(&pin.encode()), Ok(pin));
    }
}

#[test]
fn usage_and_consent_are_where_middleware_looks() {
    let signature = PrivateKeyEntry::new(label(), KeyRole::Signature, KeyAlgorithm::Rsa2048, slot(), &[1]).encode();
    let window = |bytes: &[u8]| signature.windows(bytes.len()).any(|window| window == bytes);
    assert!(window(&[0x03, 0x03, 0x06, 0x20, 0x40]), "sign and nonRepudiation");
    assert!(window(&[0x03, 0x02, 0x03, 0xB8]), "sensitive, always, never extractable, local");
    assert!(window(&[0x04, 0x01, 0x02, 0x02, 0x01, 0x01]), "authId of the signature PIN, userConsent 1");
    assert!(window(&[0x04, 0x06, 0x3F, 0x00, 0x50, 0x15, 0x4B, 0x0E, 0x02, 0x02, 0x08, 0x00]), "path, modulus length");
}

type Decoder = fn(&[u8]) -> bool;

fn samples() -> Vec<(Vec<u8>, Decoder)> {
    let certificate = CertificateEntry::new(label(), slot(), &[9; MAX_ID]).encode();
    let public = PublicKeyEntry { label: label(), id: vec![1], algorithm: KeyAlgorithm::P256, slot: slot() }.encode();
    let info = TokenInfo { serial: vec![1], manufacturer: None, label: Some("Jana".into()) }.encode();
    let mut samples: Vec<(Vec<u8>, Decoder)> = vec![
        (certificate, |bytes| CertificateEntry::decode(bytes).is_ok()),
        (public, |bytes| PublicKeyEntry::decode(bytes).is_ok()),
        (info, |bytes| TokenInfo::decode(bytes).is_ok()),
        (PinEntry::of(PasswordReference::Puk, TransportPinModel::Separate).encode(), |bytes| {
            PinEntry::decode(bytes).is_ok()
        }),
    ];
    for entry in private_keys() {
        samples.push((entry.encode(), |bytes| PrivateKeyEntry::decode(bytes).is_ok()));
    }
    samples
}

#[test]
fn truncated_longer_and_bent_entries_never_panic() {
    for (entry, decodes) in samples() {
        assert!(decodes(&entry));
        for end in 0..entry.len() {
            assert!(!decodes(&entry[..end]), "{end}");
        }
        assert!(!decodes(&[&entry[..], &[0]].concat()));
        for at in 0..entry.len() {
            for value in [0x00, 0x30, 0x7F, 0x80, 0x84, 0xFF] {
                let mut bent = entry.clone();
                bent[at] = value;
                decodes(&bent);
            }
        }
    }
}

#[test]
fn deep_nesting_costs_nothing() {
    let mut deep = vec![0x30, 0x80];
    for _ in 0..100_000 {
        deep.extend([0x30, 0x84, 0x00, 0xFF, 0xFF, 0xFF]);
    }
    for (_, decodes) in samples() {
        assert!(!decodes(&deep));
    }
}

#[test]
fn a_path_out_of_the_application_is_refused() {
    let mut entry = CertificateEntry::new(label(), slot(), &[9; MAX_ID]).encode();
    let at = entry.windows(4).position(|window| window == [0x3F, 0x00, 0x50, 0x15]).unwrap();
    entry[at + 2] = 0x51;
    assert_eq!(CertificateEntry::decode(&entry), Err(EntryError::Path));
}

#[test]
fn constant_files_are_well_formed() {
    let odf = odf(DirectoryLayout::for_slots(14));
    for file in [ef_dir("Obnova"), aodf(TransportPinModel::Separate), odf.clone()] {
        assert!(Walk::<8>::new(&file).all(|node| node.is_ok()));
    }
    let tags: Vec<_> = Reader::new(&odf).map(|object| object.unwrap().tag.number()).collect();
    assert_eq!(tags, [0xA0, 0xA1, 0xA4, 0xA8]);
    assert_eq!(Reader::new(&aodf(TransportPinModel::Separate)).count(), 3);
}
