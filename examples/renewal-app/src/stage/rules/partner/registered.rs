//! Where other programs look for the certificates.

use super::World;
use crate::stage::rules::{Broken, twins};

pub fn registered(world: &mut World<'_>) -> Result<Option<String>, Broken> {
    let certificates: Vec<_> = world.story()?.certificates().iter().map(|(_, one)| one.clone()).collect();
    twins::registered_at(world.stage, &certificates, false, world.joints.register)
}
