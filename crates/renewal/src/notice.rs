use obnova_algorithm::Digest;
use serde::{Deserialize, Serialize};

use crate::Plan;

/// The link of a notice, by which a renewal begins: it is used up once the holder agreed to the plan, and before anything is made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    /// Whether a link about these certificates is about all that are renewed.
    #[must_use]
    pub fn is_about(&self, serials: &[String]) -> bool {
        !self.serials.is_empty() && self.serials.iter().all(|one| serials.contains(one))
    }
}

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
    /// A renewal was begun by it (this one too, once its order is out), or its certificates were renewed, revoked, or have ended.
    #[error(
        "the link begins nothing any more: a renewal was begun by it, this one or another, or the certificates are renewed, revoked or over"
    )]
    Over,
    /// It is about other certificates.
    #[error("the link is for the certificates of another card")]
    OtherCard,
}

impl LinkRefusal {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unknown => "link-unknown",
            Self::Over => "link-over",
            Self::OtherCard => "link-other-card",
        }
    }
}
