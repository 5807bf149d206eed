//! That certificates are on a card, from who did not order them where he is now: with a signature by a key of theirs, or by a login
//! with them.

use std::time::SystemTime;

use obnova_enroll::cmc::{FullRequest, Kind, Received, ReceivedCertificate};
use x509_cert::Certificate;

use crate::{
    AnswerError, Ca, CaError, PickUpToken, Refusal, Response,
    order::issued_here,
    store::{CertificateRecord, OrderRecord, OrderState},
};

impl Ca {
    /// Takes the receipt that is sent to the link in a mail: a CMC message that confirms all certificates of the link's order, signed
    /// by the key of one of them. The link is dead from here on. Whoever has the link and no key of the new ones cannot end
    /// it: so the holder keeps it until the certificates are on his card.
    ///
    /// # Errors
    /// [`AnswerError`]; [`CaError::Refused`] with [`Refusal::UnknownToken`], [`Refusal::TokenSpent`] or [`Refusal::Rejected`] as
    /// from [`pick_up`](Self::pick_up), with [`Refusal::WrongReceipt`] when it is something else than such a receipt. What is wrong in a receipt is answered, signed.
    pub fn answer_receipt(
        &self,
        token: &PickUpToken,
        message: &[u8],
        peer: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<Response, AnswerError> {
        self.pick_up(token)?;
        let order = self.order_of(token)?;
        let received = Received::parse(message).map_err(AnswerError::Malformed)?;
        let Received::Known(FullRequest { kind: Kind::ConfirmAcceptance { .. }, signers, .. }) = received else {
            return Err(CaError::from(Refusal::WrongReceipt).into());
        };
        let of_link = self.order_of_signers(&signers).map(|found| found.transaction == order.transaction);
        match of_link {
            Ok(false) | Err(CaError::Refused(_)) => Err(CaError::from(Refusal::WrongReceipt).into()),
            Ok(true) => self.answer(message, peer, now),
            Err(error) => Err(error.into()),
        }
    }

    /// The order that the certificates of all who signed were issued by. Each is exactly the one that was issued; whether it is
    /// valid says nothing of where it is.
    pub(crate) fn order_of_signers(&self, signers: &[ReceivedCertificate]) -> Result<OrderRecord, CaError> {
        let mut order: Option<OrderRecord> = None;
        for (position, signer) in (1..).zip(signers) {
            let kept = self.store().certificate(signer.serial())?;
            if !kept.is_some_and(|kept| issued_here(signer.der(), &kept)) {
                return Err(Refusal::UnknownSigner { position }.into());
            }
            let found = self.store().order_of_certificate(signer.serial())?.ok_or(Refusal::WrongReceipt)?;
            if order.as_ref().is_some_and(|order| order.transaction != found.transaction) {
                return Err(Refusal::WrongReceipt.into());
            }
            order = Some(found);
        }
        Ok(order.ok_or(Refusal::WrongReceipt)?)
    }

    /// Somebody has logged in with this certificate: its key is where it should be, and it is with it. That is the receipt of an order of
    /// this one certificate, where the protocol has none of its own (plain EST). Of several it says nothing: the others may not have
    /// arrived.
    pub(crate) fn arrived(&self, certificate: &CertificateRecord, now: SystemTime) -> Result<(), CaError> {
        let order = self.store().order_of_certificate(&certificate.serial)?;
        match order {
            Some(order) if order.state == OrderState::Issued && order.certificates.len() == 1 => {
                self.store().confirm(&order.transaction, now)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
