use obnova_algorithm::Digest;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Plan;

/// The link of a notice, by which a renewal begins: it is used up once the holder agreed to the plan, and before anything is made.
///
/// Its path is not shown by `Debug`, compared in constant time, and wiped when dropped.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeLink {
    /// Its path on the issuer's server. Whoever sees it can use it up.
    pub path: String,
    /// What this renewal calls itself to the issuer. The same certificates on the same card give the same, so that an answer that was
    /// lost is given again; to no other it is.
    pub attempt: String,
    /// Serial numbers of the certificates that the link has to be about, in hexadecimal.
    pub serials: Vec<String>,
}

impl NoticeLink {
    /// For what this plan renews.
    #[must_use]
    pub fn new(path: impl Into<String>, plan: &Plan) -> Self {
        let mut serials: Vec<_> = plan.old.iter().map(|(_, old)| old.certificate.serial()).collect();
        serials.sort();
        let attempt = Digest::Sha256.of(format!("{} {}", plan.card.serial, serials.join(" ")).as_bytes());
        let attempt = attempt.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { path: path.into(), attempt, serials }
    }

    /// Whether this is its path, in constant time.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        self.path.as_bytes().ct_eq(path.as_bytes()).into()
    }

    /// Whether a link about these certificates is about all that are renewed.
    #[must_use]
    pub fn is_about(&self, serials: &[String]) -> bool {
        !self.serials.is_empty() && self.serials.iter().all(|one| serials.contains(one))
    }
}

impl Drop for NoticeLink {
    fn drop(&mut self) {
        self.path.zeroize();
    }
}

impl ZeroizeOnDrop for NoticeLink {}

impl PartialEq for NoticeLink {
    fn eq(&self, other: &Self) -> bool {
        self.is_at(&other.path) && self.attempt == other.attempt && self.serials == other.serials
    }
}

impl Eq for NoticeLink {}

impl std::fmt::Debug for NoticeLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NoticeLink").field("serials", &self.serials).finish_non_exhaustive()
    }
}

/// What an issuer says to a link that is to be used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkAnswer {
    /// The renewal is begun, now or by the same attempt before.
    Begun,
    /// It begins nothing.
    Refused(LinkRefusal),
}

/// Why a link begins nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LinkRefusal {
    /// The issuer does not know it.
    #[error("the issuer does not know the link: copy all of it from the mail, or begin without it")]
    Unknown,
    /// A renewal was begun by it (this one too, once its order is out), or its certificates were renewed or revoked, are on hold, or
    /// have ended.
    #[error(
        "the link begins nothing any more: a renewal was begun by it, this one or another, the issuer ended it, or the certificates are renewed, revoked, on hold or over"
    )]
    Over,
    /// One of its certificates is on hold, or the one that is renewed with them: it works again when the hold ends.
    #[error(
        "a certificate that would be renewed by the link is on hold: ask the issuer to end the hold, and come back with the same link"
    )]
    OnHold,
    /// One of its certificates is revoked, or the one that is renewed with them.
    #[error(
        "a certificate that would be renewed by the link is revoked, and without it nothing is: ask the issuer for new certificates"
    )]
    Revoked,
    /// It is about other certificates, or not about all that are renewed.
    #[error("the link is for the certificates of another card, or not for all that would be renewed on this one")]
    OtherCard,
}

impl LinkRefusal {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unknown => "link-unknown",
            Self::Over => "link-over",
            Self::OnHold => "link-on-hold",
            Self::Revoked => "link-revoked",
            Self::OtherCard => "link-other-card",
        }
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(NoticeLink: ZeroizeOnDrop);
    assert_not_impl_any!(NoticeLink: std::fmt::Display, std::hash::Hash);

    #[test]
    fn a_link_is_its_path_and_does_not_show_it() {
        let link = |path: &str, attempt: &str, serial: &str| NoticeLink {
            path: path.into(),
            attempt: attempt.into(),
            serials: vec![serial.into()],
        };
        let one = link("/renew/planted", "a", "01");
        assert_eq!(one, link("/renew/planted", "a", "01"));
        let others = [("/renew/plante", "a", "01"), ("/renew/planteD", "a", "01"), ("", "a", "01")];
        for (path, attempt, serial) in
            others.into_iter().chain([("/renew/planted", "b", "01"), ("/renew/planted", "a", "02")])
        {
            assert_ne!(one, link(path, attempt, serial));
            assert_eq!(one.is_at(path), path == "/renew/planted");
        }
        let shown = format!("{one:?} {one:#?}");
        assert!(shown.contains("01") && !shown.contains("planted"), "{shown}");
    }
}
