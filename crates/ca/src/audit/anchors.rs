use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    sync::Arc,
};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::record::AuditHead;
use crate::{
    StoreError,
    secret::{Secret, in_a_file},
    transaction::{from_hex, to_hex},
};

/// What anchors are authenticated with: 256 random bits in a file of their own, beside the database and not in it.
pub struct AuditKey(Secret);

/// Where the log ended, in a file outside the database: whoever can write to the database alone can neither cut the log off nor
/// write it anew without being found out.
///
/// One line of 128 bytes says what the number and the hash of the last record are, and has a MAC by an [`AuditKey`]. It is written
/// over at each commit that brought records. Every thousand records another line begins, so that it can be told where a log that
/// was written anew left the true one. A line that the database contradicts is never written over. Nor is one where the log went on
/// before the CA wrote the next record: another line says then what was found, so that nobody is taken to vouch for it.
#[derive(Clone)]
pub struct AuditAnchors {
    path: PathBuf,
    key: Arc<AuditKey>,
}

/// An anchor that is about to be written; the file is locked as long.
pub(crate) struct Held {
    file: File,
    at: u64,
    lines: String,
}

/// What stands in a line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The CA wrote this record, and knew the ones before it.
    Anchor(AuditHead),
    /// The log ended here when the CA went on. What is behind the line before was there, and nothing tells who wrote it.
    Found(AuditHead),
    /// It was not written with the key.
    Forged,
}

const LINE: usize = 128;
/// Digits of a MAC: 128 bits of it.
const MAC: usize = 32;
/// What a MAC is about.
const ANCHOR: &[u8] = b"obnova audit anchor 1";
const FOUND: &[u8] = b"obnova audit found 1";
/// Ends a line of what was found.
const MARK: &str = "?";
/// Records between two lines.
const STRIDE: i64 = 1000;

in_a_file!(AuditKey);

impl AuditKey {
    fn mac(&self, what: &[u8], head: &AuditHead) -> String {
        let message = [what, &head.number.to_be_bytes(), &head.hash].concat();
        to_hex(&self.0.hmac(&message).as_ref()[..MAC / 2])
    }
}

impl AuditAnchors {
    /// Anchors in this file, which need not exist yet.
    #[must_use]
    pub fn new(path: PathBuf, key: AuditKey) -> Self {
        Self { path, key: Arc::new(key) }
    }

    /// Every line that was written, the oldest first, and what `meanwhile` says: nobody who writes anchors ends a commit then.
    pub(crate) fn read<T>(
        &self,
        meanwhile: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<(Vec<Line>, T), StoreError> {
        let (_file, content) = self.content().map_err(failed)?;
        let lines = content.chunks(LINE).map(|line| self.parse(line)).collect();
        Ok((lines, meanwhile()?))
    }

    /// The file, locked, and what is in it.
    fn content(&self) -> io::Result<(Option<File>, Vec<u8>)> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, Vec::new())),
            file => file?,
        };
        file.lock_shared()?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok((Some(file), content))
    }

    /// A file of these lines.
    pub(crate) fn written(&self, lines: &[Line]) -> String {
        lines.iter().map(|line| self.line(line)).collect()
    }

    fn line(&self, line: &Line) -> String {
        let (what, head, mark) = match line {
            Line::Anchor(head) => (ANCHOR, head, ""),
            Line::Found(head) => (FOUND, head, MARK),
            Line::Forged => return format!("{:<width$}\n", "?", width = LINE - 1),
        };
        let line = format!("{:020} {} {} {mark}", head.number, to_hex(&head.hash), self.key.mac(what, head));
        format!("{line:<width$}\n", width = LINE - 1)
    }

    /// Locks the file, and finds the place of an anchor for `head`, written by who found the log at `begin`: on the last line, if
    /// that is of the same thousand and ends at `begin`, else behind it. `known` is a `begin` that is the caller's own.
    pub(crate) fn hold(&self, begin: &AuditHead, head: &AuditHead, known: bool) -> Result<Held, StoreError> {
        let (file, mut at, last) = self.lock().map_err(failed)?;
        let anchored = match last {
            Some(Line::Anchor(last) | Line::Found(last)) => last,
            Some(Line::Forged) | None => AuditHead::NONE,
        };
        let follows = known || anchored == *begin;
        let mut lines = Vec::new();
        if !follows && begin.number > anchored.number {
            lines.push(Line::Found(*begin));
        }
        if head != begin || known && anchored != *head {
            let same = follows && anchored.number <= begin.number && anchored.number / STRIDE == head.number / STRIDE;
            if same && matches!(last, Some(Line::Anchor(_))) {
                at -= LINE as u64;
            }
            lines.push(Line::Anchor(*head));
        }
        Ok(Held { file, at, lines: self.written(&lines) })
    }

    /// The file, locked, its end, and what its last line says.
    fn lock(&self) -> io::Result<(File, u64, Option<Line>)> {
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
        Ok((file, end, Some(self.parse(&line))))
    }

    fn parse(&self, line: &[u8]) -> Line {
        let parse = || {
            let text = std::str::from_utf8(line).ok()?;
            let mut parts = text.strip_suffix('\n')?.split_whitespace();
            let (number, hash, mac) = (parts.next()?, parts.next()?, parts.next()?);
            let hash = from_hex(hash, 32)?.try_into().ok()?;
            let head = AuditHead { number: number.parse().ok()?, hash };
            let (what, line) = match parts.next() {
                None => (ANCHOR, Line::Anchor(head)),
                Some(MARK) => (FOUND, Line::Found(head)),
                Some(_) => return None,
            };
            verify_slices_are_equal(self.key.mac(what, &head).as_bytes(), mac.as_bytes()).ok()?;
            parts.next().is_none().then_some(line)
        };
        parse().filter(|_| line.len() == LINE).unwrap_or(Line::Forged)
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
        self.file.write_all(self.lines.as_bytes())
    }
}

fn failed(error: io::Error) -> StoreError {
    StoreError::Failed(format!("the audit anchors: {error}"))
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// By who found the log at `begin`.
    fn write(anchors: &AuditAnchors, begin: AuditHead, number: i64, known: bool) {
        anchors.hold(&begin, &head(number), known).unwrap().write().unwrap();
    }

    fn read(anchors: &AuditAnchors) -> Vec<Line> {
        anchors.read(|| Ok(())).unwrap().0
    }

    fn head(number: i64) -> AuditHead {
        AuditHead { number, hash: [number as u8; 32] }
    }

    #[test]
    fn a_line_is_written_over_until_its_thousand_is_full_or_it_is_contradicted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.anchors");
        let anchors = AuditAnchors::new(path.clone(), AuditKey::generate().unwrap());
        assert_eq!(read(&anchors), []);
        let other = AuditHead { number: 1003, hash: [1; 32] };
        let anchored = |numbers: &[i64]| numbers.iter().map(|number| Line::Anchor(head(*number))).collect::<Vec<_>>();
        for (begin, number, kept) in [
            (AuditHead::NONE, 1, vec![1]),
            (head(1), 2, vec![2]),
            (head(2), 999, vec![999]),
            (head(999), 1000, vec![999, 1000]),
            (head(1000), 1001, vec![999, 1001]),
            (head(1001), 1001, vec![999, 1001]),
            (head(899), 900, vec![999, 1001, 900]),
            (head(900), 1003, vec![999, 1001, 900, 1003]),
            (other, 1004, vec![999, 1001, 900, 1003, 1004]),
            (head(1004), 1005, vec![999, 1001, 900, 1003, 1005]),
        ] {
            write(&anchors, begin, number, false);
            assert_eq!(read(&anchors), anchored(&kept), "{number}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 5 * LINE as u64);
        // Somebody else wrote two records: they are told, once, also by who writes none.
        let mut kept = anchored(&[999, 1001, 900, 1003, 1005]);
        kept.push(Line::Found(head(1007)));
        for _ in 0..2 {
            write(&anchors, head(1007), 1007, false);
            assert_eq!(read(&anchors), kept);
        }
        write(&anchors, head(1007), 1008, false);
        kept.push(Line::Anchor(head(1008)));
        assert_eq!(read(&anchors), kept);
        // Whoever wrote them himself, and had no room for the anchor, knows them.
        write(&anchors, head(1010), 1011, true);
        *kept.last_mut().unwrap() = Line::Anchor(head(1011));
        assert_eq!(read(&anchors), kept);
        write(&anchors, head(1012), 1013, false);
        kept.extend([Line::Found(head(1012)), Line::Anchor(head(1013))]);
        assert_eq!(read(&anchors), kept);
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
        write(&anchors, AuditHead::NONE, 5, false);
        assert_eq!(read(&other), [Line::Forged]);
        let good = std::fs::read(&path).unwrap();
        for position in 0..LINE {
            let mut bad = good.clone();
            bad[position] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            // Blanks and the last line feed are no part of what it says.
            let said = read(&anchors);
            assert!(
                said == [Line::Forged] || position > 118 && said == [Line::Anchor(head(5))],
                "{position}: {said:?}"
            );
        }
        // What is left of a line that was torn off is no line; the next one takes its place.
        std::fs::write(&path, [&good[..], &good[..60]].concat()).unwrap();
        assert_eq!(read(&anchors), [Line::Anchor(head(5)), Line::Forged]);
        write(&anchors, head(5), 6, false);
        assert_eq!(read(&anchors), [Line::Anchor(head(6)), Line::Forged]);
        write(&anchors, head(6), 1000, false);
        assert_eq!(read(&anchors), [Line::Anchor(head(6)), Line::Anchor(head(1000))]);
        // What was found is no anchor, and cannot be made one.
        write(&anchors, head(1001), 1001, false);
        let found = std::fs::read(&path).unwrap();
        assert_eq!(read(&anchors).last(), Some(&Line::Found(head(1001))));
        std::fs::write(&path, String::from_utf8(found).unwrap().replace('?', " ")).unwrap();
        assert_eq!(read(&anchors).last(), Some(&Line::Forged));
    }

    #[test]
    fn the_key_survives_its_file_and_is_not_shown() {
        assert_not_impl_any!(AuditKey: std::fmt::Debug, std::fmt::Display, PartialEq, Clone);
        assert_impl_all!(AuditKey: ZeroizeOnDrop);
        fn wiped(_: &impl ZeroizeOnDrop) {}
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.secret");
        let key = AuditKey::generate().unwrap();
        wiped(&key.0);
        key.save(&path).unwrap();
        assert_eq!(AuditKey::load(&path).unwrap().mac(ANCHOR, &head(1)), key.mac(ANCHOR, &head(1)));
    }
}
