use std::time::SystemTime;

use der::{Decode, Encode, asn1::Ia5String};
use obnova_enroll::{
    OneTimePassword, Secret as Password,
    cmc::{CertificateId, IdentityProof, SealedPassphrase, SealedPassword, UserId, UserIdError},
    envelope::OpeningKey,
};
use x509_cert::{
    Certificate,
    ext::{
        Extension,
        pkix::{SubjectAltName, name::GeneralName},
    },
    name::Name,
};

use super::{CredentialSecret, IssuedPassword, RevocationPasswords, credential::generate};
use crate::{
    CaError, FirstPolicy, KeyFileError, Letter, Mail, MailAddress, MailKind, Refusal, RevocationPasswordPolicy,
    SqliteStore, StoreError, Texts, Transaction,
    certificate::extension,
    link::LinkId,
    store::{CredentialRecord, Guess, NewCredential, NewSubject, NoGuess, PasswordVerifier, SubjectRecord},
    transaction::to_hex,
};

/// Somebody who may ask for first certificates: all that will stand in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The user id, no secret. With HTTP Basic (plain EST) it has no colon.
    pub user: UserId,
    /// The module of the service that the certificates are for: its label in EST's paths. Letters, digits and hyphens, up to
    /// [`MAX_MODULE`](Self::MAX_MODULE).
    pub module: String,
    /// The distinguished name.
    pub name: Name,
    /// An rfc822Name in subjectAltName: where notices go.
    pub email: String,
}

impl Subject {
    /// The longest name of a module, in bytes.
    pub const MAX_MODULE: usize = 32;
    /// The module of a service that has one.
    pub const MODULE: &str = "main";

    /// What is kept of somebody whose certificates can be made.
    pub(crate) fn checked(&self) -> Result<NewSubject, FirstError> {
        let label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=Self::MAX_MODULE).contains(&self.module.len()) || !self.module.bytes().all(label) {
            return Err(FirstError::Module);
        }
        let sound = |byte: u8| byte.is_ascii_graphic();
        if self.email.split('@').count() != 2 || !self.email.bytes().all(sound) {
            return Err(FirstError::Email);
        }
        if self.name.is_empty() {
            return Err(FirstError::Name);
        }
        let name = self.name.to_der().map_err(|_| FirstError::Name)?;
        let (user, module, email) = (self.user.as_str().to_owned(), self.module.clone(), self.email.clone());
        Ok(NewSubject { user, module, name, email })
    }
}

/// First certificates, the CA's side: who may ask for them, the one-time passwords that prove it, and the revocation passwords
/// that come along. Every call says what time it is, and may come from any thread.
///
/// Whoever registers applicants calls [`enter`](Self::enter) once somebody's identity was checked, with everything that will stand
/// in his certificates, and [`issue`](Self::issue) for the password that is handed over. [`Ca::with_first`](crate::Ca::with_first)
/// then answers the holder.
///
/// Guesses are counted, and the count is on disk, before anything is compared; they are slowed and then locked as policy says.
/// User ids are no secret: whoever knows one can lock its password, and the CA issues another.
pub struct FirstDesk {
    policy: FirstPolicy,
    pub(super) store: SqliteStore,
    secret: CredentialSecret,
    envelopes: Option<(OpeningKey, Certificate)>,
}

impl FirstDesk {
    /// A desk with the passwords of `store`, which `secret` checks.
    #[must_use]
    pub const fn new(policy: FirstPolicy, store: SqliteStore, secret: CredentialSecret) -> Self {
        Self { policy, store, secret, envelopes: None }
    }

    /// Orders that came before this, and that nobody decided on.
    pub(crate) fn undecided(&self, before: SystemTime) -> Result<Vec<Transaction>, StoreError> {
        self.store.undecided(before)
    }

    /// Takes revocation passwords too, sealed for this certificate.
    #[must_use]
    pub fn opening(mut self, key: OpeningKey, certificate: Certificate) -> Self {
        self.envelopes = Some((key, certificate));
        self
    }

    /// The certificate that revocation passwords are sealed for.
    #[must_use]
    pub fn encryption_certificate(&self) -> Option<&Certificate> {
        self.envelopes.as_ref().map(|(_, certificate)| certificate)
    }

    /// Takes down who somebody is; in place of what was there of the same user id in the same module, as long as nothing hangs on
    /// that: a password that could be used, an order that waits, or a first certificate that is neither revoked nor past its end. What
    /// [`ApplicantDesk::enter`](crate::ApplicantDesk::enter) took down gives way to nothing but another applicant.
    ///
    /// # Errors
    /// [`FirstError::Module`], [`FirstError::Email`], [`FirstError::Name`]; [`FirstError::Checked`], [`FirstError::Bound`];
    /// [`FirstError::Store`].
    pub fn enter(&self, subject: &Subject, now: SystemTime) -> Result<SubjectRecord, FirstError> {
        let NewSubject { user, module, name, email } = subject.checked()?;
        self.store.put_subject(&user, &module, &name, &email, now)?
    }

    /// Who has this user id in this module.
    ///
    /// # Errors
    /// [`FirstError::NoSubject`]; [`FirstError::Store`].
    pub fn subject(&self, user: &UserId, module: &str) -> Result<SubjectRecord, FirstError> {
        self.store.subject(user.as_str(), module)?.ok_or(FirstError::NoSubject)
    }

    /// Issues a one-time password: any other one of the same subject is dead from here on, and so is a lock on it. Its certificates
    /// have the name and address that `subject` has here, whatever is entered later. This is the one time that it can be seen.
    ///
    /// # Errors
    /// [`FirstError::User`], [`FirstError::Key`], [`FirstError::Store`]: nothing changed.
    pub fn issue(&self, subject: SubjectRecord, now: SystemTime) -> Result<IssuedPassword, FirstError> {
        let user = UserId::new(&subject.user)?;
        let (mut id, password) = ([0; 16], generate()?);
        aws_lc_rs::rand::fill(&mut id).map_err(KeyFileError::from)?;
        let expires = now + self.policy.password_life;
        self.store.issue_credential(NewCredential {
            id,
            subject: subject.clone(),
            issued: now,
            expires,
            proof_keys: self.secret.seal_proof_keys(&password.secret(), &user, &id)?,
            hash: self.secret.hash(&password.secret())?,
        })?;
        Ok(IssuedPassword { subject, password, expires })
    }

    /// As [`issue`](Self::issue), for who hands the password over on paper: the user id goes by mail, so that the two are never in one
    /// place.
    ///
    /// # Errors
    /// [`FirstError::Email`] where no mail can go; otherwise as [`issue`](Self::issue). After [`FirstError::Store`] nobody has seen the
    /// password that may be there: hand over another one.
    pub fn hand_over(
        &self,
        subject: SubjectRecord,
        texts: &dyn Texts,
        now: SystemTime,
    ) -> Result<IssuedPassword, FirstError> {
        let address = MailAddress::new(&subject.email).map_err(|_| FirstError::Email)?;
        let holder = self.known(&subject).map_err(|_| FirstError::Name)?.holder;
        let expires = now + self.policy.password_life;
        let (user, module) = (&subject.user, &subject.module);
        let text = texts.compose(&Letter::UserId { holder: &holder, user, module, expires });
        let key = format!("user-id/{}/{}", subject.id, to_hex(&LinkId::generate()?.0));
        let mail = Mail::new(key, MailKind::UserId, address, text).map_err(|_| FirstError::Name)?;
        let issued = self.issue(subject, now)?;
        self.store.post_mail(mail, now)?;
        Ok(issued)
    }

    /// Ends the one-time password of a subject.
    ///
    /// # Errors
    /// [`FirstError::NoPassword`] when there is none that could be used; [`FirstError::Store`].
    pub fn revoke(&self, subject: &SubjectRecord, now: SystemTime) -> Result<(), FirstError> {
        if self.store.end_credentials(subject.id, now)? { Ok(()) } else { Err(FirstError::NoPassword) }
    }

    /// The newest one-time passwords, at most `limit`: whose they are and what became of them.
    ///
    /// # Errors
    /// [`FirstError::Store`].
    pub fn list(&self, limit: u32) -> Result<Vec<CredentialRecord>, FirstError> {
        Ok(self.store.credentials(limit)?)
    }

    /// Whether a password is locked after this many wrong guesses.
    #[must_use]
    pub const fn is_locked(&self, guesses: u32) -> bool {
        guesses >= self.policy.guesses.most
    }

    /// What checks revocation passwords.
    #[must_use]
    pub const fn revocation_passwords(&self) -> RevocationPasswords<'_> {
        RevocationPasswords::new(&self.store, &self.secret, self.policy.guesses)
    }

    /// Whose proof of identity it is.
    pub(super) fn check_proof(
        &self,
        user: &UserId,
        proof: &IdentityProof,
        module: Option<&str>,
        now: SystemTime,
    ) -> Result<CredentialRecord, CaError> {
        let module = Some(module.unwrap_or(Subject::MODULE));
        self.check(user, module, now, |credential| {
            let key = self.secret.open_proof_key(&credential.proof_keys, proof.hash(), user, &credential.id);
            key.is_some_and(|key| proof.verify(&key).is_ok())
        })?
        .ok_or_else(|| Refusal::WrongPassword.into())
    }

    /// Whose password it is. Those whose order `is_of` says is asked for again come before the newest one: whoever waits for an order
    /// sends the password that he used for it, which is no guess of another one.
    ///
    /// That is no guess of the used one either, and no lock keeps him from what he waits for: he sent the very bytes of his request, which
    /// nobody has seen outside of TLS, and the password has to be right even so. By it he gets his certificate, which is public; it is good
    /// for nothing else any more. All other guesses are counted.
    pub(super) fn check_password(
        &self,
        user: &UserId,
        password: &Password,
        module: Option<&str>,
        is_of: impl Fn(&CredentialRecord) -> Result<bool, StoreError>,
        now: SystemTime,
    ) -> Result<CredentialRecord, CaError> {
        let module = Some(module.unwrap_or(Subject::MODULE));
        // As the paper has it, however it was typed. What stands on no paper is right for nobody, so that it is no guess: who sends
        // it learns nothing by it, and who mistyped loses nothing.
        let text = std::str::from_utf8(password.as_bytes()).ok();
        let typed = text.and_then(|text| OneTimePassword::typed(text).ok()).map(|typed| typed.secret());
        let password = &typed.ok_or(Refusal::WrongPassword)?;
        let matches = |credential: &CredentialRecord| self.secret.matches(password, &credential.hash);
        let all = self.store.credentials_of(user.as_str(), module)?;
        let mut used_last = false;
        for (at, used) in all.iter().enumerate().filter(|(_, one)| one.order.is_some()) {
            if !is_of(used)? {
                continue;
            }
            if matches(used) {
                return match module {
                    Some(module) if module != used.subject.module => Err(Refusal::OtherModule.into()),
                    _ => Ok(used.clone()),
                };
            }
            used_last |= at == 0;
        }
        if used_last {
            // Without another password there is nothing to guess.
            return Err(Refusal::WrongPassword.into());
        }
        // Another password brings the same request anew.
        let checked = self.check(user, module, now, matches);
        if let Ok(None) = checked {
            // As long as for somebody who is there.
            self.secret.matches(password, &[]);
        }
        checked?.ok_or_else(|| Refusal::WrongPassword.into())
    }

    /// Nobody, when there is no such user.
    fn check(
        &self,
        user: &UserId,
        module: Option<&str>,
        now: SystemTime,
        matches: impl FnOnce(&CredentialRecord) -> bool,
    ) -> Result<Option<CredentialRecord>, CaError> {
        match self.store.guess(user.as_str(), module, self.policy.guesses, now)? {
            Guess::Counted(credential) => self.compare(*credential, module, matches).map(Some),
            Guess::Nobody => Ok(None),
            Guess::Not(not) => Err(slowed_or_locked(not).into()),
        }
    }

    /// Whether it is expired or used is told to who knows it, and to nobody else.
    fn compare(
        &self,
        credential: CredentialRecord,
        module: Option<&str>,
        matches: impl FnOnce(&CredentialRecord) -> bool,
    ) -> Result<CredentialRecord, CaError> {
        // Compared in any case: what has ended is not told by the time either.
        if !matches(&credential) || credential.ended.is_some() {
            if self.is_locked(credential.guesses) {
                self.store.locked(credential.id)?;
            } else if self.policy.guesses.tells(credential.guesses) {
                self.store.slowed(credential.id, credential.guesses)?;
            }
            return Err(Refusal::WrongPassword.into());
        }
        self.store.guessed_right(credential.id)?;
        if module.is_some_and(|module| module != credential.subject.module) {
            return Err(Refusal::OtherModule.into());
        }
        Ok(CredentialRecord { guesses: 0, ..credential })
    }

    /// What a revocation password will be checked with, as policy wants it; nothing when none is set and none has to be.
    pub(crate) fn revocation_password(
        &self,
        sealed: Option<&SealedPassword>,
    ) -> Result<Option<PasswordVerifier>, CaError> {
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(self.secret.hash(&self.picked_password(sealed)?)?))
    }

    /// The revocation password that somebody picked, as policy wants it.
    pub(crate) fn picked_password(&self, sealed: &SealedPassword) -> Result<Password, CaError> {
        let (key, _) =
            self.envelopes.as_ref().ok_or(Refusal::SealedPassword(obnova_enroll::envelope::OpenError::Key.into()))?;
        let password = sealed.open(key).map_err(Refusal::SealedPassword)?;
        check_rule(self.policy.revocation_password, &password)?;
        Ok(password)
    }

    /// The revocation password that came for a certificate, opened.
    pub(crate) fn open_passphrase(
        &self,
        sealed: &SealedPassphrase,
        certificate: &CertificateId,
    ) -> Result<Password, CaError> {
        let none = || Refusal::SealedPassword(obnova_enroll::envelope::OpenError::Key.into());
        let (key, _) = self.envelopes.as_ref().ok_or_else(none)?;
        Ok(sealed.open(key, certificate).map_err(Refusal::SealedPassword)?)
    }

    /// Who asks for first certificates by this order, if any does.
    pub(crate) fn subject_of(&self, order: &Transaction) -> Result<Option<SubjectRecord>, StoreError> {
        self.store.applicant(order)
    }

    /// What the CA knows of an applicant, as it goes into certificates.
    pub(super) fn known(&self, subject: &SubjectRecord) -> Result<Known, CaError> {
        let damaged = |_| StoreError::Damaged("an impossible value in subjects".into());
        let name = Name::from_der(&subject.name).map_err(damaged)?;
        let email = GeneralName::Rfc822Name(Ia5String::new(&subject.email).map_err(damaged)?);
        let names = extension(false, &SubjectAltName(vec![email])).map_err(damaged)?;
        Ok(Known { holder: name.to_string(), name, names })
    }
}

/// As the holder's side counts: in characters.
fn check_rule(rule: RevocationPasswordPolicy, password: &Password) -> Result<(), Refusal> {
    let text = std::str::from_utf8(password.as_bytes()).unwrap_or_default();
    if text.chars().count() < rule.minimum {
        return Err(Refusal::ShortPassword { least: rule.minimum });
    }
    let is_first = |(at, one): &(usize, char)| !text[..*at].contains(*one);
    if text.char_indices().filter(is_first).count() < rule.distinct {
        return Err(Refusal::PlainPassword { least: rule.distinct });
    }
    Ok(())
}

/// What the CA knows of an applicant.
pub(super) struct Known {
    pub name: Name,
    pub names: Extension,
    /// The name, readable.
    pub holder: String,
}

const fn slowed_or_locked(not: NoGuess) -> Refusal {
    match not {
        NoGuess::Wait { until } => Refusal::PasswordSlowed { until },
        NoGuess::Locked => Refusal::PasswordLocked,
    }
}

impl FirstError {
    /// Name for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Email => "email",
            Self::Name => "name",
            Self::NoSubject => "unknown-user",
            Self::Bound | Self::Checked => "user-taken",
            Self::NoCertificate => "unknown-certificate",
            Self::NoOrder => "no-order",
            Self::Revoked => "certificate-revoked",
            Self::NoPassword => "no-password",
            Self::User(_) => "user",
            Self::Key(_) => "key",
            Self::Store(_) => "store",
        }
    }
}

impl std::fmt::Debug for FirstDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstDesk").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Why the desk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum FirstError {
    /// The name of a module.
    #[error("a module's name has letters, digits and hyphens, at most {most}", most = Subject::MAX_MODULE)]
    Module,
    /// The e-mail address.
    #[error("that is no e-mail address that can stand in a certificate: NAME@HOST, without blanks, in ASCII")]
    Email,
    /// The distinguished name.
    #[error("the distinguished name is empty or cannot be encoded")]
    Name,
    /// Nobody has this user id there.
    #[error("the CA knows nobody of this user id in this module: say who it is")]
    NoSubject,
    /// What is there of this user id says otherwise, and something hangs on it.
    #[error(
        "this user id stands for another name or e-mail address in this module, and somebody has a password, an order or a \
         certificate by it: end them first, or take another user id"
    )]
    Bound,
    /// What is there of this user id says otherwise, and was checked.
    #[error(
        "this user id stands for an applicant of another name or e-mail address in this module, which were checked with the papers: \
         leave name and address out to keep them, or take another user id; what is wrong in them is corrected by another registration, \
         whose identity is checked, entered under this user id"
    )]
    Checked,
    /// There is no certificate of this serial number.
    #[error("this CA issued no certificate with this serial number")]
    NoCertificate,
    /// It was issued at personalisation.
    #[error(
        "this certificate was issued without an order, and has no place for a revocation password: revoke it as its operator"
    )]
    NoOrder,
    /// The certificate is revoked: there is nothing left that a password ends.
    #[error(
        "the certificate is revoked already: it needs no revocation password. Of those that were issued with it name one that is not"
    )]
    Revoked,
    /// There is no password to revoke.
    #[error("there is no one-time password that could still be used")]
    NoPassword,
    /// The user id.
    #[error(transparent)]
    User(#[from] UserIdError),
    /// The random source or a cipher failed.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
