use std::fmt;

use serde::Deserialize;

/// Why a holder ends a certificate (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationReason {
    /// The card is lost, or somebody else may use it.
    KeyCompromise,
    /// Another certificate took its place.
    Superseded,
    /// The holder's name or house changed.
    AffiliationChanged,
    /// It is not needed any more.
    CessationOfOperation,
    /// Nobody needs to know.
    Unspecified,
}

impl RevocationReason {
    /// All of them, as services take them whose file says nothing.
    pub const ALL: [Self; 5] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
    ];

    /// Whether it is one of the key: every certificate with the same key ends too, whichever was named.
    #[must_use]
    pub const fn ends_key(self) -> bool {
        matches!(self, Self::KeyCompromise)
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyCompromise => "key-compromise",
            Self::Superseded => "superseded",
            Self::AffiliationChanged => "affiliation-changed",
            Self::CessationOfOperation => "cessation-of-operation",
            Self::Unspecified => "unspecified",
        })
    }
}

/// By what a service lets holders end their certificates: `[revocation]` of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationRules {
    /// Whether the revocation password is enough without a card.
    pub password_alone: bool,
    /// Whether a certificate's own key is enough; else the revocation password goes with it, where the certificate has one.
    pub own_key_alone: bool,
    /// The reasons that holders may give.
    pub holder_reasons: Vec<RevocationReason>,
}

impl Default for RevocationRules {
    /// What a file means that says nothing.
    fn default() -> Self {
        Self { password_alone: false, own_key_alone: true, holder_reasons: RevocationReason::ALL.into() }
    }
}

impl RevocationRules {
    /// Whether a revocation for this reason, with a card or without one, is worth asking anybody for: what the service's CA would refuse is
    /// refused before a password is typed or sent.
    ///
    /// # Errors
    /// [`RevocationRefusal`].
    pub fn check(&self, reason: RevocationReason, with_card: bool) -> Result<(), RevocationRefusal> {
        if !self.holder_reasons.contains(&reason) {
            return Err(RevocationRefusal::Reason { given: reason, taken: self.holder_reasons.clone() });
        }
        if !with_card && !self.password_alone {
            return Err(RevocationRefusal::PasswordAlone);
        }
        Ok(())
    }
}

/// Why a service takes no such revocation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationRefusal {
    /// Holders may not give this reason.
    #[error("holders of this service may not give the reason {given}: give another one")]
    Reason {
        /// Which.
        given: RevocationReason,
        /// Those that they may give.
        taken: Vec<RevocationReason>,
    },
    /// There is no card, and the service wants more than the revocation password.
    #[error("the revocation password alone is not enough for this service: use a card of yours, or ask the issuer")]
    PasswordAlone,
}

impl RevocationRefusal {
    /// The name of the rule, as the CA calls it too.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Reason { .. } => "revocation-reason",
            Self::PasswordAlone => "password-alone",
        }
    }
}
