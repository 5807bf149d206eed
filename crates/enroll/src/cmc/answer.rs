use std::{fmt, time::SystemTime};

use const_oid::db::rfc5912::ID_CCT_PKI_RESPONSE;
use der::Decode;
use x509_cert::{Certificate, ext::pkix::BasicConstraints};

use super::{
    ControlError, FailInfo, Nonce, PendToken, TransactionId,
    controls::Controls,
    status::{Detail, StatusInfo},
    syntax::{ReceivedResponse, Status},
};
use crate::signed::{MessageError, ReceivedCertificate, SignatureError, SignedMessage, SignerInfo, framed};

/// What a CA says. One transaction has one answer: certificates for all its requests, or for none. `Debug` leaves the token
/// out.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Here they are.
    Issued {
        /// The certificates that are no CA's. Match them to the keys (RFC 5280: by public key, not by name).
        certificates: Vec<Certificate>,
        /// The CA certificates that came along; of no more worth than what they chain to.
        chain: Vec<Certificate>,
        /// The CA waits for [`FollowUp::confirm_acceptance`](super::FollowUp::confirm_acceptance) (status
        /// confirmRequired): until then the pick-up can be repeated.
        confirm: bool,
    },
    /// Accepted, not yet decided.
    Pending {
        /// What to ask with.
        token: PendToken,
        /// When to ask, by the CA's clock, in whole seconds.
        check_at: SystemTime,
    },
    /// What was said was taken down: a confirmation, or a revocation.
    Confirmed,
    /// No.
    Refused {
        /// Why, as RFC 5272 names it.
        reason: FailInfo,
        /// Why, in the CA's words; may be empty. Free of control characters when it was received.
        text: String,
    },
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued { certificates, chain, confirm } => {
                let mut shown = f.debug_struct("Issued");
                shown.field("certificates", certificates).field("chain", chain).field("confirm", confirm).finish()
            }
            Self::Pending { token: _, check_at } => {
                f.debug_struct("Pending").field("check_at", check_at).finish_non_exhaustive()
            }
            Self::Confirmed => f.write_str("Confirmed"),
            Self::Refused { reason, text } => {
                f.debug_struct("Refused").field("reason", reason).field("text", text).finish()
            }
        }
    }
}

/// What was asked, and so what a success has to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Certificates, now or as a pick-up.
    Certificates,
    /// That a confirmation be taken down, or a revocation.
    Confirmation,
}

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The transaction of the request.
    pub transaction: &'a TransactionId,
    /// The nonce of the request.
    pub nonce: &'a Nonce,
    /// The certificates of which one signs answers, that are trusted already: the CA's own, or its CMC responder's.
    pub ca: &'a [Certificate],
    /// What was asked.
    pub asked: Asked,
}

/// A Full PKI Response (RFC 5272 §4.2) that the CA has signed, for this transaction, to this message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullResponse {
    /// What it says.
    pub answer: Answer,
    /// The CA's nonce, for the next message of the transaction.
    pub nonce: Option<Nonce>,
}

impl FullResponse {
    /// Reads an answer, DER or BER, and believes it only when one of `expected.ca` has signed it, and it carries the nonce
    /// of the request and no other transaction.
    ///
    /// The validity of the CA's certificate is not looked at (there is no clock here), nor are the certificates that came.
    ///
    /// # Errors
    /// [`ResponseError`], one name for each way in which an answer can be none.
    pub fn parse(bytes: &[u8], expected: &Expected<'_>) -> Result<Self, ResponseError> {
        let framed = framed(bytes)?;
        let message = SignedMessage::parse(&framed)?;
        let certificates = message.read_certificates()?;
        if message.signers.is_empty() {
            return Err(ResponseError::Unsigned);
        }
        let content = message.content(ID_CCT_PKI_RESPONSE)?;
        let known = expected.ca.iter().map(ReceivedCertificate::try_from);
        let known = known.collect::<Result<Vec<_>, MessageError>>()?;
        let of_the_ca = |signer| known.iter().find(|ca| SignerInfo::claims(signer, ca)).map(|ca| (signer, ca));
        let (signer, ca) = message.signers.iter().find_map(of_the_ca).ok_or(ResponseError::WrongSigner)?;
        message.verify(signer, ca)?;

        // What is nested in it is not looked at: what counts stands in the controls.
        let controls = Controls::read(&ReceivedResponse::from_der(content)?.controls)?;
        // Some CAs leave the transaction out; the nonce, that is one message's own, says more.
        if controls.transaction.is_some_and(|transaction| transaction != *expected.transaction) {
            return Err(ResponseError::WrongTransaction);
        }
        match controls.recipient_nonce {
            None => return Err(ResponseError::NoNonce),
            Some(nonce) if nonce != *expected.nonce => return Err(ResponseError::WrongNonce),
            Some(_) => {}
        }
        let answer = answer(controls.statuses, certificates, expected)?;
        Ok(Self { answer, nonce: controls.sender_nonce })
    }
}

/// The worst of all statuses is the answer: requests stand or fall together.
fn answer(
    mut statuses: Vec<StatusInfo>,
    certificates: Vec<Certificate>,
    expected: &Expected<'_>,
) -> Result<Answer, ResponseError> {
    statuses.sort_by_key(|info| rank(info.status));
    let worst = statuses.pop().ok_or(ResponseError::NoStatus)?;
    match worst.status {
        Status::Failed | Status::NoSupport | Status::PopRequired | Status::Partial => {
            let reason = match worst.detail {
                Some(Detail::Fail(reason)) => reason,
                _ if worst.status == Status::PopRequired => FailInfo::PopRequired,
                _ => FailInfo::Unspecified,
            };
            Ok(Answer::Refused { reason, text: worst.text })
        }
        Status::Pending => match worst.detail {
            Some(Detail::Pend { token, check_at }) => Ok(Answer::Pending { token, check_at }),
            _ => Err(ResponseError::NoToken),
        },
        Status::Success | Status::ConfirmRequired if expected.asked == Asked::Confirmation => Ok(Answer::Confirmed),
        Status::Success | Status::ConfirmRequired => {
            let known = |certificate: &Certificate| expected.ca.contains(certificate);
            let others = certificates.into_iter().filter(|certificate| !known(certificate));
            let (chain, certificates): (Vec<_>, Vec<_>) = others.partition(is_ca);
            if certificates.is_empty() {
                return Err(ResponseError::NoCertificates);
            }
            Ok(Answer::Issued { certificates, chain, confirm: worst.status == Status::ConfirmRequired })
        }
    }
}

const fn rank(status: Status) -> u8 {
    match status {
        Status::Success => 0,
        Status::ConfirmRequired => 1,
        Status::Pending => 2,
        Status::Partial => 3,
        Status::PopRequired => 4,
        Status::NoSupport => 5,
        Status::Failed => 6,
    }
}

fn is_ca(certificate: &Certificate) -> bool {
    let constraints = certificate.tbs_certificate().get_extension::<BasicConstraints>();
    matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
}

/// Why what came back is no answer. Nothing in it is believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not a CMS message with a PKIResponse in it.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The controls cannot be read.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Nobody signed. Whoever is on the line could have written it.
    #[error("the answer is not signed by the CA")]
    Unsigned,
    /// Somebody else signed.
    #[error("the answer is signed by somebody else than the CA that was asked")]
    WrongSigner,
    /// It says that the CA signed, and it did not.
    #[error("the CA's signature on the answer is not accepted: {0}")]
    Signature(#[from] SignatureError),
    /// An answer to another transaction.
    #[error("the answer belongs to another transaction")]
    WrongTransaction,
    /// No recipientNonce.
    #[error("the answer does not say which message it answers")]
    NoNonce,
    /// An answer to another message: an old one played again, perhaps.
    #[error("the answer belongs to another message of the transaction")]
    WrongNonce,
    /// No status.
    #[error("the answer says neither yes nor no")]
    NoStatus,
    /// Pending, and nothing to ask again with.
    #[error("the answer says to wait and gives no token to ask again with")]
    NoToken,
    /// Success, and nothing came.
    #[error("the answer says that certificates were issued and brings none")]
    NoCertificates,
}

impl From<der::Error> for ResponseError {
    fn from(error: der::Error) -> Self {
        Self::Message(error.into())
    }
}
