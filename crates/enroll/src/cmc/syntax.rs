//! The part of the ASN.1 of RFC 5272 that is written and read, with its names. Certification requests and the values of
//! controls stay as they came.

use const_oid::ObjectIdentifier;
use der::{
    Choice, Enumerated, Sequence,
    asn1::{Any, AnyRef, GeneralizedTime, OctetString, OctetStringRef, SetOfVec, Utf8StringRef},
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{ext::pkix::CrlReason, name::Name, serial_number::SerialNumber};

use super::{BodyPartId, ControlError, RequestError, ResponseError};

/// §3.2.1, as it is written.
#[derive(Sequence)]
#[asn1(error = RequestError)]
pub(super) struct PkiData {
    pub(super) controls: Vec<TaggedAttribute>,
    /// Each a [`TaggedRequest`].
    pub(super) requests: Vec<Any>,
    pub(super) cms: Vec<Any>,
    pub(super) other_messages: Vec<Any>,
}

/// §3.2.1, as it was received.
#[derive(Sequence)]
#[asn1(error = RequestError)]
pub(super) struct ReceivedData<'a> {
    pub(super) controls: Vec<ReceivedControl<'a>>,
    /// Each a [`TaggedRequest`], or a form that is not supported.
    pub(super) requests: Vec<AnyRef<'a>>,
    pub(super) cms: Vec<AnyRef<'a>>,
    pub(super) other_messages: Vec<AnyRef<'a>>,
}

/// §4.2.1, as it is written.
#[derive(Sequence)]
#[asn1(error = ResponseError)]
pub(super) struct PkiResponse {
    pub(super) controls: Vec<TaggedAttribute>,
    pub(super) cms: Vec<Any>,
    pub(super) other_messages: Vec<Any>,
}

/// §4.2.1, as it was received.
#[derive(Sequence)]
#[asn1(error = ResponseError)]
pub(super) struct ReceivedResponse<'a> {
    pub(super) controls: Vec<ReceivedControl<'a>>,
    pub(super) cms: Vec<AnyRef<'a>>,
    pub(super) other_messages: Vec<AnyRef<'a>>,
}

/// §3.2.1.1: a control as it was received.
#[derive(Sequence)]
#[asn1(error = ControlError)]
pub(super) struct ReceivedControl<'a> {
    pub(super) part: BodyPartId,
    pub(super) oid: ObjectIdentifier,
    /// The SET of them.
    pub(super) values: AnyRef<'a>,
}

/// §3.2.1.1: a control as it is written.
#[derive(Sequence)]
#[asn1(error = ControlError)]
pub(super) struct TaggedAttribute {
    pub(super) part: BodyPartId,
    pub(super) oid: ObjectIdentifier,
    pub(super) values: SetOfVec<Any>,
}

/// §3.2.1.2, of which PKCS#10 is supported.
#[derive(Choice)]
pub(super) enum TaggedRequest<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    Tcr(TaggedCertificationRequest<'a>),
}

/// §3.2.1.2.1.
#[derive(Sequence)]
pub(super) struct TaggedCertificationRequest<'a> {
    pub(super) part: BodyPartId,
    pub(super) request: AnyRef<'a>,
}

/// `CMCStatusInfoV2` (§6.1.1), and `CMCStatusInfo` (§6.1.2), whose syntax is a part of it.
#[derive(Sequence)]
pub(super) struct StatusInfoV2<'a> {
    pub(super) status: Status,
    pub(super) parts: Vec<BodyPartReference>,
    #[asn1(optional = "true")]
    pub(super) text: Option<Utf8StringRef<'a>>,
    #[asn1(optional = "true")]
    pub(super) other: Option<OtherInfo<'a>>,
}

/// `CMCStatus` (§6.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumerated)]
#[asn1(type = "INTEGER")]
#[repr(u8)]
pub(super) enum Status {
    Success = 0,
    Failed = 2,
    Pending = 3,
    NoSupport = 4,
    ConfirmRequired = 5,
    PopRequired = 6,
    Partial = 7,
}

/// §6.1.1. A path leads into a nested message: none is sent.
#[derive(Choice)]
pub(super) enum BodyPartReference {
    Id(BodyPartId),
    Path(Vec<BodyPartId>),
}

/// §6.1.1.
#[derive(Choice)]
pub(super) enum OtherInfo<'a> {
    Fail(u32),
    Pend(PendInfo<'a>),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    ExtendedFail(Vec<Any>),
}

/// §6.1.1.
#[derive(Sequence)]
pub(super) struct PendInfo<'a> {
    pub(super) token: &'a OctetStringRef,
    pub(super) check_at: GeneralizedTime,
}

/// `IdentifyProofV2` (§6.2.1).
#[derive(Sequence)]
pub(super) struct IdentityProofV2 {
    pub(super) hash: AlgorithmIdentifierOwned,
    pub(super) mac: AlgorithmIdentifierOwned,
    pub(super) witness: OctetString,
}

/// `RevokeRequest` (§6.11).
#[derive(Sequence)]
pub(super) struct RevokeRequest<'a> {
    pub(super) issuer: Name,
    pub(super) serial: SerialNumber,
    pub(super) reason: CrlReason,
    #[asn1(optional = "true")]
    pub(super) invalid_since: Option<GeneralizedTime>,
    #[asn1(optional = "true")]
    pub(super) passphrase: Option<&'a OctetStringRef>,
    #[asn1(optional = "true")]
    pub(super) comment: Option<Utf8StringRef<'a>>,
}
