use crate::Profile;

/// What ended while an order waited to replace it: nothing follows it any more, and the order is turned down by the CA itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lapse {
    /// The old certificate was revoked for good; one on hold may come back, and its order waits on.
    Revoked(Profile),
    /// The old certificate is past its end: a renewal is for who has a valid one.
    Expired(Profile),
}

impl Lapse {
    /// The rule's name, for programs and logs: `revoked`, `expired`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revoked(_) => "revoked",
            Self::Expired(_) => "expired",
        }
    }

    /// Which certificate it was.
    #[must_use]
    pub const fn profile(self) -> Profile {
        match self {
            Self::Revoked(profile) | Self::Expired(profile) => profile,
        }
    }
}

impl std::fmt::Display for Lapse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Revoked(profile) => write!(f, "the old {profile} certificate was revoked while the order waited"),
            Self::Expired(profile) => write!(f, "the old {profile} certificate ended while the order waited"),
        }
    }
}
