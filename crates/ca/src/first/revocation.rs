use std::time::SystemTime;

use obnova_enroll::{OneTimePassword, Secret as Password};

use super::{CredentialSecret, FirstError, credential::generate};
use crate::{
    CaError, GuessPolicy, Letter, Mail, MailKind, Refusal, SqliteStore, Store as _, StoreError, Texts,
    link::LinkId,
    notice::address_in,
    store::{
        CertificateRecord, Guesser, KeptStatus, PasswordVerifier, Price, ReplacedMails, RevocationGuess, SetPassword,
    },
    transaction::to_hex,
};

/// The revocation passwords that holders set with their orders: one for all certificates of an order. Only an Argon2id hash is
/// kept, made with a secret that the database does not have.
#[derive(Clone, Copy)]
pub struct RevocationPasswords<'a> {
    store: &'a SqliteStore,
    secret: &'a CredentialSecret,
    policy: GuessPolicy,
}

/// A revocation password that an operator hands over.
pub struct ReplacedRevocationPassword {
    /// What goes on the paper.
    pub password: OneTimePassword,
    /// Serial numbers of the certificates that it ends.
    pub serials: Vec<Vec<u8>>,
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
    /// password, is told as a wrong one, after as long.
    ///
    /// Serial numbers are no secret, so no password is ever locked by wrong guesses: they have to wait, an hour at most. Where there is
    /// none nobody waits: that a certificate has one can be learned by as many wrong guesses as are free.
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

    /// An operator gives the certificates that were issued with this one another password: the holder forgot it, or never set one. The one
    /// before is dead, and so are the waits for its guesses; also where it went over to orders that renew them, be they issued or
    /// not. Renewals that set a password of their own keep it. This is the one time that the new one can be seen; it is handed over on
    /// paper to who showed who he is, and a mail goes to the address in the certificate.
    ///
    /// # Errors
    /// [`FirstError::NoCertificate`], [`FirstError::Revoked`], [`FirstError::NoOrder`], [`FirstError::Key`], [`FirstError::Store`]: nothing changed.
    pub fn replace(
        &self,
        serial: &[u8],
        texts: &dyn Texts,
        now: SystemTime,
    ) -> Result<ReplacedRevocationPassword, FirstError> {
        let kept = self.store.certificate(serial)?.ok_or(FirstError::NoCertificate)?;
        if matches!(self.store.status(serial)?, KeptStatus::Revoked(revocation) if !revocation.is_hold()) {
            return Err(FirstError::Revoked);
        }
        let password = generate()?;
        let hash = self.secret.hash(&password.secret())?;
        let mails = mails(&kept, false, texts, now)?;
        let serials = self.store.replace_revocation_password(serial, hash, mails, now)?.ok_or(FirstError::NoOrder)?;
        Ok(ReplacedRevocationPassword { password, serials })
    }

    /// A holder who is logged in with `kept` gives it, and what the password is shared with, this one; where one stands he gives that too.
    ///
    /// Who does not give it need not know that one stands: what he sends costs him no wait. Where a guess is free it is compared, since it may be
    /// done already; else he is told that one stands, and may give it at once.
    pub(crate) fn set(
        &self,
        kept: &CertificateRecord,
        new: &Password,
        old: Option<&Password>,
        texts: &dyn Texts,
        now: SystemTime,
    ) -> Result<Vec<Vec<u8>>, CaError> {
        // Whenever somebody else was faster, it may have been his own request of before.
        loop {
            let set = self.set_once(kept, (new, old), texts, now)?;
            if let Some(serials) = set {
                return Ok(serials);
            }
        }
    }

    /// `None`: meanwhile another one stands than the one it was compared with.
    fn set_once(
        &self,
        kept: &CertificateRecord,
        (new, old): (&Password, Option<&Password>),
        texts: &dyn Texts,
        now: SystemTime,
    ) -> Result<Option<Vec<Vec<u8>>>, CaError> {
        let guesser = Guesser::Holder;
        let is_wrong = |count| match self.policy.tells(count) {
            true => self.store.slowed_revocation_password(&kept.serial, guesser, count),
            false => Ok(()),
        };
        let guess = |price| self.store.guess_revocation_password(&kept.serial, guesser, price, self.policy, now);
        // Each of the two that is compared is a guess of its own. The old one is first: who knows it waits for no other.
        let mut guessed = guess(if old.is_some() { Price::Wait } else { Price::Nothing })?;
        if let (RevocationGuess::Counted { hash, count }, Some(old)) = (&guessed, old) {
            if self.matches(old, hash) {
                let stands = self.store.guessed_revocation_password(hash.clone(), guesser)?;
                if stands && old == new {
                    return self.store.serials_with(&kept.serial).map(Some).map_err(CaError::from);
                }
                return self.put(kept, Some(hash.clone()), new, texts, now);
            }
            is_wrong(*count)?;
            // Who asks again, since he heard no answer, is not told that the old one is wrong where the new one stands.
            guessed = guess(Price::Beside { count: *count })?;
        }
        match guessed {
            RevocationGuess::None => self.put(kept, None, new, texts, now),
            RevocationGuess::NotFree => Err(Refusal::RevocationPasswordStands.into()),
            RevocationGuess::Wait { until } => Err(Refusal::PasswordSlowed { until }.into()),
            // It is done already. The count stays: the envelope is bound to nothing, and may be one of the holder's from before, sent by
            // who does not know what is in it.
            RevocationGuess::Counted { hash, .. } if self.matches(new, &hash) => {
                Ok(Some(self.store.serials_with(&kept.serial)?))
            }
            RevocationGuess::Counted { count, .. } => {
                is_wrong(count)?;
                Err(match old {
                    Some(_) => Refusal::WrongRevocationPassword.into(),
                    None => Refusal::RevocationPasswordStands.into(),
                })
            }
        }
    }

    /// In the place of the one that has this hash, or of none. `None`: another one stands.
    fn put(
        &self,
        kept: &CertificateRecord,
        before: Option<PasswordVerifier>,
        new: &Password,
        texts: &dyn Texts,
        now: SystemTime,
    ) -> Result<Option<Vec<Vec<u8>>>, CaError> {
        let (hash, mails) = (self.secret.hash(new)?, mails(kept, true, texts, now)?);
        match self.store.set_revocation_password(&kept.serial, before, hash, mails, now)? {
            SetPassword::Done(serials) => Ok(Some(serials)),
            SetPassword::NoOrder => Err(Refusal::NoPlaceForPassword.into()),
            SetPassword::Another => Ok(None),
        }
    }

    fn check_by(&self, guesser: Guesser, serial: &[u8], password: &Password, now: SystemTime) -> Result<(), CaError> {
        match self.store.guess_revocation_password(serial, guesser, Price::Wait, self.policy, now)? {
            RevocationGuess::Counted { hash, .. } if self.matches(password, &hash) => {
                // Another one may have taken its place while it was compared.
                match self.store.guessed_revocation_password(hash, guesser)? {
                    true => Ok(()),
                    false => Err(Refusal::WrongRevocationPassword.into()),
                }
            }
            // What is asked for here is any guess, and never only a free one.
            RevocationGuess::None | RevocationGuess::NotFree => {
                // As long as where there is one.
                self.matches(password, &[]);
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

/// What the holder is told.
fn mails(
    kept: &CertificateRecord,
    by_holder: bool,
    texts: &dyn Texts,
    now: SystemTime,
) -> Result<ReplacedMails, StoreError> {
    let key = format!("revocation-password/{}/{}", to_hex(&kept.serial), to_hex(&LinkId::generate()?.0));
    let address = address_in(kept)?;
    let mail = |before| {
        let letter =
            Letter::RevocationPassword { holder: &kept.subject, serial: &kept.serial, before, by_holder, at: now };
        let mail = |address| Mail::new(key.clone(), MailKind::RevocationPassword, address, texts.compose(&letter));
        address.clone().and_then(|address| mail(address).ok())
    };
    Ok(ReplacedMails { first: mail(false), another: mail(true) })
}

impl RevocationPasswords<'_> {
    /// As it was typed; or, where it is one from paper, as the paper has it.
    fn matches(&self, password: &Password, hash: &[u8]) -> bool {
        let text = std::str::from_utf8(password.as_bytes()).ok();
        let from_paper = text.and_then(|text| OneTimePassword::typed(text).ok()).map(|typed| typed.secret());
        self.secret.matches(password, hash) || from_paper.is_some_and(|typed| self.secret.matches(&typed, hash))
    }
}

impl std::fmt::Debug for RevocationPasswords<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevocationPasswords").field("policy", &self.policy).finish_non_exhaustive()
    }
}
