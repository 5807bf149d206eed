use std::{sync::Arc, time::SystemTime};

use obnova_status::{Revocation, RevocationReason};

use super::letters::ToHolders;
use crate::{
    CaError, RevocationPolicy, SqliteStore, StatusError, Store as _, StoreError, Texts,
    store::{CertificateRecord, KeptStatus, Letters, OrderRecord, StatusChange, Writ},
};

/// A certificate that is to end, why, and in whose name.
pub(super) type Ending = (CertificateRecord, RevocationReason, &'static str);

/// Ends certificates, whoever says so: all that are named at once, or none, with a mail to each holder. Everything is on disk together, and in the
/// audit log with who did it. Where a key may be in other hands, all certificates on that key end. An order that waits to replace one of
/// them is turned down with it. OCSP says so from the next answer on, and so does the next CRL.
pub struct RevocationDesk {
    pub(super) policy: RevocationPolicy,
    pub(super) store: Arc<SqliteStore>,
    pub(super) texts: Arc<dyn Texts>,
}

impl RevocationDesk {
    /// A desk for the certificates of `store`, which writes in these words.
    #[must_use]
    pub fn new(policy: RevocationPolicy, store: Arc<SqliteStore>, texts: Arc<dyn Texts>) -> Self {
        Self { policy, store, texts }
    }

    /// An operator, who is whoever runs this process, ends a certificate, or puts it on hold (`certificateHold`), from which it may be
    /// [released](crate::StatusDesk::release), or ended for good: then it was not valid since it was held. On hold no order is turned down
    /// and no mail goes out. That others may have the key (`keyCompromise`) is also taken of what has ended for another reason: that was
    /// over since then, and what lives on its key ends now.
    ///
    /// # Errors
    /// [`StatusError::Unknown`]; [`StatusError::Revoked`], also where it is on hold already; [`StatusError::Store`]: nothing changed.
    pub fn by_operator(&self, serial: &[u8], reason: RevocationReason, now: SystemTime) -> Result<(), StatusError> {
        let revocation = Revocation::new(now, reason);
        let writ = Writ { serial: serial.to_vec(), revocation, actor: None };
        match self.store.revoke_all(vec![writ], self.letters(), now)? {
            None => Ok(()),
            Some((_, StatusChange::Revoked(revocation))) => Err(StatusError::Revoked(revocation)),
            Some(_) => Err(StatusError::Unknown),
        }
    }

    /// What whoever has the key of this certificate may have ordered: each order that the key signed, or a login with it, in whatever state, with
    /// whichever certificate on that key; and those that were signed with the keys that came so. The newest first. Their
    /// certificates do not end with the key: who ordered them is for the holder to say.
    ///
    /// # Errors
    /// [`StatusError::Unknown`], [`StatusError::Store`].
    pub fn ordered_with_key_of(&self, serial: &[u8]) -> Result<Vec<OrderRecord>, StatusError> {
        self.store.ordered_with_key_of(serial)?.ok_or(StatusError::Unknown)
    }

    /// Whether any of [that](Self::ordered_with_key_of) lives: a certificate that is valid, or an order that waits. Of an unknown
    /// certificate none does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lives_with_key_of(&self, serial: &[u8], now: SystemTime) -> Result<bool, StoreError> {
        self.store.lives_with_key_of(serial, now)
    }

    /// Writes to the holders of certificates that ended in another way, as when the [store was opened](SqliteStore::ended_on_opening), which
    /// names them no more then. Nobody is told twice.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tell(&self, serials: &[Vec<u8>], now: SystemTime) -> Result<(), StoreError> {
        let letters = self.letters();
        for serial in serials {
            let KeptStatus::Revoked(revocation) = self.store.status(serial)? else { continue };
            let kept = self.store.certificate(serial)?;
            let ordered = self.store.lives_with_key_of(serial, now)?;
            let mail = kept.map(|kept| letters.revoked(&kept, revocation, None, ordered)).transpose()?.flatten();
            self.store.told_of_end(serial, mail, now)?;
        }
        Ok(())
    }

    /// Ends these certificates. One that cannot be is told, by its place among them.
    pub(super) fn end(
        &self,
        certificates: &[Ending],
        now: SystemTime,
    ) -> Result<Option<(usize, StatusChange)>, CaError> {
        let writ = |(kept, reason, actor): &Ending| Writ {
            serial: kept.serial.clone(),
            revocation: Revocation::new(now, *reason),
            actor: Some(actor),
        };
        let writs = certificates.iter().map(writ).collect();
        Ok(self.store.revoke_all(writs, self.letters(), now)?)
    }

    /// Turns down the orders that wait to replace what is over: certificates past their end, since a renewal is for who has a valid one,
    /// and those that an older program revoked, or [left](SqliteStore::ended_on_opening); what is revoked now takes its order with it at once.
    /// Done each day. Their holders are written to.
    ///
    /// # Errors
    /// [`StoreError`]: what was turned down until then is.
    pub fn turn_down_lapsed(&self, now: SystemTime) -> Result<u64, StoreError> {
        self.store.lapse_all(&self.letters(), now)
    }

    /// What the holders are told.
    pub(super) fn letters(&self) -> Arc<dyn Letters> {
        Arc::new(ToHolders(self.texts.clone()))
    }
}

impl std::fmt::Debug for RevocationDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevocationDesk").field("policy", &self.policy).finish_non_exhaustive()
    }
}
