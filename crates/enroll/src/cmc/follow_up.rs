use const_oid::db::rfc5912::ID_CCT_PKI_DATA;
use x509_cert::Certificate;

use super::{
    BuildError, CertificateId, MessageToSign, Nonce, PendToken, Signer, TransactionId, controls::ControlWriter,
    request::pki_data,
};
use crate::{limits::MAX_CERTIFICATES, signed::unsigned};

/// A later message of a transaction. It is a SignedData without signers, but for [one](Self::sign_acceptance): no key and no PIN
/// is needed, since the pick-up token, and the transaction number that only the parties know, speak for it. It belongs on a channel that
/// authenticates the CA and hides both (TLS).
#[derive(Clone, Debug)]
pub struct FollowUp {
    transaction: TransactionId,
    nonce: Nonce,
    in_reply_to: Option<Nonce>,
}

impl FollowUp {
    /// The next message of `transaction`, with a nonce of its own.
    #[must_use]
    pub const fn new(transaction: TransactionId, nonce: Nonce) -> Self {
        Self { transaction, nonce, in_reply_to: None }
    }

    /// Carries the nonce that the CA sent last (recipientNonce, RFC 5272 §6.6), where it is still known.
    #[must_use]
    pub fn in_reply_to(mut self, nonce: Nonce) -> Self {
        self.in_reply_to = Some(nonce);
        self
    }

    /// Asks for what was pending (queryPending, RFC 5272 §6.13). It may be asked again and again: the token lives until
    /// [`confirm_acceptance`](Self::confirm_acceptance).
    ///
    /// # Errors
    /// [`BuildError`], of the encoder.
    pub fn query_pending(&self, token: &PendToken) -> Result<Vec<u8>, BuildError> {
        let mut controls = self.controls()?;
        controls.query_pending(token)?;
        unsigned(ID_CCT_PKI_DATA, Some(&pki_data(controls, &[])?), &[])
    }

    /// Says that all of `certificates` arrived (confirmCertAcceptance, RFC 5272 §6.14), which ends the pick-up `token`;
    /// there is none when the certificates came at once.
    ///
    /// # Errors
    /// [`BuildError::Empty`] without certificates.
    pub fn confirm_acceptance(
        &self,
        token: Option<&PendToken>,
        certificates: &[Certificate],
    ) -> Result<Vec<u8>, BuildError> {
        unsigned(ID_CCT_PKI_DATA, Some(&self.acceptance(token, certificates)?), &[])
    }

    /// The same for who knows neither token nor transaction number, since the certificates came on another way: `signers`, the
    /// keys of what arrived, speak for him. The transaction is one of his own then.
    ///
    /// # Errors
    /// As [`confirm_acceptance`](Self::confirm_acceptance); [`BuildError::NoSigner`] without signers.
    pub fn sign_acceptance(
        &self,
        certificates: &[Certificate],
        signers: &[Signer],
    ) -> Result<MessageToSign, BuildError> {
        MessageToSign::new(ID_CCT_PKI_DATA, self.acceptance(None, certificates)?, signers, Vec::new())
    }

    fn acceptance(&self, token: Option<&PendToken>, certificates: &[Certificate]) -> Result<Vec<u8>, BuildError> {
        if certificates.is_empty() {
            return Err(BuildError::Empty);
        }
        if certificates.len() > MAX_CERTIFICATES {
            return Err(BuildError::TooMany);
        }
        let mut controls = self.controls()?;
        token.map_or(Ok(()), |token| controls.query_pending(token))?;
        for certificate in certificates {
            controls.confirm(&CertificateId::from(certificate))?;
        }
        Ok(pki_data(controls, &[])?)
    }

    fn controls(&self) -> der::Result<ControlWriter> {
        let mut controls = ControlWriter::default();
        controls.transaction(&self.transaction)?;
        controls.sender_nonce(&self.nonce)?;
        self.in_reply_to.as_ref().map_or(Ok(()), |nonce| controls.recipient_nonce(nonce))?;
        Ok(controls)
    }
}
