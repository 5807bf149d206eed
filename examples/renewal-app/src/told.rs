//! A journal whose facts are told as they are written.

use obnova_client::{Journal, JournalError};
use obnova_renewal::{Fact, Record};

/// A journal, and who is told.
pub struct Told<J, T> {
    pub inner: J,
    pub tell: T,
}

impl<J: Journal, T: FnMut(&Fact)> Journal for Told<J, T> {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.inner.append(records)?;
        records.iter().for_each(|record| (self.tell)(&record.fact));
        Ok(())
    }

    fn records(&mut self) -> Result<Vec<Record>, JournalError> {
        self.inner.records()
    }
}
