//! The ASN.1 of RFC 6960 with its names, as far as it is written and read.

use der::{
    Choice, Sequence,
    asn1::{Any, AnyRef, GeneralizedTime, Null, OctetString, OctetStringRef},
};
use x509_cert::{
    ext::{Extension, pkix::CrlReason},
    name::Name,
};

use super::CertId;

/// §4.1.1, without the requestor's name and signature, of which only is looked whether they are there.
#[derive(Sequence)]
pub(super) struct OcspRequest {
    pub(super) tbs_request: TbsRequest,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) optional_signature: Option<Any>,
}

/// §4.1.1.
#[derive(Sequence)]
pub(super) struct TbsRequest {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    pub(super) version: u8,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) requestor_name: Option<Any>,
    pub(super) request_list: Vec<SingleRequest>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) request_extensions: Option<Vec<Extension>>,
}

/// `Request` of §4.1.1.
#[derive(Sequence)]
pub(super) struct SingleRequest {
    pub(super) req_cert: CertId,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) single_request_extensions: Option<Vec<Extension>>,
}

/// `ResponseBytes` of §4.2.1.
#[derive(Sequence)]
pub(super) struct ResponseBytes<'a> {
    pub(super) response_type: const_oid::ObjectIdentifier,
    pub(super) response: &'a OctetStringRef,
}

/// §4.2.1.
#[derive(Sequence)]
pub(super) struct ResponseData {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    pub(super) version: u8,
    pub(super) responder_id: ResponderId,
    pub(super) produced_at: GeneralizedTime,
    pub(super) responses: Vec<SingleResponse>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) response_extensions: Option<Vec<Extension>>,
}

/// §4.2.1.
#[derive(Choice)]
pub(super) enum ResponderId {
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    ByName(Name),
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    ByKey(OctetString),
}

/// §4.2.1.
#[derive(Sequence)]
pub(super) struct SingleResponse {
    pub(super) cert_id: CertId,
    pub(super) cert_status: CertStatus,
    pub(super) this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) single_extensions: Option<Vec<Extension>>,
}

/// §4.2.1.
#[derive(Choice)]
pub(super) enum CertStatus {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(RevokedInfo),
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

/// §4.2.1.
#[derive(Sequence)]
pub(super) struct RevokedInfo {
    pub(super) revocation_time: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) revocation_reason: Option<CrlReason>,
}

/// `BasicOCSPResponse` of §4.2.1, as it is written.
#[derive(Sequence)]
pub(super) struct BasicResponse<'a> {
    pub(super) tbs_response_data: AnyRef<'a>,
    pub(super) signature_algorithm: spki::AlgorithmIdentifierOwned,
    pub(super) signature: der::asn1::BitStringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) certs: Option<Vec<AnyRef<'a>>>,
}
