//! A card that lies, stutters and babbles: whatever it answers, the driver returns a typed error or a sound result.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    SIGNATURE, Setup, certificate, digest, installation,
    liar::{Liar, says},
    order, pin,
};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify};
use obnova_card::{KeyRole, Pin, ProfileToken, Removal, Secret, SignDigest, SlotId, Token, TokenError};
use obnova_profile::{CardStatus, PublicKeyTemplate};
use obnova_simulator::SimulatorConnection;
use obnova_transport::{CardTransport, Decorated, Decorator, Fault, FaultInjector, TransportError, When};

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
type Broken<D> = ProfileToken<Decorated<SimulatorConnection, D>>;
type Operation<D> = fn(&mut Broken<D>) -> Result<(), TokenError>;

fn signature_pin() -> Pin {
    Pin::with_last_try(Secret::from(SIGNATURE))
}

/// Each operation once, its result reduced to whether it worked.
fn operations<D: Decorator>() -> [(&'static str, Operation<D>); 9] {
    [
        ("identity", |token| token.identity().map(drop)),
        ("capabilities", |token| token.capabilities().map(drop)),
        ("passwords", |token| token.passwords().map(drop)),
        ("slots", |token| token.slots().map(drop)),
        ("generate", |token| token.generate(&order(4, KeyRole::Signature, KeyAlgorithm::P256), &pin()).map(drop)),
        ("sign", |token| {
            let job = SignDigest { slot: SlotId(2), algorithm: P256, digest: digest(b"x") };
            token.sign(&[job], &signature_pin()).map(drop)
        }),
        ("install", |token| {
            let slot = token.slots()?.remove(2);
            let missing = TokenError::Slot { slot: slot.id, problem: "is not as this test left it" };
            let Some(key) = slot.key.and_then(|key| key.public_key) else { return Err(missing) };
            token.install(&[installation(3, certificate("Jana", 3, &key, 300))], &[SlotId(1)], &pin())
        }),
        ("remove", |token| token.remove(&[Removal::Slot(SlotId(1))], &pin())),
        ("repair", |token| token.repair(&pin()).map(drop)),
    ]
}

fn card() -> Setup {
    let mut card = Setup::with_pairs(&[1, 2]);
    card.token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    card
}

#[test]
fn no_answer_breaks_any_operation() {
    let long = |byte: u8| [vec![byte; 65_000], vec![0x90, 0x00]].concat();
    let deep = [[0x30, 0x80].repeat(10_000), vec![0x90, 0x00]].concat();
    let nested = [[0xA5, 0x82, 0x7F, 0xFF].repeat(2_000), vec![0x90, 0x00]].concat();
    let answers: [Vec<u8>; 14] = [
        vec![],
        vec![0x90],
        vec![0x90, 0x00],
        vec![0x00, 0x90, 0x00],
        vec![0x61, 0x00],
        vec![0x61, 0xFF],
        vec![0x6C, 0x05],
        vec![0x63, 0xC0],
        vec![0x69, 0x83],
        vec![0x6F, 0x00],
        long(0x00),
        long(0xFF),
        deep,
        nested,
    ];
    for (name, operation) in operations::<FaultInjector>() {
        for command in 1..=8 {
            for answer in &answers {
                let injector = FaultInjector::new();
                let mut token = ProfileToken::new(Decorated::new(card().simulator, injector.clone()));
                injector.schedule(When::Command(command), Fault::Answer(answer.clone()));
                let result = operation(&mut token);
                if injector.waiting() == 0 && !is_plausible(name, answer) {
                    assert!(result.is_err(), "{name}, command {command}, {:02X?}", &answer[..answer.len().min(8)]);
                }
            }
        }
    }
}

/// 6C05 is answered by asking again, which this card understands; a bare 9000 is a right answer to commands that return nothing; a certificate that cannot be read is shown as nothing; and
/// what a card says about a certificate in the way of data is data.
fn is_plausible(name: &str, answer: &[u8]) -> bool {
    let reads_certificates = ["slots", "install", "repair"].contains(&name);
    let asks_for_another_length = answer == [0x6C, 0x05];
    answer == [0x90, 0x00] || reads_certificates || asks_for_another_length || answer == [0x00, 0x90, 0x00]
}

#[test]
fn no_turned_byte_breaks_any_operation() {
    for (name, operation) in operations::<FaultInjector>() {
        for command in 1..=5 {
            // The status is tried byte by byte, the others are sampled.
            let (bytes, step) = if command == 1 { (260, 1) } else { (1_000, 17) };
            for index in (0..bytes).step_by(step) {
                let injector = FaultInjector::new();
                let setup = card();
                let mut token = ProfileToken::new(Decorated::new(setup.simulator.clone(), injector.clone()));
                injector.schedule(When::Command(command), Fault::Flip(index));
                let _ = operation(&mut token);
                // A card that is believed to have other slots gets a directory for other slots. That can be mended, and
                // whatever else was believed, the directory has nothing that is not there.
                if command == 1 {
                    setup.again().repair(&pin()).unwrap();
                }
                let (directory, status) = setup.simulator.with_card(|card| (card.directory(), card.status()));
                let directory = directory.unwrap_or_else(|error| panic!("{name} {command} {index}: {error}"));
                for entry in directory.private_keys {
                    assert!(status.slot(entry.slot).unwrap().key.is_some(), "{name} {command} {index}");
                }
                if injector.waiting() == 1 {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_endless_answer_ends() {
    /// Announces more, for ever.
    struct Endless;
    impl Decorator for Endless {
        fn transmit(
            &mut self,
            _card: &mut dyn CardTransport,
            _command: &[u8],
            response: &mut Vec<u8>,
        ) -> Result<(), TransportError> {
            *response = vec![0x55; 256];
            response.extend_from_slice(&[0x61, 0x00]);
            Ok(())
        }
    }
    for (name, operation) in operations::<Endless>() {
        let mut token = ProfileToken::new(Decorated::new(card().simulator, Endless));
        let error = operation(&mut token).unwrap_err();
        assert!(matches!(error, TokenError::Exchange { command: "SELECT", .. }), "{name}: {error}");
    }
}

#[test]
fn a_signature_that_is_none_is_not_handed_out() {
    let job = SignDigest { slot: SlotId(2), algorithm: P256, digest: digest(b"x") };
    // Of another message, made by the right key; and of no message at all.
    let other = SignDigest { digest: digest(b"y"), ..job.clone() };
    let card = card();
    let other = card.again().sign(&[other], &signature_pin()).unwrap().remove(0);
    for lie in [[other, vec![0x90, 0x00]].concat(), vec![0x30, 0x00, 0x90, 0x00], vec![0x90, 0x00]] {
        let liar = Liar::new(says(0x2A, lie));
        let mut token = liar.between(&card.simulator);
        let error = token.sign(std::slice::from_ref(&job), &signature_pin()).unwrap_err();
        assert!(matches!(error, TokenError::WrongSignature { command: "PERFORM SECURITY OPERATION" }), "{error}");
    }
}

#[test]
fn a_public_key_of_another_kind_or_shape_is_not_believed() {
    let card = card();
    let rsa = PublicKeyTemplate::Rsa { modulus: vec![0xC1; 256], exponent: vec![1, 0, 1] };
    let p384 = PublicKeyTemplate::Point([&[4][..], &[7; 96]].concat());
    for (number, template) in (4..).zip([rsa, p384]) {
        let lie = [template.encode(), vec![0x90, 0x00]].concat();
        let liar = Liar::new(says(0x47, lie));
        let mut token = liar.between(&card.simulator);
        let error = token.generate(&order(number, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap_err();
        assert!(matches!(error, TokenError::OtherKind { wanted: KeyAlgorithm::P256, .. }), "{error}");
        // It is not entered either.
        let directory = card.simulator.with_card(|card| card.directory().unwrap());
        assert!(directory.private_keys.iter().all(|entry| u32::from(entry.slot.get()) != number));
    }
}

#[test]
fn a_status_that_promises_the_absurd_is_bounded() {
    let card = card();
    let mut status: CardStatus = card.simulator.with_card(|card| card.status());
    status.limits.command = u32::MAX;
    status.limits.response = u32::MAX;
    status.limits.certificate = u16::MAX;
    for slot in &mut status.slots {
        if let Some(certificate) = slot.certificates.first_mut() {
            certificate.length = u16::MAX;
        }
    }
    let lie = [status.to_fci(), vec![0x90, 0x00]].concat();
    let liar = Liar::new(says(0xA4, lie));
    let mut token = liar.between(&card.simulator);
    let slots = token.slots().unwrap();
    // There is less than promised: what is there is shown.
    assert!(slots[0].certificates[0].der.len() < 1_000);
    let key = token.generate(&order(4, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
    let job = SignDigest { slot: SlotId(4), algorithm: P256, digest: digest(b"x") };
    assert!(token.sign(&[job], &signature_pin()).is_err(), "by its own status there is no key in the slot");
    assert!(verify(&key, P256, b"x", &[]).is_err());
}

#[test]
fn a_card_of_another_kind_is_told_apart() {
    for status in [[0x6A, 0x82], [0x6A, 0x88], [0x6D, 0x00]] {
        let liar = Liar::new(says(0xA4, status));
        let mut token = liar.between(&card().simulator);
        let error = token.identity().unwrap_err();
        assert!(matches!(&error, TokenError::UnknownCard { place } if place == "in process"), "{error}");
    }
}
