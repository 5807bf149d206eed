use const_oid::db::rfc5912::ID_CCT_PKI_DATA;
use obnova_pkcs10::CertificationRequest;

use super::{BuildError, MessageToSign, Nonce, Signer, TransactionId, controls::ControlWriter};
use crate::{
    encode::{element, sequence, sequence_of, tag, unsigned},
    limits::MAX_REQUESTS,
};

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
        let content = pki_data(controls, &self.requests);
        MessageToSign::new(ID_CCT_PKI_DATA, content, signers, [])
    }
}

/// `PKIData` (RFC 5272 §3.2.1): controls, requests as `tcr [0]`, nothing nested, nothing else.
pub(super) fn pki_data(controls: ControlWriter, requests: &[CertificationRequest]) -> Vec<u8> {
    let numbers = controls.next_part()..;
    let requests = requests
        .iter()
        .zip(numbers)
        .map(|(request, part)| element(tag::CONTEXT_0, &[&unsigned(&part.to_be_bytes()), request.der()]));
    let requests = requests.collect::<Vec<_>>();
    sequence(&[&sequence_of(&controls.finish()), &sequence_of(&requests), &sequence(&[]), &sequence(&[])])
}
