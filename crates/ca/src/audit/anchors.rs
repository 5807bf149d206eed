use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::record::AuditHead;
use crate::{
    KeyFileError, StoreError,
    key::{read_secret, write_secret},
    transaction::{from_hex, to_hex},
};

/// What anchors are authenticated with: 256 random bits in a file of their own, beside the database and not in it.
pub struct AuditKey(Box<Zeroizing<[u8; 32]>>);

/// Where the log ended, in a file outside the database: whoever can write to the database alone can neither cut the log off nor
/// write it anew without being found out.
///
/// One line of 128 bytes says what the number and the hash of the last record are, and has a MAC by an [`AuditKey`]. It is written
/// over at each commit that brought records. Every thousand records another line begins, so that it can be told where a log that
/// was written anew left the true one. A line that the database contradicts is never written over.
#[derive(Clone)]
pub struct AuditAnchors {
    path: PathBuf,
    key: Arc<AuditKey>,
}

/// An anchor that is about to be written; the file is locked as long.
pub(crate) struct Held {
    file: File,
    at: u64,
    line: String,
}

/// What stands in a line of the file: an anchor, or something that was not written with the key.
pub(crate) type Anchor = Result<AuditHead, ()>;

const LINE: usize = 128;
/// Digits of a MAC: 128 bits of it.
const MAC: usize = 32;
/// Records between two lines.
const STRIDE: i64 = 1000;

impl AuditKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`KeyFileError::Crypto`] when the random source fails.
    pub fn generate() -> Result<Self, KeyFileError> {
        let mut key = Self(Box::default());
        aws_lc_rs::rand::fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// Reads it from its file.
    ///
    /// # Errors
    /// [`KeyFileError::Io`], also when the file does not have its 32 bytes.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let mut key = Self(Box::default());
        read_secret(path, &mut key.0)?;
        Ok(key)
    }

    /// Writes it to a new file with mode 0600.
    ///
    /// # Errors
    /// [`KeyFileError::Io`], also when the file exists.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        Ok(write_secret(path, self.0.as_slice())?)
    }

    fn mac(&self, head: &AuditHead) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let message = [b"obnova audit anchor 1".as_slice(), &head.number.to_be_bytes(), &head.hash].concat();
        to_hex(&hmac::sign(&key, &message).as_ref()[..MAC / 2])
    }
}

impl ZeroizeOnDrop for AuditKey {}

impl AuditAnchors {
    /// Anchors in this file, which need not exist yet.
    #[must_use]
    pub fn new(path: PathBuf, key: AuditKey) -> Self {
        Self { path, key: Arc::new(key) }
    }

    /// Every anchor that was written, the oldest first.
    pub(crate) fn read(&self) -> Result<Vec<Anchor>, StoreError> {
        self.content().map(|content| content.chunks(LINE).map(|line| self.parse(line)).collect()).map_err(failed)
    }

    fn content(&self) -> io::Result<Vec<u8>> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        file.lock_shared()?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(content)
    }

    /// Locks the file, and finds the place of an anchor for `head`: on the last line, if that is of the same thousand and
    /// `confirmed` by the database, else behind it.
    pub(crate) fn hold(
        &self,
        head: &AuditHead,
        confirmed: impl FnOnce(&AuditHead) -> Result<bool, StoreError>,
    ) -> Result<Held, StoreError> {
        let (file, mut at, last) = self.lock().map_err(failed)?;
        if let Some(before) = last
            && before.number / STRIDE == head.number / STRIDE
            && confirmed(&before)?
        {
            at -= LINE as u64;
        }
        let line = format!("{:020} {} {}", head.number, to_hex(&head.hash), self.key.mac(head));
        Ok(Held { file, at, line: format!("{line:<width$}\n", width = LINE - 1) })
    }

    /// The file, locked, its end, and what its last line says.
    fn lock(&self) -> io::Result<(File, u64, Option<AuditHead>)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        file.lock()?;
        // What is left of a line that the disk had no room for is written over.
        let end = file.metadata()?.len() / LINE as u64 * LINE as u64;
        let Some(last) = end.checked_sub(LINE as u64) else { return Ok((file, end, None)) };
        let mut line = [0; LINE];
        file.seek(SeekFrom::Start(last))?;
        file.read_exact(&mut line)?;
        Ok((file, end, self.parse(&line).ok()))
    }

    fn parse(&self, line: &[u8]) -> Anchor {
        let parse = || {
            let text = std::str::from_utf8(line).ok()?;
            let mut parts = text.strip_suffix('\n')?.split_whitespace();
            let (number, hash, mac) = (parts.next()?, parts.next()?, parts.next()?);
            let hash = from_hex(hash, 32)?.try_into().ok()?;
            let head = AuditHead { number: number.parse().ok()?, hash };
            verify_slices_are_equal(self.key.mac(&head).as_bytes(), mac.as_bytes()).ok()?;
            parts.next().is_none().then_some(head)
        };
        parse().filter(|_| line.len() == LINE).ok_or(())
    }
}

impl std::fmt::Debug for AuditAnchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditAnchors").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Held {
    /// Writes it, now that what it says is in the database. It is not flushed: where the power fails, the database has more.
    pub fn write(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.write_all(self.line.as_bytes())
    }
}

fn failed(error: io::Error) -> StoreError {
    StoreError::Failed(format!("the audit anchors: {error}"))
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    fn write(anchors: &AuditAnchors, number: i64, confirmed: bool) {
        let held = anchors.hold(&head(number), |_| Ok(confirmed)).unwrap();
        held.write().unwrap();
    }

    fn head(number: i64) -> AuditHead {
        AuditHead { number, hash: [number as u8; 32] }
    }

    #[test]
    fn a_line_is_written_over_until_its_thousand_is_full_or_it_is_contradicted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.anchors");
        let anchors = AuditAnchors::new(path.clone(), AuditKey::generate().unwrap());
        assert_eq!(anchors.read().unwrap(), []);
        for (number, confirmed, kept) in [
            (1, true, vec![1]),
            (2, true, vec![2]),
            (999, true, vec![999]),
            (1000, true, vec![999, 1000]),
            (1001, true, vec![999, 1001]),
            (900, true, vec![999, 1001, 900]),
            (1002, true, vec![999, 1001, 900, 1002]),
            (1003, false, vec![999, 1001, 900, 1002, 1003]),
            (1004, true, vec![999, 1001, 900, 1002, 1004]),
        ] {
            write(&anchors, number, confirmed);
            let kept: Vec<_> = kept.into_iter().map(|number| Ok(head(number))).collect();
            assert_eq!(anchors.read().unwrap(), kept, "{number}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 5 * LINE as u64);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn who_has_no_key_writes_no_anchor() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.anchors");
        let anchors = AuditAnchors::new(path.clone(), AuditKey::generate().unwrap());
        let other = AuditAnchors::new(path.clone(), AuditKey::generate().unwrap());
        write(&anchors, 5, true);
        assert_eq!(other.read().unwrap(), [Err(())]);
        let good = std::fs::read(&path).unwrap();
        for position in 0..LINE {
            let mut bad = good.clone();
            bad[position] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            // Blanks and the last line feed are no part of what it says.
            let said = anchors.read().unwrap();
            assert!(said == [Err(())] || position > 118 && said == [Ok(head(5))], "{position}: {said:?}");
        }
        // What is left of a line that was torn off is no line; the next one takes its place.
        std::fs::write(&path, [&good[..], &good[..60]].concat()).unwrap();
        assert_eq!(anchors.read().unwrap(), [Ok(head(5)), Err(())]);
        write(&anchors, 6, true);
        assert_eq!(anchors.read().unwrap(), [Ok(head(6)), Err(())]);
        write(&anchors, 1000, true);
        assert_eq!(anchors.read().unwrap(), [Ok(head(6)), Ok(head(1000))]);
    }

    #[test]
    fn the_key_survives_its_file_and_is_not_shown() {
        assert_not_impl_any!(AuditKey: std::fmt::Debug, std::fmt::Display, PartialEq, Clone);
        assert_impl_all!(AuditKey: ZeroizeOnDrop);
        fn wiped(_: &impl ZeroizeOnDrop) {}
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.secret");
        let key = AuditKey::generate().unwrap();
        wiped(&*key.0);
        key.save(&path).unwrap();
        assert!(key.save(&path).is_err());
        assert_eq!(AuditKey::load(&path).unwrap().0, key.0);
        for length in [0, 31, 33] {
            std::fs::write(&path, vec![0; length]).unwrap();
            assert!(AuditKey::load(&path).is_err(), "{length}");
        }
    }
}
