use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{NotDue, Notice};
use crate::{
    Ca, CaError, Letter, LinkPurpose, Mail, MailAddress, MailKind, MailLink, SqliteStore, StoreError, Texts,
    link::{join_serials, split_serials},
    store::{NoticePosted, QueuedLink, QueuedMail},
    transaction::to_hex,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What an operator reads of a mail that was withdrawn.
const WHY_LATE: &str = "the certificates were renewed, revoked or put on hold meanwhile";
/// Certificates that are read at once.
const PAGE: u32 = 1000;

/// Tells holders that their certificates end: once for each time before the end that policy names
/// ([`NoticePolicy`](crate::NoticePolicy)), however often it is asked to, and whatever happened between.
///
/// That somebody was told is kept in the same transaction as the mail is posted. Who missed an earlier time is told at the next one
/// only, not twice.
pub struct NoticeDesk {
    store: Arc<SqliteStore>,
    texts: Arc<dyn Texts>,
}

/// What became of the notices that were due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticesDone {
    /// Mails that were posted.
    pub posted: usize,
    /// Holders who had been told before.
    pub known: usize,
    /// Certificates with no address in them that can be written to, by serial number.
    pub unreachable: Vec<Vec<u8>>,
}

impl NoticeDesk {
    /// A desk with its own words.
    #[must_use]
    pub fn new(store: Arc<SqliteStore>, texts: Arc<dyn Texts>) -> Self {
        Self { store, texts }
    }

    /// Posts the notices that are due. May be stopped anywhere, and is called again then.
    ///
    /// # Errors
    /// [`CaError::Store`]: what was posted until then is.
    pub fn send(&self, ca: &Ca, now: SystemTime) -> Result<NoticesDone, CaError> {
        let mut done = NoticesDone::default();
        let mut from = now;
        for &days in ca.policy().notices.days() {
            let until = now + DAY * days;
            self.window(ca, days, (from, until), now, &mut done)?;
            from = until;
        }
        Ok(done)
    }

    fn window(
        &self,
        ca: &Ca,
        days: u32,
        (mut from, until): (SystemTime, SystemTime),
        now: SystemTime,
        done: &mut NoticesDone,
    ) -> Result<(), CaError> {
        let mut limit = PAGE;
        loop {
            let ending = ca.ending(from, until, limit)?;
            let last = ending.last().map(|certificate| certificate.not_after);
            let full = ending.len() >= limit as usize;
            let mut notices = ca.notices_of(ending)?;
            if full {
                // What ends together with the last may be on the next page, and is told together.
                notices.retain(|notice| Some(notice.ends) != last);
            }
            for notice in &notices {
                self.one(ca, notice, days, now, done)?;
            }
            match last.filter(|_| full) {
                None => return Ok(()),
                Some(last) if last == from => limit = limit.saturating_mul(2),
                Some(last) => from = last,
            }
        }
    }

    fn one(&self, ca: &Ca, notice: &Notice, days: u32, now: SystemTime, done: &mut NoticesDone) -> Result<(), CaError> {
        let mut serials: Vec<_> = notice.certificates.iter().map(|certificate| certificate.serial.clone()).collect();
        serials.sort();
        let address = notice.email.as_deref().and_then(|email| MailAddress::new(email).ok());
        let mail = address.and_then(|address| self.mail(notice, &serials, address, days, now));
        let Some(mail) = mail else {
            done.unreachable.append(&mut serials);
            return Ok(());
        };
        match self.store.post_notice(mail, serials, ca.policy().first.profiles.clone(), days, now)? {
            NoticePosted::Posted => done.posted += 1,
            NoticePosted::Known | NoticePosted::NotDue => done.known += 1,
        }
        Ok(())
    }

    fn mail(
        &self,
        notice: &Notice,
        serials: &[Vec<u8>],
        address: MailAddress,
        days: u32,
        now: SystemTime,
    ) -> Option<Mail> {
        let left = notice.ends.duration_since(now).unwrap_or(Duration::ZERO);
        let left = u32::try_from(left.as_secs().div_ceil(DAY.as_secs())).unwrap_or(u32::MAX);
        let (holder, ends, all) = (&notice.holder, notice.ends, notice.ends_at_once());
        let text = self.texts.compose(&Letter::Notice { holder, ends, all, days: left });
        let link = MailLink::Signed { purpose: LinkPurpose::Renew, about: join_serials(serials), expires: notice.ends };
        let key = key(days, serials.first()?);
        Some(Mail::new(key, MailKind::Notice, address, text).ok()?.with_link(link))
    }

    /// Withdraws the mail of a notice whose certificates are not due any more, or not now, and tells whether it did. Who would have been
    /// told is told when they are due again, as when a hold ends or an order is turned down, unless the next time before the end has come.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn withdraw_late(&self, ca: &Ca, mail: &QueuedMail) -> Result<bool, StoreError> {
        let (Some(QueuedLink::Signed(id)), Some(days)) = (&mail.link, days_of(&mail.key)) else { return Ok(false) };
        let Some(link) = self.store.link(*id)? else { return Ok(false) };
        let service = ca.policy().first.profiles.clone();
        self.store.withdraw_notice(mail.id, split_serials(&link.about), service, days, WHY_LATE)
    }

    /// Why these certificates are not to be renewed by their holder any more, or not now; none where they are. Of a pair that the service
    /// renews as one it is enough that one is revoked or on hold, be it among these or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn not_due(&self, ca: &Ca, serials: &[Vec<u8>]) -> Result<Option<NotDue>, StoreError> {
        self.store.not_due(serials, &ca.policy().first.profiles)
    }
}

/// What the mail of a notice is known by.
fn key(days: u32, serial: &[u8]) -> String {
    format!("notice/{days}/{}", to_hex(serial))
}

fn days_of(key: &str) -> Option<u32> {
    key.strip_prefix("notice/")?.split_once('/')?.0.parse().ok()
}

impl std::fmt::Debug for NoticeDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NoticeDesk").finish_non_exhaustive()
    }
}
