use std::sync::Arc;

use crate::{
    Ca, CaError, IssueError, IssuedCertificate, Letter, Mail, MailAddress, MailKind, MailLink, Texts,
    notice::email,
    store::{CertificateRecord, OrderRecord},
};

impl Ca {
    /// Has holders told by mail when an order that waited is issued, in these words: who left picks up by the link in it. The mail
    /// is posted in the transaction that issues the certificates.
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
}
