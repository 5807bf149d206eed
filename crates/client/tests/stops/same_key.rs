//! Renewal in the strict sense: no key is made, and the new certificates come beside the old ones.

use std::marker::PhantomData;

use obnova_renewal::{Method, Policy};

use crate::{
    profile::ProfileRig,
    rig::{Rig, Tear},
    table,
    task::Task,
    tears,
};

/// A card that keeps its keys.
pub struct SameKey<R>(PhantomData<R>);

impl<R: Rig> Task for SameKey<R> {
    type Rig = R;

    const WHAT: &'static str = "a renewal with the same keys";
    const KEYS: usize = 2;
    const ON_A_KEY: usize = 2;

    fn policy() -> Policy {
        Policy { method: Method::SameKey, ..Policy::twins() }
    }

    fn policy_of_ca() -> String {
        obnova_ca::Policy::TEMPLATE.replace("same_key = false", "same_key = true")
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
