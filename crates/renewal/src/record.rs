use std::time::SystemTime;

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{KeyRole, SlotId};
use serde::{Deserialize, Serialize};

use crate::{ByRole, Consent, LinkRefusal, Message, PickUp, Plan, Prepared, Receipt, Refusal, Standing, Terms, wire};

/// A line of the journal: written down before what follows from it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// When.
    #[serde(with = "wire::seconds")]
    pub at: SystemTime,
    /// What.
    pub fact: Fact,
}

/// What is known from here on. There is no secret in any of them; a [`PickUp`] fetches public certificates, once, and the
/// [link](crate::NoticeLink) of a plan begins what needs the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The process began, with this plan.
    Started {
        /// Name of the process.
        id: String,
        /// What will be done.
        plan: Box<Plan>,
    },
    /// What is told of the certificates that are to be renewed does not speak against it.
    Standing(ByRole<Standing>),
    /// The holder agreed.
    Agreed(Consent),
    /// The CA knows the link as used by this renewal.
    LinkUsed,
    /// The CA's terms.
    Terms(Terms),
    /// A key is about to be made: from here on its slot may hold it.
    Generating(#[serde(with = "wire::role")] KeyRole),
    /// A key was made, or found after a crash.
    KeyMade {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
        /// The public key.
        #[serde(with = "wire::public_key")]
        public_key: SubjectPublicKeyInfoOwned,
        /// It was found in its slot by looking.
        found: bool,
    },
    /// A request was signed.
    Requested {
        /// For which key.
        #[serde(with = "wire::role")]
        role: KeyRole,
        /// The request, DER.
        #[serde(with = "wire::bytes")]
        request: Vec<u8>,
    },
    /// The order was made ready.
    Prepared(Prepared),
    /// Old keys signed.
    Vouched {
        /// Which of [`Prepared::to_sign`].
        index: usize,
        /// The signature.
        #[serde(with = "wire::bytes")]
        signature: Vec<u8>,
    },
    /// The order as it goes out.
    Sealed(Message),
    /// The order was accepted; these fetch what comes of it.
    Pending(Vec<PickUp>),
    /// A pick-up was replaced by another.
    PickUpReplaced {
        /// Which one.
        index: usize,
        /// What takes its place.
        by: PickUp,
    },
    /// Certificates arrived. They are measured at once, and again whenever the journal is read.
    Arrived {
        /// How.
        from: Source,
        /// As they came.
        #[serde(with = "wire::byte_strings")]
        certificates: Vec<Vec<u8>>,
        /// To be sent back.
        receipt: Option<Receipt>,
    },
    /// The certificates are about to be written.
    Installing,
    /// They were read back from the card.
    Installed,
    /// The CA knows.
    Acknowledged,
    /// The login was seen as this person's.
    LoggedIn(String),
    /// A signature by the new key was verified.
    SignatureProven,
    /// It ended without new certificates.
    Failed(Failure),
    /// The CA gave nothing for the order any more, and these are on the card, for all keys: they came on another way. They are measured
    /// as those that [arrived](Self::Arrived).
    Found(#[serde(with = "wire::byte_strings")] Vec<Vec<u8>>),
}

impl Fact {
    /// Its name, for errors and diagnoses.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Standing(_) => "standing",
            Self::Agreed(_) => "agreed",
            Self::LinkUsed => "link-used",
            Self::Terms(_) => "terms",
            Self::Generating(_) => "generating",
            Self::KeyMade { found: false, .. } => "key-made",
            Self::KeyMade { found: true, .. } => "key-found",
            Self::Requested { .. } => "requested",
            Self::Prepared(_) => "prepared",
            Self::Vouched { .. } => "vouched",
            Self::Sealed(_) => "sealed",
            Self::Pending(_) => "pending",
            Self::PickUpReplaced { .. } => "pick-up-replaced",
            Self::Arrived { .. } => "arrived",
            Self::Installing => "installing",
            Self::Installed => "installed",
            Self::Acknowledged => "acknowledged",
            Self::LoggedIn(_) => "logged-in",
            Self::SignatureProven => "signature-proven",
            Self::Failed(_) => "failed",
            Self::Found(_) => "found",
        }
    }
}

/// How certificates arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// In the answer to the order.
    Order,
    /// By this pick-up.
    PickUp(usize),
    /// As files.
    Files,
}

/// How a process came to its end without new certificates. The old pair was not touched, unless the card is
/// [in-place only](crate::Risk::InPlaceOnly).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Failure {
    /// The holder said no.
    #[error("you did not agree; nothing was done")]
    Declined,
    /// The holder does not want the certificates that came. They are kept: he can still
    /// [agree](crate::Process::declined).
    #[error(
        "you did not agree to the certificates; they were not put on the card: resume to see them again; if they are wrong, tell the issuer and have them revoked"
    )]
    CertificatesDeclined,
    /// The link by which it was to be begun begins nothing.
    #[error("{0}; nothing was changed")]
    Link(#[source] LinkRefusal),
    /// The old keys must vouch and cannot: on this card they would be gone by then.
    #[error(
        "this issuer wants the old keys to vouch for the new ones, and on this card the old keys would be gone by then: nothing was done; ask the issuer for a new card or a one-time password"
    )]
    OldKeysNeeded,
    /// The old certificates are revoked or on hold, or nobody says that they are not where that is demanded.
    #[error("{}", crate::standing::Unfit(.0))]
    Unfit(ByRole<Standing>),
    /// The old pair expired before the order went out.
    #[error("the old certificates expired before the order was sent: ask the issuer for a new first certificate")]
    PairExpired,
    /// The slot for a new key holds something else now.
    #[error("slot {slot} was taken by something else in the meantime: begin again")]
    SlotTaken {
        /// Which slot.
        #[serde(with = "wire::slot")]
        slot: SlotId,
    },
    /// A key may have been made, and the card cannot tell its public half.
    #[error(
        "the public half of the key in slot {slot} was lost and the card cannot tell it: remove it (card clean) and begin again"
    )]
    KeyLost {
        /// Which slot.
        #[serde(with = "wire::slot")]
        slot: SlotId,
    },
    /// A key of this process is not on the card any more.
    #[error("the new {role} key is not on the card any more: begin again")]
    KeyGone {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// The CA will not.
    #[error("the issuer refused ({reason}): {text}")]
    Refused {
        /// As its protocol names it.
        reason: String,
        /// What it says.
        text: String,
    },
    /// What the CA sent is not what was ordered.
    #[error("what the issuer sent was not installed: {0}")]
    Rejected(#[source] Refusal),
    /// The process lacks something that its stage cannot be reached without.
    #[error("the process is inconsistent: this is an error in the program, report it with the diagnosis")]
    Inconsistent,
    /// The card took the certificates and shows others.
    #[error("the card does not show what was written to it: do not use it, ask the issuer")]
    ReadBack,
}

impl Failure {
    /// Message id, for translations. [`Refused`](Self::Refused) carries the issuer's own words beside it, and
    /// [`Rejected`](Self::Rejected) a [`Refusal`] and [`Link`](Self::Link) a [`LinkRefusal`] with an id of its own.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Declined => "failure-declined",
            Self::CertificatesDeclined => "failure-certificates-declined",
            Self::Link(_) => "failure-link",
            Self::OldKeysNeeded => "failure-old-keys-needed",
            Self::Unfit(_) => "failure-unfit",
            Self::PairExpired => "failure-pair-expired",
            Self::SlotTaken { .. } => "failure-slot-taken",
            Self::KeyLost { .. } => "failure-key-lost",
            Self::KeyGone { .. } => "failure-key-gone",
            Self::Refused { .. } => "failure-refused",
            Self::Rejected(_) => "failure-rejected",
            Self::Inconsistent => "failure-inconsistent",
            Self::ReadBack => "failure-read-back",
        }
    }
}
