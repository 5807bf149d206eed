use aws_lc_rs::hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    Transaction,
    secret::{Secret, in_a_file},
    transaction::{from_hex, to_hex},
};

/// Opens one order's certificates to whoever has it: stands in the mailed link and in the answer "pending".
///
/// 160 bits, from the CA's [`PickUpSecret`] and 128 random bits of the order: the same question again gets the same token,
/// and the database, which has only its hash, opens nothing. It is dead once the client has confirmed receipt; until then a
/// pick-up that was lost on the wire can be repeated.
#[derive(Clone)]
pub struct PickUpToken(Zeroizing<[u8; PickUpToken::SIZE]>);

impl PickUpToken {
    /// Its length in bytes.
    pub const SIZE: usize = 20;

    /// Takes bytes that a client sent; `None` when it is not [`SIZE`](Self::SIZE) of them.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// Reads the form that stands in a link, 40 hexadecimal digits.
    #[must_use]
    pub fn from_link(text: &str) -> Option<Self> {
        Self::new(&Zeroizing::new(from_hex(text, Self::SIZE)?))
    }

    /// The form for a link. Whoever sees it can pick up: not for logs.
    #[must_use]
    pub fn to_link(&self) -> Zeroizing<String> {
        Zeroizing::new(to_hex(self.0.as_slice()))
    }

    /// The bytes, for an answer to the client.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_slice()).into()
    }

    pub(crate) fn matches(&self, hash: &[u8; 32]) -> bool {
        self.hash().ct_eq(hash).into()
    }
}

impl ZeroizeOnDrop for PickUpToken {}

/// What the CA makes its pick-up tokens from: 256 random bits in a file of their own, beside the database and not in it.
pub struct PickUpSecret(Secret);

in_a_file!(PickUpSecret);

impl PickUpSecret {
    /// A key for something else that the CA encrypts for itself.
    pub(crate) fn derive_bytes(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        self.0.derive(purpose)
    }

    /// A key for something else that the CA signs for itself.
    pub(crate) fn derive(&self, purpose: &[u8]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.derive_bytes(purpose).as_slice())
    }

    /// The token of an order.
    pub(crate) fn token(&self, transaction: &Transaction, salt: &[u8; 16]) -> PickUpToken {
        let message = [b"obnova pick-up token 1".as_slice(), salt, transaction.as_bytes()].concat();
        let tag = self.0.hmac(&message);
        let mut token = Zeroizing::new([0; PickUpToken::SIZE]);
        token.copy_from_slice(&tag.as_ref()[..PickUpToken::SIZE]);
        PickUpToken(token)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    #[test]
    fn a_token_is_of_its_order_and_its_ca() {
        let (secret, other) = (PickUpSecret::generate().unwrap(), PickUpSecret::generate().unwrap());
        let transaction = Transaction::new(b"one").unwrap();
        let token = secret.token(&transaction, &[1; 16]);
        assert!(token.matches(&secret.token(&transaction, &[1; 16]).hash()));
        assert!(!token.matches(&secret.token(&transaction, &[2; 16]).hash()));
        assert!(!token.matches(&secret.token(&Transaction::new(b"two").unwrap(), &[1; 16]).hash()));
        assert!(!token.matches(&other.token(&transaction, &[1; 16]).hash()));
    }

    #[test]
    fn a_link_survives_and_nothing_else_is_one() {
        let token = PickUpSecret::generate().unwrap().token(&Transaction::new(b"one").unwrap(), &[1; 16]);
        let link = token.to_link();
        assert_eq!(link.len(), 40);
        assert!(PickUpToken::from_link(&link).unwrap().matches(&token.hash()));
        for bad in ["", "00", &link[1..], &format!("{}0g", &link[2..]), &format!("{}00", link.as_str())] {
            assert!(PickUpToken::from_link(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_shown_and_are_wiped() {
        assert_not_impl_any!(PickUpToken: Debug, Display, PartialEq);
        assert_not_impl_any!(PickUpSecret: Debug, Display, PartialEq, Clone);
        assert_impl_all!(PickUpToken: ZeroizeOnDrop);
        assert_impl_all!(PickUpSecret: ZeroizeOnDrop);
        fn wiped(_: &impl ZeroizeOnDrop) {}
        let token = PickUpToken::new(b"a token of 20 bytes!".as_slice()).unwrap();
        wiped(&token.0);
        wiped(&token.to_link());
        wiped(&PickUpSecret::generate().unwrap().0);
        let outcome = crate::Outcome::Pending { token, retry_after: std::time::Duration::ZERO };
        assert_eq!(format!("{outcome:?}"), "Pending { retry_after: 0ns, .. }");
    }
}
