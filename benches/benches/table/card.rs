//! The whole stack: a token, its driver, the exchange, and the card in software.

use obnova_algorithm::{DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, verify_digest};
use obnova_card::{GenerateKey, KeyRole, Pin, ProfileToken, Removal, Secret, SignDigest, SlotId, Token};
use obnova_simulator::{Personalisation, SimulatorConnection};

const SLOT: SlotId = SlotId(1);

pub struct Card {
    token: ProfileToken<SimulatorConnection>,
    reader: SimulatorConnection,
    pin: Pin,
    key: Option<SubjectPublicKeyInfoOwned>,
}

impl Card {
    pub fn empty() -> Self {
        let card = Personalisation::new("BENCH").active(b"1234", b"567890", b"12345678").finish().unwrap();
        let reader = SimulatorConnection::new(card);
        let pin = Pin::new(Secret::from("1234"));
        Self { token: ProfileToken::new(reader.clone()), reader, pin, key: None }
    }

    pub fn with_key(algorithm: KeyAlgorithm) -> Self {
        let mut card = Self::empty();
        card.generate(algorithm);
        card
    }

    pub fn generate(&mut self, algorithm: KeyAlgorithm) {
        let order = GenerateKey { slot: SLOT, role: KeyRole::Authentication, algorithm, label: "bench".into() };
        self.key = Some(self.token.generate(&order, &self.pin).unwrap());
    }

    pub fn remove(&mut self) {
        self.token.remove(&[Removal::Slot(SLOT)], &self.pin).unwrap();
    }

    pub fn sign(&mut self, algorithm: SignatureAlgorithm, digest: &DigestValue) -> Vec<u8> {
        let order = SignDigest { slot: SLOT, algorithm, digest: *digest };
        self.token.sign(&[order], &self.pin).unwrap().remove(0)
    }

    /// What is measured is a signature indeed.
    pub fn check(&mut self, algorithm: SignatureAlgorithm, digest: &DigestValue) {
        let signature = self.sign(algorithm, digest);
        verify_digest(self.key.as_ref().unwrap(), algorithm, digest, &signature).unwrap();
    }

    pub fn apdus_of(&mut self, work: impl FnOnce(&mut Self)) -> u64 {
        let apdus = |reader: &SimulatorConnection| reader.with_card(|card| card.counts().apdus);
        let before = apdus(&self.reader);
        work(self);
        apdus(&self.reader) - before
    }
}
