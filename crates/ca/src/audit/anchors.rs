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
///
/// Behind the last one stands, while a commit is made, where the log is to end by it, so that the records of a CA that is killed right
/// after it are known for its own.
#[derive(Clone)]
pub struct AuditAnchors {
    path: PathBuf,
    key: Arc<AuditKey>,
}

/// An anchor that is about to be written, and said to be; the file is locked as long.
pub(crate) struct Held {
    file: File,
    at: u64,
    lines: String,
}

/// How the file ends.
struct Tail {
    file: File,
    /// Where the next line goes.
    end: u64,
    /// The last one, of those that stay.
    last: Option<Line>,
    /// What was about to be written when whoever wrote it was killed.
    intended: Option<AuditHead>,
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

/// What stands where a line can be.
enum Entry {
    Line(Line),
    /// The CA was about to write this record, as the last one of a commit: only the log tells whether it did.
    Intended(AuditHead),
    /// Nothing is about to be written any more.
    Blank,
}

const LINE: usize = 128;
/// Digits of a MAC: 128 bits of it.
const MAC: usize = 32;
/// What a MAC is about.
const ANCHOR: &[u8] = b"obnova audit anchor 1";
const FOUND: &[u8] = b"obnova audit found 1";
const INTENDED: &[u8] = b"obnova audit intended 1";
/// Ends a line of what was found.
const MARK: &str = "?";
/// Ends a line of what was about to be written.
const INTENT: &str = "!";
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

    /// Every line that was written, the oldest first, and the `head` of the log: nobody who writes anchors ends a commit then. What was about to
    /// be written is an anchor where the log ends with it, and else nothing.
    pub(crate) fn read(
        &self,
        head: impl FnOnce() -> Result<AuditHead, StoreError>,
    ) -> Result<(Vec<Line>, AuditHead), StoreError> {
        let (_file, content) = self.content().map_err(failed)?;
        let mut entries: Vec<_> = content.chunks(LINE).map(|line| self.parse(line)).collect();
        let intended = entries.pop_if(|last| !matches!(last, Entry::Line(_)));
        let mut lines: Vec<_> = entries.into_iter().map(Entry::line).collect();
        let head = head()?;
        if matches!(intended, Some(Entry::Intended(intended)) if intended == head) {
            lines.push(Line::Anchor(head));
        }
        Ok((lines, head))
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
        match line {
            Line::Anchor(head) => self.authenticated(ANCHOR, head, ""),
            Line::Found(head) => self.authenticated(FOUND, head, MARK),
            Line::Forged => format!("{:<width$}\n", "?", width = LINE - 1),
        }
    }

    fn authenticated(&self, what: &[u8], head: &AuditHead, mark: &str) -> String {
        let line = format!("{:020} {} {} {mark}", head.number, to_hex(&head.hash), self.key.mac(what, head));
        format!("{line:<width$}\n", width = LINE - 1)
    }

    /// Locks the file, and finds the place of an anchor for `head`, written by who found the log at `begin`: on the last line, if
    /// that is of the same thousand and ends at `begin`, else behind it. `known` is a `begin` that is the caller's own. What is known by
    /// now is written: what was found, and what is intended.
    pub(crate) fn hold(&self, begin: &AuditHead, head: &AuditHead, known: bool) -> Result<Held, StoreError> {
        let Tail { mut file, end, last, intended } = self.lock().map_err(failed)?;
        let anchored = match last {
            Some(Line::Anchor(last) | Line::Found(last)) => last,
            Some(Line::Forged) | None => AuditHead::NONE,
        };
        // Whoever wrote that was killed before its anchor was in the file.
        let is_done = intended == Some(*begin) && anchored != *begin;
        let follows = known || anchored == *begin || is_done;
        let mut lines = Vec::new();
        if is_done {
            lines.push(Line::Anchor(*begin));
        } else if !follows && begin.number > anchored.number {
            lines.push(Line::Found(*begin));
        }
        let place = end + (lines.len() * LINE) as u64;
        let before = lines.last().copied().or(last);
        let mut now = self.written(&lines);
        if head == begin && !(known && anchored != *head) {
            write(&mut file, end, &now).map_err(failed)?;
            return Ok(Held { file, at: place, lines: String::new() });
        }
        now += &self.authenticated(INTENDED, head, INTENT);
        write(&mut file, end, &now).map_err(failed)?;
        let anchor = self.line(&Line::Anchor(*head));
        Ok(match before {
            Some(Line::Anchor(last))
                if follows && last.number <= begin.number && last.number / STRIDE == head.number / STRIDE =>
            {
                Held { file, at: place - LINE as u64, lines: anchor + &blank() }
            }
            _ => Held { file, at: place, lines: anchor },
        })
    }

    /// The file, locked, and how it ends.
    fn lock(&self) -> io::Result<Tail> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        file.lock()?;
        // What is left of a line that the disk had no room for is written over.
        let mut end = file.metadata()?.len() / LINE as u64 * LINE as u64;
        let mut content = [0; 2 * LINE];
        let content = &mut content[..end.min(2 * LINE as u64) as usize];
        file.seek(SeekFrom::Start(end - content.len() as u64))?;
        file.read_exact(content)?;
        let mut entries: Vec<_> = content.chunks(LINE).map(|line| self.parse(line)).collect();
        let passing = entries.pop_if(|last| !matches!(last, Entry::Line(_)));
        end -= passing.as_ref().map_or(0, |_| LINE as u64);
        let intended = passing.and_then(|passing| if let Entry::Intended(head) = passing { Some(head) } else { None });
        Ok(Tail { file, end, last: entries.pop().map(Entry::line), intended })
    }

    fn parse(&self, line: &[u8]) -> Entry {
        if line == blank().as_bytes() {
            return Entry::Blank;
        }
        let parse = || {
            let text = std::str::from_utf8(line).ok()?;
            let mut parts = text.strip_suffix('\n')?.split_whitespace();
            let (number, hash, mac) = (parts.next()?, parts.next()?, parts.next()?);
            let hash = from_hex(hash, 32)?.try_into().ok()?;
            let head = AuditHead { number: number.parse().ok()?, hash };
            let (what, entry) = match parts.next() {
                None => (ANCHOR, Entry::Line(Line::Anchor(head))),
                Some(MARK) => (FOUND, Entry::Line(Line::Found(head))),
                Some(INTENT) => (INTENDED, Entry::Intended(head)),
                Some(_) => return None,
            };
            verify_slices_are_equal(self.key.mac(what, &head).as_bytes(), mac.as_bytes()).ok()?;
            parts.next().is_none().then_some(entry)
        };
        parse().filter(|_| line.len() == LINE).unwrap_or(Entry::Line(Line::Forged))
    }
}

impl Entry {
    /// What only stands at the end is none where others follow.
    fn line(self) -> Line {
        match self {
            Self::Line(line) => line,
            Self::Intended(_) | Self::Blank => Line::Forged,
        }
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
        write(&mut self.file, self.at, &self.lines)
    }
}

fn write(file: &mut File, at: u64, lines: &str) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(lines.as_bytes())
}

/// Where nothing is about to be written any more.
fn blank() -> String {
    format!("{:<width$}\n", "", width = LINE - 1)
}

fn failed(error: io::Error) -> StoreError {
    StoreError::Failed(format!("the audit anchors: {error}"))
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    use zeroize::ZeroizeOnDrop;

    use super::*;
    use crate::{AuditEvent, AuditFinding, AuditLog, SqliteStore};

    /// By who found the log at `begin`.
    fn write(anchors: &AuditAnchors, begin: AuditHead, number: i64, known: bool) {
        anchors.hold(&begin, &head(number), known).unwrap().write().unwrap();
    }

    fn read(anchors: &AuditAnchors) -> Vec<Line> {
        anchors.read(|| Ok(AuditHead::NONE)).unwrap().0
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
        // And a blank one.
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 6 * LINE as u64);
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

    /// Where the log ends tells whether it was before or after the commit.
    #[test]
    fn what_a_killed_process_wrote_is_known_for_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.anchors");
        let anchors = AuditAnchors::new(path.clone(), AuditKey::generate().unwrap());
        let killed = |begin, number, known| drop(anchors.hold(&begin, &head(number), known).unwrap());
        let ends_at = |number| anchors.read(|| Ok(head(number))).unwrap().0;
        let anchored = |numbers: &[i64]| numbers.iter().map(|number| Line::Anchor(head(*number))).collect::<Vec<_>>();

        // With nothing before it.
        killed(AuditHead::NONE, 5, false);
        assert_eq!((ends_at(0), ends_at(5)), (vec![], anchored(&[5])));
        write(&anchors, AuditHead::NONE, 5, false);
        assert_eq!(read(&anchors), anchored(&[5]));

        killed(head(5), 7, true);
        assert_eq!((ends_at(5), ends_at(7), ends_at(8)), (anchored(&[5]), anchored(&[5, 7]), anchored(&[5])));
        let after_kill = std::fs::read(&path).unwrap();
        let again = || std::fs::write(&path, &after_kill).unwrap();
        // Before the commit, and after it.
        write(&anchors, head(5), 6, false);
        assert_eq!(read(&anchors), anchored(&[6]));
        again();
        write(&anchors, head(7), 8, false);
        assert_eq!(read(&anchors), anchored(&[5, 8]));
        // Again and again.
        again();
        killed(head(7), 8, false);
        assert_eq!((ends_at(7), ends_at(8)), (anchored(&[5, 7]), anchored(&[5, 7, 8])));
        killed(head(8), 1001, false);
        assert_eq!((ends_at(8), ends_at(1001)), (anchored(&[5, 7, 8]), anchored(&[5, 7, 8, 1001])));
        write(&anchors, head(1001), 1002, false);
        assert_eq!(read(&anchors), anchored(&[5, 7, 8, 1002]));
        // Who writes none has it written down.
        again();
        write(&anchors, head(7), 7, false);
        assert_eq!(read(&anchors), anchored(&[5, 7]));
        // Somebody put one in after it, or another one in its place.
        for other in [head(8), AuditHead { number: 7, hash: [1; 32] }] {
            again();
            let next = AuditHead { number: 9, ..head(9) };
            anchors.hold(&other, &next, false).unwrap().write().unwrap();
            assert_eq!(read(&anchors), [Line::Anchor(head(5)), Line::Found(other), Line::Anchor(next)]);
        }
        // It is no anchor, and cannot be made one; nor does it count where more follows.
        again();
        let text = String::from_utf8(after_kill.clone()).unwrap();
        std::fs::write(&path, text.replace(INTENT, " ")).unwrap();
        assert_eq!(ends_at(7), [Line::Anchor(head(5)), Line::Forged]);
        let (anchor, intended) = after_kill.split_at(LINE);
        std::fs::write(&path, [anchor, intended, anchor].concat()).unwrap();
        assert_eq!(ends_at(7), [Line::Anchor(head(5)), Line::Forged, Line::Anchor(head(5))]);
    }

    #[test]
    fn the_log_of_a_ca_that_was_killed_as_it_committed_is_sound() {
        let directory = tempfile::tempdir().unwrap();
        let [path, secret, database] = ["anchors", "secret", "ca.db"].map(|name| directory.path().join(name));
        AuditKey::generate().unwrap().save(&secret).unwrap();
        let anchors = AuditAnchors::new(path, AuditKey::load(&secret).unwrap());
        let running = || AuditLog::new(SqliteStore::open_anchored(&database, anchors.clone()).unwrap());
        let findings = || running().verify(&[]).unwrap().findings;
        let note = |log: &AuditLog| log.note(AuditEvent::CrlMade, "", "").unwrap();
        note(&running());
        for _ in 0..3 {
            let begin = running().head().unwrap();
            // Committed, and no anchor written.
            note(&AuditLog::new(SqliteStore::open(&database).unwrap()));
            let head = running().head().unwrap();
            let unknown = AuditFinding::Unanchored { first: head.number, last: head.number };
            assert_eq!(findings(), [unknown]);
            drop(anchors.hold(&begin, &head, false).unwrap());
            assert_eq!(findings(), []);
            note(&running());
            assert_eq!(findings(), []);
            // Not even committed.
            drop(anchors.hold(&running().head().unwrap(), &self::head(head.number + 2), false).unwrap());
            assert_eq!(findings(), []);
            note(&running());
            assert_eq!(findings(), []);
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
        assert_eq!(read(&anchors), [Line::Anchor(head(6))]);
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
