//! The layer below the commands: classes, chains, lengths, selection.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::tlv::{Tag, Tlv};
use obnova_apdu::{CommandApdu, LengthForm};
use obnova_profile::{
    CardStatus, FileId, KeyRole, Label, PasswordReference, ShortFileId, TransportPinModel, application, command, pkcs15,
};
use obnova_simulator::Card;
use support::{AUTHENTICATION, Host, PUK, SIGNATURE, personalisation, slot};

fn raw(card: &mut Card, command: &[u8]) -> Vec<u8> {
    card.process(command).unwrap()
}

fn card() -> Card {
    personalisation().finish().unwrap()
}

#[test]
fn only_the_plain_class_and_its_chains_are_served() {
    let mut card = card();
    for (cla, status) in
        [(0x01, 0x6881), (0x04, 0x6882), (0x0C, 0x6882), (0x40, 0x6881), (0x80, 0x6E00), (0x20, 0x6E00)]
    {
        card.refused(CommandApdu::new(cla, 0xA4, 0x04, 0x00).with_data(application::AID), status);
    }
    assert_eq!(raw(&mut card, &[0xFF, 0xA4, 0, 0]), [0x6E, 0x00]);
    for end in 0..4 {
        assert_eq!(raw(&mut card, &[0x00, 0xA4, 0x00, 0x00][..end]), [0x67, 0x00]);
    }
    let unknown: Vec<u8> = (0..=255).filter(|ins| card.process(&[0, *ins, 0, 0]) == Ok(vec![0x6D, 0x00])).collect();
    let known: Vec<u8> = (0..=255).filter(|ins| !unknown.contains(ins)).collect();
    let served = [0x20, 0x22, 0x24, 0x2A, 0x2C, 0x44, 0x47, 0x84, 0xA4, 0xB0, 0xB1, 0xC0, 0xCA, 0xD6, 0xDB, 0xE4];
    assert_eq!(known, served);
}

#[test]
fn a_chain_is_one_command_and_a_broken_chain_is_none() {
    let mut card = card();
    assert_eq!(raw(&mut card, b"\x10\x20\x00\x01\x0212"), [0x90, 0x00]);
    assert_eq!(raw(&mut card, b"\x00\x20\x00\x01\x0234"), [0x90, 0x00]);
    card.reset();
    raw(&mut card, b"\x10\x20\x00\x01\x0212");
    raw(&mut card, &[0x00, 0xCA, 0x01, 0xA0, 0x00]);
    assert_eq!(raw(&mut card, b"\x00\x20\x00\x01\x0234"), [0x67, 0x00]);
    raw(&mut card, b"\x10\x20\x00\x01\x0212");
    assert_eq!(raw(&mut card, b"\x00\x20\x00\x02\x0234"), [0x67, 0x00], "another header is another command");
    raw(&mut card, b"\x10\x20\x00\x01\x0212");
    card.reset();
    assert_eq!(raw(&mut card, b"\x00\x20\x00\x01\x0234"), [0x67, 0x00]);
}

#[test]
fn an_endless_chain_ends() {
    let mut card = card();
    let part = [&[0x10, 0xD6, 0x81, 0x00, 0xFF][..], &[0; 255]].concat();
    let mut answers = (0..1000).map(|_| raw(&mut card, &part));
    assert_eq!(answers.position(|answer| answer == [0x67, 0x00]), Some(257));
}

#[test]
fn what_does_not_fit_is_fetched_by_get_response() {
    let mut card = card();
    let whole = card.ok(command::select());
    let mut got = Vec::new();
    let mut answer = raw(&mut card, &[&[0x00, 0xA4, 0x04, 0x00, 0x08][..], &application::AID, &[0x40]].concat());
    loop {
        let (data, status) = answer.split_last_chunk::<2>().map(|(data, status)| (data.to_vec(), *status)).unwrap();
        got.extend(data);
        match status {
            [0x61, more] => answer = raw(&mut card, &[0x00, 0xC0, 0x00, 0x00, more.min(0x30)]),
            status => {
                assert_eq!(status, [0x90, 0x00]);
                break;
            }
        }
    }
    assert_eq!(got, whole);
    assert_eq!(raw(&mut card, &[0x00, 0xC0, 0x00, 0x00, 0x00]), [0x69, 0x85]);
}

#[test]
fn another_command_drops_what_was_not_fetched() {
    let mut card = card();
    let select = [&[0x00, 0xA4, 0x04, 0x00, 0x08][..], &application::AID].concat();
    assert_eq!(raw(&mut card, &select)[0], 0x61);
    raw(&mut card, &[0x00, 0x20, 0x00, 0x01]);
    assert_eq!(raw(&mut card, &[0x00, 0xC0, 0x00, 0x00, 0x00]), [0x69, 0x85]);
}

#[test]
fn reading_past_the_end_says_how_much_there_is() {
    let mut card = card();
    let info = card.ok(command::read_file(ShortFileId::TOKEN_INFO, 256));
    let length = info.len() as u8;
    assert_eq!(raw(&mut card, &[0x00, 0xB0, 0x83, 0x00, 0xF0]), [0x6C, length]);
    assert_eq!(raw(&mut card, &[0x00, 0xB0, 0x83, 0x00, length]).len(), info.len() + 2);
    assert_eq!(
        card.ok(command::read_file(ShortFileId::TOKEN_INFO, 0xF0)),
        info,
        "the exchange repeats with the right length"
    );
    let past = raw(&mut card, &[0x00, 0xB0, 0x83, 0x00, 0x00, 0x10, 0x00]);
    assert!(past.ends_with(&[0x62, 0x82]) && past.len() == info.len() + 2);
    assert_eq!(raw(&mut card, &[0x00, 0xB0, 0x83, length, 0x00]), [0x90, 0x00]);
    assert_eq!(raw(&mut card, &[0x00, 0xB0, 0x83, length + 1, 0x00]), [0x6B, 0x00]);
    assert_eq!(raw(&mut card, &[0x00, 0xB0, 0x7F, 0xFF, 0x00]), [0x6B, 0x00]);
}

#[test]
fn constant_files_say_what_the_profile_says() {
    let mut card = card();
    let status = card.select();
    let layout = status.directory();
    assert_eq!(card.ok(command::read_file(ShortFileId::ODF, 256)), pkcs15::odf(layout));
    assert_eq!(card.ok(command::read_file(ShortFileId::AODF, 256)), pkcs15::aodf(TransportPinModel::Separate));
    let info = pkcs15::TokenInfo::decode(&card.ok(command::read_file(ShortFileId::TOKEN_INFO, 256))).unwrap();
    assert_eq!((&info.serial[..], info.label.as_deref()), (status.serial.as_bytes(), Some(&status.label[..])));
    assert_eq!(card.ok(command::read_directory(layout)), vec![0; layout.length().into()]);
    assert_eq!(CardStatus::from_template(&card.ok(command::read_status())).unwrap(), status);
    assert_eq!(card.status(), status);
}

#[test]
fn files_are_found_by_identifier_and_by_path() {
    let mut card = card();
    card.personalise_key(slot(1), KeyRole::Signature, KeyAlgorithm::P256, &Label::new("Key").unwrap()).unwrap();
    let select = |p1: u8, p2: u8, path: &[u8]| CommandApdu::new(0, 0xA4, p1, p2).with_data(path).with_ne(256);
    for (p1, path) in [
        (0x00, &[][..]),
        (0x00, &[0x3F, 0x00]),
        (0x00, &[0x2F, 0x00]),
        (0x00, &[0x50, 0x15]),
        (0x02, &[0x50, 0x31]),
        (0x03, &[]),
        (0x08, &[0x50, 0x15, 0x4B, 0x01]),
        (0x08, &[0x3F, 0x00, 0x50, 0x15, 0x4D, 0x01]),
        (0x09, &[0x44, 0x02]),
    ] {
        let fci = card.ok(select(p1, 0x00, path));
        let fci = Tlv::parse(&fci).unwrap();
        assert_eq!(fci.tag, Tag::new(0x6F));
        if let [.., high, low] = path {
            let id = fci.children().find_tag(Tag::new(0x83)).unwrap().unwrap();
            assert_eq!(id.value, [*high, *low]);
        }
        assert_eq!(card.ok(select(p1, 0x04, path))[0], 0x62);
        assert!(card.ok(select(p1, 0x0C, path).with_ne(0)).is_empty());
    }
    for (p1, path, status) in [
        (0x00, &[0x4B, 0x02][..], 0x6A82),
        (0x00, &[0x43, 0x01], 0x6A82),
        (0x00, &[0x12, 0x34], 0x6A82),
        (0x08, &[0x43, 0x00, 0x44, 0x02], 0x6A82),
        (0x00, &[0x12], 0x6A80),
        (0x08, &[], 0x6A80),
        (0x08, &[0x50, 0x15, 0x44], 0x6A80),
        (0x05, &[0x50, 0x15], 0x6A86),
        (0x04, b"\xA0\x00\x00\x00\x03", 0x6A82),
        (0x04, b"\xA0\x00\x00\x00", 0x6A82),
    ] {
        card.refused(select(p1, 0x00, path), status);
    }
    card.refused(select(0x00, 0x02, &[0x50, 0x15]), 0x6A86);
}

#[test]
fn keys_are_never_read_and_the_public_part_always() {
    let mut card = card();
    let key =
        card.personalise_key(slot(1), KeyRole::Signature, KeyAlgorithm::Rsa2048, &Label::new("Key").unwrap()).unwrap();
    card.select();
    let passwords = [
        (PasswordReference::AuthenticationPin, AUTHENTICATION),
        (PasswordReference::SignaturePin, SIGNATURE),
        (PasswordReference::Puk, PUK),
    ];
    for (password, value) in passwords {
        card.ok(command::select_file(FileId::key(slot(1))));
        card.refused(command::read_selected(0, 256), 0x6981);
        card.ok(command::verify(password, value));
        card.refused(command::read_selected(0, 256), 0x6981);
    }
    card.refused(CommandApdu::new(0x00, 0xD6, 0x00, 0x00).with_data([0]), 0x6900);
    card.ok(command::select_file(FileId::public_key(slot(1))));
    assert_eq!(card.ok(command::read_selected(0, 65_536)), key.subject_public_key.as_bytes().unwrap());
}

#[test]
fn nothing_selected_is_nothing_to_read() {
    let mut card = card();
    card.refused(command::read_selected(0, 256), 0x6986);
    card.select();
    card.refused(command::read_selected(0, 256), 0x6986);
    card.refused(CommandApdu::new(0x00, 0xB0, 0x91, 0x00).with_ne(256), 0x6A82);
    card.refused(CommandApdu::new(0x00, 0xB0, 0x9F, 0x00).with_ne(256), 0x6A82);
}

#[test]
fn the_directory_is_written_in_parts_or_whole_and_never_beyond_its_end() {
    let mut card = card();
    let layout = card.select().directory();
    card.refused(command::update_directory(vec![1]), 0x6982);
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    card.ok(command::update_directory(vec![0; layout.length().into()]));
    card.refused(command::update_directory(vec![0; usize::from(layout.length()) + 1]), 0x6A84);
    card.ok(CommandApdu::new(0x00, 0xD6, 0x00, 0x03).with_data([7, 8]));
    assert_eq!(card.ok(command::read_file(ShortFileId::DIRECTORY, 6)), [0, 0, 0, 7, 8, 0]);
    card.refused(CommandApdu::new(0x00, 0xD6, 0x7F, 0xFF).with_data([7, 8]), 0x6A84);
}

#[test]
fn random_bytes_come_in_the_number_asked_for() {
    let mut card = card();
    let (one, other) = (card.ok(command::challenge(32)), card.ok(command::challenge(32)));
    assert!(one.len() == 32 && other.len() == 32 && one != other);
    let command = command::challenge(256).encode(LengthForm::Short).unwrap();
    assert_eq!(raw(&mut card, &command).len(), 258);
}
