use const_oid::db::rfc5912::ID_CCT_PKI_RESPONSE;
use der::{
    Encode,
    asn1::{GeneralizedTime, OctetStringRef, Utf8StringRef},
};

use super::{
    Answer, BodyPartId, BuildError, FullRequest, Kind, MessageToSign, Nonce, ReadySigner, Received, Signer,
    TransactionId,
    controls::ControlWriter,
    syntax::{BodyPartReference, OtherInfo, PendInfo, PkiResponse, Status, StatusInfoV2},
};

/// Makes a Full PKI Response (RFC 5272 §4.2), signed by the CA.
#[derive(Clone, Debug)]
pub struct FullResponseBuilder {
    transaction: TransactionId,
    recipient_nonce: Nonce,
    sender_nonce: Nonce,
    parts: Vec<BodyPartId>,
}

impl FullResponseBuilder {
    /// An answer to `request`, with a nonce of the CA's own.
    #[must_use]
    pub fn reply_to(request: &FullRequest, nonce: Nonce) -> Self {
        let parts = match &request.kind {
            Kind::Enroll(requests) => requests.iter().map(|(part, _)| *part).collect(),
            Kind::QueryPending(_) | Kind::ConfirmAcceptance { .. } => Vec::new(),
        };
        Self { parts, ..Self::to_address(request.transaction.clone(), request.nonce.clone(), nonce) }
    }

    /// Like [`reply_to`](Self::reply_to), to a request of any kind.
    #[must_use]
    pub fn reply_to_any(request: &Received, nonce: Nonce) -> Self {
        let (transaction, recipient_nonce, parts) = request.address();
        Self { parts, ..Self::to_address(transaction.clone(), recipient_nonce.clone(), nonce) }
    }

    /// An answer to a message that could not be read further than its
    /// [`return_address`](FullRequest::return_address), or to one that came another way.
    #[must_use]
    pub const fn to_address(transaction: TransactionId, recipient_nonce: Nonce, nonce: Nonce) -> Self {
        Self { transaction, recipient_nonce, sender_nonce: nonce, parts: Vec::new() }
    }

    /// Says `answer`, to be signed by `signer`. The certificates in it travel beside what is signed, as CMS has it
    /// (RFC 5652 §5.1): each bears its issuer's signature, and who asked matches them to its keys.
    ///
    /// # Errors
    /// [`BuildError`] when the signer's algorithm does not fit its key, or nothing is issued.
    pub fn finalize(self, answer: &Answer, signer: &Signer) -> Result<MessageToSign, BuildError> {
        self.finalize_by(answer, &ReadySigner::new(signer)?)
    }

    /// Like [`finalize`](Self::finalize), by a signer who is ready.
    ///
    /// # Errors
    /// [`BuildError`] when nothing is issued.
    pub fn finalize_by(self, answer: &Answer, signer: &ReadySigner) -> Result<MessageToSign, BuildError> {
        let certificates = match answer {
            Answer::Issued { certificates, .. } if certificates.is_empty() => return Err(BuildError::Empty),
            Answer::Issued { certificates, chain, .. } => {
                certificates.iter().chain(chain).map(Encode::to_der).collect()
            }
            Answer::Pending { .. } | Answer::Confirmed | Answer::Refused { .. } => Ok(Vec::new()),
        };
        self.put_together(answer, certificates?, signer)
    }

    /// Says that `certificates` were issued, as [`Answer::Issued`] does, for a CA that has them as bytes: DER of each, and of
    /// those of the `chain`.
    ///
    /// # Errors
    /// [`BuildError`] when nothing is issued.
    pub fn issued_by<'a>(
        self,
        certificates: impl IntoIterator<Item = &'a [u8]>,
        chain: impl IntoIterator<Item = &'a [u8]>,
        confirm: bool,
        signer: &ReadySigner,
    ) -> Result<MessageToSign, BuildError> {
        let mut all: Vec<_> = certificates.into_iter().map(<[u8]>::to_vec).collect();
        if all.is_empty() {
            return Err(BuildError::Empty);
        }
        all.extend(chain.into_iter().map(<[u8]>::to_vec));
        let answer = Answer::Issued { certificates: Vec::new(), chain: Vec::new(), confirm };
        self.put_together(&answer, all, signer)
    }

    fn put_together(
        self,
        answer: &Answer,
        certificates: Vec<Vec<u8>>,
        signer: &ReadySigner,
    ) -> Result<MessageToSign, BuildError> {
        // The list has at least one member; 0 is the request as a whole.
        let parts = if self.parts.is_empty() { vec![0] } else { self.parts };
        let mut controls = ControlWriter::default();
        controls.status(&status(answer, &parts)?)?;
        controls.transaction(&self.transaction)?;
        controls.sender_nonce(&self.sender_nonce)?;
        controls.recipient_nonce(&self.recipient_nonce)?;
        let body = PkiResponse { controls: controls.finish(), cms: Vec::new(), other_messages: Vec::new() }.to_der()?;
        MessageToSign::by(ID_CCT_PKI_RESPONSE, body, vec![signer.clone()], certificates)
    }
}

fn status<'a>(answer: &'a Answer, parts: &[BodyPartId]) -> der::Result<StatusInfoV2<'a>> {
    let (status, text, other) = match answer {
        Answer::Issued { confirm: true, .. } => (Status::ConfirmRequired, "", None),
        Answer::Issued { confirm: false, .. } | Answer::Confirmed => (Status::Success, "", None),
        Answer::Pending { token, check_at } => {
            let token = OctetStringRef::new(token.as_bytes())?;
            let check_at = GeneralizedTime::from_system_time(*check_at)?;
            (Status::Pending, "", Some(OtherInfo::Pend(PendInfo { token, check_at })))
        }
        Answer::Refused { reason, text } => (Status::Failed, text.as_str(), reason.number().map(OtherInfo::Fail)),
    };
    let parts = parts.iter().copied().map(BodyPartReference::Id).collect();
    let text = if text.is_empty() { None } else { Some(Utf8StringRef::new(text)?) };
    Ok(StatusInfoV2 { status, parts, text, other })
}
