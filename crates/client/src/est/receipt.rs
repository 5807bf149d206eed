//! That certificates arrived (RFC 5272 §6.14), said with a key of theirs by who knows nothing of their order.

use std::time::SystemTime;

use obnova_enroll::{
    cmc::{
        Answer, Asked, Expected, FollowUp, FullResponse, Nonce, ResponseError, SignWithError, Signer, ToSign,
        TransactionId,
    },
    est::{Client, FullCmcReply},
};
use obnova_renewal::ParsedCertificate;

use super::{EstConnection, est_error, random, signers::signers};
use crate::{CaError, HttpExchange, ReceiptError};

/// What is said, by whom, and to whom.
pub(crate) struct SignedReceipt<'a> {
    /// The path on the server, where it is another one than EST's.
    pub path: &'a str,
    pub anchors: &'a [ParsedCertificate],
    /// The issuer's, that came along.
    pub given: &'a [ParsedCertificate],
    /// What arrived.
    pub certificates: &'a [&'a ParsedCertificate],
    /// Whose key signs.
    pub signer: Signer,
}

impl<H: HttpExchange> EstConnection<H> {
    /// Tells the CA on the road of all messages that these certificates arrived.
    pub(crate) fn receive(
        &mut self,
        certificates: &[&ParsedCertificate],
        signer: Signer,
        sign: impl FnMut(&ToSign) -> Result<Vec<u8>, ReceiptError>,
    ) -> Result<(), ReceiptError> {
        let given = self.certificates()?;
        let path = self.client.fullcmc_request(&[]).path.clone();
        let receipt = SignedReceipt { path: &path, anchors: &self.anchors, given: &given, certificates, signer };
        receipt.send(&self.https, sign)
    }
}

impl SignedReceipt<'_> {
    /// Says it; the answer counts when the CA has signed it for this message.
    pub fn send(
        self,
        https: &dyn HttpExchange,
        sign: impl FnMut(&ToSign) -> Result<Vec<u8>, ReceiptError>,
    ) -> Result<(), ReceiptError> {
        let (transaction, nonce) = (TransactionId::from_random(random()?), Nonce::from_random(random()?));
        let certificates: Vec<_> = self.certificates.iter().map(|one| one.certificate().clone()).collect();
        let order = |error: &dyn std::fmt::Display| CaError::Order(error.to_string());
        let to_sign = FollowUp::new(transaction.clone(), nonce.clone())
            .sign_acceptance(&certificates, &[self.signer])
            .map_err(|error| order(&error))?;
        let message = to_sign.sign_with(sign).map_err(|error| match error {
            SignWithError::Key(error) => error,
            SignWithError::Build(error) => order(&error).into(),
        })?;
        let client = Client::new();
        let mut request = client.fullcmc_request(&message);
        self.path.clone_into(&mut request.path);
        let response = https.exchange(&request)?;
        match response.status {
            404 | 405 | 501 => return Err(ReceiptError::NotTaken { status: response.status }),
            410 => return Err(ReceiptError::Spent),
            _ => {}
        }
        let ca = signers(self.anchors, self.given, SystemTime::now());
        let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked: Asked::Confirmation };
        let answer = match client.fullcmc_response(&response).map_err(est_error)? {
            FullCmcReply::Cmc(der) => FullResponse::parse(&der, &expected).map_err(CaError::from)?.answer,
            FullCmcReply::CertsOnly(_) => return Err(CaError::from(ResponseError::Unsigned).into()),
            FullCmcReply::RetryAfter(_) => return Err(no_answer().into()),
        };
        match answer {
            Answer::Confirmed => Ok(()),
            Answer::Refused { reason, text } => Err(ReceiptError::Refused { reason: reason.name(), text }),
            Answer::Issued { .. } | Answer::Pending { .. } => Err(no_answer().into()),
        }
    }
}

fn no_answer() -> CaError {
    CaError::Protocol("it did not answer the receipt".into())
}
