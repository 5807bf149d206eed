//! Journals: one folder, one file for each renewal.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_client::{FileJournal, JournalError};
use obnova_renewal::{ByRole, ParsedCertificate, Process, ReplayError, Stage};

use crate::{
    cli::Global,
    failure::{Failure, Kind},
    files,
    texts::t,
};

/// A renewal as its journal tells it.
pub struct Known {
    pub name: String,
    pub process: Process,
}

/// The folder that `--journal` names, or the one of this account (XDG base directories).
pub fn folder(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(folder) = &global.journal {
        return Ok(folder.clone());
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .map(|state| state.join("obnova"))
        .ok_or_else(|| Failure::new(Kind::Usage, t!("error-no-journal-folder")))
}

/// Every renewal, the oldest first. What was begun in the very moment when the power went, and has no record, is none.
pub fn all(folder: &Path) -> Result<Vec<Known>, Failure> {
    let mut names = FileJournal::list(folder)?;
    names.sort_by_key(|name| number(name));
    let mut all = Vec::new();
    for name in names {
        match Process::replay(&FileJournal::peek(folder, &name)?) {
            Ok(process) => all.push(Known { name, process }),
            Err(ReplayError::Empty) => {}
            Err(problem) => {
                return Err(Failure::new(Kind::Internal, t!("error-journal", detail = problem.to_string())));
            }
        }
    }
    Ok(all)
}

/// The renewals that can be gone on with, the youngest first.
pub fn open(folder: &Path) -> Result<Vec<Known>, Failure> {
    let unfinished = FileJournal::unfinished(folder, SystemTime::now())?;
    let mut open: Vec<_> = unfinished.into_iter().map(|(name, process)| Known { name, process }).collect();
    open.sort_by_key(|known| std::cmp::Reverse(number(&known.name)));
    Ok(open)
}

/// The youngest order whose certificates the holder said no to, unless one for the same card came to its end since. They are shown once more
/// where no order is open, and till then there is none.
pub fn declined(folder: &Path) -> Result<Option<Known>, Failure> {
    if !open(folder)?.is_empty() {
        return Ok(None);
    }
    let mut declined: Vec<Known> = Vec::new();
    for known in all(folder)? {
        if known.process.stage() == Stage::Done {
            declined.retain(|before| before.process.plan().card.serial != known.process.plan().card.serial);
        }
        if known.process.declined().is_some() {
            declined.push(known);
        }
    }
    Ok(declined.pop())
}

/// Keys for which another order brings nothing.
pub fn spent_keys(folder: &Path) -> Result<Vec<SubjectPublicKeyInfoOwned>, Failure> {
    Ok(all(folder)?.iter().flat_map(|known| known.process.spent_keys().cloned()).collect())
}

/// A certificate that was renewed or ordered from here, by its serial number. What cannot be read tells of none.
pub fn certificate(global: &Global, serial: &str) -> Option<ParsedCertificate> {
    let known = folder(global).and_then(|folder| all(&folder)).unwrap_or_default();
    known.iter().find_map(|Known { process, .. }| {
        let old = process.plan().old.iter().map(|(_, old)| &old.certificate);
        let new = process.certificates().into_iter().flat_map(ByRole::iter).map(|(_, one)| one);
        old.chain(new).find(|one| one.serial() == serial).cloned()
    })
}

/// Certificates that were ordered from here by a way that has no place for a revocation password, those that renew them, and for
/// which none was set from here since.
pub fn without_password(folder: &Path) -> Result<Vec<ParsedCertificate>, Failure> {
    Ok(came_without_password(folder, |name| !password_note(folder, name).exists())?
        .into_iter()
        .flat_map(|(_, certificates)| certificates)
        .collect())
}

/// Notes that a revocation password was set for the certificates with these serial numbers.
pub fn note_password(folder: &Path, serials: &[String]) -> Result<(), Failure> {
    for (name, certificates) in came_without_password(folder, |_| true)? {
        if certificates.iter().any(|one| serials.contains(&one.serial())) {
            files::write_private(&password_note(folder, &name), b"set\n")?;
        }
    }
    Ok(())
}

/// What came without a revocation password, as a first order or by the renewal of such a one, by the names of the journals; of
/// these `counts` says which. One that does not count hands on what was set for it.
fn came_without_password(
    folder: &Path,
    counts: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<ParsedCertificate>)>, Failure> {
    let mut came: Vec<(String, Vec<ParsedCertificate>)> = Vec::new();
    // The oldest come first, so what is renewed is there before what renews it.
    for Known { name, process } in all(folder)? {
        let plan = process.plan();
        let renews = plan.old.iter().any(|(_, old)| came.iter().any(|(_, known)| known.contains(&old.certificate)));
        if (plan.revocation_password_later || renews) && counts(&name) {
            let certificates = process.certificates().into_iter().flat_map(ByRole::iter);
            came.push((name, certificates.map(|(_, one)| one.clone()).collect()));
        }
    }
    Ok(came)
}

fn password_note(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.password"))
}

/// Notes that the CA has to be told of this order when its certificates are on the card, so that this is known after whatever stop.
pub fn note_receipt(folder: &Path, name: &str) -> Result<(), Failure> {
    let note = receipt_note(folder, name);
    if note.exists() { Ok(()) } else { Ok(files::write_private(&note, b"owed\n")?) }
}

/// Takes that note away.
pub fn receipt_is_made(folder: &Path, name: &str) -> Result<(), Failure> {
    match fs::remove_file(receipt_note(folder, name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The youngest order that is done, and of which the CA was not told so.
pub fn without_receipt(folder: &Path) -> Result<Option<Known>, Failure> {
    let owed = |known: &Known| known.process.stage() == Stage::Done && receipt_note(folder, &known.name).exists();
    Ok(all(folder)?.into_iter().rev().find(owed))
}

fn receipt_note(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.receipt"))
}

/// A name that is not taken.
pub fn new_name(folder: &Path) -> Result<String, JournalError> {
    let last = FileJournal::list(folder)?.iter().filter_map(|name| number(name)).max().unwrap_or(0);
    Ok(format!("renewal-{}", last + 1))
}

/// Where the CA of a renewal is written down.
pub fn authority(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.ca"))
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("renewal-")?.parse().ok()
}
