//! What every task costs in APDUs and bytes, for a program that sees the card for the first time.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{AUTHENTICATION, PUK, Setup, certificate, installation, order, pin};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyRole, PasswordKind, Pin, Secret, SignDigest, SlotId, Token};
use obnova_transport::Counts;

fn costs(apdus: u64, bytes_out: u64, bytes_in: u64) -> Counts {
    Counts { apdus, bytes_out, bytes_in }
}

/// What a program that knows nothing yet spends.
fn spent(card: &Setup, act: impl FnOnce(&mut dyn Token)) -> Counts {
    let (mut token, before) = (card.again(), card.count.counts());
    act(&mut token);
    card.count.counts() - before
}

/// A card with two pairs of one kind, and certificates of one length.
fn card(algorithm: KeyAlgorithm) -> Setup {
    let mut card = Setup::new();
    for (slot, role) in [(1, KeyRole::Authentication), (2, KeyRole::Signature)] {
        let key = card.token.generate(&order(slot, role, algorithm), &pin()).unwrap();
        card.token.install(&[installation(slot, sized(slot, &key))], &[], &pin()).unwrap();
    }
    card
}

/// A certificate of 1,200 bytes.
fn sized(slot: u32, key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    let bare = certificate("Jana", slot as u8, key, 400).len();
    let sized = certificate("Jana", slot as u8, key, 400 + 1_200 - bare);
    assert_eq!(sized.len(), 1_200);
    sized
}

#[test]
fn what_is_read_and_signed() {
    // Both last ones beside the signature itself, which has a byte more or less on a curve.
    for (key, list, signature, looked_up) in [
        (KeyAlgorithm::Rsa2048, costs(4, 35, 6392), costs(5, 91, 424), costs(8, 112, 6544)),
        (KeyAlgorithm::P256, costs(4, 35, 6392), costs(5, 91, 224), costs(8, 112, 6544)),
    ] {
        let card = card(key);
        assert_eq!(spent(&card, |token| drop(token.slots().unwrap())), list, "{key}: list");
        let algorithm = SignatureAlgorithm::default_for(key);
        let job = SignDigest { slot: SlotId(1), algorithm, digest: Digest::Sha256.of(b"a message") };
        let mut signed = 0;
        let cost =
            spent(&card, |token| signed = token.sign(std::slice::from_ref(&job), &pin()).unwrap()[0].len() as u64);
        assert_eq!(cost - costs(0, 0, signed), signature, "{key}: signature");
        let mut signed = 0;
        let cost = spent(&card, |token| {
            token.slots().unwrap();
            signed = token.sign(&[job], &pin()).unwrap()[0].len() as u64;
        });
        assert_eq!(cost - costs(0, 0, signed), looked_up, "{key}: signature by a key that is looked up");
    }
}

#[test]
fn what_is_made_and_written() {
    for (algorithm, pair, written) in [
        (KeyAlgorithm::Rsa2048, costs(5, 3896, 4264), costs(6, 5104, 4266)),
        (KeyAlgorithm::P256, costs(5, 3896, 4064), costs(6, 5104, 4066)),
    ] {
        let card = card(KeyAlgorithm::P256);
        let request = order(3, KeyRole::Authentication, algorithm);
        let mut key = None;
        let cost = spent(&card, |token| key = Some(token.generate(&request, &pin()).unwrap()));
        assert_eq!(cost, pair, "{algorithm}: key pair");
        let job = [installation(3, sized(3, &key.unwrap()))];
        let cost = spent(&card, |token| token.install(&job, &[], &pin()).unwrap());
        assert_eq!(cost, written, "{algorithm}: certificate");
    }
}

#[test]
fn what_becomes_of_passwords() {
    let card = card(KeyAlgorithm::P256);
    let [old, new] = [AUTHENTICATION, "4321"].map(Secret::from);
    let change =
        |token: &mut dyn Token| token.change_password(PasswordKind::AuthenticationPin, &Pin::new(old), &new).unwrap();
    assert_eq!(spent(&card, change), costs(3, 40, 150));
    let [puk, new] = [PUK, "111111"].map(Secret::from);
    let unblock =
        |token: &mut dyn Token| token.unblock_password(PasswordKind::SignaturePin, &Pin::new(puk), &new).unwrap();
    assert_eq!(spent(&card, unblock), costs(3, 46, 150));
}
