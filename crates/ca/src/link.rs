use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    NotDue, PickUpSecret, SqliteStore, StoreError,
    store::{KeptLink, LinkUse},
    transaction::{from_hex, to_hex},
};

/// Links that are mailed: signed by the CA, bound to what they are about, single use, and good until a day.
///
/// The database has what a link is about and whether it was used, and not the link: who reads the database opens nothing, and who
/// writes it cannot turn a link to something else, since the signature covers that. Looking at a link does not use it up: those who
/// scan mails follow every link.
pub struct LinkDesk {
    key: hmac::Key,
    store: Arc<SqliteStore>,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkPurpose {
    /// The renewal of the certificates with these serial numbers is begun.
    Renew,
    /// An applicant confirms the address.
    Confirm,
    /// An applicant looks at the transport PIN.
    TransportPin,
}

impl LinkPurpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Renew, Self::Confirm, Self::TransportPin];

    /// Name in lists, and first part of the path.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Renew => "renew",
            Self::Confirm => "confirm",
            Self::TransportPin => "transport-pin",
        }
    }
}

impl std::fmt::Display for LinkPurpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The row that a link stands for; says nothing to who has only this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkId(pub(crate) [u8; LinkId::SIZE]);

impl LinkId {
    const SIZE: usize = 16;

    pub(crate) fn generate() -> Result<Self, StoreError> {
        let mut id = [0; Self::SIZE];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| StoreError::Failed("there are no random numbers".into()))?;
        Ok(Self(id))
    }
}

/// Bytes of the signature in a link.
const TAG: usize = 20;

/// A link as it came: its last part. Its signature has not been looked at. Not shown by `Debug`, and wiped.
#[derive(Clone)]
pub struct LinkToken {
    id: LinkId,
    tag: Zeroizing<[u8; TAG]>,
}

impl ZeroizeOnDrop for LinkToken {}

impl LinkToken {
    /// Reads the last part of a link; `None` when it is none.
    #[must_use]
    pub fn from_link(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(from_hex(text, LinkId::SIZE + TAG)?);
        let (id, tag) = bytes.split_first_chunk()?;
        Some(Self { id: LinkId(*id), tag: Zeroizing::new(tag.try_into().ok()?) })
    }
}

/// What a link that is good is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLink {
    /// Its row.
    pub id: LinkId,
    /// What it is about.
    pub about: Vec<u8>,
    /// Until when it is good.
    pub expires: SystemTime,
}

impl OpenLink {
    /// The serial numbers that a link to a renewal is about.
    #[must_use]
    pub fn serials(&self) -> Vec<Vec<u8>> {
        split_serials(&self.about)
    }
}

/// What a link to a renewal is about: serial numbers, each behind its length.
pub(crate) fn join_serials(serials: &[Vec<u8>]) -> Vec<u8> {
    let one = |serial: &Vec<u8>| [&[u8::try_from(serial.len()).unwrap_or(0)], serial.as_slice()].concat();
    serials.iter().flat_map(one).collect()
}

/// The same read again.
pub(crate) fn split_serials(mut about: &[u8]) -> Vec<Vec<u8>> {
    let next = || {
        let (length, after) = about.split_first()?;
        let (serial, after) = after.split_at_checked(usize::from(*length))?;
        about = after;
        Some(serial.to_vec())
    };
    std::iter::from_fn(next).collect()
}

impl LinkDesk {
    /// A desk whose signatures come from the CA's secret.
    #[must_use]
    pub fn new(secret: &PickUpSecret, store: Arc<SqliteStore>) -> Self {
        Self { key: secret.derive(b"obnova signed link 1"), store }
    }

    /// The link's path on the server, `/renew/...`. Whoever sees it can open it: not for logs.
    ///
    /// # Errors
    /// [`LinkError::Unknown`], [`LinkError::Store`].
    pub fn path(&self, id: LinkId) -> Result<Zeroizing<String>, LinkError> {
        let kept = self.store.link(id)?.ok_or(LinkError::Unknown)?;
        let tag = self.sign(id, &kept);
        Ok(Zeroizing::new(format!("/{}/{}{}", kept.purpose, to_hex(&id.0), *Zeroizing::new(to_hex(&*tag)))))
    }

    /// Whether the time of a link is over: no mail goes out with it then.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn has_expired(&self, id: LinkId, now: SystemTime) -> Result<bool, LinkError> {
        Ok(now >= self.store.link(id)?.ok_or(LinkError::Unknown)?.expires)
    }

    /// What a link is about, without using it up.
    ///
    /// # Errors
    /// [`LinkError`] says by name why it opens nothing.
    pub fn look(&self, token: &LinkToken, purpose: LinkPurpose, now: SystemTime) -> Result<OpenLink, LinkError> {
        let (open, over) = self.genuine(token, purpose, now)?;
        over.map_or(Ok(open), Err)
    }

    /// The same for an attempt that may have used it up before, and was not told so.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub fn look_as(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        attempt: &[u8],
        now: SystemTime,
    ) -> Result<OpenLink, LinkError> {
        let (open, over) = self.genuine(token, purpose, now)?;
        match over {
            Some(over) if !self.store.link_was_used_by(open.id, attempt)? => Err(over),
            _ => Ok(open),
        }
    }

    /// Uses a link up. `attempt` is the client's own name for what it does: the same one may come again, since its answer may have
    /// been lost on the way; no other one may.
    ///
    /// # Errors
    /// [`LinkError`] says by name why it opens nothing.
    pub fn use_up(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        attempt: &[u8],
        now: SystemTime,
    ) -> Result<OpenLink, LinkError> {
        let (open, over) = self.genuine(token, purpose, now)?;
        match self.store.use_link(open.id, attempt, now)? {
            LinkUse::First | LinkUse::Again => Ok(open),
            LinkUse::Used => Err(over.unwrap_or(LinkError::Used)),
        }
    }

    /// A link whose signature is right and whose time is not over; and why it opens nothing all the same, where it was used or ended.
    pub(crate) fn genuine(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: SystemTime,
    ) -> Result<(OpenLink, Option<LinkError>), LinkError> {
        let kept = self.store.link(token.id)?.ok_or(LinkError::Unknown)?;
        let right: bool = self.sign(token.id, &kept).ct_eq(token.tag.as_slice()).into();
        if !right || kept.purpose != purpose {
            return Err(LinkError::Unknown);
        }
        if now >= kept.expires {
            return Err(LinkError::Expired);
        }
        let over = kept.used.then_some(if kept.ended { LinkError::Ended } else { LinkError::Used });
        Ok((OpenLink { id: token.id, about: kept.about, expires: kept.expires }, over))
    }

    fn sign(&self, id: LinkId, kept: &KeptLink) -> Zeroizing<[u8; TAG]> {
        let expires = kept.expires.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[kept.purpose as u8]);
        context.update(&id.0);
        context.update(&expires.to_be_bytes());
        context.update(&kept.about);
        let mut tag = Zeroizing::new([0; TAG]);
        tag.copy_from_slice(&context.sign().as_ref()[..TAG]);
        tag
    }
}

impl std::fmt::Debug for LinkDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkDesk").finish_non_exhaustive()
    }
}

/// Why a link opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The CA made no such link, or not for this.
    #[error("this link is not known: copy all of it from the mail")]
    Unknown,
    /// Its time is over.
    #[error("the time of this link is over: ask for another")]
    Expired,
    /// It confirms an address that its holder corrected since.
    #[error("the e-mail address was corrected after this link was mailed: use the link in the mail to the new address")]
    Corrected,
    /// It was used.
    #[error("this link was used already: it works once")]
    Used,
    /// The CA ended it before anybody used it: another one took its place, or the CA came back from a backup and does not know whether it was
    /// used since that was made.
    #[error(
        "the CA ended this link, as when another one took its place or when it came back from a backup: use the link in a later mail, or ask for another"
    )]
    Ended,
    /// What it begins cannot be done any more, or not now.
    #[error(transparent)]
    NotDue(#[from] NotDue),
    /// The CA could not look.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LinkError {
    /// Name for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown-link",
            Self::Expired => "expired-link",
            Self::Corrected => "address-corrected",
            Self::Used => "used-link",
            Self::Ended => "ended-link",
            Self::NotDue(not_due) => not_due.name(),
            Self::Store(_) => "store",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    #[test]
    fn a_link_is_not_shown_or_compared_and_is_wiped() {
        assert_not_impl_any!(LinkToken: Debug, Display, PartialEq);
        assert_impl_all!(LinkToken: ZeroizeOnDrop);
        fn wiped(_: &impl ZeroizeOnDrop) {}
        let token = LinkToken::from_link(&"0a".repeat(LinkId::SIZE + TAG)).unwrap();
        wiped(&token.tag);
    }
}
