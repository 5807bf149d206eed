use const_oid::ObjectIdentifier;
use obnova_card::KeyRole;
use serde::{Deserialize, Serialize};

use crate::wire;

/// Why certificates that came back are not put on the card. The old pair was not touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Refusal {
    /// What should be a certificate is not, or an extension in it is nonsense or stands there twice.
    #[error("what came is not a certificate, or too long for one: have it sent again")]
    Malformed,
    /// More came than any issuer sends.
    #[error("{count} certificates came, more than the {limit} that are looked at: have it sent again")]
    TooMany {
        /// How many came.
        count: usize,
        /// How many are looked at.
        limit: usize,
    },
    /// Neither key was certified.
    #[error("no certificate that came is for a key of this renewal: it belongs to another card or another renewal")]
    AnotherKey,
    /// One came without the other.
    #[error("only one of the two came, the {missing} certificate is missing: both are installed together or neither")]
    OnlyOneOfTwo {
        /// The one that is missing.
        #[serde(with = "wire::role")]
        missing: KeyRole,
    },
    /// Two different certificates came for one key.
    #[error("two different certificates came for the {role} key: ask the issuer which one is meant")]
    Twice {
        /// For which key.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// Each key got the certificate of the other's purpose.
    #[error(
        "the certificates are swapped: the authentication key was certified for signatures, and the other way round"
    )]
    Swapped,
    /// There is another certificate for its key on the card, as where the key stays: it is that one, or one that ends no later.
    #[error(
        "the {role} certificate that came is not a new one: it ends no later than the one for the same key that is on the card; ask the issuer which of the two is to be used"
    )]
    NotNew {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// Its key is kept, and has as many certificates as it can have. The issuer is not to blame: once one of them is removed, what came is
    /// put on the card.
    #[error(
        "the {role} key has {most} certificates, and no more fit on it: remove superseded ones (card clean), and do the same once more"
    )]
    KeyFull {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
        /// How many it can have.
        most: usize,
    },
    /// The card lists as many certificates as it can. The issuer is not to blame: once one of them is removed, what came is put on the card.
    #[error(
        "the card has no room for another certificate: remove superseded ones (card clean), and do the same once more"
    )]
    CardFull,
    /// Nobody's name is in it.
    #[error("the new {role} certificate names nobody: ask the issuer to correct it")]
    NoSubject {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// The two certificates of a first pair are for different people.
    #[error("the two new certificates name different subjects: ask the issuer to correct them")]
    TwoSubjects,
    /// It is for somebody else.
    #[error("the new {role} certificate names another subject than the old one: ask the issuer to correct it")]
    AnotherSubject {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// Alternative names differ.
    #[error("the new {role} certificate has other alternative names than the old one: ask the issuer to correct it")]
    OtherAltNames {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// Its issuer is not one that is trusted here.
    #[error("the new {role} certificate does not lead up to a trusted issuer: {problem}")]
    Chain {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
        /// What breaks the chain.
        problem: ChainProblem,
    },
    /// It is over.
    #[error("the new {role} certificate has expired already: check the clock of this computer, or ask the issuer")]
    Expired {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// It has not begun.
    #[error("the new {role} certificate is not valid yet: wait, or check the clock of this computer")]
    NotYetValid {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// It is the certificate of an issuer.
    #[error("the new {role} certificate says it is an issuer's: do not use it, tell the issuer")]
    IsCa {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// It may not be used for what it is for, or for more.
    #[error("the key usage of the new {role} certificate is wrong: ask the issuer to correct it")]
    KeyUsage {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
    },
    /// An extended key usage is missing.
    #[error("the new {role} certificate lacks the extended key usage {}: ask the issuer to correct it", .missing.0)]
    ExtendedKeyUsage {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
        /// What is missing.
        missing: Oid,
    },
    /// A statement of a qualified certificate is missing.
    #[error("the new {role} certificate lacks the statement {} of a qualified certificate: ask the issuer to correct it", .missing.0)]
    QcStatement {
        /// Which one.
        #[serde(with = "wire::role")]
        role: KeyRole,
        /// What is missing.
        missing: Oid,
    },
}

impl Refusal {
    /// Name of the refusal, for translations and for machines.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Malformed => "refusal-malformed",
            Self::TooMany { .. } => "refusal-too-many",
            Self::AnotherKey => "refusal-another-key",
            Self::OnlyOneOfTwo { .. } => "refusal-only-one-of-two",
            Self::Twice { .. } => "refusal-twice",
            Self::Swapped => "refusal-swapped",
            Self::NotNew { .. } => "refusal-not-new",
            Self::KeyFull { .. } => "refusal-key-full",
            Self::CardFull => "refusal-card-full",
            Self::NoSubject { .. } => "refusal-no-subject",
            Self::TwoSubjects => "refusal-two-subjects",
            Self::AnotherSubject { .. } => "refusal-another-subject",
            Self::OtherAltNames { .. } => "refusal-other-alt-names",
            Self::Chain { .. } => "refusal-chain",
            Self::Expired { .. } => "refusal-expired",
            Self::NotYetValid { .. } => "refusal-not-yet-valid",
            Self::IsCa { .. } => "refusal-is-ca",
            Self::KeyUsage { .. } => "refusal-key-usage",
            Self::ExtendedKeyUsage { .. } => "refusal-extended-key-usage",
            Self::QcStatement { .. } => "refusal-qc-statement",
        }
    }
}

/// What breaks the way from a certificate up to an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum ChainProblem {
    /// No certificate at hand bears the issuer's name.
    #[error("no certificate of its issuer is among the trusted ones")]
    UnknownIssuer,
    /// The issuer's key did not make the signature.
    #[error("its issuer's key did not sign it")]
    Signature,
    /// An issuer's certificate is outside its validity.
    #[error("the certificate of an issuer is not valid now")]
    IssuerValidity,
    /// What should be an issuer may not issue.
    #[error("what stands above it may not issue certificates")]
    NotAnIssuer,
    /// More certificates lie between than allowed.
    #[error("more issuers stand above each other than allowed")]
    TooLong,
    /// A critical extension is not understood here.
    #[error("it has a critical extension that is not understood here")]
    CriticalExtension,
}

/// An object identifier, in dotted form in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oid(pub ObjectIdentifier);

impl Serialize for Oid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom("not an object identifier"))
    }
}
