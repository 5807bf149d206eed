use std::time::SystemTime;

use der::{
    Decode, Encode, Reader, SliceReader, Tag,
    asn1::{GeneralizedTime, OctetStringRef, Utf8StringRef},
};

use super::{BodyPartId, PendToken};
use crate::encode::{element, sequence, sequence_of, tag, unsigned};

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

/// In the order of their numbers.
const NAMED: [FailInfo; 14] = [
    FailInfo::BadAlgorithm,
    FailInfo::BadMessageCheck,
    FailInfo::BadRequest,
    FailInfo::BadTime,
    FailInfo::BadCertificateId,
    FailInfo::UnsupportedExtension,
    FailInfo::MustArchiveKeys,
    FailInfo::BadIdentity,
    FailInfo::PopRequired,
    FailInfo::PopFailed,
    FailInfo::NoKeyReuse,
    FailInfo::InternalCaError,
    FailInfo::TryLater,
    FailInfo::AuthDataFail,
];

impl FailInfo {
    /// The number on the wire; none for [`Unspecified`](Self::Unspecified).
    #[must_use]
    pub fn number(self) -> Option<u32> {
        match self {
            Self::Other(number) => Some(number),
            named => NAMED.iter().position(|candidate| *candidate == named).map(|index| index as u32),
        }
    }
}

impl From<u32> for FailInfo {
    fn from(number: u32) -> Self {
        NAMED.get(number as usize).copied().unwrap_or(Self::Other(number))
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

/// `CMCStatus` (RFC 5272 §6.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Success = 0,
    Failed = 2,
    Pending = 3,
    NoSupport = 4,
    ConfirmRequired = 5,
    PopRequired = 6,
    Partial = 7,
}

impl Status {
    fn from_number(number: u32) -> Option<Self> {
        use Status::{ConfirmRequired, Failed, NoSupport, Partial, Pending, PopRequired, Success};
        let all = [Success, Failed, Pending, NoSupport, ConfirmRequired, PopRequired, Partial];
        all.into_iter().find(|status| *status as u32 == number)
    }
}

/// `CMCStatusInfoV2` (RFC 5272 §6.1.1), and `CMCStatusInfo` (§6.1.2), whose syntax is a part of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusInfo {
    pub(super) status: Status,
    pub(super) parts: Vec<BodyPartId>,
    pub(super) text: Option<String>,
    pub(super) detail: Option<Detail>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Fail(FailInfo),
    Pend { token: PendToken, check_at: SystemTime },
}

const EXTENDED_FAIL_INFO: u8 = 0xa1;
/// Characters of a CA's text that are kept.
const MAX_TEXT: usize = 1000;

impl StatusInfo {
    pub(super) fn to_der(&self) -> der::Result<Vec<u8>> {
        let parts = self.parts.iter().map(|part| unsigned(&part.to_be_bytes())).collect::<Vec<_>>();
        let text = self.text.as_ref().map(|text| element(tag::UTF8_STRING, &[text.as_bytes()]));
        let detail = match &self.detail {
            Some(Detail::Fail(reason)) => reason.number().map(|number| unsigned(&number.to_be_bytes())),
            Some(Detail::Pend { token, check_at }) => {
                let token = element(tag::OCTET_STRING, &[token.as_bytes()]);
                Some(sequence(&[&token, &GeneralizedTime::from_system_time(*check_at)?.to_der()?]))
            }
            None => None,
        };
        Ok(sequence(&[
            &unsigned(&(self.status as u32).to_be_bytes()),
            &sequence_of(&parts),
            &text.unwrap_or_default(),
            &detail.unwrap_or_default(),
        ]))
    }

    pub(super) fn from_der(der: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let info = reader.sequence(|fields| {
            let status = Status::from_number(fields.decode()?);
            let status = status.ok_or_else(|| der::Error::from(Tag::Integer.value_error()))?;
            let parts = fields.sequence(body_parts)?;
            let text = match next_tag(fields)? {
                Some(Tag::Utf8String) => Some(printable(fields.decode::<Utf8StringRef<'_>>()?.as_str())),
                _ => None,
            };
            let detail = match next_tag(fields)? {
                Some(Tag::Integer) => Some(Detail::Fail(FailInfo::from(fields.decode::<u32>()?))),
                Some(Tag::Sequence) => Some(fields.sequence(pend_info)?),
                Some(_) if fields.peek_byte() == Some(EXTENDED_FAIL_INFO) => {
                    let _extended = fields.tlv_bytes()?;
                    Some(Detail::Fail(FailInfo::Unspecified))
                }
                _ => None,
            };
            Ok::<_, der::Error>(Self { status, parts, text, detail })
        })?;
        reader.finish()?;
        Ok(info)
    }
}

/// The parts that are numbers; a path into a nested message (`BodyPartPath`) is passed over, since none is sent.
fn body_parts(list: &mut SliceReader<'_>) -> der::Result<Vec<BodyPartId>> {
    let mut parts = Vec::new();
    while let Some(tag) = next_tag(list)? {
        match tag {
            Tag::Sequence => drop(list.tlv_bytes()?),
            _ => parts.push(list.decode()?),
        }
    }
    Ok(parts)
}

fn pend_info(fields: &mut SliceReader<'_>) -> der::Result<Detail> {
    let token = PendToken::from_bytes(fields.decode::<&OctetStringRef>()?.as_bytes());
    let token = token.map_err(|_| der::Error::from(Tag::OctetString.length_error()))?;
    let check_at = GeneralizedTime::decode(fields)?.to_system_time();
    Ok(Detail::Pend { token, check_at })
}

fn next_tag(reader: &SliceReader<'_>) -> der::Result<Option<Tag>> {
    if reader.is_finished() { Ok(None) } else { Tag::peek(reader).map(Some) }
}

/// A CA's text ends on a terminal: no control characters, and not without end.
fn printable(text: &str) -> String {
    text.chars().take(MAX_TEXT).map(|character| if character.is_control() { ' ' } else { character }).collect()
}
