use std::{sync::Arc, time::SystemTime};

use obnova_status::{Revocation, RevocationReason};

use crate::{
    CaError, IssueError, IssuedCertificate, Letter, Mail, MailAddress, MailKind, RevocationPolicy, SqliteStore,
    StatusError, Store, Texts,
    notice::email,
    store::{CertificateRecord, StatusChange, Writ},
    transaction::to_hex,
};

/// Ends certificates: all that are named at once, or none, with a mail to each holder. Everything is on disk together, and in the
/// audit log with who did it. OCSP says so from the next answer on, and so does the next CRL.
pub struct RevocationDesk {
    pub(super) policy: RevocationPolicy,
    store: Arc<SqliteStore>,
    texts: Arc<dyn Texts>,
}

impl RevocationDesk {
    /// A desk for the certificates of `store`, which writes in these words.
    #[must_use]
    pub fn new(policy: RevocationPolicy, store: Arc<SqliteStore>, texts: Arc<dyn Texts>) -> Self {
        Self { policy, store, texts }
    }

    /// An operator, who is whoever runs this process, ends a certificate.
    ///
    /// # Errors
    /// [`StatusError::Unknown`], [`StatusError::Revoked`], [`StatusError::Store`]: nothing changed.
    pub fn by_operator(&self, serial: &[u8], reason: RevocationReason, now: SystemTime) -> Result<(), StatusError> {
        let kept = self.store.certificate(serial)?.ok_or(StatusError::Unknown)?;
        let writ = self.writ(&kept, reason, None, now)?;
        match self.store.revoke_all(vec![writ], now)? {
            None => Ok(()),
            Some((_, StatusChange::Revoked(revocation))) => Err(StatusError::Revoked(revocation)),
            Some(_) => Err(StatusError::Unknown),
        }
    }

    /// Ends these certificates in the name of `actor`. One that cannot be is told, by its place among them.
    pub(super) fn end(
        &self,
        certificates: &[(CertificateRecord, RevocationReason)],
        actor: &'static str,
        now: SystemTime,
    ) -> Result<Option<(usize, StatusChange)>, CaError> {
        let writs = certificates.iter().map(|(kept, reason)| self.writ(kept, *reason, Some(actor), now));
        let writs = writs.collect::<Result<_, _>>()?;
        Ok(self.store.revoke_all(writs, now)?)
    }

    fn writ(
        &self,
        kept: &CertificateRecord,
        reason: RevocationReason,
        actor: Option<&'static str>,
        now: SystemTime,
    ) -> Result<Writ, IssueError> {
        let certificate = IssuedCertificate::from_der(&kept.der)?.certificate;
        // Who has no address in his certificate gets no mail; it ends all the same.
        let address = email(&certificate).and_then(|email| MailAddress::new(&email).ok());
        let letter = Letter::Revoked { holder: &kept.subject, serial: &kept.serial, reason, since: now };
        let mail = address.and_then(|address| {
            let key = format!("revoked/{}", to_hex(&kept.serial));
            Mail::new(key, MailKind::Revoked, address, self.texts.compose(&letter)).ok()
        });
        Ok(Writ { serial: kept.serial.clone(), revocation: Revocation::new(now, reason), actor, mail })
    }
}

impl std::fmt::Debug for RevocationDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevocationDesk").field("policy", &self.policy).finish_non_exhaustive()
    }
}
