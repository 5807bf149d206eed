//! A card with more and more pairs on it.

use std::{path::Path, time::Instant};

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_benches::{Growth, Measure};
use obnova_card::{GenerateKey, InstallCertificate, KeyRole, Pin, ProfileToken, Secret, SignDigest, SlotId, Token};
use obnova_profile::SlotNumber;
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::Counts;

use crate::{certificate::certified, told::Told};

const RUNS: usize = 15;
/// Of a certificate as people have them.
const CERTIFICATE: usize = 1_500;

pub fn measure(pairs: usize, _: &Path, told: &mut Told) {
    let card = Card::with_pairs(pairs as u32 - 1);
    let slot = pairs as u32;
    // Who enters one in the card's lists reads those of the others.
    let grows = (Growth::Linear, Growth::Flat);
    card.cost_once(told, "key pair with its entries", grows, |card| drop(card.generate(slot)));
    let certificate = certified(&card.generate(slot), CERTIFICATE);
    card.cost_once(told, "certificate, written and entered", grows, |card| card.install(slot, certificate.clone()));
    card.install(slot, certificate);
    let slots = card.cost(told, "list", Growth::Linear, RUNS, || card.token().slots().unwrap());
    assert_eq!(slots.iter().filter(|slot| slot.certificates.len() == 1).count(), pairs);
    card.cost(told, "who it is and how its passwords stand", Growth::Flat, RUNS, || {
        let mut token = card.token();
        (token.identity().unwrap(), token.passwords().unwrap())
    });
    let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
    let order = SignDigest { slot: SlotId(slot), algorithm, digest: Digest::Sha256.of(b"a message") };
    card.cost(told, "signature by the last key", Growth::Flat, RUNS, || {
        card.token().sign(std::slice::from_ref(&order), &pin()).unwrap()
    });
    told.memory(Growth::Flat);
}

/// A card in software, and what is said to it.
pub struct Card(pub SimulatorConnection);

impl Card {
    pub fn with_pairs(pairs: u32) -> Self {
        let card = Personalisation::new("BENCH").slots(SlotNumber::MOST).active(b"1234", b"567890", b"12345678");
        let card = Self(SimulatorConnection::new(card.finish().unwrap()));
        for slot in 1..=pairs {
            let key = card.generate(slot);
            card.install(slot, certified(&key, CERTIFICATE));
        }
        card
    }

    pub fn generate(&self, slot: u32) -> SubjectPublicKeyInfoOwned {
        let order = GenerateKey {
            slot: SlotId(slot),
            role: KeyRole::Authentication,
            algorithm: KeyAlgorithm::P256,
            label: "Login".into(),
        };
        self.token().generate(&order, &pin()).unwrap()
    }

    pub fn install(&self, slot: u32, certificate: Vec<u8>) {
        let job = InstallCertificate { slot: SlotId(slot), certificate, label: "Login".into() };
        self.token().install(&[job], &[], &pin()).unwrap();
    }

    /// A program that knows nothing of the card.
    pub fn token(&self) -> ProfileToken<SimulatorConnection> {
        ProfileToken::new(self.0.clone())
    }

    /// Tells what something costs: APDUs and bytes of one run, and time. Each pair has its entry in what is read of the card, a few
    /// bytes: they grow with it, whatever else does.
    pub fn cost<T>(&self, told: &mut Told, task: &str, growth: Growth, runs: usize, mut work: impl FnMut() -> T) -> T {
        let before = self.counts();
        let done = told.time(task, growth, runs, &mut work);
        Self::tell(told, task, growth, self.counts() - before, runs as u64);
        done
    }

    /// The same of what is done once on a card: each run has a copy of it. Time may grow in another way than APDUs.
    pub fn cost_once(&self, told: &mut Told, task: &str, (time, apdus): (Growth, Growth), mut work: impl FnMut(&Self)) {
        let (mut times, mut spent) = (Vec::new(), None);
        for _ in 0..RUNS {
            let copy = Self(SimulatorConnection::new(self.0.with_card(|card| card.fork())));
            let begin = Instant::now();
            work(&copy);
            times.push(begin.elapsed());
            spent = Some(copy.counts() - self.counts());
        }
        told.times(task, time, &times);
        Self::tell(told, task, apdus, spent.expect("it ran"), 1);
    }

    fn counts(&self) -> Counts {
        self.0.with_card(|card| card.counts())
    }

    fn tell(told: &mut Told, task: &str, growth: Growth, spent: Counts, runs: u64) {
        told.figure(task, Measure::Count("APDUs"), growth, (spent.apdus / runs) as f64);
        told.figure(task, Measure::Bytes, Growth::Linear, ((spent.bytes_out + spent.bytes_in) / runs) as f64);
    }
}

pub fn pin() -> Pin {
    Pin::new(Secret::from("1234"))
}
