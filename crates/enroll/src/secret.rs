use zeroize::ZeroizeOnDrop;

use crate::cmc::IdError;

/// A password as it was typed or handed over: a one-time password, a revocation password, that of an EST user. It is a
/// [`Secret`](obnova_algorithm::Secret) of 1 to 255 bytes: without `Debug`, compared in constant time (so that two typings can be), and
/// wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(obnova_algorithm::Secret);

impl Secret {
    /// The longest that is taken, in bytes.
    pub const MAX_SIZE: usize = 255;

    /// From its bytes: UTF-8 where it was typed. The caller wipes what it gave.
    ///
    /// # Errors
    /// [`IdError`] when it is empty or longer than [`MAX_SIZE`](Self::MAX_SIZE).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        crate::cmc::check_size(bytes, Self::MAX_SIZE)?;
        Ok(Self::of(bytes))
    }

    /// From bytes that are neither none nor too many.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(obnova_algorithm::Secret::new(bytes.to_vec()))
    }

    /// The secret bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose()
    }
}

impl ZeroizeOnDrop for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_held_in_what_wipes_it() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        wiped(&Secret::from_bytes(b"1").unwrap().0);
    }
}
