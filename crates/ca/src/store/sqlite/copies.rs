//! Copies of the database, and how to go on from one.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, params};

use super::{SqliteStore, audit, failure, file, links, notices, revocations, seconds, statements};
use crate::{
    AuditEvent, AuditHead, LinkPurpose, StoreError,
    audit::{AuditLine, Entry},
    link::{LinkId, split_serials},
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
    /// Mails that waited when the copy was made, and may have gone since: they are given up. Notices whose links were ended are not among
    /// them: they are written anew.
    pub mails: Vec<i64>,
}

/// Mails with a link that nobody had used and whose time is not over.
const WITH_LINK: &str = "SELECT mails.id, sent IS NOT NULL, links.id FROM mails JOIN links ON links.id = mails.link
     WHERE used IS NULL AND expires > ?1";
/// Its key is free for another one: what was mailed by it has a link that is ended.
const NOTICE_IS_OVER: &str = "UPDATE mails SET key = key || ?2, body = '', due = NULL,
         problem = iif(sent IS NULL, 'the CA came back from a backup: the notice is written anew', NULL)
     WHERE id = ?1";
const WITH_ANOTHER_LINK: &str = "UPDATE mails SET link = ?2 WHERE id = ?1";
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
    /// given up, since they may have been used and sent. Whoever has them [retried](crate::Outbox::retry) has them sent with other links;
    /// and holders whose link to a renewal was ended are told anew, whether their mail was out or not. The audit log says so, with `detail`.
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
            let mailed = mailed(connection, now)?;
            let links = connection.execute(END_LINKS, [seconds(now)]).map_err(failure)? as u64;
            mailed.into_iter().try_for_each(|mailed| mail_another(connection, mailed, now))?;
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

/// A mail with a link that could be used.
struct Mailed {
    mail: i64,
    sent: bool,
    link: LinkId,
}

fn mailed(connection: &Connection, now: SystemTime) -> Result<Vec<Mailed>, StoreError> {
    let mut statement = connection.prepare(WITH_LINK).map_err(failure)?;
    let rows = statement.query_map([seconds(now)], |row| {
        Ok(Mailed { mail: row.get(0)?, sent: row.get(1)?, link: LinkId(row.get(2)?) })
    });
    rows.and_then(Iterator::collect).map_err(failure)
}

/// In place of a link that was ended: what a notice tells of is told anew, and another mail that is not out has another link.
fn mail_another(
    connection: &Connection,
    Mailed { mail, sent, link }: Mailed,
    now: SystemTime,
) -> Result<(), StoreError> {
    let kept = links::find(connection, link)?.ok_or_else(|| StoreError::Damaged("a mail has no link".into()))?;
    if kept.purpose == LinkPurpose::Renew {
        notices::forget(connection, &split_serials(&kept.about))?;
        let suffix = format!("/restored-{}", seconds(now));
        return connection.execute(NOTICE_IS_OVER, params![mail, suffix]).map(drop).map_err(failure);
    }
    if sent {
        return Ok(());
    }
    let another = LinkId::generate()?;
    links::add(connection, another, kept.purpose, &kept.about, kept.expires)?;
    connection.execute(WITH_ANOTHER_LINK, params![mail, another.0]).map(drop).map_err(failure)
}
