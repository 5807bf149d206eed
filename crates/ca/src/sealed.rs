use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::KeyFileError;

/// Encrypts what the database keeps and must not give away: AES-256-GCM, under a key that is outside it.
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    pub fn new(key: &[u8; 32]) -> Result<Self, KeyFileError> {
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?)))
    }

    /// `about` says what it belongs to, and has to be the same when it is opened.
    pub fn seal(&self, secret: &[u8], about: &[u8]) -> Result<Vec<u8>, KeyFileError> {
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce)?;
        let mut sealed = Zeroizing::new(secret.to_vec());
        let tag =
            self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut sealed)?;
        Ok([nonce.as_slice(), &sealed, tag.as_ref()].concat())
    }

    /// `None` when it was sealed by another, for something else, or changed.
    pub fn open(&self, sealed: &[u8], about: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let mut rest = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.0.open_in_place(nonce, Aad::from(about), &mut rest).ok()?.len();
        rest.truncate(length);
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_what_it_is_about_and_unchanged() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let sealed = seal.seal(b"123456", b"card 1").unwrap();
        assert_eq!(&**seal.open(&sealed, b"card 1").unwrap(), b"123456");
        assert_ne!(sealed, seal.seal(b"123456", b"card 1").unwrap());
        assert!(seal.open(&sealed, b"card 2").is_none());
        assert!(Seal::new(&[8; 32]).unwrap().open(&sealed, b"card 1").is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open(&changed, b"card 1").is_none(), "{at}");
            assert!(seal.open(&sealed[..at], b"card 1").is_none(), "{at}");
        }
        static_assertions::assert_not_impl_any!(Seal: std::fmt::Debug, Clone);
    }
}
