use std::fs;

use obnova_client::{FileJournal, Journal, JournalError};
use obnova_renewal::Record;

use crate::mortal::{Dead, Mortal};

/// Stops before each write to the journal, in the middle of it, and after it.
pub struct MortalJournal {
    pub inner: FileJournal,
    pub life: Mortal,
}

impl MortalJournal {
    /// Leaves what a process leaves that was killed while it wrote: half of the lines behind those that are there, or half of
    /// the file that is to take the place of the journal.
    fn tear(&mut self, records: &[Record]) {
        let path = self.inner.path().to_owned();
        let before = fs::read(&path).ok();
        self.inner.append(records).unwrap();
        let after = fs::read(&path).unwrap();
        match before.filter(|before| before.len() < after.len() && !before.is_empty()) {
            Some(mut before) => {
                before.extend_from_slice(&after[before.len()..][..(after.len() - before.len()) / 2]);
                fs::write(&path, before).unwrap();
            }
            None => {
                fs::remove_file(&path).unwrap();
                fs::write(path.with_extension("new"), &after[..after.len() / 2]).unwrap();
            }
        }
    }
}

impl Journal for MortalJournal {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let path = self.inner.path().to_owned();
        let died = |Dead { .. }| {
            let error = std::io::Error::other("the program ended");
            JournalError::Io { path: path.clone(), error }
        };
        let name = format!("journal {}", records.iter().map(|one| one.fact.name()).collect::<Vec<_>>().join(", "));
        self.life.pass(|| format!("before {name}")).map_err(died)?;
        if let Err(dead) = self.life.pass(|| format!("inside {name}")) {
            if dead.just_now {
                self.tear(records);
            }
            return Err(died(dead));
        }
        self.inner.append(records)?;
        self.life.pass(|| format!("after {name}")).map_err(died)
    }

    fn records(&mut self) -> Result<Vec<Record>, JournalError> {
        self.inner.records()
    }
}
