use std::fmt;

use const_oid::{ObjectIdentifier, db::rfc5912::ID_CCT_PKI_DATA};
use der::{Choice, Decode, Reader, SliceReader, Tagged, asn1::AnyRef};
use obnova_algorithm::UnknownAlgorithm;
use obnova_pkcs10::{CertificationRequest, ParseError};

use super::{
    BodyPartId, CertificateId, ControlError, FailInfo, FirstRequest, Nonce, PendToken, RevocationRequest,
    SealedPassword, TransactionId,
    controls::Controls,
    syntax::{ReceivedData, TaggedRequest},
};
use crate::{
    limits::MAX_REQUESTS,
    signed::{MessageError, ReceivedCertificate, SignatureError, SignedMessage, framed},
};

/// A Full PKI Request as a CA received it (RFC 5272 §3.2), with every signature on it checked.
///
/// What was checked: each signer has the key of the certificate that came along. What was *not*: whether that certificate
/// is worth anything. A stranger can send one of his own making, with any issuer in it, so the CA looks for exactly this
/// certificate among those it issued. Nor were the requests' own proofs of possession: see [`CertificationRequest::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullRequest {
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// What the answer has to carry.
    pub nonce: Nonce,
    /// The CA's nonce that this message answers, when it names one.
    pub in_reply_to: Option<Nonce>,
    /// What is asked.
    pub kind: Kind,
    /// The certificates of those who signed, each once. Their order says nothing.
    pub signers: Vec<ReceivedCertificate>,
    /// The revocation password that the certificates asked for are to have, still sealed. Not from [`parse`](Self::parse),
    /// which refuses it for CAs that have no use for it.
    pub revocation_password: Option<SealedPassword>,
}

/// What a client asks. `Debug` leaves tokens out.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// Certificates: all of them or none. There is at least one request and at least one signer.
    Enroll(Vec<(BodyPartId, CertificationRequest)>),
    /// What was pending. Answering it does not end the token.
    QueryPending(PendToken),
    /// These certificates arrived: the end of the token, when there was one.
    ConfirmAcceptance {
        /// The token that ends.
        token: Option<PendToken>,
        /// What arrived, at least one.
        certificates: Vec<CertificateId>,
    },
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enroll(requests) => f.debug_tuple("Enroll").field(requests).finish(),
            Self::QueryPending(_) => f.write_str("QueryPending(..)"),
            Self::ConfirmAcceptance { token: _, certificates } => {
                f.debug_struct("ConfirmAcceptance").field("certificates", certificates).finish_non_exhaustive()
            }
        }
    }
}

/// Whatever a client asks of a CA, each kind with what its checks have shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// From somebody who has certificates, or follows up on what he asked for.
    Known(FullRequest),
    /// For somebody's first certificates.
    First(FirstRequest),
    /// To revoke certificates.
    Revocation(RevocationRequest),
}

impl Received {
    /// Reads a request of any kind, DER or BER, and checks every signature on it.
    ///
    /// # Errors
    /// [`RequestError`]; its [`fail_info`](RequestError::fail_info) is what to answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let framed = framed(bytes)?;
        let message = SignedMessage::parse(&framed)?;
        let content = message.content(ID_CCT_PKI_DATA)?;
        let Content { controls, requests } = Content::parse(content)?;
        if let Some(oid) = controls.unknown.first() {
            return Err(RequestError::UnsupportedControl { oid: *oid });
        }
        let follows_up = controls.query_pending.is_some() || !controls.confirmed.is_empty();
        let proves = controls.identification.is_some() || controls.identity_proof.is_some();
        let asks = !requests.is_empty() || controls.revocation_password.is_some();
        match (proves, !controls.revocations.is_empty()) {
            (true, _) if follows_up => Err(RequestError::Ambiguous),
            (_, true) if proves || asks || follows_up => Err(RequestError::Ambiguous),
            (true, _) => FirstRequest::check(&message, content, controls, requests).map(Self::First),
            (_, true) => {
                let signers = signers(message)?.iter().map(ReceivedCertificate::read).collect::<Result<_, _>>()?;
                RevocationRequest::check(controls, signers).map(Self::Revocation)
            }
            (false, false) => FullRequest::check(message, controls, requests).map(Self::Known),
        }
    }

    /// The request, when it is one of somebody who has certificates and sets no revocation password.
    ///
    /// # Errors
    /// [`RequestError::NotOffered`] for every other kind.
    pub fn known(self) -> Result<FullRequest, RequestError> {
        let what = match self {
            Self::Known(request) if request.revocation_password.is_none() => return Ok(request),
            Self::Known(_) => "revocation passwords",
            Self::Revocation(_) => "revocation on request",
            Self::First(_) => "a first certificate by a one-time password",
        };
        Err(RequestError::NotOffered { what })
    }

    /// The transaction and nonce that the answer has to carry, and the numbers of the requests that it answers.
    pub(super) fn address(&self) -> (&TransactionId, &Nonce, Vec<BodyPartId>) {
        let (transaction, nonce, requests) = match self {
            Self::Known(FullRequest { transaction, nonce, kind: Kind::Enroll(requests), .. })
            | Self::First(FirstRequest { transaction, nonce, requests, .. }) => {
                (transaction, nonce, requests.as_slice())
            }
            Self::Known(FullRequest { transaction, nonce, .. })
            | Self::Revocation(RevocationRequest { transaction, nonce, .. }) => (transaction, nonce, &[][..]),
        };
        (transaction, nonce, requests.iter().map(|(part, _)| *part).collect())
    }
}

impl FullRequest {
    /// Reads a request of somebody who has certificates, as [`Received::parse`] does; for a CA that takes no others.
    ///
    /// # Errors
    /// [`RequestError`]; its [`fail_info`](RequestError::fail_info) is what to answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        Received::parse(bytes)?.known()
    }

    fn check(
        message: SignedMessage<'_>,
        controls: Controls,
        requests: Vec<(BodyPartId, CertificationRequest)>,
    ) -> Result<Self, RequestError> {
        let transaction = controls.transaction.ok_or(RequestError::NoTransaction)?;
        let nonce = controls.sender_nonce.ok_or(RequestError::NoNonce)?;
        let kind = match (requests.is_empty(), controls.confirmed.is_empty(), controls.query_pending) {
            (false, true, None) => Kind::Enroll(requests),
            (true, true, Some(token)) => Kind::QueryPending(token),
            (true, false, token) => Kind::ConfirmAcceptance { token, certificates: controls.confirmed },
            (true, true, None) => return Err(RequestError::Empty),
            (false, _, _) => return Err(RequestError::Ambiguous),
        };
        let signers = signers(message)?;
        let revocation_password = controls.revocation_password;
        match kind {
            Kind::Enroll(_) if signers.is_empty() => Err(RequestError::Unsigned),
            Kind::QueryPending(_) | Kind::ConfirmAcceptance { .. } if revocation_password.is_some() => {
                Err(RequestError::Ambiguous)
            }
            _ => Ok(Self {
                transaction,
                nonce,
                in_reply_to: controls.recipient_nonce,
                kind,
                signers,
                revocation_password,
            }),
        }
    }

    /// Transaction and nonce of a message that [`parse`](Self::parse) refused, where they can be made out. Nothing is
    /// checked: they are good for addressing the refusal, and for nothing else.
    #[must_use]
    pub fn return_address(bytes: &[u8]) -> Option<(TransactionId, Nonce)> {
        let framed = framed(bytes).ok()?;
        let message = SignedMessage::parse(&framed).ok()?;
        let data = ReceivedData::from_der(message.content(ID_CCT_PKI_DATA).ok()?).ok()?;
        let controls = Controls::read(&data.controls).ok()?;
        Some((controls.transaction?, controls.sender_nonce?))
    }
}

/// The certificates of those who signed, whose signatures are good.
fn signers(mut message: SignedMessage<'_>) -> Result<Vec<ReceivedCertificate>, RequestError> {
    let mut places = Vec::new();
    for signer in &message.signers {
        let claimed = |one: &ReceivedCertificate| signer.claims(one);
        let place = message.certificates.iter().position(claimed).ok_or(SignatureError::UnknownSigner)?;
        message.verify(signer, &message.certificates[place])?;
        if places.contains(&place) {
            return Err(RequestError::SignerTwice);
        }
        places.push(place);
    }
    let mut certificates: Vec<_> = message.certificates.drain(..).map(Some).collect();
    Ok(places.into_iter().filter_map(|place| certificates[place].take()).collect())
}

/// What a [`ReceivedData`] says, with requests as `tcr` only, and nothing nested.
struct Content {
    controls: Controls,
    requests: Vec<(BodyPartId, CertificationRequest)>,
}

impl Content {
    fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let data = ReceivedData::from_der(bytes)?;
        let controls = Controls::read(&data.controls)?;
        if data.requests.len() > MAX_REQUESTS {
            return Err(MessageError::TooMany { what: "requests", most: MAX_REQUESTS }.into());
        }
        let requests = data.requests.iter().copied().map(request).collect::<Result<_, _>>()?;
        for (what, nested) in [("cmsSequence", data.cms), ("otherMsgSequence", data.other_messages)] {
            if !nested.is_empty() {
                return Err(RequestError::Nested { what });
            }
        }
        let content = Self { controls, requests };
        content.check_parts()?;
        Ok(content)
    }

    /// Numbers name one part each, and not the message itself (RFC 5272 §3.2.2).
    fn check_parts(&self) -> Result<(), RequestError> {
        let mut parts = self.controls.parts.clone();
        parts.extend(self.requests.iter().map(|(part, _)| *part));
        parts.sort_unstable();
        let zero = parts.first() == Some(&0);
        if zero || parts.windows(2).any(|pair| pair[0] == pair[1]) { Err(RequestError::BodyParts) } else { Ok(()) }
    }
}

/// The number of a request and itself.
pub(super) fn request(tagged: AnyRef<'_>) -> Result<(BodyPartId, CertificationRequest), RequestError> {
    if !TaggedRequest::can_decode(tagged.tag()) {
        return Err(RequestError::UnsupportedRequest);
    }
    // A TaggedCertificationRequest, whose request is taken as it stands there.
    let mut fields = SliceReader::new(tagged.value())?;
    let part = fields.decode()?;
    let request = fields.tlv_bytes()?;
    fields.finish()?;
    let request = CertificationRequest::from_der(request);
    Ok((part, request.map_err(|error| RequestError::Request { part, error })?))
}

/// Why a Full PKI Request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not a CMS message with PKIData in it.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The controls cannot be read.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A signature on the message is not accepted.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// One certificate signed twice.
    #[error("one signer signed twice")]
    SignerTwice,
    /// Certificates are asked for, and nobody signed.
    #[error("the request is unsigned: the keys of the certificates to be renewed sign it")]
    Unsigned,
    /// No transactionId.
    #[error("the request names no transaction")]
    NoTransaction,
    /// No senderNonce.
    #[error("the request has no nonce")]
    NoNonce,
    /// A proof of identity without a name.
    #[error("the request proves an identity and does not say whose: the identification is missing")]
    NoIdentification,
    /// A name without a proof.
    #[error("the request names a user and does not prove it: identityProofV2 is missing")]
    NoIdentityProof,
    /// A proof of identity with a hash or a MAC that is not supported.
    #[error("the proof of identity is refused: {0}")]
    ProofAlgorithm(UnknownAlgorithm),
    /// A first request that a certificate's key signed.
    #[error("the request proves an identity by a password and is signed by a certificate's key: one or the other")]
    CertificateBesideProof,
    /// Two requests ask for the same subjectKeyIdentifier.
    #[error("two requests ask for one subjectKeyIdentifier: the signer cannot be told")]
    KeyIdentifierTwice,
    /// A first request that one of its keys did not sign.
    #[error("the key of the request in part {part} did not sign the message: all new keys sign a first request")]
    KeyDidNotSign {
        /// Its number.
        part: BodyPartId,
    },
    /// One certificate is to be revoked twice.
    #[error("one certificate is to be revoked twice in one message")]
    RevokedTwice,
    /// A revocation that nobody signed, without a password.
    #[error("nobody signed the revocation, and a certificate in it is named without its password")]
    NobodyRevokes,
    /// A kind of request that this CA does not take.
    #[error("this CA does not offer {what}")]
    NotOffered {
        /// What was asked.
        what: &'static str,
    },
    /// A control that is not understood, and so cannot be honoured.
    #[error("the control {oid} is not supported")]
    UnsupportedControl {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// A request in another form than PKCS#10.
    #[error("a request is in another form than PKCS#10: only tcr is supported")]
    UnsupportedRequest,
    /// A certification request that cannot be read.
    #[error("the certification request in part {part}: {error}")]
    Request {
        /// Its number.
        part: BodyPartId,
        /// Why.
        error: ParseError,
    },
    /// Messages or objects nested in the request.
    #[error("the request has something in its {what}, which is not supported")]
    Nested {
        /// Where.
        what: &'static str,
    },
    /// Two parts with one number, or one numbered 0.
    #[error("two parts of the request have one number, or one has the number 0")]
    BodyParts,
    /// Nothing is asked.
    #[error("the request asks for nothing")]
    Empty,
    /// Certificates are asked for and picked up or confirmed in one message.
    #[error("the request asks for certificates and follows up on others in one message")]
    Ambiguous,
}

impl From<der::Error> for RequestError {
    fn from(error: der::Error) -> Self {
        Self::Message(error.into())
    }
}

impl RequestError {
    /// The reason to put into the answer.
    #[must_use]
    pub const fn fail_info(&self) -> FailInfo {
        match self {
            Self::Signature(SignatureError::Algorithm(_) | SignatureError::MixedDigests) | Self::ProofAlgorithm(_) => {
                FailInfo::BadAlgorithm
            }
            Self::Signature(_) | Self::Unsigned | Self::SignerTwice => FailInfo::BadMessageCheck,
            Self::NoIdentification | Self::NoIdentityProof | Self::CertificateBesideProof => FailInfo::BadIdentity,
            Self::NobodyRevokes => FailInfo::BadIdentity,
            Self::KeyDidNotSign { .. } => FailInfo::PopRequired,
            _ => FailInfo::BadRequest,
        }
    }
}
