//! Keys are made, told, used and removed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify_digest};
use obnova_apdu::exchange::Limits;
use obnova_profile::{CardStatus, FileId, KeyRole, PasswordReference, PublicKeyTemplate, command, reference};
use support::{AUTHENTICATION, Host, SIGNATURE, personalisation, slot};

fn algorithms(key: KeyAlgorithm) -> impl Iterator<Item = SignatureAlgorithm> {
    Digest::ALL
        .into_iter()
        .flat_map(|hash| {
            [SignatureAlgorithm::RsaPkcs1(hash), SignatureAlgorithm::RsaPss(hash), SignatureAlgorithm::Ecdsa(hash)]
        })
        .filter(move |algorithm| algorithm.fits(key))
}

#[test]
fn every_kind_of_key_signs_in_every_way_that_fits_it() {
    let mut card = personalisation().finish().unwrap();
    for (number, key) in (1..).zip(reference::KEY_ALGORITHMS) {
        card.select();
        card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
        let answer = card.ok(command::generate(slot(number), KeyRole::Authentication, key).unwrap());
        assert_eq!(answer, card.ok(command::read_public_key(slot(number))));
        let public = PublicKeyTemplate::decode(&answer).unwrap().to_spki().unwrap();
        assert_eq!(KeyAlgorithm::try_from(&public), Ok(key));
        for algorithm in algorithms(key) {
            let hash = algorithm.digest().of(b"message");
            card.ok(command::set_signature(slot(number), algorithm));
            let signature = card.ok(command::sign(hash.as_bytes()));
            verify_digest(&public, algorithm, &hash, &signature).unwrap();
        }
        let record = card.select().slot(slot(number)).unwrap().key.unwrap();
        assert_eq!((record.algorithm, record.role), (key, KeyRole::Authentication));
    }
}

#[test]
fn a_signature_key_asks_for_its_pin_every_time() {
    let mut card = personalisation().finish().unwrap();
    card.personalise_key(slot(1), KeyRole::Signature, KeyAlgorithm::P256, &label()).unwrap();
    card.select();
    let hash = Digest::Sha256.of(b"message");
    card.ok(command::verify(PasswordReference::AuthenticationPin, AUTHENTICATION));
    card.ok(command::set_signature(slot(1), SignatureAlgorithm::Ecdsa(Digest::Sha256)));
    card.refused(command::sign(hash.as_bytes()), 0x6982);
    for _ in 0..3 {
        card.ok(command::verify(PasswordReference::SignaturePin, SIGNATURE));
        card.ok(command::sign(hash.as_bytes()));
        card.refused(command::sign(hash.as_bytes()), 0x6982);
    }
    card.ok(command::verify(PasswordReference::SignaturePin, SIGNATURE));
    card.refused(command::sign(&hash.as_bytes()[1..]), 0x6A80);
    card.refused(command::sign(hash.as_bytes()), 0x6982);
}

#[test]
fn an_authentication_key_asks_for_its_pin_once() {
    let mut card = personalisation().finish().unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label()).unwrap();
    card.select();
    card.ok(command::set_signature(slot(1), SignatureAlgorithm::Ecdsa(Digest::Sha256)));
    card.refused(command::sign(&[7; 32]), 0x6982);
    card.ok(command::verify(PasswordReference::AuthenticationPin, AUTHENTICATION));
    card.ok(command::sign(&[7; 32]));
    card.ok(command::sign(&[7; 32]));
    card.select();
    card.refused(command::sign(&[7; 32]), 0x6985);
}

#[test]
fn a_slot_is_filled_once_and_emptied_whole() {
    let mut card = personalisation().finish().unwrap();
    let generate = || command::generate(slot(2), KeyRole::Authentication, KeyAlgorithm::P256).unwrap();
    card.select();
    card.refused(generate(), 0x6982);
    card.refused(command::read_public_key(slot(2)), 0x6A88);
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    card.refused(command::put_certificate(slot(2), &[0x30, 0]), 0x6985);
    card.ok(generate());
    card.refused(generate(), 0x6A89);
    let outside = command::generate(slot(9), KeyRole::Authentication, KeyAlgorithm::P256).unwrap();
    card.refused(outside, 0x6A88);

    card.ok(command::put_certificate(slot(2), &[0x30, 1, 5]));
    card.refused(command::put_certificate(slot(2), &[0x31, 0]), 0x6A80);
    let status = card.select();
    let certificate = status.slot(slot(2)).unwrap().certificates[0];
    assert_eq!((certificate.file, certificate.length), (FileId(0x4302), 3));
    assert_eq!(card.ok(command::read_certificate(slot(2), &certificate)), [0x30, 1, 5]);

    // Others come beside it, each in a file of its own.
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    let (second, last) = (FileId(0x4312), FileId(0x4372));
    card.ok(command::put_certificate_in(second, &[0x30, 1, 6]));
    card.ok(command::put_certificate_in(last, &[0x30, 1, 7]));
    card.refused(command::put_certificate_in(FileId(0x4382), &[0x30, 1, 8]), 0x6A86);
    card.refused(command::put_certificate_in(FileId(0x4313), &[0x30, 1, 8]), 0x6985);
    let files =
        |status: CardStatus| status.slot(slot(2)).unwrap().certificates.iter().map(|one| one.file).collect::<Vec<_>>();
    assert_eq!(files(card.select()), [FileId(0x4302), second, last]);
    card.ok(command::select_file(second));
    assert_eq!(card.ok(command::read_selected(0, 3)), [0x30, 1, 6]);
    card.select();
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    card.ok(command::delete_certificate_in(second));
    card.refused(command::delete_certificate_in(second), 0x6A82);
    assert_eq!(files(card.select()), [FileId(0x4302), last], "the others stay where they are");

    card.refused(command::delete_key(slot(2)), 0x6982);
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    card.ok(command::delete_key(slot(2)));
    card.refused(command::delete_key(slot(2)), 0x6A82);
    card.refused(command::select_file(last), 0x6A82);
    card.refused(command::read_certificate(slot(2), &certificate), 0x6A82);
    let status = card.select();
    let record = status.slot(slot(2)).unwrap();
    assert_eq!((record.key, record.certificates.len()), (None, 0));
}

#[test]
fn what_was_chosen_to_sign_with_is_gone_with_its_key() {
    let mut card = personalisation().finish().unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label()).unwrap();
    card.select();
    card.ok(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    card.ok(command::set_signature(slot(1), SignatureAlgorithm::Ecdsa(Digest::Sha256)));
    card.ok(command::sign(&[7; 32]));
    card.ok(command::delete_key(slot(1)));
    card.ok(command::generate(slot(1), KeyRole::Authentication, KeyAlgorithm::P256).unwrap());
    card.ok(command::verify(PasswordReference::AuthenticationPin, AUTHENTICATION));
    card.refused(command::sign(&[7; 32]), 0x6985);
}

#[test]
fn a_host_with_short_lengths_gets_the_same_in_more_commands() {
    let mut card = personalisation().finish().unwrap();
    let key = card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::Rsa3072, &label()).unwrap();
    card.select();
    let mut short = |command: obnova_apdu::CommandApdu| {
        let response = card.try_send_with(&command, Limits::SHORT).unwrap();
        response.success().unwrap().to_vec()
    };
    let template = short(command::read_public_key(slot(1)));
    assert_eq!(PublicKeyTemplate::decode(&template).unwrap().to_spki().unwrap(), key);
    short(command::verify(PasswordReference::CONTENT, AUTHENTICATION));
    short(command::put_certificate(slot(1), &[&[0x30, 0x82, 0x03, 0xE8][..], &[7; 1000]].concat()));
    short(command::set_signature(slot(1), SignatureAlgorithm::RsaPss(Digest::Sha384)));
    let hash = Digest::Sha384.of(b"message");
    let signature = short(command::sign(hash.as_bytes()));
    verify_digest(&key, SignatureAlgorithm::RsaPss(Digest::Sha384), &hash, &signature).unwrap();
    assert_eq!(card.status().slots[0].certificates[0].length, 1004);
}

fn label() -> obnova_profile::Label {
    obnova_profile::Label::new("Key").unwrap()
}
