//! The signed attributes (RFC 5652 §11, RFC 5035 §3) that are written and looked at.

use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST},
};
use der::{
    Decode, DecodeValue, Encode, FixedTag, Reader, Sequence, SliceReader, Tag, Tagged,
    asn1::{AnyRef, OctetStringRef},
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
    let hash = Digest::Sha256.of(certificate);
    let hash = OctetStringRef::new(hash.as_bytes())?;
    let certificate = EssCertIdV2 { hash_algorithm: None, hash, issuer_serial: None };
    let value = SigningCertificateV2 { certs: vec![certificate], policies: None };
    attribute(ID_AA_SIGNING_CERTIFICATE_V_2, &value.to_der()?)
}

fn attribute(oid: ObjectIdentifier, value: &[u8]) -> der::Result<Vec<u8>> {
    element(Tag::Sequence, &[oid.to_der()?, element(Tag::Set, &[value])?])
}

/// The signed attributes of one signer as received.
pub(super) struct SignedAttributes<'a> {
    /// What the signature is over: the bytes received, with the SET OF tag that RFC 5652 §5.4 puts there.
    pub(super) signed: Vec<u8>,
    attributes: Vec<Attribute<'a>>,
}

#[derive(Sequence)]
struct Attribute<'a> {
    oid: ObjectIdentifier,
    values: AnyRef<'a>,
}

impl<'a> SignedAttributes<'a> {
    /// Reads the element `[0] IMPLICIT SET OF Attribute`.
    pub(super) fn read(element: AnyRef<'a>) -> der::Result<Self> {
        let signed = AnyRef::new(Tag::Set, element.value())?.to_der()?;
        let mut attributes = Vec::<Attribute<'_>>::with_capacity(4);
        let mut members = SliceReader::new(element.value())?;
        while !members.is_finished() {
            let attribute: Attribute<'_> = members.decode()?;
            attribute.values.tag().assert_eq(Tag::Set)?;
            attributes.push(attribute);
        }
        Ok(Self { signed, attributes })
    }

    pub(super) fn content_type(&self) -> Result<ObjectIdentifier, SignatureError> {
        self.required(ID_CONTENT_TYPE)
    }

    pub(super) fn message_digest(&self) -> Result<&'a [u8], SignatureError> {
        self.required::<&OctetStringRef>(ID_MESSAGE_DIGEST).map(OctetStringRef::as_bytes)
    }

    /// Whether the signer names a certificate as its own (RFC 5035 §5.4).
    pub(super) fn names_any(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.oid == ID_AA_SIGNING_CERTIFICATE_V_2)
    }

    /// Whether the signer names `certificate` as its own, or none at all (RFC 5035 §5.4).
    pub(super) fn names(&self, certificate: &[u8]) -> Result<bool, SignatureError> {
        let oid = ID_AA_SIGNING_CERTIFICATE_V_2;
        let Some(attribute) = self.single::<SigningCertificateV2<'_>>(oid)? else { return Ok(true) };
        let first = attribute.certs.first().ok_or(SignatureError::MalformedAttribute { oid })?;
        let digest = match &first.hash_algorithm {
            None => Digest::Sha256,
            Some(identifier) => Digest::try_from(identifier).map_err(|_| SignatureError::MalformedAttribute { oid })?,
        };
        Ok(digest.of(certificate).as_bytes() == first.hash.as_bytes())
    }

    fn required<T>(&self, oid: ObjectIdentifier) -> Result<T, SignatureError>
    where
        T: FixedTag + DecodeValue<'a, Error = der::Error> + 'a,
    {
        self.single(oid)?.ok_or(SignatureError::MissingAttribute { oid })
    }

    /// The one value of the one attribute with this type.
    fn single<T>(&self, oid: ObjectIdentifier) -> Result<Option<T>, SignatureError>
    where
        T: FixedTag + DecodeValue<'a, Error = der::Error> + 'a,
    {
        let malformed = SignatureError::MalformedAttribute { oid };
        let mut found = self.attributes.iter().filter(|attribute| attribute.oid == oid);
        let Some(attribute) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(malformed);
        }
        // One value and nothing else.
        let value = AnyRef::from_der(attribute.values.value()).map_err(|_| malformed)?;
        value.decode_as().map(Some).map_err(|_| malformed)
    }
}

/// `SigningCertificateV2` (RFC 5035 §3).
#[derive(Sequence)]
struct SigningCertificateV2<'a> {
    certs: Vec<EssCertIdV2<'a>>,
    #[asn1(optional = "true")]
    policies: Option<Vec<AnyRef<'a>>>,
}

#[derive(Sequence)]
struct EssCertIdV2<'a> {
    #[asn1(optional = "true")]
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    hash: &'a OctetStringRef,
    #[asn1(optional = "true")]
    issuer_serial: Option<IssuerSerial<'a>>,
}

/// Read and not used: the hash says more.
#[derive(Sequence)]
struct IssuerSerial<'a> {
    issuer: Vec<AnyRef<'a>>,
    serial: AnyRef<'a>,
}
