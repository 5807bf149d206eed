//! What a CA in a directory forgets: in its database, and in its folder of mails.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use obnova_ca::{RetentionDesk, store::Forgotten};

use super::{House, HouseError, backup};

/// What was forgotten, or is due to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// In the database.
    pub kept: Forgotten,
    /// Files in the folder of mails.
    pub files: u64,
    /// Copies of the database that backups left which were killed.
    pub copies: u64,
    /// Others used the database all the while: what was forgotten stands in its log until the next time.
    pub log_stays: bool,
}

impl std::fmt::Display for Cleared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} files of mails", self.kept, self.files)?;
        if self.copies > 0 {
            write!(f, ", {} copies of the database that a backup left which was killed", self.copies)?;
        }
        if self.log_stays {
            f.write_str("; somebody used the database all the while, and its log has it until the next time")?;
        }
        Ok(())
    }
}

impl House {
    /// Forgets what policy says is kept long enough; with `only_look` it stays, and what is due is told.
    ///
    /// # Errors
    /// [`HouseError`]: what was forgotten until then is.
    pub fn clear(&self, only_look: bool, now: SystemTime) -> Result<Cleared, HouseError> {
        let policy = &self.ca.policy().retention;
        let desk = RetentionDesk::new(self.desk_store()?, policy.clone());
        let kept = if only_look { desk.due(now) } else { desk.forget(now) }?;
        let folder = self.layout.mail_folder();
        let old = old_mails(&folder, policy.mails, now).map_err(|source| HouseError::Io { path: folder, source })?;
        if !only_look {
            for path in &old {
                fs::remove_file(path).map_err(|source| HouseError::Io { path: path.clone(), source })?;
            }
        }
        let copies = backup::clear_remains(self.layout.directory(), only_look)?;
        let log_stays = !only_look && !desk.clear_log()?;
        Ok(Cleared { kept, files: old.len() as u64, copies, log_stays })
    }
}

fn old_mails(folder: &std::path::Path, age: Duration, now: SystemTime) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut old = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let metadata = entry.metadata()?;
        // Who was killed while he wrote one has left it under a hidden name.
        let unfinished = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_mail =
            metadata.is_file() && (unfinished || path.extension().is_some_and(|extension| extension == "eml"));
        if is_mail && now.duration_since(metadata.modified()?).is_ok_and(|since| since > age) {
            old.push(path);
        }
    }
    Ok(old)
}
