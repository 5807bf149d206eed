use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use obnova_algorithm::Digest;
use obnova_enroll::{
    Secret as Password,
    cmc::{ProofKey, UserId},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    KeyFileError,
    secret::{Secret, in_a_file},
    store::PasswordVerifier,
};

/// What the CA keeps passwords with: 256 random bits in a file of their own, beside the database and not in it. Who has the
/// database only can neither make proofs of identity nor try passwords.
pub struct CredentialSecret(Secret);

in_a_file!(CredentialSecret);

/// Begins what is kept, so that other ways can come.
const VERSION: u8 = 1;
const SALT: usize = 16;
const HASH: usize = 32;
/// KiB of memory, rounds, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

impl CredentialSecret {
    /// The keys that check proofs of identity, one for each hash that a client may use: encrypted with AES-256-GCM, for this
    /// credential of this user and no other.
    pub(super) fn seal_proof_keys(
        &self,
        password: &Password,
        user: &UserId,
        credential: &[u8; 16],
    ) -> Result<PasswordVerifier, KeyFileError> {
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce)?;
        // All of its room at once: what grows leaves copies behind.
        let mut keys = Zeroizing::new(Vec::with_capacity(Digest::ALL.iter().map(|digest| digest.size()).sum()));
        for digest in Digest::ALL {
            keys.extend_from_slice(ProofKey::derive(digest, password, user).as_bytes());
        }
        let aad = Aad::from(bound_to(user, credential));
        let tag =
            self.sealing_key()?.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut keys)?;
        Ok([&[VERSION], nonce.as_slice(), &keys, tag.as_ref()].concat().into())
    }

    /// The key for proofs made with `digest`; `None` when what was kept is another's, or was altered.
    pub(super) fn open_proof_key(
        &self,
        kept: &[u8],
        digest: Digest,
        user: &UserId,
        credential: &[u8; 16],
    ) -> Option<ProofKey> {
        let (&version, rest) = kept.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok().filter(|_| version == VERSION)?;
        let aad = Aad::from(bound_to(user, credential));
        let keys = self.sealing_key().ok()?.open_in_place(nonce, aad, &mut sealed).ok()?;
        let before = Digest::ALL.into_iter().take_while(|other| *other != digest).map(Digest::size).sum::<usize>();
        ProofKey::from_bytes(digest, keys.get(before..before + digest.size())?).ok()
    }

    /// What a password is checked with: Argon2id with a salt of its own, and with a secret that the database does not have.
    pub(super) fn hash(&self, password: &Password) -> Result<PasswordVerifier, KeyFileError> {
        let mut salt = [0; SALT];
        aws_lc_rs::rand::fill(&mut salt)?;
        let hash = self.argon2id(password, &salt).ok_or(KeyFileError::Crypto)?;
        Ok([&[VERSION], salt.as_slice(), hash.as_slice()].concat().into())
    }

    /// Whether it is the password that `kept` was made from; compared in constant time. What is no such thing takes as long.
    pub(super) fn matches(&self, password: &Password, kept: &[u8]) -> bool {
        let parts = kept.split_first().filter(|(version, _)| **version == VERSION);
        let parts = parts.and_then(|(_, rest)| rest.split_at_checked(SALT));
        // Nothing is like an empty one; it takes as long.
        let (salt, kept) = parts.unwrap_or((&[0; SALT], &[]));
        self.argon2id(password, salt).is_some_and(|hash| hash.as_slice().ct_eq(kept).into())
    }

    fn argon2id(&self, password: &Password, salt: &[u8]) -> Option<Zeroizing<[u8; HASH]>> {
        let pepper = self.0.derive(b"obnova password hash 1");
        let (memory, rounds, lanes) = COST;
        let parameters = Params::new(memory, rounds, lanes, Some(HASH)).ok()?;
        let argon2 =
            Argon2::new_with_secret(pepper.as_slice(), Algorithm::Argon2id, Version::V0x13, parameters).ok()?;
        let mut hash = Zeroizing::new([0; HASH]);
        argon2.hash_password_into(password.as_bytes(), salt, hash.as_mut_slice()).ok()?;
        Some(hash)
    }

    fn sealing_key(&self) -> Result<LessSafeKey, KeyFileError> {
        let key = self.0.derive(b"obnova proof keys 1");
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice())?))
    }
}

fn bound_to(user: &UserId, credential: &[u8; 16]) -> Vec<u8> {
    [credential.as_slice(), user.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use static_assertions::{assert_impl_all, assert_not_impl_any};
    use zeroize::ZeroizeOnDrop;

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn proof_keys_open_for_their_user_their_credential_and_their_ca() {
        let [secret, other] = [(), ()].map(|()| CredentialSecret::generate().unwrap());
        let (jana, id) = (user("jana"), [7; 16]);
        let kept = secret.seal_proof_keys(&password("K7QWM"), &jana, &id).unwrap();
        for digest in Digest::ALL {
            let key = secret.open_proof_key(&kept, digest, &jana, &id).unwrap();
            assert!(key == ProofKey::derive(digest, &password("K7QWM"), &jana), "{digest:?}");
            assert!(!kept.windows(16).any(|part| key.as_bytes().starts_with(part)));
            assert!(secret.open_proof_key(&kept, digest, &user("jan"), &id).is_none());
            assert!(secret.open_proof_key(&kept, digest, &jana, &[8; 16]).is_none());
            assert!(other.open_proof_key(&kept, digest, &jana, &id).is_none());
        }
        for position in 0..kept.len() {
            let mut bent = kept.to_vec();
            bent[position] ^= 1;
            assert!(secret.open_proof_key(&bent, Digest::Sha256, &jana, &id).is_none(), "{position}");
            assert!(secret.open_proof_key(&kept[..position], Digest::Sha256, &jana, &id).is_none(), "{position}");
        }
        assert_ne!(kept, secret.seal_proof_keys(&password("K7QWM"), &jana, &id).unwrap());
    }

    #[test]
    fn a_hash_is_of_its_password_and_its_ca() {
        let [secret, other] = [(), ()].map(|()| CredentialSecret::generate().unwrap());
        let kept = secret.hash(&password("horse battery")).unwrap();
        assert!(secret.matches(&password("horse battery"), &kept));
        assert!(!secret.matches(&password("horse batterz"), &kept));
        assert!(!other.matches(&password("horse battery"), &kept), "the database alone is not enough to try");
        assert_ne!(kept, secret.hash(&password("horse battery")).unwrap());
        let mut other_version = kept.to_vec();
        other_version[0] += 1;
        for bad in [&[], &kept[..1], &kept[..17], &kept[..48], &other_version] {
            assert!(!secret.matches(&password("horse battery"), bad));
        }
    }

    #[test]
    fn it_is_not_shown_and_is_wiped() {
        assert_not_impl_any!(CredentialSecret: Debug, Display, PartialEq, Clone);
        assert_impl_all!(CredentialSecret: ZeroizeOnDrop);
        fn wiped(_: &impl ZeroizeOnDrop) {}
        let secret = CredentialSecret::generate().unwrap();
        wiped(&secret.0);
        wiped(&secret.argon2id(&password("1"), &[0; SALT]).unwrap());
    }
}
