use const_oid::db::rfc5912::ID_CCT_PKI_DATA;
use der::{Decode, Encode, asn1::Any};
use obnova_pkcs10::CertificationRequest;

use super::{
    BodyPartId, BuildError, MessageToSign, Nonce, SealedPassword, Signer, TransactionId,
    controls::ControlWriter,
    syntax::{PkiData, TaggedCertificationRequest, TaggedRequest},
};
use crate::limits::MAX_REQUESTS;

/// Puts several certification requests into one Full PKI Request (RFC 5272 §3.2), that stand or fall together.
#[derive(Clone, Debug)]
pub struct FullRequestBuilder {
    transaction: TransactionId,
    nonce: Nonce,
    requests: Vec<CertificationRequest>,
    revocation_password: Option<SealedPassword>,
}

impl FullRequestBuilder {
    /// The first message of `transaction`; the answer has to carry `nonce`.
    #[must_use]
    pub const fn new(transaction: TransactionId, nonce: Nonce) -> Self {
        Self { transaction, nonce, requests: Vec::new(), revocation_password: None }
    }

    /// Adds a request.
    #[must_use]
    pub fn request(mut self, request: CertificationRequest) -> Self {
        self.requests.push(request);
        self
    }

    /// Sets the revocation password of the certificates that are asked for (in regInfo).
    #[must_use]
    pub fn revocation_password(mut self, password: SealedPassword) -> Self {
        self.revocation_password = Some(password);
        self
    }

    /// Ends the message: every one of `signers` has to sign it, for a renewal the keys of all certificates it renews.
    ///
    /// # Errors
    /// [`BuildError`] when there is no request or no signer, too many of them, or an algorithm does not fit its key.
    pub fn finalize(self, signers: &[Signer]) -> Result<MessageToSign, BuildError> {
        check_count(&self.requests)?;
        let mut controls = ControlWriter::default();
        controls.transaction(&self.transaction)?;
        controls.sender_nonce(&self.nonce)?;
        self.revocation_password.map_or(Ok(()), |password| controls.revocation_password(&password))?;
        let content = pki_data(controls, &self.requests)?;
        MessageToSign::new(ID_CCT_PKI_DATA, content, signers, Vec::new())
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
        let request = Any::from_der(request.der())?;
        Any::encode_from(&TaggedRequest::Tcr(TaggedCertificationRequest { part, request }))
    });
    tagged.collect()
}

/// Controls, and requests with numbers that no control has.
pub(super) fn pki_data_of(controls: ControlWriter, requests: Vec<Any>) -> der::Result<Vec<u8>> {
    PkiData { controls: controls.finish(), requests, cms: Vec::new(), other_messages: Vec::new() }.to_der()
}
