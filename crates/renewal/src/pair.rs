use obnova_card::KeyRole;
use serde::{Deserialize, Serialize};

/// One of something for each key of a pair: twins come together or not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair<T> {
    /// For the authentication key.
    pub authentication: T,
    /// For the signature key.
    pub signature: T,
}

impl Pair<KeyRole> {
    /// The roles, in the order in which they are worked on.
    pub const ROLES: [KeyRole; 2] = [KeyRole::Authentication, KeyRole::Signature];
}

impl<T> Pair<T> {
    /// Makes both by one recipe.
    pub fn from_fn(mut make: impl FnMut(KeyRole) -> T) -> Self {
        Self { authentication: make(KeyRole::Authentication), signature: make(KeyRole::Signature) }
    }

    /// Makes both, or fails with the first error.
    ///
    /// # Errors
    /// What `make` fails with.
    pub fn try_from_fn<E>(mut make: impl FnMut(KeyRole) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self { authentication: make(KeyRole::Authentication)?, signature: make(KeyRole::Signature)? })
    }

    /// The one for `role`.
    pub const fn get(&self, role: KeyRole) -> &T {
        match role {
            KeyRole::Authentication => &self.authentication,
            KeyRole::Signature => &self.signature,
        }
    }

    /// The one for `role`, to change it.
    pub const fn get_mut(&mut self, role: KeyRole) -> &mut T {
        match role {
            KeyRole::Authentication => &mut self.authentication,
            KeyRole::Signature => &mut self.signature,
        }
    }

    /// Both with their roles.
    pub fn iter(&self) -> impl Iterator<Item = (KeyRole, &T)> {
        Pair::ROLES.into_iter().map(|role| (role, self.get(role)))
    }
}
