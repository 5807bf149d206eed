//! Cards as they are handed over, in each transport PIN model.

use std::sync::LazyLock;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_card::{
    Activation, KeyRole, PasswordKind, Pin, ProfileToken, Removal, Secret, SignDigest, SlotId, Token, TokenError,
};
use obnova_profile::{Label, SlotNumber, TransportPinModel};
use obnova_simulator::{Card, Personalisation, SimulatorConnection};
use obnova_transport::CardConnection;

use super::{AUTHENTICATION, PUK, SIGNATURE, digest, installation, order, pin};

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
pub const KINDS: [PasswordKind; 3] = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk];

/// What the holder was given.
pub const fn transport_pin(model: TransportPinModel) -> &'static str {
    match model {
        TransportPinModel::FiveDigits => "13579",
        TransportPinModel::Empty | TransportPinModel::Null => "",
        _ => "135790",
    }
}

/// The holder knows that a transport PIN may have one try only, and said yes.
pub fn transport(model: TransportPinModel) -> Pin {
    Pin::with_last_try(Secret::from(transport_pin(model)))
}

/// A transport PIN of the right form that is not the card's.
pub fn wrong(model: TransportPinModel) -> Pin {
    Pin::with_last_try(Secret::from(if model == TransportPinModel::FiveDigits { "00000" } else { "000000" }))
}

pub fn new(secrets: [&str; 3]) -> Vec<(PasswordKind, Secret)> {
    KINDS.into_iter().zip(secrets.map(Secret::from)).collect()
}

pub fn good() -> Vec<(PasswordKind, Secret)> {
    new([AUTHENTICATION, SIGNATURE, PUK])
}

/// A card with a pair of keys, as it is handed over.
pub fn card(model: TransportPinModel) -> Card {
    static CARDS: LazyLock<Vec<Card>> = LazyLock::new(|| {
        let make = |model: TransportPinModel| {
            let transport = transport_pin(model).as_bytes();
            let mut card = Personalisation::new("OBN4").slots(6).inactive(model, transport).finish().unwrap();
            for (number, role) in
                [(1, obnova_profile::KeyRole::Authentication), (2, obnova_profile::KeyRole::Signature)]
            {
                let (slot, label) = (SlotNumber::new(number).unwrap(), Label::new("Key").unwrap());
                let key = card.personalise_key(slot, role, KeyAlgorithm::P256, &label).unwrap();
                let certificate = super::certificate("Jana", number, &key, 100);
                card.personalise_certificate(slot, &certificate, &label).unwrap();
            }
            card
        };
        TransportPinModel::ALL.map(make).into()
    });
    CARDS[usize::from(model.code()) - 1].fork()
}

pub fn arrived(model: TransportPinModel) -> (SimulatorConnection, ProfileToken<SimulatorConnection>) {
    let card = SimulatorConnection::new(card(model));
    (card.clone(), ProfileToken::new(card))
}

pub fn state(token: &mut impl Token) -> Option<Activation> {
    token.capabilities().unwrap().activation
}

/// Everything that the driver can do with a key, or to the card: refused, and no password was sent for it.
pub fn nothing_can_be_used(card: &SimulatorConnection) {
    nothing_can_be_used_by(&mut ProfileToken::new(card.clone()), card);
}

/// The same, by a driver that reaches the card on another way.
pub fn nothing_can_be_used_by(token: &mut ProfileToken<impl CardConnection>, card: &SimulatorConnection) {
    let before = card.with_card(|card| card.status());
    let job = |slot| SignDigest { slot: SlotId(slot), algorithm: P256, digest: digest(b"x") };
    let pins = [AUTHENTICATION, SIGNATURE, PUK, "135790"].map(|value| Pin::with_last_try(Secret::from(value)));
    let value = Secret::from("777777");
    for pin in &pins {
        let certificate = installation(1, vec![0x30, 0]);
        let refusals = [
            token.sign(&[job(1)], pin).map(drop),
            token.sign(&[job(2)], pin).map(drop),
            token.generate(&order(3, KeyRole::Signature, KeyAlgorithm::P256), pin).map(drop),
            token.install(&[certificate], &[], pin),
            token.install(&[], &[SlotId(1)], pin),
            token.remove(&[Removal::Slot(SlotId(1))], pin),
            token.remove(&[Removal::Certificate(SlotId(1), 0)], pin),
            token.repair(pin).map(drop),
            token.change_password(PasswordKind::AuthenticationPin, pin, &value),
            token.change_password(PasswordKind::SignaturePin, pin, &value),
            token.change_password(PasswordKind::Puk, pin, &value),
            token.unblock_password(PasswordKind::AuthenticationPin, pin, &value),
            token.unblock_password(PasswordKind::SignaturePin, pin, &value),
        ];
        for (number, refusal) in refusals.into_iter().enumerate() {
            assert!(matches!(refusal, Err(TokenError::NotActive)), "{number}: {refusal:?}");
        }
    }
    assert_eq!(card.with_card(|card| card.status()), before, "no try was spent, nothing was changed");
}

/// With the new passwords, and with the transport PIN no longer.
pub fn everything_can_be_used(card: &SimulatorConnection) {
    let mut token = ProfileToken::new(card.clone());
    assert_eq!(state(&mut token), None);
    for (slot, secret) in [(1, AUTHENTICATION), (2, SIGNATURE)] {
        let job = SignDigest { slot: SlotId(slot), algorithm: P256, digest: digest(b"x") };
        token.sign(&[job], &Pin::new(Secret::from(secret))).unwrap();
    }
    token.generate(&order(3, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
    let puk = Pin::new(Secret::from(PUK));
    token.unblock_password(PasswordKind::SignaturePin, &puk, &Secret::from("111111")).unwrap();
    let refused = token.activate(&Pin::with_last_try(Secret::from("135790")), &good());
    assert!(matches!(refused, Err(TokenError::Unsupported { .. })), "{refused:?}");
}
