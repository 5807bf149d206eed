use obnova_card::KeyRole;
use serde::{Deserialize, Serialize};

use crate::Pair;

/// One of something for each key that an order is about: both of a pair, or one key alone.
///
/// In the journal it looks as a [`Pair`] does, with what is not there left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByRole<T> {
    /// For the authentication key.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub authentication: Option<T>,
    /// For the signature key.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub signature: Option<T>,
}

const fn none<T>() -> Option<T> {
    None
}

impl<T> Default for ByRole<T> {
    fn default() -> Self {
        Self { authentication: None, signature: None }
    }
}

impl<T> ByRole<T> {
    /// For the roles for which `make` gives something.
    pub fn from_fn(mut make: impl FnMut(KeyRole) -> Option<T>) -> Self {
        Self { authentication: make(KeyRole::Authentication), signature: make(KeyRole::Signature) }
    }

    /// For one role.
    pub fn one(role: KeyRole, value: T) -> Self {
        let mut this = Self::default();
        *this.place(role) = Some(value);
        this
    }

    /// What there is for `role`.
    pub const fn get(&self, role: KeyRole) -> Option<&T> {
        match role {
            KeyRole::Authentication => self.authentication.as_ref(),
            KeyRole::Signature => self.signature.as_ref(),
        }
    }

    /// What there is for `role`, to change it.
    pub const fn get_mut(&mut self, role: KeyRole) -> Option<&mut T> {
        match role {
            KeyRole::Authentication => self.authentication.as_mut(),
            KeyRole::Signature => self.signature.as_mut(),
        }
    }

    /// Where something for `role` is, or is to be put.
    pub const fn place(&mut self, role: KeyRole) -> &mut Option<T> {
        match role {
            KeyRole::Authentication => &mut self.authentication,
            KeyRole::Signature => &mut self.signature,
        }
    }

    /// Everything with its role, in the order in which it is worked on.
    pub fn iter(&self) -> impl Iterator<Item = (KeyRole, &T)> {
        Pair::ROLES.into_iter().filter_map(|role| Some((role, self.get(role)?)))
    }

    /// The roles that there is something for.
    pub fn roles(&self) -> impl Iterator<Item = KeyRole> {
        self.iter().map(|(role, _)| role)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.authentication.is_none() && self.signature.is_none()
    }

    /// The same roles with other things.
    pub fn map<'a, U>(&'a self, mut make: impl FnMut(KeyRole, &'a T) -> U) -> ByRole<U> {
        ByRole::from_fn(|role| self.get(role).map(|one| make(role, one)))
    }

    /// The same roles with other things, or the first error.
    ///
    /// # Errors
    /// What `make` fails with.
    pub fn try_map<'a, U, E>(&'a self, mut make: impl FnMut(KeyRole, &'a T) -> Result<U, E>) -> Result<ByRole<U>, E> {
        let mut one = |role| self.get(role).map(|it| make(role, it)).transpose();
        Ok(ByRole { authentication: one(KeyRole::Authentication)?, signature: one(KeyRole::Signature)? })
    }

    /// The same roles with what is found for each, if it is found for all of them.
    pub fn filter_map<'a, U>(&'a self, mut find: impl FnMut(KeyRole, &'a T) -> Option<U>) -> Option<ByRole<U>> {
        self.try_map(|role, one| find(role, one).ok_or(())).ok()
    }

    /// Both, where both are there.
    #[must_use]
    pub fn pair(&self) -> Option<Pair<&T>> {
        Some(Pair { authentication: self.authentication.as_ref()?, signature: self.signature.as_ref()? })
    }
}

impl<T> ByRole<T> {
    /// Both, where both are there.
    #[must_use]
    pub fn into_pair(self) -> Option<Pair<T>> {
        Some(Pair { authentication: self.authentication?, signature: self.signature? })
    }
}

impl<T> From<Pair<T>> for ByRole<T> {
    fn from(pair: Pair<T>) -> Self {
        Self { authentication: Some(pair.authentication), signature: Some(pair.signature) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_written_as_a_pair_and_one_alone_without_the_other() {
        let pair = Pair { authentication: 1, signature: 2 };
        let both = ByRole::from(pair);
        assert_eq!(serde_json::to_string(&both).unwrap(), serde_json::to_string(&pair).unwrap());
        assert_eq!(serde_json::from_str::<ByRole<i32>>("{\"authentication\":1,\"signature\":2}").unwrap(), both);
        let one = ByRole::one(KeyRole::Signature, 2);
        assert_eq!(serde_json::to_string(&one).unwrap(), "{\"signature\":2}");
        assert_eq!(serde_json::from_str::<ByRole<i32>>("{\"signature\":2}").unwrap(), one);
        assert!(serde_json::from_str::<ByRole<i32>>("{\"signature\":2,\"other\":3}").is_err());
        assert_eq!((one.len(), both.len(), one.pair(), both.pair().is_some()), (1, 2, None, true));
    }
}
