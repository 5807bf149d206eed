//! The profile driver over real PC/SC: a private pcscd with a virtual reader, and the simulated card in it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::{SIGNATURE, Setup, certificate, digest, installation, order, pin, reader::inside};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify};
use obnova_card::{KeyRole, Location, Pin, ProfileToken, Secret, SignDigest, SlotId, Token, TokenError};
use obnova_simulator::vpcd::Attached;
use obnova_transport::{Count, Decorated, TransportError, pcsc::ReaderChoice};

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

#[test]
fn a_card_in_a_reader_does_all_of_it_in_as_many_apdus() {
    let Some(address) = inside("a_card_in_a_reader_does_all_of_it_in_as_many_apdus") else { return };
    let mut card = Setup::with_pairs(&[1, 2]);
    let in_process = card.token.slots().unwrap();
    let attached = Attached::new(&card.simulator, address).unwrap();
    ReaderChoice::Only.wait_for_card(Some(Duration::from_secs(60))).unwrap();

    let location: Location = "pcsc:virtual".parse().unwrap();
    let connection = location.open_pcsc().unwrap().unwrap();
    let count = Count::new();
    let mut token = ProfileToken::new(Decorated::new(connection, count.clone()));
    assert_eq!(token.slots().unwrap(), in_process);
    assert_eq!(count.counts().apdus, 4, "SELECT, directory, two certificates: extended length goes through");
    assert!(token.identity().unwrap().place.starts_with("Virtual PCD"));

    let before = count.counts();
    let key = token.generate(&order(3, KeyRole::Signature, KeyAlgorithm::Rsa2048), &pin()).unwrap();
    assert_eq!((count.counts() - before).apdus, 5);
    let before = count.counts();
    token.install(&[installation(3, certificate("Jana", 3, &key, 2_000))], &[SlotId(2)], &pin()).unwrap();
    assert_eq!((count.counts() - before).apdus, 5);
    let algorithm = SignatureAlgorithm::RsaPss(Digest::Sha256);
    let job = SignDigest { slot: SlotId(3), algorithm, digest: digest(b"x") };
    let signature = token.sign(&[job], &Pin::new(Secret::from(SIGNATURE))).unwrap().remove(0);
    verify(&key, algorithm, b"x", &signature).unwrap();

    // Out and in again: told, and found.
    attached.detach();
    let error = loop {
        match token.slots() {
            Err(error) => break error,
            Ok(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let gone = [TransportError::CardRemoved, TransportError::NoCard { reader: String::new() }];
    let TokenError::Transport(error) = error else { panic!("{error}") };
    let is_named = gone.iter().any(|gone| std::mem::discriminant(gone) == std::mem::discriminant(&error));
    assert!(is_named || error == TransportError::CardMute, "{error}");
    while ReaderChoice::Only.wait_for_card(Some(Duration::ZERO)).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _attached = Attached::new(&card.simulator, address).unwrap();
    ReaderChoice::Only.wait_for_card(Some(Duration::from_secs(60))).unwrap();
    let job = SignDigest { slot: SlotId(1), algorithm: P256, digest: digest(b"x") };
    token.sign(&[job], &pin()).unwrap();
    assert_eq!(token.slots().unwrap().iter().filter(|slot| !slot.certificates.is_empty()).count(), 3);
}
