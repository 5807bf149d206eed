use std::time::SystemTime;

use x509_cert::serial_number::SerialNumber;

use super::{CertId, IdDigest, Nonce, OcspError, Request, Verdict, check};
use crate::{Authority, CertificateError, NotIssued, Rules, certificate::Certificate};

/// One certificate that a client asks about. Keep it until the answer is there: it knows what was asked.
#[derive(Clone, Debug)]
pub struct Question {
    authority: Authority,
    id: CertId,
    nonce: Option<Nonce>,
}

impl Question {
    /// Asks about a certificate of `authority`, given as DER.
    ///
    /// # Errors
    /// [`QuestionError`]: not a certificate, or not one of this CA's.
    pub fn about(certificate: &[u8], authority: &Authority) -> Result<Self, QuestionError> {
        Self::about_with(certificate, authority, IdDigest::default())
    }

    /// Like [`about`](Self::about), with another digest in the [`CertId`].
    ///
    /// # Errors
    /// As [`about`](Self::about).
    pub fn about_with(certificate: &[u8], authority: &Authority, digest: IdDigest) -> Result<Self, QuestionError> {
        let certificate = Certificate::read(certificate)?;
        authority.issued(&certificate)?;
        let serial_number = certificate.content.serial_number().clone();
        let id = CertId::new(authority, serial_number, digest).map_err(CertificateError::from)?;
        Ok(Self { authority: authority.clone(), id, nonce: None })
    }

    /// Asks about the certificate of `authority` with this number, for who has the number only.
    ///
    /// # Errors
    /// None that is known; the encoder's type has one.
    pub fn numbered(serial_number: SerialNumber, authority: &Authority) -> der::Result<Self> {
        let id = CertId::new(authority, serial_number, IdDigest::default())?;
        Ok(Self { authority: authority.clone(), id, nonce: None })
    }

    /// Asks for an answer that is made now, for this question: `nonce` has to be in it. A new one for each question.
    #[must_use]
    pub fn nonce(mut self, nonce: Nonce) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// Which certificate is meant.
    #[must_use]
    pub const fn id(&self) -> &CertId {
        &self.id
    }

    /// The OCSP request.
    ///
    /// # Errors
    /// None that is known; the encoder's type has one.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let nonce = self.nonce.clone();
        Request { certificates: vec![self.id.clone()], nonce, signed: false }.to_der()
    }

    /// What an OCSP response says of the certificate, when it may be believed at `now`: the CA itself signed it or whom it lets
    /// (RFC 6960 §4.2.2.2), it is for this question, and is neither too old nor from the future (§3.2).
    ///
    /// Two signatures are verified at most, however many certificates come along.
    ///
    /// # Errors
    /// [`OcspError`]: one for each way in which it may not be believed.
    pub fn check(&self, response: &[u8], now: SystemTime, rules: &Rules) -> Result<Verdict, OcspError> {
        check::check(
            response,
            &check::Asked { authority: &self.authority, id: &self.id, nonce: self.nonce.as_ref() },
            now,
            rules,
        )
    }
}

/// Why a certificate cannot be asked about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// Not a certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Not one of this CA's.
    #[error(transparent)]
    Issuer(#[from] NotIssued),
}
