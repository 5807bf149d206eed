use std::sync::Arc;

use crate::{
    Ca, CaError, IssueError, IssuedCertificate, Letter, Mail, MailAddress, MailKind, MailLink, Texts,
    notice::{address_in, email},
    store::{CertificateRecord, OrderRecord},
};

impl Ca {
    /// Has holders told by mail when an order that waited is issued or turned down, in these words: who left picks up by the link in it, or
    /// waits no longer. The mail is posted in the transaction that decides.
    #[must_use]
    pub fn with_letters(mut self, texts: Arc<dyn Texts>) -> Self {
        self.letters = Some(texts);
        self
    }

    /// The mail that says that certificates are ready, to the address in them. Who has none there gets none.
    pub(crate) fn ready(
        &self,
        order: &OrderRecord,
        certificates: &[CertificateRecord],
    ) -> Result<Option<Mail>, CaError> {
        let (Some(texts), Some(first)) = (&self.letters, certificates.first()) else { return Ok(None) };
        let certificate = IssuedCertificate::from_der(&first.der).map_err(IssueError::from)?.certificate;
        let address = email(&certificate).and_then(|email| MailAddress::new(&email).ok());
        Ok(address.and_then(|address| {
            let key = format!("pick-up/{}", order.transaction);
            let text =
                texts.compose(&Letter::PickUp { holder: &order.holder, service: self.policy().service.as_deref() });
            let mail = Mail::new(key, MailKind::PickUp, address, text).ok()?;
            Some(mail.with_link(MailLink::PickUp(order.transaction.clone())))
        }))
    }

    /// The mail that says that an order was turned down, to the address in what it would replace, or that is known of who asks for
    /// first certificates.
    pub(crate) fn turned_down(&self, order: &OrderRecord, reason: &str) -> Result<Option<Mail>, CaError> {
        let Some(texts) = &self.letters else { return Ok(None) };
        let address = match order.requests.iter().find_map(|request| request.replaces.as_deref()) {
            Some(replaced) => self.certificate(replaced)?.map(|kept| address_in(&kept)).transpose()?.flatten(),
            None => {
                let subject = self.first().map(|desk| desk.subject_of(&order.transaction)).transpose()?.flatten();
                subject.and_then(|subject| MailAddress::new(&subject.email).ok())
            }
        };
        Ok(address.and_then(|address| {
            let text = texts.compose(&Letter::Rejected { holder: &order.holder, reason });
            Mail::new(format!("turned-down/{}", order.transaction), MailKind::TurnedDown, address, text).ok()
        }))
    }
}
