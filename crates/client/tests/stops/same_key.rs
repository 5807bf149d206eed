//! Renewal in the strict sense: no key is made, and the new certificates come beside the old ones.

use std::path::Path;

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{PasswordKind, Secret};
use obnova_client::SharedToken;
use obnova_renewal::{Method, Pair, Policy};

use crate::{
    mortal::Mortal,
    profile::ProfileRig,
    rig::{Rig, Tear, Tearing},
    table, tears,
};

/// A card that keeps its keys.
pub struct SameKey<R>(R);

impl<R: Rig> Rig for SameKey<R> {
    const NAME: &str = R::NAME;
    const EACH_POINT: bool = R::EACH_POINT;
    const KEYS: usize = 2;
    const ON_A_KEY: usize = 2;

    fn policy() -> Policy {
        Policy { method: Method::SameKey, ..Policy::twins() }
    }

    fn blank(folder: &Path) {
        R::blank(folder);
    }

    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>) {
        R::personalise(folder, certify);
    }

    fn insert(folder: &Path) -> Self {
        Self(R::insert(folder))
    }

    fn token(&self, life: &Mortal) -> SharedToken {
        self.0.token(life)
    }

    fn pin(password: PasswordKind) -> Secret {
        R::pin(password)
    }

    fn witness(&self) -> SharedToken {
        self.0.witness()
    }
}

impl<R: Tearing> Tearing for SameKey<R> {
    const TEARS: &[Tear] = R::TEARS;

    fn is_command(effect: &str) -> bool {
        R::is_command(effect)
    }

    fn tear(&self, at: usize, tear: Tear) {
        self.0.tear(at, tear);
    }

    fn is_torn(&self) -> bool {
        self.0.is_torn()
    }

    fn tries_gone(command: &str, tear: Tear, password: PasswordKind) -> u8 {
        R::tries_gone(command, tear, password)
    }
}

#[test]
fn stopped_anywhere_it_comes_to_its_end() {
    table::stopped::<SameKey<ProfileRig>>();
}

#[test]
fn torn_inside_each_command() {
    tears::torn::<SameKey<ProfileRig>>(Tear::Inside);
}

#[test]
fn with_the_ca_killed_at_each_write() {
    tears::ca_killed::<SameKey<ProfileRig>>();
}
