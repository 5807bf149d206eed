//! A CA as one file, made while it runs, and the way back.

mod archive;
mod sealed;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, BufWriter, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use obnova_ca::{
    AuditEvent, AuditFinding, AuditHead, StoreError,
    store::{Copied, GoneOn},
};
use serde_json::json;
use x509_cert::der::DateTime;
use zeroize::Zeroizing;

use super::{House, HouseError, audit, in_one_go, layout::Layout, parent};
use archive::{Content, Source};

/// What seals a backup.
pub struct Passphrase(Zeroizing<Vec<u8>>);

/// A CA that was brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made: what came after it is lost.
    pub made: SystemTime,
    /// The hash of the list of files in it, as [`House::back_up`] told it.
    pub list: String,
    /// Where its audit log ended.
    pub head: AuditHead,
    /// What was passed over, so that nothing is done twice.
    pub gone_on: GoneOn,
    /// Serial numbers of certificates that ended with it ([`House::ended_on_opening`]): an older program left them. Mails to their holders
    /// wait.
    pub ended: Vec<Vec<u8>>,
    /// What was done to its audit log, when that was to be taken as it is.
    pub findings: Vec<AuditFinding>,
}

/// What only lives while a process does.
const TRANSIENT: [&str; 5] = ["ca.db", "ca.db-wal", "ca.db-shm", "ca.db-journal", "server.address"];
/// The largest file beside the database that is taken.
const MAX_FILE: u64 = 16 * 1024 * 1024;
const MIN_PASSPHRASE: usize = 12;

impl Passphrase {
    /// Reads it from a file that only its owner can read: the first line.
    ///
    /// # Errors
    /// [`BackupError::Passphrase`], [`BackupError::Io`].
    pub fn load(path: &Path) -> Result<Self, BackupError> {
        let failed = |source| BackupError::Io { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        #[cfg(unix)]
        {
            let metadata = file.metadata().map_err(failed)?;
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
            if metadata.is_file() && mode & 0o077 != 0 {
                return Err(BackupError::Passphrase("others than its owner may read its file: chmod 600".into()));
            }
        }
        // Where it will stay: a buffer that grows would leave copies behind.
        let mut line = Zeroizing::new(Vec::with_capacity(4096));
        file.take(4096).read_to_end(&mut line).map_err(failed)?;
        let end = line.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(line.len());
        line.truncate(end);
        if line.len() < MIN_PASSPHRASE {
            return Err(BackupError::Passphrase(format!("it has less than {MIN_PASSPHRASE} bytes")));
        }
        Ok(Self(line))
    }
}

impl zeroize::ZeroizeOnDrop for Passphrase {}

impl House {
    /// Writes everything that makes this CA to a new file, while others work with it: keys, certificates, policy, secrets, and the
    /// database as it stands at one moment. Sealed, unless there is no `passphrase`; only its owner can read it in any case.
    ///
    /// The hash of the list of files in it. The audit log has it too, as does [`Restored::list`]: which backups there are, and which one this is.
    ///
    /// # Errors
    /// [`BackupError`]: there is no such file then.
    pub fn back_up(&self, to: &Path, passphrase: Option<&Passphrase>, now: SystemTime) -> Result<String, BackupError> {
        let own = self.layout.directory();
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BackupError::Io { path, source }
        };
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists { path: to.into() });
        }
        let [inside, whole] = [parent(to), own].map(|path| path.canonicalize().map_err(failed(path)));
        if inside?.starts_with(whole?) {
            return Err(BackupError::Inside { path: to.into() });
        }
        let _lock = lock(own)?;
        remains(own).and_then(|remains| remains.iter().try_for_each(fs::remove_dir_all)).map_err(failed(own))?;
        let mut sources = sources(&self.layout)?;
        let store = audit::store(&self.layout)?;
        let beside = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(own).map_err(failed(own))?;
        let copy = beside.path().join("ca.db");
        private(&copy).map_err(failed(&copy))?;
        let Copied { head, newest_crl, anchors } = store.copy_to(&copy)?;
        let (path, anchors) = (self.layout.audit_anchors(), anchors.unwrap_or_default());
        for source in sources.iter_mut().filter(|source| path.file_name().is_some_and(|name| name == &*source.name)) {
            source.content = Content::Bytes(Zeroizing::new(anchors.clone().into_bytes()));
        }
        let database = File::open(&copy).map_err(failed(&copy))?;
        sources.push(Source { name: "ca.db".into(), mode: 0o600, content: Content::File(database) });
        let about = json!({
            "made": seconds(now),
            "version": env!("CARGO_PKG_VERSION"),
            "audit": head.to_string(),
            "crl": newest_crl,
        });
        let place = parent(to);
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(place).map_err(failed(to))?;
        let mut out = BufWriter::new(file);
        let hash = match passphrase {
            None => archive::write(&mut out, about, &mut sources),
            Some(passphrase) => sealed::Sealer::new(&mut out, passphrase).and_then(|mut sealer| {
                let hash = archive::write(&mut sealer, about, &mut sources)?;
                sealer.finish().map(|_| hash)
            }),
        };
        let hash = hash.map_err(failed(to))?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error).map_err(failed(to))?;
        file.as_file().sync_all().map_err(failed(to))?;
        // Before it has its name: a backup that is there is in the log. Where it gets none, the log says one too many.
        obnova_ca::AuditLog::new(store).note(AuditEvent::BackedUp, "", &format!("list {hash}"))?;
        file.persist_noclobber(to).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path: to.into() },
            _ => failed(to)(error.error),
        })?;
        flush_directory(place).map_err(failed(place))?;
        Ok(hash)
    }
}

/// Brings a CA back from a backup to a directory that must not exist or be empty: all of it, or nothing. Numbers that may have been
/// given since the backup was made are passed over.
///
/// The database is looked through for damage, and the audit log and the certificates that it speaks of for changes; `with_changed_audit` takes it as it is then.
///
/// # Errors
/// [`BackupError`]: there is nothing in the directory then.
pub fn restore(
    from: &Path,
    directory: &Path,
    passphrase: Option<&Passphrase>,
    with_changed_audit: bool,
    now: SystemTime,
) -> Result<Restored, BackupError> {
    let failed = |source| BackupError::Io { path: from.into(), source };
    let mut file = BufReader::new(File::open(from).map_err(failed)?);
    let mut first = [0; archive::MAGIC.len()];
    file.read_exact(&mut first).map_err(archive::torn)?;
    let is_sealed = first != archive::MAGIC;
    if is_sealed {
        let mut rest = [0; sealed::MAGIC.len() - archive::MAGIC.len()];
        file.read_exact(&mut rest).map_err(|_| BackupError::NotABackup { path: from.into() })?;
        if [&first[..], &rest].concat() != sealed::MAGIC {
            return Err(BackupError::NotABackup { path: from.into() });
        }
    }
    in_one_go(directory, |unfinished| {
        let (about, list) = match (is_sealed, passphrase) {
            (false, None) => archive::read(file, unfinished)?,
            // Who names a passphrase relies on it.
            (false, Some(_)) => return Err(BackupError::NotSealed),
            (true, None) => return Err(BackupError::Sealed),
            (true, Some(passphrase)) => {
                let opener = sealed::Opener::new(file, passphrase).map_err(archive::torn)?;
                let mut opener = BufReader::with_capacity(64 * 1024, opener);
                let mut magic = [0; archive::MAGIC.len()];
                opener.read_exact(&mut magic).map_err(archive::torn)?;
                archive::read(opener, unfinished)?
            }
        };
        let said = || BackupError::Altered("its list of files cannot be read".into());
        let made =
            about["made"].as_u64().and_then(|made| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(made)));
        let made = made.ok_or_else(said)?;
        let head: AuditHead = about["audit"].as_str().and_then(|head| head.parse().ok()).ok_or_else(said)?;
        check(unfinished, made, list, head, with_changed_audit, now)
    })
    .inspect(|_| {
        // It is there, whatever becomes of this; where the power fails it may have to be done again.
        let _ = flush_directory(parent(directory));
    })
}

/// Makes sure of what was unpacked, and has it go on.
fn check(
    unfinished: &Path,
    made: SystemTime,
    list: String,
    head: AuditHead,
    with_changed_audit: bool,
    now: SystemTime,
) -> Result<Restored, BackupError> {
    let house = House::open_untold(unfinished)?;
    house.ca().check_store().map_err(HouseError::from)?;
    let log = house.audit()?;
    // A log that is empty has no head that anybody could find.
    let heads = Some(head).filter(|head| head.number > 0);
    let sound = |findings: Vec<AuditFinding>| match findings.is_empty() || with_changed_audit {
        true => Ok(findings),
        false => Err(BackupError::Audit(findings)),
    };
    let changed = sound([log.verify(heads.as_slice())?.findings, log.compare()?.findings].concat())?;
    let time = DateTime::from_system_time(made).map_or_else(|_| "?".into(), |time| time.to_string());
    let detail = format!("made {time} head {head}");
    let gone_on = audit::store(&house.layout)?.go_on_from_copy(made, &detail, now)?;
    // Not before that: it gives up what waits.
    house.tell(now)?;
    let ended = house.ended.clone();
    // The backup's head says what was copied, and not that the CA wrote it. What has no anchor is told for ever from here on; and here.
    let mut findings = log.verify(&[])?.findings;
    findings.extend(changed.into_iter().filter(|one| !findings.contains(one)).collect::<Vec<_>>());
    let findings = sound(findings)?;
    drop((house, log));
    flush_directory(unfinished).map_err(|source| BackupError::Io { path: unfinished.into(), source })?;
    Ok(Restored { made, list, head, gone_on, ended, findings })
}

const UNFINISHED: &str = ".obnova-backup-";

/// One backup at a time, so that nothing of another one that runs is taken for remains.
fn lock(directory: &Path) -> Result<File, BackupError> {
    let path = directory.join(".backup.lock");
    let failed = |source| BackupError::Io { path: path.clone(), source };
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::AnotherRuns),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// How many copies of the database backups left that were killed, and removes them unless it is only looked; none while one runs.
pub(super) fn clear_remains(directory: &Path, only_look: bool) -> Result<u64, HouseError> {
    let failed = |source| HouseError::Io { path: directory.into(), source };
    let _lock = match lock(directory) {
        Ok(lock) => lock,
        Err(BackupError::Io { path, source }) => return Err(HouseError::Io { path, source }),
        Err(_) => return Ok(0),
    };
    let remains = remains(directory).map_err(failed)?;
    if !only_look {
        remains.iter().try_for_each(fs::remove_dir_all).map_err(failed)?;
    }
    Ok(remains.len() as u64)
}

/// What backups left that were killed: copies of the database.
fn remains(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut remains = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) && entry.file_type()?.is_dir() {
            remains.push(entry.path());
        }
    }
    Ok(remains)
}

/// Every file of the directory itself that makes the CA. Mails in its folders were sent, and unfinished things are hidden.
fn sources(layout: &Layout) -> Result<Vec<Source>, BackupError> {
    let directory = layout.directory();
    let failed = |source| BackupError::Io { path: directory.into(), source };
    let mut sources = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().into_string().map_err(|_| BackupError::Name)?;
        if name.starts_with('.') || TRANSIENT.contains(&name.as_str()) || !entry.file_type().map_err(failed)?.is_file()
        {
            continue;
        }
        let path = entry.path();
        let failed = |source| BackupError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.len() > MAX_FILE {
            return Err(BackupError::TooLarge { path });
        }
        // Where it will stay, if nobody writes to it meanwhile.
        let mut content = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
        file.take(MAX_FILE).read_to_end(&mut content).map_err(failed)?;
        sources.push(Source { name, mode: mode(&metadata), content: Content::Bytes(content) });
    }
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(sources)
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
}

#[cfg(not(unix))]
const fn mode(_: &fs::Metadata) -> u32 {
    0o600
}

/// An empty file that only its owner can read, for SQLite to fill.
fn private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// So that a name is there after the power failed.
fn flush_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Why there is no backup, or no CA out of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of this name.
    #[error("{path} exists: choose another name for the backup", path = path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// It would be in the CA's own directory, and in the next backup.
    #[error("{path} is in the CA's own directory: choose a place outside of it, best on another machine", path = path.display())]
    Inside {
        /// Which.
        path: PathBuf,
    },
    /// Another backup of the same CA is being made.
    #[error("another backup of this CA is being made: wait for it")]
    AnotherRuns,
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is something in the CA's directory that is no file of a CA.
    #[error("{path} is too large for a file of the CA: move it elsewhere", path = path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// A file has a name that is not text.
    #[error("a file in the CA's directory has a name that is not UTF-8: move it elsewhere")]
    Name,
    /// The passphrase cannot be used.
    #[error("the passphrase cannot be used: {0}")]
    Passphrase(String),
    /// The file is something else.
    #[error("{path} is not a backup of obnova-ca", path = path.display())]
    NotABackup {
        /// Which.
        path: PathBuf,
    },
    /// It is sealed.
    #[error("the backup is sealed: say --passphrase-file")]
    Sealed,
    /// It is not, and was said to be.
    #[error("the backup is not sealed: it is another one than you mean, or leave the passphrase out")]
    NotSealed,
    /// It ends too early.
    #[error("the backup is torn: it ends too early")]
    Torn,
    /// It is not what was written.
    #[error("the backup cannot be used: {0}")]
    Altered(String),
    /// The audit log in it, or what the database has of certificates beside it, was changed before the backup was made; or the log is not the
    /// one that the backup was made of.
    #[error("somebody changed the audit log in the backup, or the certificates that it speaks of: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Audit(Vec<AuditFinding>),
    /// The CA cannot be opened.
    #[error(transparent)]
    House(#[from] HouseError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use static_assertions::{assert_impl_all, assert_not_impl_any};
    use zeroize::ZeroizeOnDrop;

    use super::*;

    #[test]
    fn a_passphrase_is_not_shown_copied_or_compared_and_is_wiped() {
        assert_not_impl_any!(Passphrase: Debug, Display, PartialEq, Clone);
        assert_impl_all!(Passphrase: ZeroizeOnDrop);
        fn wiped(_: &impl ZeroizeOnDrop) {}
        wiped(&Passphrase(Zeroizing::new(vec![7; MIN_PASSPHRASE])).0);
    }
}
