use std::time::SystemTime;

use obnova_card::{GenerateKey, InstallCertificate, KeyRole, PasswordKind, SignDigest, SlotId};
use serde::{Deserialize, Serialize};

use crate::{
    ByRole, Failure, Message, NoticeLink, Order, ParsedCertificate, PickUp, PinUse, Plan, Prepared, Receipt, Risk,
};

/// What a process wants done next. Exactly one thing; its outcome goes back as an [`Event`](crate::Event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask whether the certificates that are to be renewed are revoked: the first thing, and again where an hour went by before the
    /// order goes out.
    /// Answer: [`Event::Standing`](crate::Event::Standing).
    AskStanding(ByRole<ParsedCertificate>),
    /// Ask the holder. Answer: [`Event::Agreed`](crate::Event::Agreed) or [`Event::Declined`](crate::Event::Declined).
    Ask(Question),
    /// Use up the link by which the renewal is begun, possibly again. Answer: [`Event::Link`](crate::Event::Link).
    UseLink(NoticeLink),
    /// Ask the CA for its terms. Answer: [`Event::Terms`](crate::Event::Terms).
    LearnTerms,
    /// Look at the slots of the card. Answer: [`Event::Looked`](crate::Event::Looked).
    Look,
    /// Make a key pair. Answer: [`Event::KeyMade`](crate::Event::KeyMade), or
    /// [`Event::Uncertain`](crate::Event::Uncertain) when nobody knows whether it was made.
    Generate {
        /// The order to the card.
        order: GenerateKey,
        /// What the password is for.
        pin: PinNeed,
    },
    /// Sign with keys of one password. Answer: [`Event::Signed`](crate::Event::Signed).
    Sign {
        /// What, in order.
        jobs: Vec<SignDigest>,
        /// What the password is for.
        pin: PinNeed,
    },
    /// Let the CA connection make the order ready. Answer: [`Event::Prepared`](crate::Event::Prepared).
    Prepare(Order),
    /// Let the CA connection put the signatures in. Answer: [`Event::Sealed`](crate::Event::Sealed).
    Seal {
        /// What is ordered.
        order: Order,
        /// As it was prepared.
        prepared: Prepared,
        /// One for each of [`Prepared::to_sign`], in order.
        signatures: Vec<Vec<u8>>,
    },
    /// Send the order, possibly again. Answer: [`Event::Answered`](crate::Event::Answered).
    Send(Message),
    /// Nothing to do before this moment. Then ask again; the holder may close the window.
    Wait {
        /// When.
        until: SystemTime,
    },
    /// Fetch, with neither card nor PIN. Answer: [`Event::Answered`](crate::Event::Answered).
    PickUp(PickUp),
    /// Write the certificates. Answer: [`Event::Installed`](crate::Event::Installed) or
    /// [`Event::Uncertain`](crate::Event::Uncertain).
    Install {
        /// What goes where.
        jobs: Vec<InstallCertificate>,
        /// Slots whose certificates are marked as superseded.
        superseded: Vec<SlotId>,
        /// What the password is for.
        pin: PinNeed,
    },
    /// Do the same as [`Send`](Self::Send) or [`PickUp`](Self::PickUp) over a login with the old authentication key, which so
    /// vouches for what is asked. Answer: [`Event::Answered`](crate::Event::Answered).
    OverLogin {
        /// What is asked.
        asked: Asked,
        /// Where the key is.
        slot: SlotId,
        /// Its certificate.
        certificate: ParsedCertificate,
        /// What the password is for.
        pin: PinNeed,
    },
    /// Tell the CA that everything arrived and is good. Answer: [`Event::Acknowledged`](crate::Event::Acknowledged).
    Acknowledge(Receipt),
    /// Log in with the new authentication certificate. Answer: [`Event::LoggedIn`](crate::Event::LoggedIn).
    ProveLogin {
        /// Where its key is.
        slot: SlotId,
        /// The certificate.
        certificate: ParsedCertificate,
        /// What the password is for.
        pin: PinNeed,
    },
    /// It is done.
    Done(Box<Summary>),
    /// It came to an end without new certificates on the card.
    Failed(Failure),
}

impl Action {
    /// Name of the kind of action, for logs and progress.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AskStanding(_) => "standing",
            Self::Ask(_) => "ask",
            Self::UseLink(_) => "use-link",
            Self::LearnTerms => "terms",
            Self::Look => "look",
            Self::Generate { .. } => "generate",
            Self::Sign { pin: PinNeed { uses, .. }, .. } => match uses.as_slice() {
                [PinUse::Vouch(_) | PinUse::SignOrder(_), ..] => "vouch",
                [PinUse::TestSignature, ..] => "prove-signature",
                _ => "request",
            },
            Self::Prepare(_) => "prepare",
            Self::Seal { .. } => "seal",
            Self::Send(_) | Self::OverLogin { asked: Asked::Order(_), .. } => "send",
            Self::Wait { .. } => "wait",
            Self::PickUp(_) | Self::OverLogin { asked: Asked::PickUp(_), .. } => "pick-up",
            Self::Install { .. } => "install",
            Self::Acknowledge(_) => "acknowledge",
            Self::ProveLogin { .. } => "prove-login",
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether the card is needed for it.
    #[must_use]
    pub const fn needs_card(&self) -> bool {
        matches!(
            self,
            Self::Look
                | Self::Generate { .. }
                | Self::Sign { .. }
                | Self::OverLogin { .. }
                | Self::Install { .. }
                | Self::ProveLogin { .. }
        )
    }

    /// The password it needs.
    #[must_use]
    pub const fn pin(&self) -> Option<&PinNeed> {
        match self {
            Self::Generate { pin, .. }
            | Self::Sign { pin, .. }
            | Self::OverLogin { pin, .. }
            | Self::Install { pin, .. }
            | Self::ProveLogin { pin, .. } => Some(pin),
            _ => None,
        }
    }
}

/// What a CA is asked over a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// For what is ordered.
    Order(Message),
    /// For what came of it.
    PickUp(PickUp),
}

/// The password that an action needs, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinNeed {
    /// Which one.
    pub password: PasswordKind,
    /// What for; all of one [`Phase`](crate::Phase), never empty.
    pub uses: Vec<PinUse>,
}

/// A question to the holder that takes a clear yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The nature of the card is a risk. Asked before the plan.
    Risk(Risk),
    /// The plan: what will be done.
    Plan(Box<Plan>),
    /// The certificates that came: whether the right person's name stands in them. Asked where the plan says so.
    Certificates(Box<ByRole<ParsedCertificate>>),
}

/// What the holder agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// To a risk.
    Risk,
    /// To the plan.
    Plan,
    /// To the certificates that came.
    Certificates,
}

/// How an order ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The new certificates.
    pub certificates: ByRole<ParsedCertificate>,
    /// Where they are.
    pub slots: ByRole<SlotId>,
    /// Whose login was seen by the server, if it was proven.
    pub logged_in_as: Option<String>,
    /// The role of keys that were proven.
    pub proven: Vec<KeyRole>,
    /// They came on another way and were found on the card when the CA gave nothing any more. Nothing was proven here.
    pub came_elsewhere: bool,
}
