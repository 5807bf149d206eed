//! What our own driver says.

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, Pin, ProfileToken, Removal, Secret, SignDigest, SlotId,
    Token,
};
use obnova_fuzz::cards::{AUTHENTICATION, Kind, PUK, SIGNATURE, VALUES, certificate};
use obnova_simulator::SimulatorConnection;

use crate::recorder::{Conversation, Recorder};

type Driver = ProfileToken<SimulatorConnection<Recorder>>;

/// Every operation of the driver.
pub fn conversations() -> Vec<Conversation> {
    let with = |name, kind, talk: fn(Driver)| {
        Conversation::record(name, kind, move |card| talk(ProfileToken::new(card.clone())))
    };
    let short = |name, kind, talk: fn(Driver)| {
        Conversation::record(name, kind, move |card| talk(ProfileToken::new(card.clone()).short_only()))
    };
    vec![
        with("driver-look", Kind::Active, look),
        short("driver-look-short", Kind::Active, look),
        with("driver-sign", Kind::Active, sign),
        with("driver-sign-rsa", Kind::Rsa, sign_rsa),
        with("driver-renew", Kind::Active, renew),
        short("driver-renew-short", Kind::Active, renew),
        with("driver-remove", Kind::Active, remove),
        with("driver-passwords", Kind::Active, passwords),
        with("driver-activate-separate", Kind::Separate, activate),
        with("driver-activate-in-place", Kind::InPlace, activate),
        with("driver-activate-unset", Kind::Unset, activate_unset),
        with("driver-activate-null", Kind::Null, activate_unset),
        with("driver-activate-must-change", Kind::MustChange, activate),
        with("driver-activate-single-use", Kind::SingleUse, activate),
        with("driver-activate-five-digits", Kind::FiveDigits, activate_five_digits),
        with("driver-first-key", Kind::Empty, first_key),
    ]
}

fn secret(value: &[u8]) -> Secret {
    Secret::from(std::str::from_utf8(value).expect("digits"))
}

fn pin(value: &[u8]) -> Pin {
    Pin::new(secret(value))
}

fn job(slot: u32, algorithm: SignatureAlgorithm) -> SignDigest {
    SignDigest { slot: SlotId(slot), algorithm, digest: algorithm.digest().of(b"message") }
}

const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

fn look(mut card: Driver) {
    card.overview().expect("the card is sound");
}

fn sign(mut card: Driver) {
    card.sign(&[job(1, ECDSA), job(3, SignatureAlgorithm::Ecdsa(Digest::Sha384))], &pin(AUTHENTICATION))
        .expect("signed");
    card.sign(&[job(2, ECDSA), job(4, ECDSA)], &pin(SIGNATURE)).expect("signed");
    card.sign(&[job(2, ECDSA)], &pin(VALUES[5])).expect_err("another PIN");
}

fn sign_rsa(mut card: Driver) {
    card.sign(&[job(1, SignatureAlgorithm::RsaPkcs1(Digest::Sha256))], &pin(AUTHENTICATION)).expect("signed");
    card.sign(&[job(2, SignatureAlgorithm::RsaPss(Digest::Sha512))], &pin(SIGNATURE)).expect("signed");
}

fn renew(mut card: Driver) {
    let mut installations = Vec::new();
    for (slot, role) in [(5, KeyRole::Authentication), (6, KeyRole::Signature)] {
        let order = GenerateKey { slot: SlotId(slot), role, algorithm: KeyAlgorithm::P256, label: "Jana".to_owned() };
        let key = card.generate(&order, &pin(AUTHENTICATION)).expect("made");
        let certificate = certificate(&key, slot as u8, 300);
        installations.push(InstallCertificate { slot: SlotId(slot), certificate, label: "Jana".to_owned() });
    }
    card.sign(&[job(6, ECDSA)], &pin(SIGNATURE)).expect("signed");
    card.install(&installations, &[SlotId(1), SlotId(2)], &pin(AUTHENTICATION)).expect("installed");
    card.repair(&pin(AUTHENTICATION)).expect("sound");
    card.slots().expect("the card is sound");
}

fn remove(mut card: Driver) {
    card.remove(&[Removal::Certificate(SlotId(1), 0), Removal::Slot(SlotId(2))], &pin(AUTHENTICATION))
        .expect("removed");
}

fn passwords(mut card: Driver) {
    let kind = PasswordKind::SignaturePin;
    card.change_password(PasswordKind::AuthenticationPin, &pin(AUTHENTICATION), &secret(VALUES[4])).expect("changed");
    card.change_password(kind, &pin(VALUES[5]), &secret(VALUES[4])).expect_err("another PIN");
    card.change_password(kind, &pin(VALUES[5]), &secret(VALUES[4])).expect_err("another PIN");
    card.change_password(kind, &pin(VALUES[5]), &secret(VALUES[4])).expect_err("the last try is not spent");
    card.unblock_password(kind, &pin(PUK), &secret(VALUES[5])).expect("unblocked");
    card.change_password(PasswordKind::Puk, &pin(PUK), &secret(VALUES[6])).expect("changed");
}

fn activate(card: Driver) {
    activate_as(Kind::Separate, card);
}

fn activate_unset(card: Driver) {
    activate_as(Kind::Unset, card);
}

fn activate_five_digits(card: Driver) {
    activate_as(Kind::FiveDigits, card);
}

fn activate_as(kind: Kind, mut card: Driver) {
    let kinds = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk];
    let new: Vec<_> = kinds.into_iter().zip(kind.lasting().map(secret)).collect();
    // Some have one try from the beginning.
    card.activate(&Pin::with_last_try(secret(kind.transport())), &new).expect("activated");
    card.sign(&[job(1, ECDSA)], &pin(kind.lasting()[0])).expect("signed");
    card.activate(&pin(kind.transport()), &new).expect_err("active already");
}

fn first_key(mut card: Driver) {
    let order = GenerateKey {
        slot: SlotId(14),
        role: KeyRole::Signature,
        algorithm: KeyAlgorithm::P384,
        label: "Jana".to_owned(),
    };
    card.generate(&order, &Pin::with_last_try(secret(AUTHENTICATION))).expect("made");
}
