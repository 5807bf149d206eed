use std::time::SystemTime;

use obnova_enroll::Secret as Password;

use super::{CredentialSecret, desk::slowed_or_locked};
use crate::{CaError, GuessPolicy, Refusal, SqliteStore, store::RevocationGuess};

/// The revocation passwords that holders set with their orders: one for all certificates of an order. Only an Argon2id hash is
/// kept, made with a secret that the database does not have.
#[derive(Clone, Copy)]
pub struct RevocationPasswords<'a> {
    store: &'a SqliteStore,
    secret: &'a CredentialSecret,
    policy: GuessPolicy,
}

/// Why a revocation password proves nothing: [`CaError::Refused`] with [`Refusal::WrongRevocationPassword`],
/// [`Refusal::PasswordSlowed`] or [`Refusal::PasswordLocked`]; or the CA failed.
pub type RevocationPasswordError = CaError;

impl<'a> RevocationPasswords<'a> {
    pub(super) const fn new(store: &'a SqliteStore, secret: &'a CredentialSecret, policy: GuessPolicy) -> Self {
        Self { store, secret, policy }
    }

    /// Whether it is the revocation password of the certificate with this serial number (the content of the INTEGER). The guess is
    /// counted, and the count is on disk, before anything is compared. That there is no such certificate, or that it has no
    /// password, is told as a wrong one.
    ///
    /// # Errors
    /// [`RevocationPasswordError`].
    pub fn check(&self, serial: &[u8], password: &Password, now: SystemTime) -> Result<(), RevocationPasswordError> {
        match self.store.guess_revocation_password(serial, self.policy, now)? {
            RevocationGuess::Counted { order, hash } if self.secret.matches(password, &hash) => {
                Ok(self.store.guessed_revocation_password(order)?)
            }
            RevocationGuess::Counted { .. } | RevocationGuess::None => Err(Refusal::WrongRevocationPassword.into()),
            RevocationGuess::Not(not) => Err(slowed_or_locked(not).into()),
        }
    }
}

impl std::fmt::Debug for RevocationPasswords<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevocationPasswords").field("policy", &self.policy).finish_non_exhaustive()
    }
}
