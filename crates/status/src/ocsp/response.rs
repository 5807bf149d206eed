use const_oid::db::rfc6960::ID_PKIX_OCSP_BASIC;
use der::{
    Decode, Encode, Header, Reader, SliceReader, Tag, TagMode, TagNumber,
    asn1::{AnyRef, ContextSpecific, ContextSpecificRef},
};

use super::{
    ErrorStatus, OcspError,
    syntax::{ResponseBytes, ResponseData},
};
use crate::{
    limits::{MAX_CERTIFICATES, MAX_RESPONSE},
    signed::Signed,
};

/// A `BasicOCSPResponse` as received (RFC 6960 §4.2.1): nothing in it is believed yet.
pub(super) struct Response<'a> {
    pub(super) signed: Signed<'a>,
    pub(super) data: ResponseData,
    /// Certificates that came along, each as its bytes.
    pub(super) certificates: Vec<Vec<u8>>,
}

impl<'a> Response<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, OcspError> {
        if der.len() > MAX_RESPONSE {
            return Err(OcspError::TooLong { size: der.len() });
        }
        let bytes = successful(der)?;
        if bytes.response_type != ID_PKIX_OCSP_BASIC {
            return Err(OcspError::ResponseType { oid: bytes.response_type });
        }
        let mut reader = SliceReader::new(bytes.response.as_bytes())?;
        let (signed, certificates) = reader.sequence(|fields| {
            let signed = Signed::read(fields)?;
            let certificates = ContextSpecific::<Vec<AnyRef<'a>>>::decode_explicit(fields, TagNumber(0))?;
            Ok::<_, der::Error>((signed, certificates.map_or_else(Vec::new, |field| field.value)))
        })?;
        reader.finish()?;
        if certificates.len() > MAX_CERTIFICATES {
            return Err(OcspError::TooManyCertificates { count: certificates.len() });
        }
        let data = ResponseData::from_der(signed.bytes)?;
        if data.version != 0 {
            return Err(OcspError::Version { version: data.version });
        }
        let certificates = certificates.iter().map(Encode::to_der).collect::<Result<_, _>>()?;
        Ok(Self { signed, data, certificates })
    }
}

/// What a successful response carries.
fn successful(der: &[u8]) -> Result<ResponseBytes<'_>, OcspError> {
    let mut reader = SliceReader::new(der)?;
    let (status, bytes) = reader.sequence(|fields| {
        let header = Header::decode(fields)?;
        header.tag().assert_eq(Tag::Enumerated)?;
        let status = fields.read_slice(header.length())?;
        let bytes = ContextSpecific::<ResponseBytes<'_>>::decode_explicit(fields, TagNumber(0))?;
        Ok::<_, der::Error>((status, bytes))
    })?;
    reader.finish()?;
    match (status, bytes) {
        ([0], Some(bytes)) => Ok(bytes.value),
        ([0], None) => Err(OcspError::Empty),
        ([code], _) => match ErrorStatus::from_code(*code) {
            Some(status) => Err(OcspError::Refused(status)),
            None => Err(der::Error::from(Tag::Enumerated.value_error()).into()),
        },
        _ => Err(der::Error::from(Tag::Enumerated.value_error()).into()),
    }
}

/// A successful `OCSPResponse` around a `BasicOCSPResponse`.
pub(super) fn wrap(basic: &[u8]) -> der::Result<Vec<u8>> {
    let bytes = ResponseBytes { response_type: ID_PKIX_OCSP_BASIC, response: der::asn1::OctetStringRef::new(basic)? };
    let field = ContextSpecificRef { tag_number: TagNumber(0), tag_mode: TagMode::Explicit, value: &bytes };
    let successful = [0x0a, 0x01, 0x00];
    let content = [&successful[..], &field.to_der()?].concat();
    AnyRef::new(Tag::Sequence, &content)?.to_der()
}
