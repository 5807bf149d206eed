//! Copies of the database, and how to go on from one.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use rusqlite::params;

use super::{SqliteStore, audit, failure, file, revocations, seconds, statements};
use crate::{
    AuditEvent, AuditHead, StoreError,
    audit::{AuditLine, Entry},
};

/// What a copy of the database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where its audit log ends.
    pub head: AuditHead,
    /// The greatest number of a CRL.
    pub newest_crl: u64,
    /// A file of anchors for it. Its end has none where somebody else than the CA may have written it.
    pub anchors: Option<String>,
}

/// What was passed over, so that nothing is done twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneOn {
    /// The number that CRLs go on from.
    pub crl: u64,
    /// How many links were ended that nobody had used when the copy was made.
    pub links: u64,
    /// Mails that waited when the copy was made, and may have gone since: they are given up.
    pub mails: Vec<i64>,
}

const END_LINKS: &str = "UPDATE links SET used = ?1 WHERE used IS NULL";
const GIVE_UP: &str = "UPDATE mails SET due = NULL, problem = 'the CA came back from a backup: it may have gone before'
     WHERE due IS NOT NULL RETURNING id";

impl SqliteStore {
    /// Writes everything as it stands at one moment to a new file, while others go on reading and writing, and looks through that
    /// file for damage. The file must not exist, or be empty; it has what is kept and nothing that was deleted.
    ///
    /// # Errors
    /// [`StoreError`]: the file is none, or a part of one. [`StoreError::Damaged`]: there is something in it that cannot be.
    pub fn copy_to(&self, path: &Path) -> Result<Copied, StoreError> {
        let target = path.to_str().ok_or_else(|| StoreError::Failed("the name of the copy is not UTF-8".into()))?;
        let own = self.read(|connection| Ok(connection.path().map(ToOwned::to_owned)))?;
        let own = own.ok_or_else(|| StoreError::Failed("the database has no file".into()))?;
        let source = file::connect(Path::new(&own))?;
        let (mut lines, before) = self.anchored()?;
        source.execute("VACUUM INTO ?1", [target]).map_err(failure)?;
        let (lines_after, after) = self.anchored()?;
        let copy = file::connect(path)?;
        file::check(&copy)?;
        let head = audit::head(&copy)?;
        // What came meanwhile came from the CA, if nothing was in between that it had only found.
        let ends = |lines: &[AuditLine], head| match lines.last() {
            Some(AuditLine::Anchor(last) | AuditLine::Found(last)) => *last == head,
            Some(AuditLine::Forged) => false,
            None => head == AuditHead::NONE,
        };
        let found = |lines: &[AuditLine]| lines.iter().filter(|line| matches!(line, AuditLine::Found(_))).count();
        let followed = ends(&lines, before) && ends(&lines_after, after) && found(&lines) == found(&lines_after);
        if followed && head != before {
            lines.push(AuditLine::Anchor(head));
        }
        let anchors = self.anchors.as_ref().map(|anchors| anchors.written(&lines));
        Ok(Copied { head, newest_crl: revocations::newest_crl(&copy)?, anchors })
    }

    /// Goes on from a copy that was made at `copied`, when nothing is left of what came after it. Numbers that may have been given
    /// since are passed over: of CRLs one for each microsecond, and more of them nobody makes. Serial numbers need nothing: they
    /// grow with the time, above 96 random bits. One-time passwords and links that could be used are ended, and mails that waited are
    /// given up, since they may have been used and sent. The audit log says so, with `detail`.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed; among them [`StoreError::Failed`] when the clock is before the copy.
    pub fn go_on_from_copy(&self, copied: SystemTime, detail: &str, now: SystemTime) -> Result<GoneOn, StoreError> {
        let elapsed = now
            .duration_since(copied)
            .map_err(|_| StoreError::Failed("the copy was made later than now: look at the clock".into()))?;
        let passed = (elapsed + Duration::from_secs(1)).as_micros();
        let (detail, actor) = (detail.to_owned(), self.actor.clone());
        self.writer.run(move |connection| {
            let newest = u128::from(revocations::newest_crl(connection)?);
            let number = i64::try_from(newest + passed)
                .map_err(|_| StoreError::Failed("there are no numbers left for CRLs".into()))?;
            let mut statement = connection.prepare_cached(statements::PASS_CRLS).map_err(failure)?;
            statement.execute(params![number, seconds(now)]).map_err(failure)?;
            let mut statement = connection.prepare_cached(statements::END_ALL_CREDENTIALS).map_err(failure)?;
            statement.execute([seconds(now)]).map_err(failure)?;
            let links = connection.execute(END_LINKS, [seconds(now)]).map_err(failure)? as u64;
            let mut statement = connection.prepare(GIVE_UP).map_err(failure)?;
            let mails = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect);
            let mut mails: Vec<i64> = mails.map_err(failure)?;
            mails.sort_unstable();
            let (event, about) = (AuditEvent::Restored, "");
            audit::append(connection, &Entry { event, about, detail: &detail, actor: &actor })?;
            Ok(GoneOn { crl: number.unsigned_abs(), links, mails })
        })
    }
}
