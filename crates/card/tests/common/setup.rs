use obnova_algorithm::{Digest, DigestValue, KeyAlgorithm};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, PasswordState, Pin, ProfileToken, Secret, SlotId, Token,
    Tries,
};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::{Count, Decorated};

pub const AUTHENTICATION: &str = "123456";
pub const SIGNATURE: &str = "654321";
pub const PUK: &str = "12345678";

/// A simulated card, its driver, and a count of what is said.
pub struct Setup {
    pub simulator: SimulatorConnection,
    pub count: Count,
    pub token: ProfileToken<Decorated<SimulatorConnection, Count>>,
}

impl Setup {
    /// An active card with nothing on it.
    pub fn new() -> Self {
        let card = Personalisation::new("OBN1")
            .label("Jana Nováková")
            .active(AUTHENTICATION.as_bytes(), SIGNATURE.as_bytes(), PUK.as_bytes())
            .finish()
            .unwrap();
        let simulator = SimulatorConnection::new(card);
        let count = Count::new();
        let token = ProfileToken::new(Decorated::new(simulator.clone(), count.clone()));
        Self { simulator, count, token }
    }

    /// A card with P-256 pairs and certificates in these slots: authentication in the odd ones, signature in the even.
    pub fn with_pairs(slots: &[u32]) -> Self {
        let mut card = Self::new();
        for &slot in slots {
            let role = if slot % 2 == 1 { KeyRole::Authentication } else { KeyRole::Signature };
            let key = card.token.generate(&order(slot, role, KeyAlgorithm::P256), &pin()).unwrap();
            let certificate = super::certificate("Jana", slot as u8, &key, 200);
            card.token.install(&[installation(slot, certificate)], &[], &pin()).unwrap();
        }
        card
    }

    /// The connection, as another program would use it.
    pub fn connection(&self) -> Decorated<SimulatorConnection, Count> {
        Decorated::new(self.simulator.clone(), self.count.clone())
    }

    /// Another program, that knows nothing yet.
    pub fn again(&self) -> ProfileToken<Decorated<SimulatorConnection, Count>> {
        ProfileToken::new(self.connection())
    }

    /// APDUs that something takes.
    pub fn spent(&mut self, act: impl FnOnce(&mut ProfileToken<Decorated<SimulatorConnection, Count>>)) -> u64 {
        let before = self.count.counts();
        act(&mut self.token);
        (self.count.counts() - before).apdus
    }

    /// Tries left.
    pub fn tries(&mut self, kind: PasswordKind) -> Tries {
        let passwords = self.token.passwords().unwrap();
        let password = passwords.iter().find(|password| password.kind == kind).unwrap();
        let PasswordState::Active(tries) = password.state else { panic!("{password:?}") };
        tries
    }
}

/// The PIN that guards the card's content.
pub fn pin() -> Pin {
    Pin::new(Secret::from(AUTHENTICATION))
}

pub fn order(slot: u32, role: KeyRole, algorithm: KeyAlgorithm) -> GenerateKey {
    GenerateKey { slot: SlotId(slot), role, algorithm, label: "Jana Nováková".to_owned() }
}

pub fn installation(slot: u32, certificate: Vec<u8>) -> InstallCertificate {
    InstallCertificate { slot: SlotId(slot), certificate, label: "Jana Nováková".to_owned() }
}

pub fn digest(message: &[u8]) -> DigestValue {
    Digest::Sha256.of(message)
}
