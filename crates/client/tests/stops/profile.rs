//! The driver of our profile, over the simulated card with its state in a file.

use std::path::Path;

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyRole, PasswordKind, ProfileToken, Secret};
use obnova_client::{SharedToken, share};
use obnova_profile::{Label, SlotNumber};
use obnova_renewal::Pair;
use obnova_simulator::{Card, Fault, FaultPlan, Personalisation, SimulatorConnection};
use obnova_transport::{CardTransport, Decorated, Decorator, TransportError};

use crate::{
    mortal::Mortal,
    rig::{Rig, Tear, Tearing},
    table,
};

const AUTHENTICATION_PIN: &str = "auth-PIN";
const SIGNATURE_PIN: &str = "sign-PIN";
const FILE: &str = "card.state";

/// A card of the simulator in a reader.
pub struct ProfileRig(SimulatorConnection);

impl Rig for ProfileRig {
    const NAME: &'static str = "profile";

    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>) {
        let card = Personalisation::new("OBN00000001").label("Jana Nováková");
        let card = card.active(AUTHENTICATION_PIN.as_bytes(), SIGNATURE_PIN.as_bytes(), b"12345678");
        let mut card = card.create(folder.join(FILE)).unwrap();
        let place = |role| match role {
            KeyRole::Authentication => (1, obnova_profile::KeyRole::Authentication, "Authentication"),
            KeyRole::Signature => (2, obnova_profile::KeyRole::Signature, "Signature"),
        };
        let keys = Pair::from_fn(|role| {
            let (slot, role, label) = place(role);
            let (slot, label) = (SlotNumber::new(slot).unwrap(), Label::new(label).unwrap());
            card.personalise_key(slot, role, KeyAlgorithm::P256, &label).unwrap()
        });
        for (role, certificate) in certify(&keys).iter() {
            let (slot, _, label) = place(role);
            let (slot, label) = (SlotNumber::new(slot).unwrap(), Label::new(label).unwrap());
            card.personalise_certificate(slot, certificate, &label).unwrap();
        }
    }

    fn insert(folder: &Path) -> Self {
        Self(SimulatorConnection::new(Card::open(folder.join(FILE)).unwrap()))
    }

    fn token(&self, life: &Mortal) -> SharedToken {
        share(ProfileToken::new(Decorated::new(self.0.clone(), Apdus(life.clone()))))
    }

    fn pin(password: PasswordKind) -> Secret {
        Secret::from(if password == PasswordKind::SignaturePin { SIGNATURE_PIN } else { AUTHENTICATION_PIN })
    }

    fn witness(&self) -> SharedToken {
        share(ProfileToken::new(SimulatorConnection::new(self.0.with_card(|card| card.fork()))))
    }
}

/// Stops before and after each APDU.
struct Apdus(Mortal);

impl Decorator for Apdus {
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        // The header only: what follows may be a PIN.
        let header: Vec<_> = command.iter().take(4).map(|byte| format!("{byte:02X}")).collect();
        let name = format!("APDU {}", header.join(" "));
        let outcome = self.0.effect(&name, || card.transmit(command, response));
        // VERIFY with a PIN in it, and the counter of tries in the answer: the card takes back what is only asked for.
        let is_wrong = command.get(1) == Some(&0x20) && command.len() > 5 && response.starts_with(&[0x63]);
        assert!(!(is_wrong && matches!(outcome, Ok(Ok(())))), "a try was spent: {name}");
        outcome.unwrap_or(Err(TransportError::CardRemoved))
    }
}

impl Tearing for ProfileRig {
    const TEARS: &[Tear] = &[Tear::Before, Tear::Inside, Tear::After];
    const EACH_WITH_EACH: bool = true;

    fn commands(points: &[String]) -> Vec<String> {
        points.iter().filter_map(|point| point.strip_prefix("before APDU ")).map(str::to_owned).collect()
    }

    fn tear(&self, at: usize, tear: Tear) {
        let fault = match tear {
            Tear::Before => Fault::TearBefore,
            Tear::Inside => Fault::TearInside,
            Tear::After => Fault::TearAfter,
        };
        self.0.with_card(|card| card.set_faults(FaultPlan::new().at(at as u64 + 1, fault)));
    }

    fn tries_after(command: &str, tear: Tear) -> u8 {
        let is_verify = command.split(' ').nth(1) == Some("20");
        if is_verify && tear == Tear::Inside { 2 } else { 3 }
    }
}

#[test]
fn stopped_anywhere_it_comes_to_its_end() {
    table::stopped::<ProfileRig>();
}

#[test]
fn stopped_anywhere_while_it_installs_files() {
    table::by_files::<ProfileRig>();
}

#[test]
fn torn_before_each_command() {
    table::torn::<ProfileRig>(Tear::Before);
}

#[test]
fn torn_inside_each_command() {
    table::torn::<ProfileRig>(Tear::Inside);
}

#[test]
fn torn_after_each_command() {
    table::torn::<ProfileRig>(Tear::After);
}

#[test]
fn with_the_ca_killed_at_each_write() {
    table::ca_killed::<ProfileRig>();
}

#[test]
fn torn_at_each_command_with_the_ca_killed_at_each_write() {
    table::torn_and_ca_killed::<ProfileRig>();
}
