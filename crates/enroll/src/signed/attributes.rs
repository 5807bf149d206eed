//! The signed attributes (RFC 5652 §11, RFC 5035 §3) that are written and looked at.

use cms::signed_data;
use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST},
};
use der::{
    DecodeValue, Encode, FixedTag, Sequence, Tag,
    asn1::{Any, AnyRef, OctetString},
};
use obnova_algorithm::{Digest, DigestValue};
use spki::AlgorithmIdentifierOwned;

use super::{
    SignatureError,
    element::{element, set_of},
};

/// DER of what a signer signs: content type, digest of the content, and which certificate is meant, where there is one: its
/// [`signing_certificate`].
pub(super) fn to_sign(
    content_type: ObjectIdentifier,
    content: &DigestValue,
    signing_certificate: Option<&[u8]>,
) -> der::Result<Vec<u8>> {
    let mut members = vec![
        attribute(ID_CONTENT_TYPE, &content_type.to_der()?)?,
        attribute(ID_MESSAGE_DIGEST, &element(Tag::OctetString, &[content.as_bytes()])?)?,
    ];
    members.extend(signing_certificate.map(<[u8]>::to_vec));
    element(Tag::Set, &set_of(&members))
}

/// DER of the attribute that says which certificate is the signer's (RFC 5035 §3), the same in all that he signs.
pub(super) fn signing_certificate(certificate: &[u8]) -> der::Result<Vec<u8>> {
    let hash = OctetString::new(Digest::Sha256.of(certificate).as_bytes())?;
    let certificate = EssCertIdV2 { hash_algorithm: None, hash, issuer_serial: None };
    let value = SigningCertificateV2 { certs: vec![certificate], policies: None };
    attribute(ID_AA_SIGNING_CERTIFICATE_V_2, &value.to_der()?)
}

fn attribute(oid: ObjectIdentifier, value: &[u8]) -> der::Result<Vec<u8>> {
    element(Tag::Sequence, &[oid.to_der()?, element(Tag::Set, &[value])?])
}

/// The signed attributes of one signer as received.
pub(super) struct SignedAttributes {
    /// What the signature is over: the bytes received, with the SET OF tag that RFC 5652 §5.4 puts there.
    pub(super) signed: Vec<u8>,
    attributes: signed_data::SignedAttributes,
}

impl SignedAttributes {
    /// Reads the element `[0] IMPLICIT SET OF Attribute`.
    pub(super) fn read(element: AnyRef<'_>) -> der::Result<Self> {
        let set = AnyRef::new(Tag::Set, element.value())?;
        Ok(Self { signed: set.to_der()?, attributes: set.decode_as()? })
    }

    pub(super) fn content_type(&self) -> Result<ObjectIdentifier, SignatureError> {
        self.required(ID_CONTENT_TYPE)
    }

    pub(super) fn message_digest(&self) -> Result<OctetString, SignatureError> {
        self.required(ID_MESSAGE_DIGEST)
    }

    /// Whether the signer names a certificate as its own (RFC 5035 §5.4).
    pub(super) fn names_any(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.oid == ID_AA_SIGNING_CERTIFICATE_V_2)
    }

    /// Whether the signer names `certificate` as its own, or none at all (RFC 5035 §5.4).
    pub(super) fn names(&self, certificate: &[u8]) -> Result<bool, SignatureError> {
        let oid = ID_AA_SIGNING_CERTIFICATE_V_2;
        let Some(attribute) = self.single::<SigningCertificateV2>(oid)? else { return Ok(true) };
        let first = attribute.certs.first().ok_or(SignatureError::MalformedAttribute { oid })?;
        let digest = match &first.hash_algorithm {
            None => Digest::Sha256,
            Some(identifier) => Digest::try_from(identifier).map_err(|_| SignatureError::MalformedAttribute { oid })?,
        };
        Ok(digest.of(certificate).as_bytes() == first.hash.as_bytes())
    }

    fn required<T>(&self, oid: ObjectIdentifier) -> Result<T, SignatureError>
    where
        T: FixedTag + for<'a> DecodeValue<'a, Error = der::Error>,
    {
        self.single(oid)?.ok_or(SignatureError::MissingAttribute { oid })
    }

    /// The one value of the one attribute with this type.
    fn single<T>(&self, oid: ObjectIdentifier) -> Result<Option<T>, SignatureError>
    where
        T: FixedTag + for<'a> DecodeValue<'a, Error = der::Error>,
    {
        let malformed = SignatureError::MalformedAttribute { oid };
        let mut found = self.attributes.iter().filter(|attribute| attribute.oid == oid);
        let Some(attribute) = found.next() else { return Ok(None) };
        match (attribute.values.as_slice(), found.next()) {
            ([value], None) => value.decode_as().map(Some).map_err(|_| malformed),
            _ => Err(malformed),
        }
    }
}

/// `SigningCertificateV2` (RFC 5035 §3).
#[derive(Sequence)]
struct SigningCertificateV2 {
    certs: Vec<EssCertIdV2>,
    #[asn1(optional = "true")]
    policies: Option<Vec<Any>>,
}

#[derive(Sequence)]
struct EssCertIdV2 {
    #[asn1(optional = "true")]
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<IssuerSerial>,
}

/// Read and not used: the hash says more.
#[derive(Sequence)]
struct IssuerSerial {
    issuer: Vec<Any>,
    serial: Any,
}
