//! Logins with a card of the applet profile, through its driver.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{
    pki::Pki,
    tls::{Wants, connect, server},
};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{PasswordKind, PasswordState, Pin, ProfileToken, Secret, SlotId, TokenError, Tries};
use obnova_card_rustls::{CardKey, HeldPin, Login, SharedToken};
use obnova_profile::{KeyRole, Label, SlotNumber};
use obnova_simulator::{Personalisation, SimulatorConnection};
use rustls::{
    SignatureScheme,
    version::{TLS12, TLS13},
};

const KEYS: [(KeyAlgorithm, SignatureScheme); 4] = [
    (KeyAlgorithm::Rsa2048, SignatureScheme::RSA_PSS_SHA256),
    (KeyAlgorithm::Rsa3072, SignatureScheme::RSA_PSS_SHA256),
    (KeyAlgorithm::P256, SignatureScheme::ECDSA_NISTP256_SHA256),
    (KeyAlgorithm::P384, SignatureScheme::ECDSA_NISTP384_SHA384),
];

/// A card with an authentication key of each kind, in slots 1 to 4.
fn card(pki: &Pki) -> (SharedToken, SimulatorConnection) {
    let mut card = Personalisation::new("LOGIN").active(b"1234", b"567890", b"12345678").finish().unwrap();
    let label = Label::new("login").unwrap();
    for (number, (algorithm, _)) in (1..).zip(KEYS) {
        let slot = SlotNumber::new(number).unwrap();
        let public = card.personalise_key(slot, KeyRole::Authentication, algorithm, &label).unwrap();
        card.personalise_certificate(slot, &pki.holder(public), &label).unwrap();
    }
    let connection = SimulatorConnection::new(card);
    (Arc::new(Mutex::new(Box::new(ProfileToken::new(connection.clone())))), connection)
}

fn tries(token: &SharedToken) -> Tries {
    let passwords = token.lock().unwrap().passwords().unwrap();
    let pin = passwords.iter().find(|password| password.kind == PasswordKind::AuthenticationPin).unwrap();
    let PasswordState::Active(tries) = pin.state else { panic!("{pin:?}") };
    tries
}

#[test]
fn every_key_logs_in_in_both_versions_with_four_commands() {
    let pki = Pki::new();
    let (token, connection) = card(&pki);
    let slots = token.lock().unwrap().slots().unwrap();
    for ((_, scheme), slot) in KEYS.iter().zip(&slots) {
        let key = CardKey::from_slot(token.clone(), slot).unwrap();
        assert_eq!(key.limitation(), None);
        for version in [&TLS12, &TLS13] {
            let login = Login::new(&key, HeldPin::once(Pin::new(Secret::from("1234"))));
            let before = connection.with_card(|card| card.counts().apdus);
            let handshake =
                connect(login.client_config(pki.roots()).unwrap(), &server(&pki, &[version], Wants::Certificate));
            let (peer, used) = login.conclude(handshake).unwrap();
            assert_eq!(peer.certificates, key.chain());
            assert_eq!(used, *scheme);
            let apdus = connection.with_card(|card| card.counts().apdus) - before;
            assert!(apdus <= 4, "SELECT, VERIFY, MSE, PSO: {apdus}");
        }
    }
}

#[test]
fn a_wrong_pin_costs_one_try_of_the_card_however_often_one_connects() {
    let pki = Pki::new();
    let (token, _) = card(&pki);
    let key = CardKey::open(token.clone(), SlotId(3)).unwrap();
    assert_eq!(tries(&token), Tries::Known(3));
    let login = Login::new(&key, HeldPin::for_uses(Pin::new(Secret::from("9999")), 5));
    let config = login.client_config(pki.roots()).unwrap();
    for _ in 0..3 {
        connect(config.clone(), &server(&pki, &[&TLS13], Wants::IfThereIsOne)).unwrap_err();
        let error = login.finish().unwrap_err();
        assert!(matches!(error.token(), Some(TokenError::WrongSecret { tries: Tries::Known(2), .. })), "{error}");
    }
    assert_eq!(tries(&token), Tries::Known(2));
}
