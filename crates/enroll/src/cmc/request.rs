use const_oid::db::rfc5912::ID_CCT_PKI_DATA;
use der::{Decode, Encode, asn1::Any};
use obnova_pkcs10::CertificationRequest;

use super::{
    BuildError, MessageToSign, Nonce, Signer, TransactionId,
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
}

impl FullRequestBuilder {
    /// The first message of `transaction`; the answer has to carry `nonce`.
    #[must_use]
    pub const fn new(transaction: TransactionId, nonce: Nonce) -> Self {
        Self { transaction, nonce, requests: Vec::new() }
    }

    /// Adds a request.
    #[must_use]
    pub fn request(mut self, request: CertificationRequest) -> Self {
        self.requests.push(request);
        self
    }

    /// Ends the message: every one of `signers` has to sign it, for a renewal the keys of all certificates it renews.
    ///
    /// # Errors
    /// [`BuildError`] when there is no request or no signer, too many of them, or an algorithm does not fit its key.
    pub fn finalize(self, signers: &[Signer]) -> Result<MessageToSign, BuildError> {
        if self.requests.is_empty() {
            return Err(BuildError::Empty);
        }
        if self.requests.len() > MAX_REQUESTS {
            return Err(BuildError::TooMany);
        }
        let mut controls = ControlWriter::default();
        controls.transaction(&self.transaction)?;
        controls.sender_nonce(&self.nonce)?;
        let content = pki_data(controls, &self.requests)?;
        MessageToSign::new(ID_CCT_PKI_DATA, content, signers, [])
    }
}

/// Controls and requests, nothing nested.
pub(super) fn pki_data(controls: ControlWriter, requests: &[CertificationRequest]) -> der::Result<Vec<u8>> {
    let tagged = requests.iter().zip(controls.next_part()..).map(|(request, part)| {
        let request = Any::from_der(request.der())?;
        Any::encode_from(&TaggedRequest::Tcr(TaggedCertificationRequest { part, request }))
    });
    let requests = tagged.collect::<der::Result<_>>()?;
    PkiData { controls: controls.finish(), requests, cms: Vec::new(), other_messages: Vec::new() }.to_der()
}
