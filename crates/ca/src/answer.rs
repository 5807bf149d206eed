//! The CA behind CMC: a message in, a signed answer out.

mod slow;

use std::{sync::mpsc::channel, time::SystemTime};

use obnova_enroll::cmc::{
    Answer, BodyPartId, BuildError, CertificateId, FailInfo, FullRequest, FullResponseBuilder, Kind, Nonce, PendToken,
    Received, ReceivedCertificate, RequestError, SignWithError, TransactionId,
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::Certificate;

pub use slow::Slow;

use crate::{
    Ca, CaError, KeyFileError, Order, Outcome, PickUpToken, Refusal, StoreError, Transaction,
    ca::Prepared,
    store::{Issued, NewOrder, OrderState, Submission},
};

/// A signed answer, and what whoever carries it needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The Full PKI Response, DER.
    pub message: Vec<u8>,
    /// The name of the rule that was broken, when it is a refusal (for a status line, and for a log).
    pub refused: Option<&'static str>,
}

/// An answer that was begun.
pub enum Begun {
    /// Nothing had to be kept for it.
    Answered(Response),
    /// It may go out once what it says is kept: for [`Ca::finish_answer`].
    Keeping(Unfinished),
    /// It takes longer, since a password is looked at: for [`Ca::answer_slow`].
    Slow(Slow),
}

/// An answer that is signed, and must not go out yet.
pub struct Unfinished {
    ready: Response,
    /// For another one, when the store has another word on it.
    address: FullResponseBuilder,
    transaction: Transaction,
    now: SystemTime,
}

/// What the store says of what an answer waits for.
pub struct Kept(Word);

enum Word {
    Order(Box<Result<Submission, StoreError>>),
    Receipt(Result<OrderState, StoreError>),
}

/// What is to be said, and what is to be kept before.
enum Decision {
    Say(Said),
    KeepOrder(Box<NewOrder>, Said),
    KeepReceipt(Transaction, Said),
}

/// What an answer says.
enum Said {
    /// These certificates, DER of each.
    Issued(Vec<Vec<u8>>),
    Other(Answer),
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
        let (sender, receiver) = channel();
        // Who asked waits for it.
        match self.begin_answer(message, peer, now, move |kept| drop(sender.send(kept)))? {
            Begun::Answered(response) => Ok(response),
            Begun::Keeping(unfinished) => self.finish_answer(unfinished, receiver.recv().ok()),
            Begun::Slow(slow) => self.answer_slow(slow, None, peer, now),
        }
    }

    /// The first half of [`answer`](Self::answer), for a caller with other things to do than to wait for the disk: `kept` is
    /// called when there is something for [`finish_answer`](Self::finish_answer) to go on with, and by whichever thread. It is
    /// dropped when nothing has to be kept, and when the store has stopped.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn begin_answer(
        &self,
        message: &[u8],
        peer: Option<&Certificate>,
        now: SystemTime,
        kept: impl FnOnce(Kept) + Send + 'static,
    ) -> Result<Begun, AnswerError> {
        let request = match Received::parse(message) {
            Ok(received) if Slow::is_one(self, &received) => {
                return Ok(Begun::Slow(Slow::new(received, message)));
            }
            received => received.and_then(Received::known),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return self.answer_unreadable(message, error).map(Begun::Answered),
        };
        let address = FullResponseBuilder::reply_to(&request, fresh_nonce()?);
        let transaction = name_of(&request.transaction);
        let decision = transaction.and_then(|name| Ok((self.decide(message, request, &name, peer, now)?, name)));
        let (answer, order, transaction) = match decision {
            Ok((Decision::KeepOrder(order, answer), name)) => (answer, Some(order), name),
            Ok((Decision::KeepReceipt(name, answer), _)) => (answer, None, name),
            Ok((Decision::Say(answer), _)) => return self.response(address, Ok(answer)).map(Begun::Answered),
            Err(error) => return self.response(address, Err(error)).map(Begun::Answered),
        };
        // Signed while the disk has nothing to do with it yet, so that whoever waits for it has the least to do then.
        let ready = self.response(address.clone(), Ok(answer))?;
        let store = self.store();
        match order {
            Some(order) => store.submit_then(*order, Box::new(move |done| kept(Kept(Word::Order(Box::new(done)))))),
            None => {
                store.confirm_then(&transaction, now, Box::new(move |done| kept(Kept(Word::Receipt(done)))));
            }
        }
        Ok(Begun::Keeping(Unfinished { ready, address, transaction, now }))
    }

    /// The second half of [`answer`](Self::answer): what goes out, now that it is kept. `kept` is what
    /// [`begin_answer`](Self::begin_answer) called back with; nothing when it did not, and never will.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn finish_answer(&self, unfinished: Unfinished, kept: Option<Kept>) -> Result<Response, AnswerError> {
        let Unfinished { ready, address, transaction, now } = unfinished;
        let other = match kept.map(|kept| kept.0) {
            None => Err(StoreError::Stopped.into()),
            Some(Word::Order(done)) => match (*done).map_err(CaError::from) {
                // As it was prepared.
                Ok(Submission::Accepted(order)) => {
                    if order.state == OrderState::Issued {
                        self.recent.put(&transaction, order.into());
                    }
                    Ok(None)
                }
                Ok(submission) => self.submitted(&transaction, submission).map(Some),
                Err(error) => Err(error),
            },
            Some(Word::Receipt(done)) => received(done).map(|()| None),
        };
        match other.and_then(|other| other.map(|outcome| said(outcome, now)).transpose()) {
            Ok(None) => Ok(ready),
            Ok(Some(answer)) => self.response(address, Ok(answer)),
            Err(error) => self.response(address, Err(error)),
        }
    }

    fn decide(
        &self,
        message: &[u8],
        request: FullRequest,
        transaction: &Transaction,
        peer: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<Decision, CaError> {
        match request.kind {
            Kind::Enroll(requests) => {
                let order = order_of(transaction, message, requests, request.signers);
                Ok(match self.prepare(&order, peer, now)? {
                    Prepared::Decided(outcome) => Decision::Say(said(outcome, now)?),
                    Prepared::New(new, token) => {
                        let said = match new.certificates.is_empty() {
                            true => Said::Other(pending(&token, now + self.policy().retry_after)?),
                            false => Said::Issued(new.certificates.iter().map(|one| one.der.clone()).collect()),
                        };
                        Decision::KeepOrder(new, said)
                    }
                })
            }
            Kind::QueryPending(token) => {
                let token = token_of(&token)?;
                said(self.pick_up_of(transaction, &token)?, now).map(Decision::Say)
            }
            Kind::ConfirmAcceptance { token, certificates } => {
                let token = token.as_ref().map(token_of).transpose()?;
                let order = match request.signers.is_empty() {
                    true => transaction.clone(),
                    // Who signs has another transaction, or none: he did not order here, or has lost what he knew of it.
                    false => self.order_of_signers(&request.signers)?.transaction,
                };
                self.check_receipt(&order, token.as_ref(), &certificates)?;
                Ok(Decision::KeepReceipt(order, Said::Other(Answer::Confirmed)))
            }
        }
    }

    /// Takes down that the certificates of an order arrived: its pick-up token is dead from here on. Whoever names them all
    /// has seen them, since serial numbers have 96 random bits each; a token that is given must be the order's.
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
        self.check_receipt(transaction, token, certificates)?;
        received(self.store().confirm(transaction, now).map(|order| order.state))
    }

    fn check_receipt(
        &self,
        transaction: &Transaction,
        token: Option<&PickUpToken>,
        certificates: &[CertificateId],
    ) -> Result<(), CaError> {
        let issued =
            self.recent.take(transaction).map_or_else(|| self.store().issued(transaction), |one| Ok(Some(one)))?;
        let Issued { token_hash, serials: mut issued } = issued.ok_or(Refusal::UnknownToken)?;
        if token.is_some_and(|token| !token.matches(&token_hash)) {
            return Err(Refusal::UnknownToken.into());
        }
        let issuer = self.issuer.certificate().certificate.tbs_certificate().subject();
        let mut named: Vec<_> = certificates.iter().map(|one| one.serial.as_bytes()).collect();
        issued.sort_unstable();
        named.sort_unstable();
        if issued.is_empty() || named != issued || certificates.iter().any(|one| one.issuer != *issuer) {
            return Err(Refusal::WrongReceipt.into());
        }
        Ok(())
    }

    /// What cannot be read is refused by name too, when it says whom to answer.
    fn answer_unreadable(&self, message: &[u8], error: RequestError) -> Result<Response, AnswerError> {
        let Some((transaction, nonce)) = FullRequest::return_address(message) else {
            return Err(AnswerError::Malformed(error));
        };
        let answer = Answer::Refused { reason: error.fail_info(), text: format!("message: {error}") };
        let address = FullResponseBuilder::to_address(transaction, nonce, fresh_nonce()?);
        let message = self.signed(address, &Said::Other(answer))?;
        Ok(Response { message, refused: Some("message") })
    }

    /// What is said, signed; a refusal too.
    fn response(&self, address: FullResponseBuilder, said: Result<Said, CaError>) -> Result<Response, AnswerError> {
        let (said, refused) = match said {
            Ok(said) => (said, None),
            Err(CaError::Refused(refusal)) => (Said::Other(as_refusal(&refusal)), Some(refusal.name())),
            Err(error) => return Err(error.into()),
        };
        Ok(Response { message: self.signed(address, &said)?, refused })
    }

    fn signed(&self, response: FullResponseBuilder, said: &Said) -> Result<Vec<u8>, AnswerError> {
        let (key, signer) = (self.issuer.key(), self.issuer.signer());
        let to_sign = match said {
            Said::Other(answer) => response.finalize_by(answer, signer)?,
            Said::Issued(certificates) => {
                let chain = self.certificates().map(|one| one.der.as_slice());
                response.issued_by(certificates.iter().map(Vec::as_slice), chain, true, signer)?
            }
        };
        to_sign.sign_with_trusted(|to_sign| key.sign_digest(&to_sign.digest)).map_err(|error| match error {
            SignWithError::Key(error) => CaError::from(error).into(),
            SignWithError::Build(error) => error.into(),
        })
    }
}

fn order_of(
    transaction: &Transaction,
    message: &[u8],
    requests: Vec<(BodyPartId, CertificationRequest)>,
    signers: Vec<ReceivedCertificate>,
) -> Order {
    let requests = requests.into_iter().map(|(_, request)| request).collect();
    Order { transaction: transaction.clone(), message: message.to_vec(), requests, signers }
}

fn said(outcome: Outcome, now: SystemTime) -> Result<Said, CaError> {
    Ok(match outcome {
        Outcome::Issued(certificates) => Said::Issued(certificates.into_iter().map(|one| one.der).collect()),
        Outcome::Pending { token, retry_after } => Said::Other(pending(&token, now + retry_after)?),
    })
}

fn pending(token: &PickUpToken, check_at: SystemTime) -> Result<Answer, CaError> {
    let token = PendToken::from_bytes(token.as_bytes()).map_err(|_| Refusal::UnknownToken)?;
    Ok(Answer::Pending { token, check_at })
}

fn as_refusal(refusal: &Refusal) -> Answer {
    Answer::Refused { reason: refusal.fail_info(), text: format!("{}: {refusal}", refusal.name()) }
}

fn name_of(transaction: &TransactionId) -> Result<Transaction, CaError> {
    // What is read has 1 to 32 bytes.
    Transaction::new(transaction.as_bytes()).ok_or_else(|| Refusal::TransactionTaken.into())
}

fn received(state: Result<OrderState, StoreError>) -> Result<(), CaError> {
    if state? == OrderState::Confirmed { Ok(()) } else { Err(Refusal::WrongReceipt.into()) }
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
            Self::SharedKey | Self::OldKey(_) | Self::KeyTaken(_) | Self::KeyCompromised(_) | Self::OtherUser => {
                FailInfo::NoKeyReuse
            }
            Self::SignerCount { .. }
            | Self::UnknownSigner { .. }
            | Self::SignersNotAPair
            | Self::NotYetValid { .. }
            | Self::Expired { .. }
            | Self::Revoked(_)
            | Self::Lapsed(_)
            | Self::OtherPeer
            | Self::UnknownPeer
            | Self::PeerExpired { .. }
            | Self::PeerRevoked
            | Self::PeerNotYetValid { .. }
            | Self::PeerNotForLogin
            | Self::WrongPassword
            | Self::PasswordLocked
            | Self::PasswordExpired { .. }
            | Self::PasswordUsed
            | Self::OtherModule
            | Self::NotYours
            | Self::PasswordAlone
            | Self::OwnKeyAlone
            | Self::WrongRevocationPassword => FailInfo::BadIdentity,
            Self::TooEarly { .. } | Self::PasswordSlowed { .. } => FailInfo::TryLater,
            Self::WrongReceipt => FailInfo::BadCertificateId,
            Self::RequestCount { .. }
            | Self::KeyUsage { .. }
            | Self::NotTwins(_)
            | Self::Request { .. }
            | Self::Extension { .. }
            | Self::SubjectChanged(_)
            | Self::NamesChanged(_)
            | Self::NotOfThisService(_)
            | Self::OtherSubject(_)
            | Self::OtherNames(_)
            | Self::NoRevocationPassword
            | Self::SealedPassword(_)
            | Self::ShortPassword { .. }
            | Self::PlainPassword { .. }
            | Self::RevocationPasswordStands
            | Self::NoPlaceForPassword
            | Self::TransactionTaken
            | Self::AlreadyOrdered(_)
            | Self::UnknownToken
            | Self::TokenSpent
            | Self::NoRevocation
            | Self::RevocationReason
            | Self::RevokedAlready { .. }
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
