//! Revocation on request (RFC 5272 §6.11): by a key that has a certificate, or by the revocation password alone.

use std::{fmt, time::SystemTime};

use const_oid::db::rfc5912::ID_CCT_PKI_DATA;
use der::asn1::{GeneralizedTime, OctetStringRef, Utf8StringRef};
use x509_cert::{Certificate, ext::pkix::CrlReason};

use super::{
    BuildError, CertificateId, MessageToSign, Nonce, RequestError, SealedPassphrase, Signer, TransactionId,
    controls::{ControlWriter, Controls},
    request::pki_data,
    status::printable,
    syntax::RevokeRequest,
};
use crate::{limits::MAX_REQUESTS, signed::unsigned};

/// One certificate that is to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Which.
    pub certificate: CertificateId,
    /// Why (RFC 5280 §5.3.1). Which reasons a holder may give is the CA's to decide.
    pub reason: CrlReason,
    /// Since when it should not have been trusted (RFC 5280 §5.3.2), in whole seconds.
    pub invalid_since: Option<SystemTime>,
    /// The revocation password.
    pub passphrase: Option<SealedPassphrase>,
    /// In the requester's words; may be empty. Free of control characters when it was received.
    pub comment: String,
}

impl Revocation {
    /// Of this certificate for this reason, and no more is said.
    #[must_use]
    pub const fn new(certificate: CertificateId, reason: CrlReason) -> Self {
        Self { certificate, reason, invalid_since: None, passphrase: None, comment: String::new() }
    }

    /// With the revocation password.
    #[must_use]
    pub fn passphrase(mut self, passphrase: SealedPassphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }
}

/// Asks for certificates to be revoked: all of them or none.
#[derive(Clone, Debug)]
pub struct RevocationRequestBuilder {
    transaction: TransactionId,
    nonce: Nonce,
    revocations: Vec<Revocation>,
}

impl RevocationRequestBuilder {
    /// The one message of `transaction`; the answer has to carry `nonce`.
    #[must_use]
    pub const fn new(transaction: TransactionId, nonce: Nonce) -> Self {
        Self { transaction, nonce, revocations: Vec::new() }
    }

    /// Adds a certificate.
    #[must_use]
    pub fn revoke(mut self, revocation: Revocation) -> Self {
        self.revocations.push(revocation);
        self
    }

    /// Ends the message, for `signers` to sign: the keys of the certificates themselves, while they are there, or an
    /// operator's.
    ///
    /// # Errors
    /// [`BuildError`] when nothing is to be revoked, or too much at once, or a signer does not fit.
    pub fn finalize(self, signers: &[Signer]) -> Result<MessageToSign, BuildError> {
        MessageToSign::new(ID_CCT_PKI_DATA, self.content()?, signers, Vec::new())
    }

    /// Ends the message without a signature, for a holder whose keys are lost: the passwords speak for him. It belongs on a
    /// channel that authenticates the CA (TLS).
    ///
    /// # Errors
    /// As [`finalize`](Self::finalize), and [`BuildError::NoSigner`] when one of the certificates is named without its
    /// password.
    pub fn finalize_unsigned(self) -> Result<Vec<u8>, BuildError> {
        if self.revocations.iter().any(|revocation| revocation.passphrase.is_none()) {
            return Err(BuildError::NoSigner);
        }
        unsigned(ID_CCT_PKI_DATA, Some(&self.content()?), &[])
    }

    fn content(&self) -> Result<Vec<u8>, BuildError> {
        match self.revocations.len() {
            0 => return Err(BuildError::Empty),
            1..=MAX_REQUESTS => {}
            _ => return Err(BuildError::TooMany),
        }
        let mut controls = ControlWriter::default();
        controls.transaction(&self.transaction)?;
        controls.sender_nonce(&self.nonce)?;
        for revocation in &self.revocations {
            let Revocation { certificate, reason, invalid_since, passphrase, comment } = revocation;
            let passphrase = passphrase.as_ref().map(|sealed| OctetStringRef::new(sealed.der())).transpose()?;
            controls.revoke(&RevokeRequest {
                issuer: certificate.issuer.clone(),
                serial: certificate.serial.clone(),
                reason: *reason,
                invalid_since: invalid_since.map(GeneralizedTime::from_system_time).transpose()?,
                passphrase,
                comment: if comment.is_empty() { None } else { Some(Utf8StringRef::new(comment)?) },
            })?;
        }
        Ok(pki_data(controls, &[])?)
    }
}

/// A request for revocation as a CA received it, with every signature on it checked, as those on a
/// [`FullRequest`](super::FullRequest) are. Passwords are still sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationRequest {
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// What the answer has to carry.
    pub nonce: Nonce,
    /// What is to be revoked, at least one.
    pub revocations: Vec<Revocation>,
    /// The certificates of those who signed, each once; none when passwords alone speak. That one is worth something,
    /// and may ask for this, is the CA's to decide: see [`by_holder`](Self::by_holder).
    pub signers: Vec<Certificate>,
}

impl RevocationRequest {
    /// Whether the key of the certificate that is to be revoked has signed: its holder asks, or who stole the key, for whom
    /// it is as well to be rid of it. The CA looks for exactly that certificate among those it issued.
    #[must_use]
    pub fn by_holder(&self, revocation: &Revocation) -> Option<&Certificate> {
        self.signers.iter().find(|signer| CertificateId::from(*signer) == revocation.certificate)
    }

    /// Checks that each revocation has a signature or a password for it.
    pub(super) fn check(controls: Controls, signers: Vec<Certificate>) -> Result<Self, RequestError> {
        let transaction = controls.transaction.ok_or(RequestError::NoTransaction)?;
        let nonce = controls.sender_nonce.ok_or(RequestError::NoNonce)?;
        let revocations = controls.revocations;
        if revocations.len() > MAX_REQUESTS {
            return Err(crate::MessageError::TooMany { what: "revocations", most: MAX_REQUESTS }.into());
        }
        let once = |index: usize, one: &Revocation| {
            revocations[..index].iter().all(|earlier: &Revocation| earlier.certificate != one.certificate)
        };
        if !revocations.iter().enumerate().all(|(index, one)| once(index, one)) {
            return Err(RequestError::RevokedTwice);
        }
        if signers.is_empty() && revocations.iter().any(|revocation| revocation.passphrase.is_none()) {
            return Err(RequestError::NobodyRevokes);
        }
        Ok(Self { transaction, nonce, revocations, signers })
    }
}

impl fmt::Debug for RevocationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RevocationRequest");
        shown.field("transaction", &self.transaction).field("revocations", &self.revocations).finish_non_exhaustive()
    }
}

impl TryFrom<RevokeRequest<'_>> for Revocation {
    type Error = PassphraseInClear;

    fn try_from(control: RevokeRequest<'_>) -> Result<Self, PassphraseInClear> {
        let passphrase = control.passphrase.map(|sealed| SealedPassphrase::from_der(sealed.as_bytes())).transpose();
        let passphrase = passphrase.map_err(|_| PassphraseInClear)?;
        Ok(Self {
            certificate: CertificateId { issuer: control.issuer, serial: control.serial },
            reason: control.reason,
            invalid_since: control.invalid_since.map(|time| time.to_system_time()),
            passphrase,
            comment: control.comment.map(|text| printable(text.as_str())).unwrap_or_default(),
        })
    }
}

/// A passphrase that is not sealed.
pub(super) struct PassphraseInClear;
