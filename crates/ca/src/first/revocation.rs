use std::time::SystemTime;

use obnova_enroll::Secret as Password;

use super::CredentialSecret;
use crate::{
    CaError, GuessPolicy, Refusal, SqliteStore,
    store::{Guesser, RevocationGuess},
};

/// The revocation passwords that holders set with their orders: one for all certificates of an order. Only an Argon2id hash is
/// kept, made with a secret that the database does not have.
#[derive(Clone, Copy)]
pub struct RevocationPasswords<'a> {
    store: &'a SqliteStore,
    secret: &'a CredentialSecret,
    policy: GuessPolicy,
}

/// Why a revocation password proves nothing: [`CaError::Refused`] with [`Refusal::WrongRevocationPassword`]
/// or [`Refusal::PasswordSlowed`]; or the CA failed.
pub type RevocationPasswordError = CaError;

impl<'a> RevocationPasswords<'a> {
    pub(super) const fn new(store: &'a SqliteStore, secret: &'a CredentialSecret, policy: GuessPolicy) -> Self {
        Self { store, secret, policy }
    }

    /// Whether it is the revocation password of the certificate with this serial number (the content of the INTEGER). The guess is
    /// counted, and the count is on disk, before anything is compared. That there is no such certificate, or that it has no
    /// password, is told as a wrong one.
    ///
    /// Serial numbers are no secret, so no password is ever locked by wrong guesses: they have to wait, an hour at most.
    ///
    /// # Errors
    /// [`RevocationPasswordError`].
    pub fn check(&self, serial: &[u8], password: &Password, now: SystemTime) -> Result<(), RevocationPasswordError> {
        self.check_by(Guesser::Anybody, serial, password, now)
    }

    /// The same for who is logged in as the certificate's holder, which whoever calls this has seen. These guesses are counted apart:
    /// nobody else makes them wait.
    ///
    /// # Errors
    /// [`RevocationPasswordError`].
    pub fn check_logged_in(
        &self,
        serial: &[u8],
        password: &Password,
        now: SystemTime,
    ) -> Result<(), RevocationPasswordError> {
        self.check_by(Guesser::Holder, serial, password, now)
    }

    fn check_by(&self, guesser: Guesser, serial: &[u8], password: &Password, now: SystemTime) -> Result<(), CaError> {
        match self.store.guess_revocation_password(serial, guesser, self.policy, now)? {
            RevocationGuess::Counted { order, hash, .. } if self.secret.matches(password, &hash) => {
                Ok(self.store.guessed_revocation_password(order, guesser)?)
            }
            RevocationGuess::None => {
                // As long as where there is one.
                self.secret.matches(password, &[]);
                Err(Refusal::WrongRevocationPassword.into())
            }
            RevocationGuess::Counted { count, .. } => {
                if self.policy.tells(count) {
                    self.store.slowed_revocation_password(serial, guesser, count)?;
                }
                Err(Refusal::WrongRevocationPassword.into())
            }
            RevocationGuess::Wait { until } => Err(Refusal::PasswordSlowed { until }.into()),
        }
    }
}

impl std::fmt::Debug for RevocationPasswords<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevocationPasswords").field("policy", &self.policy).finish_non_exhaustive()
    }
}
