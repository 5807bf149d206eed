use std::time::SystemTime;

use obnova_enroll::cmc::{CertificateId, SealedPassphrase, SealedPassword};
use x509_cert::Certificate;

use crate::{Ca, CaError, Refusal};

/// That a holder sets the revocation password of his certificate, which came by a way that has no place for it, or another one in its
/// place.
pub struct AskedPassword<'a> {
    /// What he picked.
    pub new: &'a SealedPassword,
    /// The one that stands, where one does, sealed for the certificate that he is logged in with.
    pub old: Option<&'a SealedPassphrase>,
}

impl Ca {
    /// Sets the revocation password of the certificate that a holder is logged in with (`peer`, whose signature was checked), of those
    /// that were issued with it and of those that renew them. Where one stands it takes that too: who has the card and its PIN alone
    /// neither changes nor ends by it what the password guards.
    ///
    /// The same again is done already, and changes nothing: an answer may be lost. For that the new one is compared with the one that stands,
    /// which is a guess like any other by who is logged in, and one more where an old one was given that is wrong, for which he waits
    /// afterwards, with that; the count begins anew only with a right old one. Who gives no old one need not know that one stands: where his guess would make the next one wait it is not
    /// looked at, and he is told to give the one that stands. The serial numbers are told.
    ///
    /// # Errors
    /// [`CaError::Refused`] with the rule that is broken: nothing changed.
    pub fn set_revocation_password(
        &self,
        asked: &AskedPassword<'_>,
        peer: &Certificate,
        now: SystemTime,
    ) -> Result<Vec<Vec<u8>>, CaError> {
        let kept = self.login(peer, now)?;
        let (desk, first) = (self.revocations().ok_or(Refusal::NoRevocation)?, self.first());
        let first = first.ok_or(Refusal::NoRevocation)?;
        let subject = peer.tbs_certificate();
        let id = CertificateId { issuer: subject.issuer().clone(), serial: subject.serial_number().clone() };
        let new = first.picked_password(asked.new)?;
        let old = asked.old.map(|old| first.open_passphrase(old, &id)).transpose()?;
        first.revocation_passwords().set(&kept, &new, old.as_ref(), desk.texts.as_ref(), now)
    }
}
