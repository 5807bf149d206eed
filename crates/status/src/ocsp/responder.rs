use std::time::{Duration, SystemTime};

use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError};
use x509_cert::serial_number::SerialNumber;

use super::{
    CertId, DelegateError, ErrorStatus, Request,
    answer::{self, ResponseToSign},
    delegate,
};
use crate::{Authority, CertificateError, Revocation, Rules, authority::key_hash, certificate::Certificate};

/// Answers OCSP requests about one CA's certificates, out of whatever table the CA has. The key that signs stays where it is.
#[derive(Clone, Debug)]
pub struct Responder {
    authority: Authority,
    pub(super) key: SubjectPublicKeyInfoOwned,
    pub(super) key_hash: [u8; 20],
    pub(super) algorithm: SignatureAlgorithm,
    /// The certificate of a delegate, and when it is valid.
    pub(super) delegate: Option<Delegate>,
    pub(super) validity: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Delegate {
    pub(super) certificate: Vec<u8>,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

impl Responder {
    /// A responder that signs with the CA's own key.
    ///
    /// # Errors
    /// [`ResponderError::KeyUsage`] when the CA's certificate says what the key is for and leaves out digital signatures.
    pub fn direct(authority: Authority) -> Result<Self, ResponderError> {
        if !authority.may_sign_answers {
            return Err(ResponderError::KeyUsage);
        }
        let key = authority.key.clone();
        Self::new(authority, key, None)
    }

    /// A responder with a certificate of its own, which the CA issued with
    /// [`responder_extensions`](super::responder_extensions): the CA's own key can stay offline.
    ///
    /// # Errors
    /// [`ResponderError`]: clients would refuse its answers.
    pub fn delegated(authority: Authority, certificate: &[u8]) -> Result<Self, ResponderError> {
        let read = Certificate::read(certificate)?;
        let validity = read.content.validity();
        let (not_before, not_after) = (validity.not_before.to_system_time(), validity.not_after.to_system_time());
        // When it is valid is looked at with each answer.
        delegate::check(&read, &authority, not_before, &Rules::default())?;
        let delegate = Delegate { certificate: certificate.to_vec(), not_before, not_after };
        Self::new(authority, read.key().clone(), Some(delegate))
    }

    fn new(
        authority: Authority,
        key: SubjectPublicKeyInfoOwned,
        delegate: Option<Delegate>,
    ) -> Result<Self, ResponderError> {
        let kind = KeyAlgorithm::try_from(&key).map_err(VerifyError::from)?;
        let algorithm = SignatureAlgorithm::default_for(kind);
        Ok(Self { authority, key_hash: key_hash(&key), key, algorithm, delegate, validity: DEFAULT_VALIDITY })
    }

    /// Signs by another algorithm than [`SignatureAlgorithm::default_for`] the key.
    ///
    /// # Errors
    /// [`ResponderError::Key`] when it is for another kind of key.
    pub fn algorithm(mut self, algorithm: SignatureAlgorithm) -> Result<Self, ResponderError> {
        let key = KeyAlgorithm::try_from(&self.key).map_err(VerifyError::from)?;
        if !algorithm.fits(key) {
            return Err(VerifyError::WrongKind { algorithm, key }.into());
        }
        self.algorithm = algorithm;
        Ok(self)
    }

    /// For how long an answer may be kept (nextUpdate); an hour unless told otherwise. A revocation takes that long to reach
    /// everybody who does not ask with a nonce.
    #[must_use]
    pub const fn valid_for(mut self, validity: Duration) -> Self {
        self.validity = validity;
        self
    }

    /// Answers a request, as it came, with what `status` knows at `now` of a certificate by its serial number. `status` is
    /// asked about this CA's certificates only; others are answered as unknown, or as unauthorized when there is nothing else
    /// to say (RFC 5019 §2.2.3).
    ///
    /// # Errors
    /// [`AnswerError`](super::AnswerError) when a date cannot be written (before 1970, after 9999).
    pub fn answer(
        &self,
        request: &[u8],
        now: SystemTime,
        mut status: impl FnMut(&SerialNumber) -> Result<CertStatus, Unavailable>,
    ) -> Result<Answer, super::AnswerError> {
        let Ok(request) = Request::parse(request) else {
            return Ok(Answer::Error(ErrorStatus::MalformedRequest));
        };
        if !request.certificates.iter().any(|id| id.is_of(&self.authority)) {
            return Ok(Answer::Error(ErrorStatus::Unauthorized));
        }
        // Nobody would believe an answer that is signed with a certificate out of date.
        let in_time = |delegate: &Delegate| (delegate.not_before..=delegate.not_after).contains(&now);
        if !self.delegate.as_ref().is_none_or(in_time) {
            return Ok(Answer::Error(ErrorStatus::InternalError));
        }
        let mut known = |id: CertId| {
            let found = if id.is_of(&self.authority) { status(id.serial_number()) } else { Ok(CertStatus::Unknown) };
            found.map(|status| (id, status))
        };
        match request.certificates.into_iter().map(&mut known).collect::<Result<Vec<_>, _>>() {
            Ok(statuses) => Ok(Answer::ToSign(answer::prepare(self, statuses, request.nonce.as_ref(), now)?)),
            Err(Unavailable) => Ok(Answer::Error(ErrorStatus::TryLater)),
        }
    }
}

const DEFAULT_VALIDITY: Duration = Duration::from_secs(60 * 60);

/// What a CA says of one of its serial numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    /// Issued, and not revoked.
    Good,
    /// Revoked or on hold.
    Revoked(Revocation),
    /// Not known here: another responder may know it.
    Unknown,
    /// Nobody knows it, since this CA knows all it issued: answered as revoked, so that clients which take "unknown" lightly do
    /// not accept a forgery (RFC 6960 §2.2, §4.4.8).
    NeverIssued,
}

/// The table cannot be looked into now: the client is told to try later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// What a responder has to say.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An answer that its key has to sign.
    ToSign(ResponseToSign),
    /// An error, which is not signed: [`ErrorStatus::to_der`] is the response.
    Error(ErrorStatus),
}

/// Why nobody would believe such a responder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponderError {
    /// Its certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Its certificate does not let it answer.
    #[error("the responder may not answer for the CA: {0}")]
    Delegate(#[from] DelegateError),
    /// The CA's certificate does not let it sign answers.
    #[error("the CA's key may not sign answers (key usage): issue a certificate for a responder")]
    KeyUsage,
    /// Its key cannot be used, or not by this algorithm.
    #[error(transparent)]
    Key(#[from] VerifyError),
}
