use std::time::SystemTime;

use super::{
    IdError, PendToken,
    syntax::{OtherInfo, PendInfo, Status, StatusInfoV2},
};

/// Why a CA refuses (`CMCFailInfo`, RFC 5272 §6.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailInfo {
    /// badAlg (0): an algorithm that is unknown or not allowed.
    BadAlgorithm,
    /// badMessageCheck (1): a signature on the message does not verify.
    BadMessageCheck,
    /// badRequest (2): this transaction is not permitted or not supported.
    BadRequest,
    /// badTime (3): the time in the message is too far from the CA's.
    BadTime,
    /// badCertId (4): no certificate as named.
    BadCertificateId,
    /// unsupportedExt (5): an extension that was asked for is not granted.
    UnsupportedExtension,
    /// mustArchiveKeys (6): the private key has to be archived.
    MustArchiveKeys,
    /// badIdentity (7): the requester was not identified, or is not who may ask.
    BadIdentity,
    /// popRequired (8): a proof of possession is missing.
    PopRequired,
    /// popFailed (9): the proof of possession is wrong.
    PopFailed,
    /// noKeyReuse (10): this key had a certificate before.
    NoKeyReuse,
    /// internalCAError (11): the CA failed.
    InternalCaError,
    /// tryLater (12): not now.
    TryLater,
    /// authDataFail (13): the authenticated data is wrong.
    AuthDataFail,
    /// A number that RFC 5272 does not name.
    Other(u32),
    /// None was given.
    Unspecified,
}

/// In the order of their numbers, with their names in RFC 5272 §6.1.4.
const NAMED: [(FailInfo, &str); 14] = [
    (FailInfo::BadAlgorithm, "badAlg"),
    (FailInfo::BadMessageCheck, "badMessageCheck"),
    (FailInfo::BadRequest, "badRequest"),
    (FailInfo::BadTime, "badTime"),
    (FailInfo::BadCertificateId, "badCertId"),
    (FailInfo::UnsupportedExtension, "unsupportedExt"),
    (FailInfo::MustArchiveKeys, "mustArchiveKeys"),
    (FailInfo::BadIdentity, "badIdentity"),
    (FailInfo::PopRequired, "popRequired"),
    (FailInfo::PopFailed, "popFailed"),
    (FailInfo::NoKeyReuse, "noKeyReuse"),
    (FailInfo::InternalCaError, "internalCAError"),
    (FailInfo::TryLater, "tryLater"),
    (FailInfo::AuthDataFail, "authDataFail"),
];

impl FailInfo {
    /// The name that RFC 5272 §6.1.4 gives it, for translations and for machines; the number where it gives none, and
    /// `unspecified` without one.
    #[must_use]
    pub fn name(self) -> String {
        match self.number() {
            None => "unspecified".into(),
            Some(number) => NAMED.get(number as usize).map_or_else(|| number.to_string(), |(_, name)| (*name).into()),
        }
    }

    /// The number on the wire; none for [`Unspecified`](Self::Unspecified).
    #[must_use]
    pub fn number(self) -> Option<u32> {
        match self {
            Self::Other(number) => Some(number),
            named => NAMED.iter().position(|(candidate, _)| *candidate == named).map(|index| index as u32),
        }
    }
}

impl From<u32> for FailInfo {
    fn from(number: u32) -> Self {
        NAMED.get(number as usize).map_or(Self::Other(number), |(named, _)| *named)
    }
}

impl std::fmt::Display for FailInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BadAlgorithm => "an algorithm is unknown or not allowed",
            Self::BadMessageCheck => "a signature does not verify",
            Self::BadRequest => "the request is not permitted",
            Self::BadTime => "the time in the request is too far off",
            Self::BadCertificateId => "there is no certificate as named",
            Self::UnsupportedExtension => "an extension that was asked for is not granted",
            Self::MustArchiveKeys => "the private key would have to be archived",
            Self::BadIdentity => "the requester was not identified or may not ask",
            Self::PopRequired => "a proof of possession of the key is missing",
            Self::PopFailed => "the proof of possession of the key is wrong",
            Self::NoKeyReuse => "this key had a certificate before",
            Self::InternalCaError => "the CA failed",
            Self::TryLater => "the CA asks to try again later",
            Self::AuthDataFail => "the authenticated data is wrong",
            Self::Other(number) => return write!(f, "reason number {number}"),
            Self::Unspecified => "no reason was given",
        })
    }
}

/// One status as received.
pub(super) struct StatusInfo {
    pub(super) status: Status,
    pub(super) text: String,
    pub(super) detail: Option<Detail>,
}

pub(super) enum Detail {
    Fail(FailInfo),
    Pend { token: PendToken, check_at: SystemTime },
}

impl TryFrom<StatusInfoV2<'_>> for StatusInfo {
    type Error = IdError;

    fn try_from(info: StatusInfoV2<'_>) -> Result<Self, IdError> {
        let detail = match info.other {
            None => None,
            Some(OtherInfo::Fail(number)) => Some(Detail::Fail(FailInfo::from(number))),
            Some(OtherInfo::ExtendedFail(_)) => Some(Detail::Fail(FailInfo::Unspecified)),
            Some(OtherInfo::Pend(PendInfo { token, check_at })) => Some(Detail::Pend {
                token: PendToken::from_bytes(token.as_bytes())?,
                check_at: check_at.to_system_time(),
            }),
        };
        let text = info.text.map(|text| printable(text.as_str())).unwrap_or_default();
        Ok(Self { status: info.status, text, detail })
    }
}

/// Characters of a CA's text that are kept.
const MAX_TEXT: usize = 1000;

/// A CA's text ends on a terminal: no control characters, and not without end.
pub(super) fn printable(text: &str) -> String {
    obnova_algorithm::text::printable(text, MAX_TEXT)
}
