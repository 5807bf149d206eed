use super::{
    AuditComparison,
    check::{AuditCheck, AuditFinding, Chain},
    record::{AuditEvent, AuditHead, AuditRecord, Entry},
};
use crate::{SqliteStore, StoreError};

/// Reads and checks the audit log of a store, and notes what happens beside it.
#[derive(Debug)]
pub struct AuditLog {
    store: SqliteStore,
}

/// Records that are read at once.
const PAGE: u32 = 1000;

impl AuditLog {
    /// The log of this store.
    #[must_use]
    pub const fn new(store: SqliteStore) -> Self {
        Self { store }
    }

    /// Notes something that the store did not do itself, in the name of whoever runs this process. No personal data belongs there.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was noted.
    pub fn note(&self, event: AuditEvent, about: &str, detail: &str) -> Result<(), StoreError> {
        self.store.note(event, about, detail)
    }

    /// Goes through the records from `first` on, in the order of their numbers, until `each` says that it is enough.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&self, first: i64, mut each: impl FnMut(AuditRecord) -> bool) -> Result<(), StoreError> {
        self.pages(first, |record, _| each(record))
    }

    /// Looks through all of it: whether each record follows from the one before it, and whether the log is the one that the
    /// anchors vouch for, and the heads that were kept `elsewhere`.
    ///
    /// What whoever can write to the database alone does to it is found. Records that he puts in at its end cannot be told from those
    /// whose anchor was lost when the machine went down: both are told. What whoever has the whole directory does is found only by a
    /// head from elsewhere.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be read.
    pub fn verify(&self, elsewhere: &[AuditHead]) -> Result<AuditCheck, StoreError> {
        if !self.store.audit_is_there()? {
            let mut chain = Chain::new(&self.store.anchors()?, elsewhere, &AuditHead::NONE);
            chain.find(AuditFinding::NoTable);
            return Ok(chain.end());
        }
        // Before the log: what is written meanwhile is in the log, and in no anchor that is known here.
        let (anchors, head) = self.store.anchored()?;
        let mut chain = Chain::new(&anchors, elsewhere, &head);
        if !self.store.audit_is_guarded()? {
            chain.find(AuditFinding::Unguarded);
        }
        self.pages(i64::MIN, |record, at| {
            chain.next(&record, at);
            true
        })?;
        Ok(chain.end())
    }

    /// Looks at every certificate: whether the database has those that the log saw issued and no others, and whether the ones are revoked or
    /// on hold that the log left so, for the same reasons. What the log says is worth what [`verify`](Self::verify) says of it.
    ///
    /// It goes through both once, and needs no more memory where there is more; others go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be read.
    pub fn compare(&self) -> Result<AuditComparison, StoreError> {
        self.store.compared()
    }

    /// Where the log ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn head(&self) -> Result<AuditHead, StoreError> {
        self.store.audit_head()
    }

    fn pages(&self, mut first: i64, mut each: impl FnMut(AuditRecord, i64) -> bool) -> Result<(), StoreError> {
        loop {
            let page = self.store.audit_page(first, PAGE)?;
            let full = page.len() == PAGE as usize;
            let next = page.last().and_then(|(last, _)| last.number.checked_add(1));
            let on = page.into_iter().all(|(record, at)| each(record, at));
            match next.filter(|_| on && full) {
                Some(next) => first = next,
                None => return Ok(()),
            }
        }
    }
}

impl Entry<'_> {
    pub(crate) fn fields(&self) -> [&str; 4] {
        [self.event.name(), self.about, self.detail, self.actor]
    }
}
