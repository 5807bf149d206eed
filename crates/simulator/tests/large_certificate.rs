//! The largest certificate of the profile, on a card that takes it: written in a chain, read from every offset, kept in the file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::{CommandApdu, tlv::Tlv};
use obnova_profile::{FileId, KeyRole, Label, Limits, PasswordReference, command};
use obnova_simulator::{Card, FactoryError, PersonalisationError};
use support::{AUTHENTICATION, Host, personalisation, slot};

const LARGEST: u16 = Limits::LARGEST_CERTIFICATE;

/// A sequence of so many bytes.
fn sequence(length: usize) -> Vec<u8> {
    let content: Vec<u8> = (0..length - 4).map(|at| (at % 251) as u8).collect();
    [&[0x30, 0x82][..], &(content.len() as u16).to_be_bytes(), &content].concat()
}

#[test]
fn it_is_written_and_read_whole_and_in_parts_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("card.json");
    let mut card = personalisation().largest_certificate(LARGEST).slots(14).create(&file).unwrap();
    let certificate = sequence(LARGEST.into());
    for number in 1..=14 {
        let label = Label::new("Key").unwrap();
        card.personalise_key(slot(number), KeyRole::Authentication, KeyAlgorithm::P256, &label).unwrap();
        card.personalise_certificate(slot(number), &certificate, &label).unwrap();
    }
    drop(card);
    let mut card = Card::open(&file).unwrap();
    let status = card.select();
    assert_eq!(status.limits.certificate, LARGEST);
    assert_eq!(status.slots[13].certificates[0].length, LARGEST);
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    let before = card.counts().apdus;
    card.ok(command::put_certificate(slot(3), &certificate));
    assert_eq!(card.counts().apdus - before, 2, "a chain of two");
    let record = status.slots[2].certificates[0];
    assert_eq!(card.ok(command::read_certificate(slot(3), &record)), certificate);
    for offset in [0, 1, 0x7FFF, 0x8000, 0xFFFE, LARGEST] {
        for ne in [3, 0x81, 0x82, 0x83, 0x100, 0x102, 0x103, 0x104, 0x8000, 0x1_0000] {
            let answer = card.ok(command::read_selected_far(offset, ne));
            let object = Tlv::parse(&answer).unwrap();
            let rest = &certificate[offset.into()..];
            assert!(rest.starts_with(object.value), "{offset} {ne}");
            let whole = object.value.len() == rest.len();
            assert!(
                whole || (ne as usize - 1..=ne as usize).contains(&answer.len()),
                "{offset} {ne}: {}",
                answer.len()
            );
        }
    }
}

#[test]
fn what_is_no_place_in_a_file_is_refused() {
    let mut card = personalisation().finish().unwrap();
    let read = |data: &[u8]| CommandApdu::new(0x00, 0xB1, 0x00, 0x00).with_data(data).with_ne(256);
    card.refused(read(&[0x54, 1, 0]), 0x6986);
    card.ok(CommandApdu::new(0x00, 0xA4, 0x00, 0x0C).with_data(FileId::DIRECTORY.to_bytes()));
    for data in [&[][..], &[0x54], &[0x54, 0], &[0x54, 5, 0, 0, 0, 0, 0], &[0x53, 1, 0], &[0x54, 1, 0, 0]] {
        card.refused(read(data), 0x6A80);
    }
    card.refused(read(&[0x54, 4, 0xFF, 0xFF, 0xFF, 0xFF]), 0x6B00);
    card.refused(read(&[0x54, 1, 0]).with_ne(2), 0x6700);
    card.refused(CommandApdu::new(0x00, 0xB1, 0x43, 0x01).with_data([0x54, 1, 0]).with_ne(256), 0x6A86);
    assert_eq!(card.ok(read(&[0x54, 1, 0]).with_ne(5)), [0x53, 3, 0, 0, 0]);
}

#[test]
fn a_card_takes_what_every_card_takes_and_no_more_than_it_says() {
    for most in [Limits::CERTIFICATE, Limits::CERTIFICATE + 1, LARGEST - 1] {
        let mut card = personalisation().largest_certificate(most).finish().unwrap();
        let label = Label::new("Key").unwrap();
        card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label).unwrap();
        card.select();
        card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
        card.ok(command::put_certificate(slot(1), &sequence(most.into())));
        let longer = sequence(usize::from(most) + 1);
        card.refused(command::put_certificate(slot(1), &longer), 0x6A84);
        let told = card.personalise_certificate(slot(1), &longer, &label).unwrap_err();
        assert_eq!(told, FactoryError::TooLong { length: longer.len(), most });
    }
    let told = personalisation().largest_certificate(Limits::CERTIFICATE - 1).finish().unwrap_err();
    assert!(matches!(told, PersonalisationError::LargestCertificate { bytes: 0x1FFF }), "{told}");
}
