use std::{sync::Arc, time::SystemTime};

use crate::{
    RetentionPolicy, SqliteStore, StoreError,
    store::{Forgotten, Limits},
};

/// Forgets personal data once it was kept long enough. What certificates need stays: the certificates themselves, whose keys are
/// taken, who is revoked, which order replaced what; and so does the audit log, which has no personal data in it.
///
/// What is forgotten is overwritten in the database, and in its log by [`clear_log`](Self::clear_log). Backups that were made before
/// have it still.
#[derive(Clone, Debug)]
pub struct RetentionDesk {
    store: Arc<SqliteStore>,
    policy: RetentionPolicy,
}

impl RetentionDesk {
    /// A desk for what this store has.
    #[must_use]
    pub const fn new(store: Arc<SqliteStore>, policy: RetentionPolicy) -> Self {
        Self { store, policy }
    }

    /// What is due now, and would be forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn due(&self, now: SystemTime) -> Result<Forgotten, StoreError> {
        self.store.forgettable(self.limits(now))
    }

    /// Forgets what is due now; the audit log says how much. May be stopped anywhere, and is called again then.
    ///
    /// # Errors
    /// [`StoreError`]: what was forgotten until then is.
    pub fn forget(&self, now: SystemTime) -> Result<Forgotten, StoreError> {
        self.store.forget(self.limits(now))
    }

    /// Empties the database's log, in which stands what was forgotten and overwritten since; `false` where others used it all the
    /// while. Done each day, also for what others forget.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn clear_log(&self) -> Result<bool, StoreError> {
        self.store.clear_log()
    }

    fn limits(&self, now: SystemTime) -> Limits {
        let before = |time| now.checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH);
        let RetentionPolicy { orders, mails, applicants } = self.policy;
        Limits { orders: before(orders), mails: before(mails), applicants: before(applicants) }
    }
}
