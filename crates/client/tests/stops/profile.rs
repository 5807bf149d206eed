//! The driver of our profile, over the simulated card with its state in a file.

use std::path::Path;

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyRole, PasswordKind, ProfileToken, Secret};
use obnova_client::{SharedToken, share};
use obnova_profile::{Label, SlotNumber};
use obnova_renewal::Pair;
use obnova_simulator::{Card, Fault, FaultPlan, Personalisation, SimulatorConnection};
use obnova_transport::Decorated;

use crate::{
    apdus::{Apdus, WITH_A_PIN},
    mortal::Mortal,
    rig::{Rig, Tear, Tearing},
    table,
    task::TwinRenewal,
    tears,
};

const AUTHENTICATION_PIN: &str = "auth-PIN";
const SIGNATURE_PIN: &str = "sign-PIN";
const FILE: &str = "card.state";

/// A card of the simulator in a reader.
pub struct ProfileRig(SimulatorConnection);

impl Rig for ProfileRig {
    const NAME: &'static str = "profile";
    const EACH_POINT: bool = true;

    fn blank(folder: &Path) {
        let card = Personalisation::new("OBN00000001").label("Jana Nováková");
        let card = card.active(AUTHENTICATION_PIN.as_bytes(), SIGNATURE_PIN.as_bytes(), b"12345678");
        card.create(folder.join(FILE)).unwrap();
    }

    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>) {
        Self::blank(folder);
        let mut card = Card::open(folder.join(FILE)).unwrap();
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

impl Tearing for ProfileRig {
    const TEARS: &[Tear] = &[Tear::Before, Tear::Inside, Tear::After];

    fn is_command(effect: &str) -> bool {
        effect.starts_with("APDU ")
    }

    fn tear(&self, at: usize, tear: Tear) {
        let fault = match tear {
            Tear::Before => Fault::TearBefore,
            Tear::Inside => Fault::TearInside,
            Tear::After => Fault::TearAfter,
        };
        self.0.with_card(|card| card.set_faults(FaultPlan::new().at(at as u64 + 1, fault)));
    }

    fn is_torn(&self) -> bool {
        self.0.with_card(|card| card.faults().waiting() == 0)
    }

    fn tries_gone(command: &str, tear: Tear, password: PasswordKind) -> u8 {
        let reference = match password {
            PasswordKind::AuthenticationPin => "01",
            PasswordKind::SignaturePin => "02",
            _ => return 0,
        };
        let is_counted_down = tear == Tear::Inside && command == format!("APDU 00 20 00 {reference}{WITH_A_PIN}");
        u8::from(is_counted_down)
    }
}

#[test]
fn stopped_anywhere_it_comes_to_its_end() {
    table::stopped::<TwinRenewal<ProfileRig>>();
}

#[test]
fn stopped_anywhere_while_it_installs_files() {
    table::by_files::<TwinRenewal<ProfileRig>>();
}

#[test]
fn torn_before_each_command() {
    tears::torn::<TwinRenewal<ProfileRig>>(Tear::Before);
}

#[test]
fn torn_inside_each_command() {
    tears::torn::<TwinRenewal<ProfileRig>>(Tear::Inside);
}

#[test]
fn torn_after_each_command() {
    tears::torn::<TwinRenewal<ProfileRig>>(Tear::After);
}

#[test]
fn with_the_ca_killed_at_each_write() {
    tears::ca_killed::<TwinRenewal<ProfileRig>>();
}

#[test]
fn torn_at_each_command_with_the_ca_killed_at_each_write() {
    tears::torn_and_ca_killed::<TwinRenewal<ProfileRig>>();
}
