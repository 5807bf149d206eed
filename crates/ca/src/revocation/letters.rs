use std::sync::Arc;

use obnova_status::{Revocation, RevocationReason};

use crate::{
    Lapse, Letter, Mail, MailKind, StoreError, Texts, Transaction,
    notice::address_in,
    store::{CertificateRecord, Letters},
    transaction::to_hex,
};

/// To the address in the certificate. Who has none there gets no mail; it ends all the same.
pub(crate) struct ToHolders(pub Arc<dyn Texts>);

impl ToHolders {
    fn mail(
        &self,
        kept: &CertificateRecord,
        letter: &Letter<'_>,
        (key, kind): (String, MailKind),
    ) -> Result<Option<Mail>, StoreError> {
        let address = address_in(kept)?;
        Ok(address.and_then(|address| Mail::new(key, kind, address, self.0.compose(letter)).ok()))
    }
}

impl Letters for ToHolders {
    fn revoked(
        &self,
        kept: &CertificateRecord,
        revocation: Revocation,
        before: Option<RevocationReason>,
        ordered: bool,
    ) -> Result<Option<Mail>, StoreError> {
        let Revocation { at: since, reason, .. } = revocation;
        let letter = Letter::Revoked { holder: &kept.subject, serial: &kept.serial, reason, since, before, ordered };
        let key = format!("revoked/{}", to_hex(&kept.serial));
        // It is another mail than the one that said why at first.
        let key = if before.is_some() { format!("{key}/{reason}") } else { key };
        self.mail(kept, &letter, (key, MailKind::Revoked))
    }

    fn turned_down(
        &self,
        order: &Transaction,
        kept: &CertificateRecord,
        lapse: Lapse,
    ) -> Result<Option<Mail>, StoreError> {
        let letter = Letter::TurnedDown { holder: &kept.subject, serial: &kept.serial, lapse };
        self.mail(kept, &letter, (format!("turned-down/{order}"), MailKind::TurnedDown))
    }
}
