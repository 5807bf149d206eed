use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// What is typed or handed over and must not be seen: a PIN, a PUK, a password. Wiped when dropped, compared in constant time, never shown: there is no `Debug`, on purpose,
/// not even one that says `(..)`. A type that holds one cannot derive it either, and so has to think of what it shows.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; wipe the buffer they came from yourself if it was a copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the moment of their use.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was entered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl ZeroizeOnDrop for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_shown() {
        use static_assertions::assert_not_impl_any;
        assert_not_impl_any!(Secret: std::fmt::Debug, std::fmt::Display, std::hash::Hash, PartialOrd, Default, AsRef<[u8]>);
        assert!(Secret::from("1234") == Secret::new(b"1234".to_vec()) && Secret::from("1234") != Secret::from("1235"));
        assert!(Secret::from("1234") != Secret::from("12345") && Secret::from("") != Secret::from("1"));
    }

    #[test]
    fn a_secret_is_held_in_what_wipes_it() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        wiped(&Secret::from("1234").0);
    }
}
