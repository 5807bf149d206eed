/// A responder's answer that says nothing of a certificate (`OCSPResponseStatus`, RFC 6960 §4.2.1). It is not signed: anybody
/// between can have made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorStatus {
    /// The request was not understood.
    MalformedRequest,
    /// The responder broke.
    InternalError,
    /// The responder cannot answer now.
    TryLater,
    /// The responder wants signed requests.
    SigRequired,
    /// The responder does not answer this client, or not about these certificates (RFC 5019 §2.2.3).
    Unauthorized,
}

impl ErrorStatus {
    /// Every error.
    pub const ALL: [Self; 5] =
        [Self::MalformedRequest, Self::InternalError, Self::TryLater, Self::SigRequired, Self::Unauthorized];

    /// The whole OCSP response.
    #[must_use]
    pub fn to_der(self) -> Vec<u8> {
        vec![0x30, 0x03, 0x0a, 0x01, self.code()]
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    const fn code(self) -> u8 {
        match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::SigRequired => 5,
            Self::Unauthorized => 6,
        }
    }
}

impl std::fmt::Display for ErrorStatus {
    /// The name that RFC 6960 §4.2.1 gives it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::SigRequired => "sigRequired",
            Self::Unauthorized => "unauthorized",
        })
    }
}
