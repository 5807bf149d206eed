//! The CA behind CMC: a message in, a signed answer out.

use std::time::SystemTime;

use obnova_enroll::cmc::{
    Answer, BuildError, CertificateId, FailInfo, FullRequest, FullResponseBuilder, Kind, Nonce, PendToken,
    RequestError, SignWithError, Signer, TransactionId,
};
use x509_cert::Certificate;

use crate::{Ca, CaError, KeyFileError, Order, Outcome, PickUpToken, Refusal, Transaction, store::OrderState};

/// A signed answer, and what whoever carries it needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The Full PKI Response, DER.
    pub message: Vec<u8>,
    /// The name of the rule that was broken, when it is a refusal (for a status line, and for a log).
    pub refused: Option<&'static str>,
}

impl Ca {
    /// Answers a CMC Full PKI Request (RFC 5272 §3.2): an order, a question after one, or a receipt. `peer` is the TLS
    /// client certificate, when there is one: its signature was checked, its validity and its issuer were not.
    ///
    /// A rule that is broken is answered too, signed, with the rule's name before the text: `too-early: ...`.
    ///
    /// # Errors
    /// [`AnswerError`]: what came has no return address, or the CA itself failed and promised nothing.
    pub fn answer(&self, message: &[u8], peer: Option<&Certificate>, now: SystemTime) -> Result<Response, AnswerError> {
        let request = match FullRequest::parse(message) {
            Ok(request) => request,
            Err(error) => return self.answer_unreadable(message, error),
        };
        let response = FullResponseBuilder::reply_to(&request, fresh_nonce()?);
        let (answer, refused) = match self.decide(message, request, peer, now) {
            Ok(answer) => (answer, None),
            Err(CaError::Refused(refusal)) => (as_refusal(&refusal), Some(refusal.name())),
            Err(error) => return Err(error.into()),
        };
        Ok(Response { message: self.signed(response, &answer)?, refused })
    }

    fn decide(
        &self,
        message: &[u8],
        request: FullRequest,
        peer: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<Answer, CaError> {
        let transaction = name_of(&request.transaction)?;
        match request.kind {
            Kind::Enroll(requests) => {
                let order = Order {
                    transaction,
                    message: message.to_vec(),
                    requests: requests.into_iter().map(|(_, request)| request).collect(),
                    signers: request.signers,
                };
                self.as_answer(self.place(&order, peer, now)?, now)
            }
            Kind::QueryPending(token) => {
                let token = token_of(&token)?;
                self.as_answer(self.pick_up_of(&transaction, &token)?, now)
            }
            Kind::ConfirmAcceptance { token, certificates } => {
                let token = token.as_ref().map(token_of).transpose()?;
                self.confirm(&transaction, token.as_ref(), &certificates, now)?;
                Ok(Answer::Confirmed)
            }
        }
    }

    /// Takes down that the certificates of an order arrived: its pick-up token is dead from here on. Whoever names them all
    /// has seen them, since their serial numbers are random; a token that is given must be the order's.
    ///
    /// # Errors
    /// [`CaError::Refused`]: [`Refusal::UnknownToken`], [`Refusal::WrongReceipt`].
    pub fn confirm(
        &self,
        transaction: &Transaction,
        token: Option<&PickUpToken>,
        certificates: &[CertificateId],
        now: SystemTime,
    ) -> Result<(), CaError> {
        let order = self.order(transaction)?.ok_or(Refusal::UnknownToken)?;
        if token.is_some_and(|token| !token.matches(&order.token_hash)) {
            return Err(Refusal::UnknownToken.into());
        }
        let issuer = self.issuer.certificate().certificate.tbs_certificate().subject();
        let mut issued: Vec<_> = order.certificates.iter().map(|one| one.serial.as_slice()).collect();
        let mut named: Vec<_> = certificates.iter().map(|one| one.serial.as_bytes()).collect();
        issued.sort_unstable();
        named.sort_unstable();
        if issued.is_empty() || named != issued || certificates.iter().any(|one| one.issuer != *issuer) {
            return Err(Refusal::WrongReceipt.into());
        }
        let order = self.confirmed(transaction, now)?;
        if order.state == OrderState::Confirmed { Ok(()) } else { Err(Refusal::WrongReceipt.into()) }
    }

    fn as_answer(&self, outcome: Outcome, now: SystemTime) -> Result<Answer, CaError> {
        Ok(match outcome {
            Outcome::Issued(certificates) => Answer::Issued {
                certificates: certificates.into_iter().map(|one| one.certificate).collect(),
                chain: self.certificates().map(|one| one.certificate.clone()).collect(),
                confirm: true,
            },
            Outcome::Pending { token, retry_after } => {
                let token = PendToken::from_bytes(token.as_bytes()).map_err(|_| Refusal::UnknownToken)?;
                Answer::Pending { token, check_at: now + retry_after }
            }
        })
    }

    /// What cannot be read is refused by name too, when it says whom to answer.
    fn answer_unreadable(&self, message: &[u8], error: RequestError) -> Result<Response, AnswerError> {
        let Some((transaction, nonce)) = FullRequest::return_address(message) else {
            return Err(AnswerError::Malformed(error));
        };
        let answer = Answer::Refused { reason: error.fail_info(), text: format!("message: {error}") };
        let message = self.signed(FullResponseBuilder::to_address(transaction, nonce, fresh_nonce()?), &answer)?;
        Ok(Response { message, refused: Some("message") })
    }

    fn signed(&self, response: FullResponseBuilder, answer: &Answer) -> Result<Vec<u8>, AnswerError> {
        let key = self.issuer.key();
        let certificate = self.issuer.certificate().certificate.clone();
        let to_sign = response.finalize(answer, &Signer { certificate, algorithm: key.algorithm() })?;
        to_sign.sign_with_trusted(|to_sign| key.sign(&to_sign.bytes)).map_err(|error| match error {
            SignWithError::Key(error) => CaError::from(error).into(),
            SignWithError::Build(error) => error.into(),
        })
    }
}

fn as_refusal(refusal: &Refusal) -> Answer {
    Answer::Refused { reason: refusal.fail_info(), text: format!("{}: {refusal}", refusal.name()) }
}

fn name_of(transaction: &TransactionId) -> Result<Transaction, Refusal> {
    // What is read has 1 to 32 bytes.
    Transaction::new(transaction.as_bytes()).ok_or(Refusal::TransactionTaken)
}

fn token_of(token: &PendToken) -> Result<PickUpToken, Refusal> {
    PickUpToken::new(token.as_bytes()).ok_or(Refusal::UnknownToken)
}

fn fresh_nonce() -> Result<Nonce, CaError> {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).map_err(KeyFileError::from)?;
    Ok(Nonce::from_random(random))
}

impl Refusal {
    /// The rule among the reasons of RFC 5272 §6.1.4.
    #[must_use]
    pub const fn fail_info(&self) -> FailInfo {
        use obnova_pkcs10::Rejected;
        match self {
            Self::Request { reason: Rejected::Signature(_), .. } => FailInfo::PopFailed,
            Self::Request { reason: Rejected::Algorithm(_) | Rejected::Key(_) | Rejected::SmallExponent, .. }
            | Self::KeyKind { .. } => FailInfo::BadAlgorithm,
            Self::SharedKey | Self::OldKey(_) | Self::KeyTaken(_) => FailInfo::NoKeyReuse,
            Self::SignerCount { .. }
            | Self::UnknownSigner { .. }
            | Self::SignersNotAPair
            | Self::NotYetValid { .. }
            | Self::Expired { .. }
            | Self::OtherPeer
            | Self::UnknownPeer
            | Self::PeerExpired { .. }
            | Self::PeerNotYetValid { .. }
            | Self::PeerNotForLogin => FailInfo::BadIdentity,
            Self::TooEarly { .. } => FailInfo::TryLater,
            Self::WrongReceipt => FailInfo::BadCertificateId,
            Self::RequestCount { .. }
            | Self::KeyUsage { .. }
            | Self::NotTwins(_)
            | Self::Request { .. }
            | Self::Extension { .. }
            | Self::SubjectChanged(_)
            | Self::NamesChanged(_)
            | Self::TransactionTaken
            | Self::AlreadyOrdered(_)
            | Self::UnknownToken
            | Self::TokenSpent
            | Self::Rejected(_) => FailInfo::BadRequest,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// What came is no CMC request, nor anything that says whom to answer.
    #[error("not a CMC request: {0}")]
    Malformed(RequestError),
    /// The CA failed, and promised nothing.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The answer could not be written.
    #[error("the answer cannot be written: {0}")]
    Build(#[from] BuildError),
}
