//! What a slot may hold, and what is said of what it should not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    pki::Pki,
    token::{SLOT, SoftToken},
};
use obnova_algorithm::{Digest::Sha256, KeyAlgorithm::P256, SignatureAlgorithm::Ecdsa};
use obnova_card::{CertificateEntry, SlotId, TokenError};
use obnova_card_rustls::{CardKey, KeyError, share};
use obnova_transport::TransportError;

fn token(pki: &Pki) -> SoftToken {
    SoftToken::new(pki, P256, &[Ecdsa(Sha256)])
}

fn open(token: SoftToken) -> Result<CardKey, KeyError> {
    CardKey::open(share(token), SLOT)
}

#[test]
fn the_certificate_in_use_is_taken_before_a_superseded_one() {
    let pki = Pki::new();
    let mut both = token(&pki);
    let in_use = both.slot.certificates[0].clone();
    let old = pki.holder(both.slot.key.as_ref().unwrap().public_key.clone().unwrap());
    let old = CertificateEntry { label: "old".into(), der: old, superseded: true };
    both.slot.certificates.insert(0, old.clone());
    assert_eq!(open(both).unwrap().chain()[0].as_ref(), in_use.der);

    let mut alone = token(&pki);
    alone.slot.certificates[0].superseded = true;
    let der = alone.slot.certificates[0].der.clone();
    assert_eq!(open(alone).unwrap().chain()[0].as_ref(), der);
}

#[test]
fn what_cannot_log_in_is_refused_by_name() {
    let pki = Pki::new();
    for slot in [SlotId(2), SlotId(9)] {
        let error = CardKey::open(share(token(&pki)), slot).unwrap_err();
        assert!(matches!(error, KeyError::NoKey { slot: named } if named == slot));
    }

    let mut waiting = token(&pki);
    waiting.slot.certificates.clear();
    assert!(matches!(open(waiting), Err(KeyError::NoCertificate { slot: SLOT })));

    let mut stranger = token(&pki);
    stranger.slot.certificates = token(&pki).slot.certificates;
    assert!(matches!(open(stranger), Err(KeyError::AnotherKey { slot: SLOT })));

    let mut mute = token(&pki);
    mute.slot.key.as_mut().unwrap().signs.clear();
    assert!(matches!(open(mute), Err(KeyError::NoScheme { slot: SLOT })));

    let gone = token(&pki);
    gone.wires.lock().unwrap().removed = true;
    assert!(matches!(open(gone), Err(KeyError::Token(TokenError::Transport(TransportError::CardRemoved)))));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let pki = Pki::new();
    let good = token(&pki).slot.certificates[0].der.clone();
    let mut hostile: Vec<Vec<u8>> = (0..good.len()).map(|length| good[..length].to_vec()).collect();
    hostile.push([good.as_slice(), &[0]].concat());
    hostile.push([0x30, 0x80].repeat(20_000));
    hostile.push(vec![0xFF; 70_000]);
    hostile.push(vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]);
    let mut broken = token(&pki);
    let key = broken.slot.key.take().unwrap();
    let shared = share(broken);
    for der in hostile {
        let error = CardKey::new(shared.clone(), SLOT, &key, der).unwrap_err();
        assert!(matches!(error, KeyError::BadCertificate { slot: SLOT, .. }), "{error}");
    }
}
