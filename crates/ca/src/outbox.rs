use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Mail, SqliteStore, StoreError,
    store::{MailRecord, MailState, Posted, QueuedMail, Retried},
};

/// Mails that are to go out. Whoever has something to say posts it here; one or more senders take what is due, and tell what became
/// of it.
///
/// A mail is posted once for each key, and sent until somebody took it. That it arrives is certain, but for a relay that refuses it
/// for good or for five days; that it arrives once is not: a sender that dies between the relay's yes and [`sent`](Self::sent) leaves
/// it to the next one. The key and the link are the same then, and with them the Message-ID, by which mail programs tell that they have it.
#[derive(Clone)]
pub struct Outbox {
    store: Arc<SqliteStore>,
}

/// How long whoever took a mail has for it, before the next one may.
pub(crate) const LEASE: Duration = Duration::from_secs(10 * 60);
/// For how long a mail is tried (RFC 5321 §4.5.4.1: four to five days).
const PATIENCE: Duration = Duration::from_secs(5 * 24 * 60 * 60);
/// After each failure, in minutes; the last for all that follow.
const BACK_OFF: [u64; 5] = [1, 5, 15, 60, 240];

impl Outbox {
    /// The outbox in a store.
    #[must_use]
    pub const fn new(store: Arc<SqliteStore>) -> Self {
        Self { store }
    }

    /// Has a mail sent, unless one with its key was posted before.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was kept.
    pub fn post(&self, mail: &Mail, now: SystemTime) -> Result<Posted, StoreError> {
        self.store.post_mail(mail.clone(), now)
    }

    /// At most `limit` mails that are due, the first to be due first. They are the caller's for ten minutes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn take(&self, now: SystemTime, limit: u32) -> Result<Vec<QueuedMail>, StoreError> {
        self.store.take_mails(now, now + LEASE, limit)
    }

    /// The mail that was the first to be due, if one was at `due`. It is the caller's for ten minutes from `now` on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn take_next(&self, due: SystemTime, now: SystemTime) -> Result<Option<QueuedMail>, StoreError> {
        Ok(self.store.take_mails(due, now + LEASE, 1)?.pop())
    }

    /// A mail is out: its text is not needed any more, and wiped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sent(&self, mail: &QueuedMail, now: SystemTime) -> Result<(), StoreError> {
        self.store.mail_sent(mail.id, now)
    }

    /// A mail is not out. It is tried again, later each time, or given up: when it is `refused` for good, or after five days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn failed(
        &self,
        mail: &QueuedMail,
        problem: &str,
        refused: bool,
        now: SystemTime,
    ) -> Result<MailState, StoreError> {
        let index = usize::try_from(mail.tries).unwrap_or(usize::MAX).saturating_sub(1).min(BACK_OFF.len() - 1);
        let again = now + Duration::from_secs(60 * BACK_OFF[index]);
        let again = Some(again).filter(|again| !refused && *again < mail.queued + PATIENCE);
        self.store.mail_failed(mail.id, problem, again)?;
        Ok(if again.is_some() { MailState::Waiting } else { MailState::GivenUp })
    }

    /// Has a mail tried again now that was given up, or that waits, unless the link in it opens nothing any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn retry(&self, id: i64, now: SystemTime) -> Result<Retried, StoreError> {
        self.store.retry_mail(id, now)
    }

    /// Has all mails tried again now that were given up, but for those whose text is not kept any more and those whose link opens nothing
    /// any more; says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn retry_all(&self, now: SystemTime) -> Result<usize, StoreError> {
        self.store.retry_mails(now)
    }

    /// Mails, the newest first, at most `limit`, in one state or in all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn list(&self, state: Option<MailState>, limit: u32) -> Result<Vec<MailRecord>, StoreError> {
        self.store.mails(state, limit)
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}
