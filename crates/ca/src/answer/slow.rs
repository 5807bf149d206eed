//! Answers that take more than a moment, since a password is looked at, and the disk is asked before.

use std::time::SystemTime;

use obnova_enroll::cmc::{Answer, FullRequest, FullResponseBuilder, Kind, Received};
use x509_cert::Certificate;

use super::{AnswerError, Response, Said, fresh_nonce, name_of, order_of, said};
use crate::{Ca, CaError, Outcome, Transaction, ca::Prepared};

/// A message that is answered by [`Ca::answer_slow`], on a thread that may wait.
pub struct Slow {
    received: Received,
    message: Vec<u8>,
}

impl Slow {
    /// Whether it is one of those, and the CA takes it.
    pub(super) const fn is_one(ca: &Ca, received: &Received) -> bool {
        match received {
            Received::First(_) => ca.first().is_some(),
            Received::Known(FullRequest { revocation_password, .. }) => {
                revocation_password.is_some() && ca.first().is_some()
            }
            Received::Revocation(_) => ca.revocations().is_some(),
        }
    }

    pub(super) fn new(received: Received, message: &[u8]) -> Self {
        Self { received, message: message.to_vec() }
    }
}

impl Ca {
    /// Answers a message with a password in it, which takes tens of milliseconds and waits for the disk: a first order, or a renewal
    /// that sets a revocation password; and requests for revocation. `module` is the label in the path that it came by (RFC 7030 §3.2.2).
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn answer_slow(
        &self,
        slow: Slow,
        module: Option<&str>,
        peer: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<Response, AnswerError> {
        let Slow { received, message } = slow;
        let address = FullResponseBuilder::reply_to_any(&received, fresh_nonce()?);
        let outcome = match received {
            Received::First(request) => name_of(&request.transaction).and_then(|name| {
                let desk = self.first().ok_or(crate::Refusal::WrongPassword)?;
                let prepared = self.prepare_first_request(desk, &name, &message, request, module, now)?;
                self.keep(&name, prepared)
            }),
            Received::Known(request) => name_of(&request.transaction)
                .and_then(|name| self.renew_with_password(request, &name, &message, peer, now)),
            Received::Revocation(request) => {
                let done = self.revoke_by_message(&request, now);
                return self.response(address, done.map(|()| Said::Other(Answer::Confirmed)));
            }
        };
        self.response(address, outcome.and_then(|outcome| said(outcome, now)))
    }

    fn renew_with_password(
        &self,
        request: FullRequest,
        name: &Transaction,
        message: &[u8],
        peer: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<Outcome, CaError> {
        let FullRequest { kind, signers, revocation_password, .. } = request;
        let requests = match kind {
            Kind::Enroll(requests) => requests,
            // Those set no password.
            Kind::QueryPending(_) | Kind::ConfirmAcceptance { .. } => Vec::new(),
        };
        let order = order_of(name, message, requests, signers);
        match (self.prepare(&order, peer, now)?, self.first()) {
            (Prepared::New(mut new, token), Some(desk)) => {
                new.revocation_password = desk.revocation_password(revocation_password.as_ref())?;
                self.keep(name, Prepared::New(new, token))
            }
            (prepared, _) => self.keep(name, prepared),
        }
    }
}
