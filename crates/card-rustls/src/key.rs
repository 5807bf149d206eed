use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyEntry, KeyRole, PasswordKind, Slot, SlotId, Token};
use rustls::{
    SignatureScheme, SupportedProtocolVersion,
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer},
};
use x509_cert::{
    Certificate,
    der::{Decode, Encode},
};

use crate::{KeyError, Limitation, scheme, scheme::CardScheme};

/// A token that several logins, and the rest of the program, can use in turn.
pub type SharedToken = Arc<Mutex<Box<dyn Token>>>;

/// Makes a token shareable.
#[must_use]
pub fn share(token: impl Token + 'static) -> SharedToken {
    Arc::new(Mutex::new(Box::new(token)))
}

/// A key on a card with its certificate: who will be logged in, and how.
#[derive(Clone)]
pub struct CardKey {
    token: SharedToken,
    slot: SlotId,
    role: KeyRole,
    password: PasswordKind,
    schemes: Vec<CardScheme>,
    chain: Vec<CertificateDer<'static>>,
    public_key: SubjectPublicKeyInfoOwned,
    public_key_der: SubjectPublicKeyInfoDer<'static>,
}

impl CardKey {
    /// Reads a slot of the card. Needs no PIN.
    ///
    /// # Errors
    /// [`KeyError`]: the card cannot be read, or what the slot holds does not do.
    pub fn open(token: SharedToken, slot: SlotId) -> Result<Self, KeyError> {
        let slots = lock(&token).slots()?;
        let found = slots.iter().find(|found| found.id == slot).ok_or(KeyError::NoKey { slot })?;
        Self::from_slot(token, found)
    }

    /// Takes a slot that was read before; the card is left alone. Of several certificates it takes the first that is not
    /// superseded, or else the first.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_slot(token: SharedToken, slot: &Slot) -> Result<Self, KeyError> {
        let key = slot.key.as_ref().ok_or(KeyError::NoKey { slot: slot.id })?;
        let in_use = slot.certificates.iter().find(|certificate| !certificate.superseded);
        let certificate = in_use.or(slot.certificates.first()).ok_or(KeyError::NoCertificate { slot: slot.id })?;
        Self::new(token, slot.id, key, certificate.der.clone())
    }

    /// Takes a key and a certificate (DER) for it, which need not be on the card.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new(token: SharedToken, slot: SlotId, key: &KeyEntry, certificate: Vec<u8>) -> Result<Self, KeyError> {
        let bad = |problem: &dyn std::fmt::Display| KeyError::BadCertificate { slot, problem: problem.to_string() };
        let parsed = Certificate::from_der(&certificate).map_err(|problem| bad(&problem))?;
        let public_key = parsed.tbs_certificate().subject_public_key_info().clone();
        let algorithm = KeyAlgorithm::try_from(&public_key).map_err(|problem| bad(&problem))?;
        let same = |own: &SubjectPublicKeyInfoOwned| own.subject_public_key == public_key.subject_public_key;
        if algorithm != key.algorithm || !key.public_key.as_ref().is_none_or(same) {
            return Err(KeyError::AnotherKey { slot });
        }
        let schemes = scheme::schemes(algorithm, &key.signs);
        if schemes.is_empty() {
            return Err(KeyError::NoScheme { slot });
        }
        let public_key_der = public_key.to_der().map_err(|problem| bad(&problem))?.into();
        let chain = vec![certificate.into()];
        Ok(Self { token, slot, role: key.role, password: key.password, schemes, chain, public_key, public_key_der })
    }

    /// Adds the certificates of the issuers, nearest first, for servers that know the root only.
    #[must_use]
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.chain.extend(issuers);
        self
    }

    /// The certificate and its issuers, as they are sent.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The slot.
    #[must_use]
    pub const fn slot(&self) -> SlotId {
        self.slot
    }

    /// What the key is for.
    #[must_use]
    pub const fn role(&self) -> KeyRole {
        self.role
    }

    /// The password that one login asks for, once.
    #[must_use]
    pub const fn password(&self) -> PasswordKind {
        self.password
    }

    /// The TLS signature schemes that the card can serve with this key, best first.
    #[must_use]
    pub fn schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.iter().map(|scheme| scheme.tls).collect()
    }

    /// The protocol versions in which the key can be used: offer these and no other, or a server with optional login lets
    /// you in as nobody. [`Login::client_config`](crate::Login::client_config) does so.
    #[must_use]
    pub fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        scheme::versions(&self.schemes)
    }

    /// What cannot be done with the key, to be told to its user.
    #[must_use]
    pub fn limitation(&self) -> Option<Limitation> {
        let tls13 = self.schemes.iter().any(scheme::works_in_tls13);
        (!tls13).then_some(Limitation::Tls12Only)
    }

    pub(crate) fn token(&self) -> MutexGuard<'_, Box<dyn Token>> {
        lock(&self.token)
    }

    /// The first of ours that is among `offered`.
    pub(crate) fn choose(&self, offered: &[SignatureScheme]) -> Option<CardScheme> {
        self.schemes.iter().find(|scheme| offered.contains(&scheme.tls)).copied()
    }

    pub(crate) const fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.public_key
    }

    pub(crate) fn public_key_der(&self) -> SubjectPublicKeyInfoDer<'_> {
        SubjectPublicKeyInfoDer::from(self.public_key_der.as_ref())
    }
}

/// A conversation that panicked was ended by its guard, and the next one selects and verifies anew: nothing is half done.
fn lock(token: &SharedToken) -> MutexGuard<'_, Box<dyn Token>> {
    token.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for CardKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardKey")
            .field("slot", &self.slot)
            .field("role", &self.role)
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}
