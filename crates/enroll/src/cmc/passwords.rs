//! Revocation passwords on their way to the CA, in [envelopes](crate::envelope): they are never written down or sent in
//! another form. RFC 5272 has no control that sets one and leaves the content of two others to the parties: regInfo (§6.12)
//! carries one that is set, the passphrase of revokeRequest (§6.11) one that is used.

use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, OctetStringRef},
};
use x509_cert::Certificate;
use zeroize::Zeroizing;

use super::{CertificateId, IdError};
use crate::{
    Secret,
    envelope::{self, OpenError, OpeningKey, SealError},
};

/// A revocation password that is to be set for the certificates of a request. The content of the envelope is the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPassword(Vec<u8>);

impl SealedPassword {
    /// Seals a password for the CA's certificate for encryption.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(password: &Secret, ca: &Certificate) -> Result<Self, SealError> {
        envelope::seal(password.as_bytes(), ca).map(Self)
    }

    /// From the bytes of [`der`](Self::der), that were kept or received.
    ///
    /// # Errors
    /// [`OpenError`] when they are no envelope.
    pub fn from_der(bytes: &[u8]) -> Result<Self, OpenError> {
        envelope::check(bytes)?;
        Ok(Self(bytes.to_vec()))
    }

    /// The envelope.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// The password.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn open(&self, key: &OpeningKey) -> Result<Secret, PasswordError> {
        Ok(Secret::from_bytes(&key.open(&self.0)?)?)
    }
}

/// A revocation password that is used, for one certificate. The content of the envelope names the certificate beside the
/// password, so whoever copies an envelope revokes nothing else with it, and nothing with one that sets a password.
///
/// Content: `SEQUENCE { CMCCertId, OCTET STRING }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPassphrase(Vec<u8>);

impl SealedPassphrase {
    /// Seals the password of `certificate` for the CA's certificate for encryption.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(password: &Secret, certificate: &CertificateId, ca: &Certificate) -> Result<Self, SealError> {
        let id = certificate.to_der()?;
        let id = AnyRef::from_der(&id)?;
        let content = Passphrase { certificate: id, password: OctetStringRef::new(password.as_bytes())? };
        let content = Zeroizing::new(content.to_der()?);
        envelope::seal(&content, ca).map(Self)
    }

    /// From the bytes of [`der`](Self::der), that were kept or received.
    ///
    /// # Errors
    /// [`OpenError`] when they are no envelope.
    pub fn from_der(bytes: &[u8]) -> Result<Self, OpenError> {
        envelope::check(bytes)?;
        Ok(Self(bytes.to_vec()))
    }

    /// The envelope.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// The password, when it was sealed to revoke `certificate`.
    ///
    /// # Errors
    /// [`PasswordError`]; [`PasswordError::OtherCertificate`] when it was sealed for another.
    pub fn open(&self, key: &OpeningKey, certificate: &CertificateId) -> Result<Secret, PasswordError> {
        let content = key.open(&self.0)?;
        let malformed = |_| PasswordError::NoPassphrase;
        let Passphrase { certificate: named, password } = Passphrase::from_der(&content).map_err(malformed)?;
        if named.decode_as::<CertificateId>().map_err(malformed)? != *certificate {
            return Err(PasswordError::OtherCertificate);
        }
        Ok(Secret::from_bytes(password.as_bytes())?)
    }
}

/// Borrowed, so that the password stays where it is wiped.
#[derive(Sequence)]
struct Passphrase<'a> {
    certificate: AnyRef<'a>,
    password: &'a OctetStringRef,
}

/// Why a sealed password is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The envelope does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The password in it is empty or too long.
    #[error("the password in the envelope: {0}")]
    Size(#[from] IdError),
    /// There is something else in it than a certificate's name and a password.
    #[error("the envelope was not sealed to revoke a certificate")]
    NoPassphrase,
    /// It was sealed to revoke another certificate.
    #[error("the envelope was sealed to revoke another certificate")]
    OtherCertificate,
}
