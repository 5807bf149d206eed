//! Logins with a card at a server in the same process: what works, and every way in which one is nobody.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{
    pki::Pki,
    tls::{Wants, connect, server},
    token::{PIN, SLOT, SoftToken, Wires},
};
use obnova_algorithm::{
    Digest::{Sha256, Sha384},
    KeyAlgorithm::{self, P256, P384, Rsa2048},
    SignatureAlgorithm::{self, Ecdsa, RsaPkcs1, RsaPss},
};
use obnova_card::{Pin, Secret, TokenError, Tries};
use obnova_card_rustls::{CardKey, HeldPin, Limitation, Login, LoginError, PinUnavailable, PinUse, share};
use obnova_transport::TransportError;
use rustls::{
    ClientConfig, ProtocolVersion, SignatureScheme, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};

const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

fn key(pki: &Pki, algorithm: KeyAlgorithm, signs: &[SignatureAlgorithm]) -> (CardKey, Arc<Mutex<Wires>>) {
    let token = SoftToken::new(pki, algorithm, signs);
    let wires = token.wires.clone();
    (CardKey::open(share(token), SLOT).unwrap(), wires)
}

fn pin(text: &str) -> HeldPin {
    HeldPin::once(Pin::new(Secret::from(text)))
}

#[test]
fn the_card_logs_in_by_every_scheme_in_every_version_it_can() {
    let pki = Pki::new();
    let cases: [(KeyAlgorithm, &[SignatureAlgorithm], SignatureScheme); 4] = [
        (Rsa2048, &[RsaPkcs1(Sha256), RsaPss(Sha256)], SignatureScheme::RSA_PSS_SHA256),
        (Rsa2048, &[RsaPkcs1(Sha256)], SignatureScheme::RSA_PKCS1_SHA256),
        (P256, &[Ecdsa(Sha256)], SignatureScheme::ECDSA_NISTP256_SHA256),
        (P384, &[Ecdsa(Sha384)], SignatureScheme::ECDSA_NISTP384_SHA384),
    ];
    for (algorithm, signs, scheme) in cases {
        let (key, wires) = key(&pki, algorithm, signs);
        for version in key.versions() {
            let login = Login::new(&key, pin(PIN));
            let config = login.client_config(pki.roots()).unwrap();
            let peer = connect(config, &server(&pki, &[version], Wants::Certificate)).unwrap();
            assert_eq!(peer.version, version.version);
            assert_eq!(peer.certificates, key.chain(), "the server knows whom it serves");
            assert!(login.was_used());
            assert_eq!(login.finish().unwrap(), scheme);
        }
        assert_eq!(wires.lock().unwrap().signatures, key.versions().len(), "one signature a login");
    }
}

#[test]
fn a_pkcs1_only_key_says_so_and_speaks_tls12() {
    let pki = Pki::new();
    let (key, _) = key(&pki, Rsa2048, &[RsaPkcs1(Sha256)]);
    assert_eq!(key.limitation(), Some(Limitation::Tls12Only));

    let login = Login::new(&key, pin(PIN));
    let config = || login.client_config(pki.roots()).unwrap();
    let peer = connect(config(), &server(&pki, BOTH, Wants::IfThereIsOne)).unwrap();
    assert_eq!(peer.version, ProtocolVersion::TLSv1_2);
    assert_eq!(peer.certificates, key.chain());
    assert_eq!(login.finish().unwrap(), SignatureScheme::RSA_PKCS1_SHA256);

    connect(config(), &server(&pki, &[&TLS13], Wants::IfThereIsOne)).expect_err("refused, not let in as nobody");
    assert!(matches!(*login.finish().unwrap_err(), LoginError::NotAsked));
}

#[test]
fn let_in_as_nobody_is_noticed_where_the_card_has_no_scheme() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, Rsa2048, &[RsaPkcs1(Sha256)]);
    let login = Login::new(&key, pin(PIN));
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let builder = builder.with_protocol_versions(&[&TLS13]).unwrap().with_root_certificates(pki.roots());

    let peer = connect(login.configure(builder), &server(&pki, BOTH, Wants::IfThereIsOne)).unwrap();
    assert_eq!(peer.certificates, [], "the server serves nobody");
    assert!(!login.was_used());
    let error = login.finish().unwrap_err();
    let LoginError::NoCommonScheme { card, offered } = &*error else { panic!("{error}") };
    assert_eq!(card, &[SignatureScheme::RSA_PKCS1_SHA256]);
    assert!(offered.contains(&SignatureScheme::RSA_PSS_SHA256), "{offered:?}");
    assert_eq!(wires.lock().unwrap().signatures, 0);
}

#[test]
fn let_in_as_nobody_is_noticed_where_the_server_does_not_ask() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, P256, &[Ecdsa(Sha256)]);
    for version in BOTH {
        let login = Login::new(&key, pin(PIN));
        let config = login.client_config(pki.roots()).unwrap();
        connect(config, &server(&pki, &[version], Wants::Nothing)).unwrap();
        assert!(!login.was_used());
        assert!(matches!(*login.finish().unwrap_err(), LoginError::NotAsked));
    }
    assert_eq!(wires.lock().unwrap().signatures, 0);
}

#[test]
fn each_handshake_is_signed_anew_and_a_login_tells_the_last() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, P256, &[Ecdsa(Sha256)]);
    let login = Login::new(&key, HeldPin::for_uses(Pin::new(Secret::from(PIN)), 2));
    let config = login.client_config(pki.roots()).unwrap();
    let asks = server(&pki, BOTH, Wants::Certificate);
    for signatures in 1..=2 {
        connect(config.clone(), &asks).unwrap();
        assert_eq!(wires.lock().unwrap().signatures, signatures, "no session was resumed");
        login.finish().unwrap();
    }
    connect(config.clone(), &server(&pki, BOTH, Wants::Nothing)).unwrap();
    assert!(matches!(*login.finish().unwrap_err(), LoginError::NotAsked), "an earlier success proves nothing");

    connect(config, &asks).expect_err("the PIN was given for two logins");
    assert!(matches!(*login.finish().unwrap_err(), LoginError::Pin(PinUnavailable::UsedUp)));
}

#[test]
fn a_wrong_pin_is_told_by_the_card_and_costs_one_try_however_often_one_connects() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, P256, &[Ecdsa(Sha256)]);
    for version in BOTH {
        wires.lock().unwrap().tries = 3;
        let login = Login::new(&key, |_: &PinUse| Ok(Pin::new(Secret::from("9999"))));
        let config = login.client_config(pki.roots()).unwrap();
        for _ in 0..3 {
            let told = connect(config.clone(), &server(&pki, &[version], Wants::IfThereIsOne)).unwrap_err();
            assert!(told.to_string().contains("PIN is wrong"), "{told}");
            let error = login.finish().unwrap_err();
            let Some(TokenError::WrongSecret { tries, .. }) = error.token() else { panic!("{error}") };
            assert_eq!(*tries, Tries::Known(2));
            assert!(!login.was_used());
        }
        assert_eq!(wires.lock().unwrap().tries, 2);
    }
}

#[test]
fn the_last_try_is_kept() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, P256, &[Ecdsa(Sha256)]);
    wires.lock().unwrap().tries = 1;
    let login = Login::new(&key, pin("9999"));
    connect(login.client_config(pki.roots()).unwrap(), &server(&pki, BOTH, Wants::Certificate)).unwrap_err();
    assert!(matches!(login.finish().unwrap_err().token(), Some(TokenError::TooFewTries { .. })));
    assert_eq!(wires.lock().unwrap().tries, 1);
}

#[test]
fn who_does_not_give_the_pin_is_not_logged_in() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, P256, &[Ecdsa(Sha256)]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let login = Login::new(&key, {
        let asked = asked.clone();
        move |r#use: &PinUse| {
            asked.lock().unwrap().push(*r#use);
            Err(PinUnavailable::Cancelled)
        }
    });
    connect(login.client_config(pki.roots()).unwrap(), &server(&pki, BOTH, Wants::IfThereIsOne)).unwrap_err();
    assert!(matches!(*login.finish().unwrap_err(), LoginError::Pin(PinUnavailable::Cancelled)));
    assert_eq!(*asked.lock().unwrap(), [PinUse { password: key.password(), slot: SLOT, role: key.role() }]);
    assert_eq!(wires.lock().unwrap().signatures, 0);
}

#[test]
fn a_card_taken_out_is_named_as_such() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, P256, &[Ecdsa(Sha256)]);
    wires.lock().unwrap().removed = true;
    let login = Login::new(&key, pin(PIN));
    connect(login.client_config(pki.roots()).unwrap(), &server(&pki, BOTH, Wants::Certificate)).unwrap_err();
    let error = login.finish().unwrap_err();
    assert!(matches!(error.token(), Some(TokenError::Transport(TransportError::CardRemoved))), "{error}");
}

#[test]
fn a_wrong_signature_does_not_leave_the_house() {
    let pki = Pki::new();
    for (algorithm, signs) in [(Rsa2048, RsaPss(Sha256)), (P256, Ecdsa(Sha256))] {
        let (key, wires) = key(&pki, algorithm, &[signs]);
        wires.lock().unwrap().spoiled = true;
        let login = Login::new(&key, pin(PIN));
        connect(login.client_config(pki.roots()).unwrap(), &server(&pki, BOTH, Wants::Certificate)).unwrap_err();
        assert!(matches!(*login.finish().unwrap_err(), LoginError::WrongSignature(_)));
    }
}

#[test]
fn the_two_ends_of_a_handshake_join_into_the_one_that_tells_more() {
    let pki = Pki::new();
    let (key, _) = key(&pki, P256, &[Ecdsa(Sha256)]);
    let conclude = |pin_text: &str, roots, wants| {
        let login = Login::new(&key, pin(pin_text));
        login.conclude(connect(login.client_config(roots).unwrap(), &server(&pki, BOTH, wants)))
    };
    let (peer, scheme) = conclude(PIN, pki.roots(), Wants::Certificate).unwrap();
    assert_eq!(peer.certificates, key.chain());
    assert_eq!(scheme, SignatureScheme::ECDSA_NISTP256_SHA256);

    let nobody = conclude(PIN, pki.roots(), Wants::Nothing).unwrap_err();
    assert!(matches!(*nobody, LoginError::NotAsked), "{nobody}");
    let card = conclude("9999", pki.roots(), Wants::Certificate).unwrap_err();
    assert!(matches!(card.token(), Some(TokenError::WrongSecret { .. })), "{card}");
    let stranger = conclude(PIN, rustls::RootCertStore::empty(), Wants::Certificate).unwrap_err();
    let LoginError::Connection(cause) = &*stranger else { panic!("{stranger}") };
    assert!(matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))), "{cause}");
}

#[test]
fn an_unknown_server_gets_no_signature() {
    let pki = Pki::new();
    let (key, wires) = key(&pki, P256, &[Ecdsa(Sha256)]);
    for version in BOTH {
        let login = Login::new(&key, pin(PIN));
        let config = login.client_config(rustls::RootCertStore::empty()).unwrap();
        connect(config, &server(&pki, &[version], Wants::Certificate)).unwrap_err();
        assert!(matches!(*login.finish().unwrap_err(), LoginError::NotFinished));
    }
    assert_eq!(wires.lock().unwrap().signatures, 0);
}
