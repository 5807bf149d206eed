use std::time::{Duration, SystemTime};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{KeyRole, PasswordKind, SlotId};

use crate::Oid;

/// Everything that keeps a pair from being renewed now, at once: whoever mends the first must not meet the second after it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificates cannot be renewed now: {}", self.text())]
pub struct NotEligible {
    /// The reasons; never empty.
    pub reasons: Vec<Reason>,
}

impl NotEligible {
    /// And what else was found, each once.
    pub(crate) fn and(mut self, other: Option<Self>) -> Self {
        for one in other.into_iter().flat_map(|other| other.reasons) {
            if !self.reasons.contains(&one) {
                self.reasons.push(one);
            }
        }
        self
    }

    fn text(&self) -> String {
        self.reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// One thing that keeps a pair from being renewed, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The card was never activated.
    #[error("the card is not active: activate it first (card activate)")]
    NotActive,
    /// The card was never activated, and cannot be any more.
    #[error(
        "the card is finished: it is not active, and its {password} has no try left: ask the issuer for a new card"
    )]
    CardFinished {
        /// The password that would have activated it.
        password: PasswordKind,
    },
    /// A PIN that is needed was never set.
    #[error("the {password} was never set: set it first, or ask the issuer")]
    PinNotSet {
        /// Which one.
        password: PasswordKind,
    },
    /// A PIN that is needed is blocked.
    #[error("the {password} is blocked: unblock it with the PUK (pin unblock)")]
    PinBlocked {
        /// Which one.
        password: PasswordKind,
    },
    /// A PIN that is needed is blocked, and the card takes no PUK [from here](obnova_card::Capabilities::takes_puk).
    #[error("the {password} is blocked, and this card takes no PUK from this program: ask the issuer for a newer card")]
    PukNotTaken {
        /// Which one.
        password: PasswordKind,
    },
    /// A PIN that is needed is blocked, and nothing unblocks it: the PUK is blocked too, or there is none.
    #[error("the {password} is blocked and no PUK unblocks it any more: ask the issuer for a new card")]
    PinDead {
        /// Which one.
        password: PasswordKind,
    },
    /// No certificate with its key is on the card.
    #[error("there is no certificate with its key on the card: is it the right card?")]
    NoCertificates,
    /// The certificates on the card are of others than the CA that is meant.
    #[error(
        "no certificate on the card was issued by this CA: renew what is there at the CA that issued it, or order first certificates of this one"
    )]
    OfOtherIssuers,
    /// What should be a certificate is not, or belongs to another key.
    #[error("the certificate in slot {slot} cannot be read or is for another key: ask the issuer")]
    BrokenCertificate {
        /// Where.
        slot: SlotId,
    },
    /// One of the pair is there, the other is not.
    #[error(
        "there is no {missing} certificate of the same subject and issuer beside the other one: both are renewed together or neither; ask the issuer"
    )]
    OnlyOneOfTwo {
        /// The one that is missing.
        missing: KeyRole,
    },
    /// It is too late.
    #[error("the {role} certificate expired on {}: ask the issuer for a new first certificate", date(*.since))]
    Expired {
        /// Which one.
        role: KeyRole,
        /// Last moment of its validity.
        since: SystemTime,
    },
    /// Its validity has not begun.
    #[error("the {role} certificate is not valid before {}: wait, or check the clock of this computer", date(*.from))]
    NotYetValid {
        /// Which one.
        role: KeyRole,
        /// First moment of its validity.
        from: SystemTime,
    },
    /// It is too early.
    #[error("the certificates are valid until {}: they can be renewed from {} on", date(*.until), date(*.from))]
    NotDue {
        /// First moment when a renewal may begin.
        from: SystemTime,
        /// End of the validity that ends first.
        until: SystemTime,
    },
    /// More than one pair could be meant.
    #[error(
        "there are valid certificates of {pairs} different subjects or issuers on the card: say which issuer's are meant; where they are all of one, ask it"
    )]
    SeveralPairs {
        /// How many.
        pairs: usize,
    },
    /// New keys need more free slots than there are.
    #[error(
        "free slots that new keys need: {needed}, and there are {free}: remove superseded or expired certificates first (card clean)"
    )]
    NoFreeSlot {
        /// How many are needed.
        needed: usize,
        /// How many there are.
        free: usize,
    },
    /// A new certificate would have to take the place of the old one, which works.
    #[error("the card keeps one certificate a key: it cannot be renewed with the same key; renew with new keys")]
    OneCertificateOnly,
    /// No other certificate fits on the key that would be kept.
    #[error(
        "the {role} key has {most} certificates, and no more fit on it: remove superseded or expired certificates first (card clean), or renew with new keys"
    )]
    KeyFull {
        /// What for.
        role: KeyRole,
        /// How many certificates it can have, and has.
        most: usize,
    },
    /// There are slots for the new certificates, and the list of those that are on the card is full.
    #[error("the card has no room for another certificate: remove superseded or expired ones first (card clean)")]
    CardFull,
    /// The card cannot make such a key.
    #[error(
        "the card makes no {algorithm} keys for {role}: choose another algorithm, or ask the issuer for a newer card"
    )]
    AlgorithmNotOffered {
        /// What for.
        role: KeyRole,
        /// Which kind was wanted.
        algorithm: KeyAlgorithm,
    },
    /// The issuer takes no key of this kind, and there is no other that the card makes and the policy leaves open.
    #[error("the issuer takes no {algorithm} key for {role}, and this card has no other to offer: ask the issuer")]
    AlgorithmNotTaken {
        /// What for.
        role: KeyRole,
        /// Which kind would be offered.
        algorithm: KeyAlgorithm,
    },
    /// The issuer takes no key of the kind that would be kept. A new one of another kind can be made that it takes.
    #[error(
        "the issuer takes no {kept} key for {role}, and the one that would be kept is such a key: renew with new keys"
    )]
    KeptKeyNotTaken {
        /// What for.
        role: KeyRole,
        /// The kind of the key that is on the card.
        kept: KeyAlgorithm,
    },
    /// The service certifies other kinds of keys than there are to offer.
    #[error(
        "for {role} the service certifies {} keys, and what this card offers is {}: ask the issuer for another card",
        kinds(.certified), kinds(.offered)
    )]
    KeyNotOfService {
        /// What for.
        role: KeyRole,
        /// What the service certifies.
        certified: Vec<KeyAlgorithm>,
        /// What could be offered: what the card makes, or the kind that was chosen.
        offered: Vec<KeyAlgorithm>,
    },
    /// The key that would be kept is of a kind that the service does not certify. A new one can be made that it certifies.
    #[error(
        "for {role} the service certifies {} keys, and the one that would be kept is {kept}: renew with new keys",
        kinds(.certified)
    )]
    KeptKeyNotOfService {
        /// What for.
        role: KeyRole,
        /// What the service certifies.
        certified: Vec<KeyAlgorithm>,
        /// The kind of the key that is on the card.
        kept: KeyAlgorithm,
    },
    /// The issuer says that it takes nothing of what its service certifies.
    #[error(
        "for {role} the service certifies {} keys, and the issuer says that it takes {}: none is in both, ask the issuer",
        kinds(.certified), kinds(.taken)
    )]
    IssuerAgainstService {
        /// What for.
        role: KeyRole,
        /// What the service certifies.
        certified: Vec<KeyAlgorithm>,
        /// What the issuer says that it takes, of the kinds that are known here.
        taken: Vec<KeyAlgorithm>,
    },
    /// The old certificate speaks for its holder by a login, and is not for that.
    #[error("this way to the issuer renews over a login, and the {role} certificate is not for that: take another way")]
    NotForLogin {
        /// Which one.
        role: KeyRole,
    },
    /// The issuer wants something in the request that the certificate must not say, or that is not the holder's.
    #[error("the issuer wants the extension {} in the request with a value that it must not have: ask the issuer", wanted.0)]
    ExtensionNotOurs {
        /// Which one.
        wanted: Oid,
    },
    /// The protocol carries one request, and more certificates belong together.
    #[error("this way to the issuer carries one request, and {count} certificates belong together: take another way")]
    OneRequestOnly {
        /// How many.
        count: usize,
    },
    /// The issuer takes no first order without a revocation password, and the protocol has no place for one.
    #[error(
        "this way to the issuer has no place for a revocation password, and the issuer takes no order without one: take another way"
    )]
    NoPlaceForPassword,
    /// The card offers no signature algorithm with the old key that could vouch.
    #[error("the card offers no signature with the old {role} key that a CA could check: ask the issuer")]
    KeyCannotSign {
        /// Which one.
        role: KeyRole,
    },
}

impl Reason {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::NotActive => "reason-not-active",
            Self::CardFinished { .. } => "reason-card-finished",
            Self::PinNotSet { .. } => "reason-pin-not-set",
            Self::PinBlocked { .. } => "reason-pin-blocked",
            Self::PukNotTaken { .. } => "reason-puk-not-taken",
            Self::PinDead { .. } => "reason-pin-dead",
            Self::NoCertificates => "reason-no-certificates",
            Self::OfOtherIssuers => "reason-of-other-issuers",
            Self::BrokenCertificate { .. } => "reason-broken-certificate",
            Self::OnlyOneOfTwo { .. } => "reason-only-one-of-two",
            Self::Expired { .. } => "reason-expired",
            Self::NotYetValid { .. } => "reason-not-yet-valid",
            Self::NotDue { .. } => "reason-not-due",
            Self::SeveralPairs { .. } => "reason-several-pairs",
            Self::NoFreeSlot { .. } => "reason-no-free-slot",
            Self::OneCertificateOnly => "reason-one-certificate-only",
            Self::KeyFull { .. } => "reason-key-full",
            Self::CardFull => "reason-card-full",
            Self::AlgorithmNotOffered { .. } => "reason-algorithm-not-offered",
            Self::AlgorithmNotTaken { .. } => "reason-algorithm-not-taken",
            Self::KeptKeyNotTaken { .. } => "reason-kept-key-not-taken",
            Self::KeyNotOfService { .. } => "reason-key-not-of-service",
            Self::KeptKeyNotOfService { .. } => "reason-kept-key-not-of-service",
            Self::IssuerAgainstService { .. } => "reason-issuer-against-service",
            Self::NotForLogin { .. } => "reason-not-for-login",
            Self::ExtensionNotOurs { .. } => "reason-extension-not-ours",
            Self::OneRequestOnly { .. } => "reason-one-request-only",
            Self::NoPlaceForPassword => "reason-no-place-for-password",
            Self::KeyCannotSign { .. } => "reason-key-cannot-sign",
        }
    }
}

/// Kinds of keys, one after the other.
fn kinds(keys: &[KeyAlgorithm]) -> String {
    let names: Vec<_> = keys.iter().map(KeyAlgorithm::to_string).collect();
    if names.is_empty() { "none that is known here".to_owned() } else { names.join(", ") }
}

/// The day of a point in time, in UTC ("2026-11-21").
#[must_use]
pub fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let day = der::DateTime::from_unix_duration(Duration::from_secs(seconds));
    day.map_or_else(
        |_| "a day after the year 9999".into(),
        |day| format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day()),
    )
}
