use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::{Transaction, store::Issued};

/// What was issued last and is kept, for the receipts that follow soon: what they have to name never changes, and need not be
/// read.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    issued: HashMap<Transaction, Issued>,
    /// The names, the oldest first, also of those that were taken.
    names: VecDeque<Transaction>,
}

/// How many are remembered: some hundred kilobytes.
const MOST: usize = 1024;

impl Recent {
    pub fn put(&self, name: &Transaction, issued: Issued) {
        let Entries { issued: all, names } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() == MOST {
            names.pop_front().map(|oldest| all.remove(&oldest));
        }
        names.push_back(name.clone());
        all.insert(name.clone(), issued);
    }

    /// Whoever asks again asks the store.
    pub fn take(&self, name: &Transaction) -> Option<Issued> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).issued.remove(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_remembered_once() {
        let recent = Recent::default();
        let name = |number: usize| Transaction::new(&number.to_be_bytes()).unwrap();
        let issued = |number: usize| Issued { token_hash: [number as u8; 32], serials: vec![vec![number as u8]] };
        (0..=MOST).for_each(|number| recent.put(&name(number), issued(number)));
        assert_eq!(recent.take(&name(0)), None);
        assert_eq!(recent.take(&name(1)), Some(issued(1)));
        assert_eq!(recent.take(&name(1)), None);
        (0..2 * MOST).for_each(|number| recent.put(&name(number), issued(number)));
        let entries = recent.0.lock().unwrap();
        assert_eq!((entries.names.len(), entries.issued.len()), (MOST, MOST));
    }
}
