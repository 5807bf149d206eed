/// Why a certificate cannot be on an applicant's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardCertificateError {
    /// There is none at all.
    #[error("a card that is handed over has certificates on it: name them")]
    None,
    /// This CA issued none with this serial number.
    #[error("this CA issued no certificate with this serial number")]
    Unknown,
    /// It is revoked, on hold, or over.
    #[error("the certificate is not valid")]
    NotValid,
    /// Name, country, number or address in it are not the applicant's.
    #[error("the certificate is another holder's: its subject or its address is not the applicant's")]
    OtherHolder,
    /// It is on another card, or named twice.
    #[error("the certificate is on another card, or named twice")]
    Taken,
}

impl CardCertificateError {
    /// Name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no-certificate",
            Self::Unknown => "unknown-certificate",
            Self::NotValid => "certificate-not-valid",
            Self::OtherHolder => "certificate-of-another",
            Self::Taken => "certificate-taken",
        }
    }
}
