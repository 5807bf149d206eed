//! Our driver, that sees the card for the first time.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_ca::{CaKey, IssuedCertificate, Issuer};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, Pin, ProfileToken, Secret, SignDigest, Slot, SlotId, Token,
};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::Counts;

use super::{Task, counts};

pub const AUTHENTICATION_PIN: &str = "1234";
pub const SIGNATURE_PIN: &str = "567890";
pub const PUK: &str = "12345678";

/// A card with two pairs of one kind, each with its certificate.
pub fn card(algorithm: KeyAlgorithm) -> SimulatorConnection {
    let [authentication, signature, puk] = [AUTHENTICATION_PIN, SIGNATURE_PIN, PUK].map(str::as_bytes);
    let card = Personalisation::new("BENCH").active(authentication, signature, puk).finish().unwrap();
    let card = SimulatorConnection::new(card);
    for (slot, role) in [(1, KeyRole::Authentication), (2, KeyRole::Signature)] {
        let key = generate(&card, slot, role, algorithm);
        install(&card, slot, &key);
    }
    card
}

/// What a task costs a program that knows nothing of the card yet.
pub fn cost(task: Task) -> Counts {
    let algorithm = task.algorithm();
    let card = card(algorithm);
    let given = match task {
        Task::WriteCertificate => Some(generate(&card, 3, KeyRole::Authentication, KeyAlgorithm::Rsa2048)),
        Task::Sign(_) => Some(first_key(&card)),
        _ => None,
    };
    let before = counts(&card);
    perform(task, &card, given);
    counts(&card) - before
}

fn perform(task: Task, card: &SimulatorConnection, given: Option<SubjectPublicKeyInfoOwned>) {
    let mut token = ProfileToken::new(card.clone());
    match task {
        Task::List | Task::ReadCertificate => {
            let slots = token.slots().unwrap();
            assert_eq!(slots.iter().filter(|slot| slot.certificates.len() == 1).count(), 2);
        }
        Task::Sign(key) => {
            let algorithm = SignatureAlgorithm::default_for(key);
            let digest = algorithm.digest().of(b"a message");
            assert_eq!(algorithm.digest(), Digest::Sha256);
            // The key is given, as it is to OpenSC: where it stands is looked up.
            let has_it = |slot: &&Slot| slot.key.as_ref().and_then(|key| key.public_key.as_ref()) == given.as_ref();
            let slot = token.slots().unwrap().iter().find(has_it).unwrap().id;
            token.sign(&[SignDigest { slot, algorithm, digest }], &pin()).unwrap();
        }
        Task::KeyPair(algorithm) => drop(generate(card, 3, KeyRole::Authentication, algorithm)),
        Task::WriteCertificate => install(card, 3, &given.unwrap()),
        Task::ChangePin => {
            token.change_password(PasswordKind::AuthenticationPin, &pin(), &Secret::from("4321")).unwrap();
        }
        Task::Unblock => {
            let puk = Pin::new(Secret::from(PUK));
            token.unblock_password(PasswordKind::SignaturePin, &puk, &Secret::from("111111")).unwrap();
        }
    }
}

/// The key of the first pair.
pub fn first_key(card: &SimulatorConnection) -> SubjectPublicKeyInfoOwned {
    let slots = ProfileToken::new(card.clone()).slots().unwrap();
    slots[0].key.clone().unwrap().public_key.unwrap()
}

fn pin() -> Pin {
    Pin::new(Secret::from(AUTHENTICATION_PIN))
}

fn generate(
    card: &SimulatorConnection,
    slot: u32,
    role: KeyRole,
    algorithm: KeyAlgorithm,
) -> SubjectPublicKeyInfoOwned {
    let request = GenerateKey { slot: SlotId(slot), role, algorithm, label: label(slot) };
    ProfileToken::new(card.clone()).generate(&request, &pin()).unwrap()
}

fn install(card: &SimulatorConnection, slot: u32, key: &SubjectPublicKeyInfoOwned) {
    let job = InstallCertificate { slot: SlotId(slot), certificate: certificate(key).der, label: label(slot) };
    ProfileToken::new(card.clone()).install(&[job], &[], &pin()).unwrap();
}

/// A certificate for a key on the card.
fn certificate(key: &SubjectPublicKeyInfoOwned) -> IssuedCertificate {
    let name = |text: &str| text.parse().unwrap();
    let begin = SystemTime::now();
    let end = begin + Duration::from_secs(86_400 * 365);
    let ca = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let ca = Issuer::self_signed(ca, &name("CN=Issuing CA,O=Bench"), begin, end).unwrap();
    let subject = name("CN=Jana Nováková,SERIALNUMBER=IDCCZ-123456,C=CZ");
    ca.server_certificate(
        &subject,
        key,
        vec!["127.0.0.1".parse::<IpAddr>().unwrap().into()],
        begin,
        end - Duration::from_secs(86_400),
    )
    .unwrap()
}

fn label(slot: u32) -> String {
    if slot == 2 { "Signature" } else { "Login" }.to_owned()
}
