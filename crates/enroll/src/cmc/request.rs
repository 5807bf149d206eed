use const_oid::db::rfc5912::ID_CCT_PKI_DATA;
use der::{
    Decode, Encode,
    asn1::{Any, AnyRef},
};
use obnova_pkcs10::CertificationRequest;

use super::{
    BodyPartId, BuildError, MessageToSign, Nonce, SealedPassword, Signer, TransactionId,
    controls::ControlWriter,
    syntax::{PkiData, TaggedCertificationRequest, TaggedRequest},
};
use crate::limits::MAX_REQUESTS;

/// Puts several certification requests into one Full PKI Request (RFC 5272 §3.2), that stand or fall together.
#[derive(Clone, Debug)]
pub struct FullRequestBuilder(Draft);

impl FullRequestBuilder {
    /// The first message of `transaction`; the answer has to carry `nonce`.
    #[must_use]
    pub const fn new(transaction: TransactionId, nonce: Nonce) -> Self {
        Self(Draft::new(transaction, nonce))
    }

    /// Adds a request.
    #[must_use]
    pub fn request(mut self, request: CertificationRequest) -> Self {
        self.0.requests.push(request);
        self
    }

    /// Sets the revocation password of the certificates that are asked for (in regInfo).
    #[must_use]
    pub fn revocation_password(mut self, password: SealedPassword) -> Self {
        self.0.revocation_password = Some(password);
        self
    }

    /// Ends the message: every one of `signers` has to sign it, for a renewal the keys of all certificates it renews.
    ///
    /// # Errors
    /// [`BuildError`] when there is no request or no signer, too many of them, or an algorithm does not fit its key.
    pub fn finalize(self, signers: &[Signer]) -> Result<MessageToSign, BuildError> {
        let content = pki_data(self.0.begin()?, &self.0.requests)?;
        MessageToSign::new(ID_CCT_PKI_DATA, content, signers, Vec::new())
    }
}

/// What any order of certificates consists of, whoever vouches for it.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    transaction: TransactionId,
    nonce: Nonce,
    pub(super) requests: Vec<CertificationRequest>,
    pub(super) revocation_password: Option<SealedPassword>,
}

impl Draft {
    pub(super) const fn new(transaction: TransactionId, nonce: Nonce) -> Self {
        Self { transaction, nonce, requests: Vec::new(), revocation_password: None }
    }

    /// The controls that every order has, when it asks for as many certificates as can be.
    pub(super) fn begin(&self) -> Result<ControlWriter, BuildError> {
        check_count(&self.requests)?;
        let mut controls = ControlWriter::default();
        controls.transaction(&self.transaction)?;
        controls.sender_nonce(&self.nonce)?;
        self.revocation_password.as_ref().map_or(Ok(()), |password| controls.revocation_password(password))?;
        Ok(controls)
    }
}

/// At least one, and no more than are read.
pub(super) const fn check_count(requests: &[CertificationRequest]) -> Result<(), BuildError> {
    match requests.len() {
        0 => Err(BuildError::Empty),
        1..=MAX_REQUESTS => Ok(()),
        _ => Err(BuildError::TooMany),
    }
}

/// Controls and requests, nothing nested.
pub(super) fn pki_data(controls: ControlWriter, requests: &[CertificationRequest]) -> der::Result<Vec<u8>> {
    let requests = tagged(requests, controls.next_part())?;
    pki_data_of(controls, requests)
}

/// Requests numbered from `first`.
pub(super) fn tagged(requests: &[CertificationRequest], first: BodyPartId) -> der::Result<Vec<Any>> {
    let tagged = requests.iter().zip(first..).map(|(request, part)| {
        let request = AnyRef::from_der(request.der())?;
        Any::encode_from(&TaggedRequest::Tcr(TaggedCertificationRequest { part, request }))
    });
    tagged.collect()
}

/// Controls, and requests with numbers that no control has.
pub(super) fn pki_data_of(controls: ControlWriter, requests: Vec<Any>) -> der::Result<Vec<u8>> {
    PkiData { controls: controls.finish(), requests, cms: Vec::new(), other_messages: Vec::new() }.to_der()
}
