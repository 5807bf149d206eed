use std::time::SystemTime;

use const_oid::db::rfc5280::{ID_CE_CRL_REASONS, ID_CE_INVALIDITY_DATE};
use der::asn1::GeneralizedTime;
use x509_cert::ext::{Extension, pkix::CrlReason};

use crate::extensions::extension;

/// That a certificate is revoked, or on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Since when, to the second.
    pub at: SystemTime,
    /// Why.
    pub reason: RevocationReason,
    /// Since when the key is known or thought to be bad, which may be earlier (invalidityDate, RFC 5280 §5.3.2).
    pub invalid_since: Option<SystemTime>,
}

impl Revocation {
    /// A revocation with nothing more to say.
    #[must_use]
    pub const fn new(at: SystemTime, reason: RevocationReason) -> Self {
        Self { at, reason, invalid_since: None }
    }

    /// Whether it may be taken back.
    #[must_use]
    pub fn is_hold(&self) -> bool {
        self.reason == RevocationReason::CertificateHold
    }

    /// invalidityDate, where there is one.
    pub(crate) fn invalidity_extension(&self) -> der::Result<Option<Extension>> {
        let date = self.invalid_since.map(GeneralizedTime::from_system_time).transpose()?;
        date.map(|date| extension(ID_CE_INVALIDITY_DATE, false, &date)).transpose()
    }

    /// reasonCode, which RFC 5280 §5.3.1 wants absent rather than `unspecified`.
    pub(crate) fn reason_extension(&self) -> der::Result<Option<Extension>> {
        let reason = self.reason.code().map(|code| extension(ID_CE_CRL_REASONS, false, &code));
        reason.transpose()
    }
}

/// Why a certificate is revoked (RFC 5280 §5.3.1). A release from hold is no reason here: the entry is left out instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RevocationReason {
    /// Nobody said.
    #[default]
    Unspecified,
    /// Somebody else has the holder's key, or may have.
    KeyCompromise,
    /// The same of the CA's key.
    CaCompromise,
    /// The holder's name or house changed.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// Not valid for now; the only reason that can be taken back.
    CertificateHold,
    /// What the certificate allows was withdrawn.
    PrivilegeWithdrawn,
    /// The key of an attribute authority is compromised.
    AaCompromise,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The code that is written; `None` for none.
    pub(crate) const fn code(self) -> Option<CrlReason> {
        Some(match self {
            Self::Unspecified => return None,
            Self::KeyCompromise => CrlReason::KeyCompromise,
            Self::CaCompromise => CrlReason::CaCompromise,
            Self::AffiliationChanged => CrlReason::AffiliationChanged,
            Self::Superseded => CrlReason::Superseded,
            Self::CessationOfOperation => CrlReason::CessationOfOperation,
            Self::CertificateHold => CrlReason::CertificateHold,
            Self::PrivilegeWithdrawn => CrlReason::PrivilegeWithdrawn,
            Self::AaCompromise => CrlReason::AaCompromise,
        })
    }

    /// What a code says; `None` for removeFromCRL, which is no reason to be revoked.
    pub(crate) const fn from_code(code: CrlReason) -> Option<Self> {
        Some(match code {
            CrlReason::Unspecified => Self::Unspecified,
            CrlReason::KeyCompromise => Self::KeyCompromise,
            CrlReason::CaCompromise => Self::CaCompromise,
            CrlReason::AffiliationChanged => Self::AffiliationChanged,
            CrlReason::Superseded => Self::Superseded,
            CrlReason::CessationOfOperation => Self::CessationOfOperation,
            CrlReason::CertificateHold => Self::CertificateHold,
            CrlReason::RemoveFromCRL => return None,
            CrlReason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
            CrlReason::AaCompromise => Self::AaCompromise,
        })
    }
}

impl std::fmt::Display for RevocationReason {
    /// The name that RFC 5280 §5.3.1 gives it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        })
    }
}

/// What a client may believe of a certificate. "Unknown" is none of these: it is an error, since nothing is known then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Status {
    /// It is not revoked. Whether it is valid otherwise (chain, dates, purpose) is another question.
    Good,
    /// It is revoked, or on hold.
    Revoked(Revocation),
    /// The CA never issued it (RFC 6960 §4.4.8): it is a forgery. OCSP only.
    NeverIssued,
}

impl Status {
    /// Whether the certificate may be used as far as its status goes.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_called_as_the_standard_calls_them() {
        let names = RevocationReason::ALL.map(|reason| reason.to_string());
        let standard = "unspecified keyCompromise cACompromise affiliationChanged superseded cessationOfOperation \
                        certificateHold privilegeWithdrawn aACompromise";
        assert_eq!(names.join(" "), standard);
        let holds = RevocationReason::ALL.map(|reason| Revocation::new(SystemTime::UNIX_EPOCH, reason).is_hold());
        assert_eq!(holds.iter().filter(|hold| **hold).count(), 1);
    }

    #[test]
    fn reasons_survive_their_codes() {
        for reason in RevocationReason::ALL {
            assert_eq!(
                reason.code().map_or(Some(RevocationReason::Unspecified), RevocationReason::from_code),
                Some(reason)
            );
        }
        assert_eq!(RevocationReason::from_code(CrlReason::RemoveFromCRL), None);
    }
}
