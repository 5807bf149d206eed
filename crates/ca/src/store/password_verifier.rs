use std::ops::Deref;

use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// What a password, or a proof that somebody knows it, is checked with, as the CA keeps it: a hash, or keys that are encrypted. The
/// password cannot be had from it without guessing. Wiped when dropped, compared in constant time; `Debug` shows nothing of it.
#[derive(Clone, Debug, Default)]
pub struct PasswordVerifier(Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for PasswordVerifier {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl Deref for PasswordVerifier {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for PasswordVerifier {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PasswordVerifier {}

impl ZeroizeOnDrop for PasswordVerifier {}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;
    use crate::{
        Transaction,
        store::{NewOrder, RevocationGuess},
    };

    assert_impl_all!(PasswordVerifier: ZeroizeOnDrop);
    assert_not_impl_any!(PasswordVerifier: std::fmt::Display, std::hash::Hash, PartialOrd, AsRef<[u8]>);

    #[test]
    fn it_is_held_in_what_wipes_it() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        wiped(&PasswordVerifier::default().0);
    }

    #[test]
    fn it_is_shown_by_nothing_that_has_it() {
        let verifier = PasswordVerifier::from(b"planted".to_vec());
        let order = NewOrder {
            transaction: Transaction::new(b"1").unwrap(),
            message: Vec::new(),
            holder: String::new(),
            requests: Vec::new(),
            token_salt: [0; 16],
            token_hash: [0; 32],
            received: SystemTime::UNIX_EPOCH,
            certificates: Vec::new(),
            credential: None,
            revocation_password: Some(verifier.clone()),
        };
        let guess = RevocationGuess::Counted { hash: verifier.clone(), count: 0 };
        let shown = format!("{verifier:?} {order:?} {guess:?}");
        assert!(!shown.contains("planted") && !shown.contains(&format!("{:?}", b"planted")), "{shown}");
        assert_eq!(shown.matches("PasswordVerifier(").count(), 3, "{shown}");
        assert_ne!(order, NewOrder { revocation_password: None, ..order.clone() });
    }

    #[test]
    fn another_one_is_not_the_same() {
        let verifier = |text: &[u8]| PasswordVerifier::from(text.to_vec());
        assert_eq!(verifier(b"planted"), verifier(b"planted"));
        for other in [&b""[..], b"plante", b"plantee", b"planted1"] {
            assert_ne!(verifier(b"planted"), verifier(other));
        }
    }
}
