//! The signed attributes (RFC 5652 §11, RFC 5035 §3) that are written and looked at.

use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST},
};
use der::{
    Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged,
    asn1::{Any, AnyRef, OctetString},
};
use obnova_algorithm::{Digest, DigestValue};
use spki::AlgorithmIdentifierOwned;

use super::SignatureError;
use crate::encode::{element, sequence, set_of, tag};

/// The DER SET OF attributes that a signer signs: content type, digest of the content, and which certificate is meant.
pub(super) fn encode(
    content_type: ObjectIdentifier,
    content: &DigestValue,
    certificate: &[u8],
) -> der::Result<Vec<u8>> {
    let hash = Digest::Sha256.of(certificate);
    let certificate_id = sequence(&[&element(tag::OCTET_STRING, &[hash.as_bytes()])]);
    let signing_certificate = sequence(&[&sequence(&[&certificate_id])]);
    let attributes = [
        (ID_CONTENT_TYPE, content_type.to_der()?),
        (ID_MESSAGE_DIGEST, element(tag::OCTET_STRING, &[content.as_bytes()])),
        (ID_AA_SIGNING_CERTIFICATE_V_2, signing_certificate),
    ];
    let attributes = attributes.into_iter().map(|(oid, value)| {
        let oid = oid.to_der()?;
        Ok(sequence(&[&oid, &element(tag::SET, &[&value])]))
    });
    Ok(set_of(tag::SET, attributes.collect::<der::Result<_>>()?))
}

/// The signed attributes of one signer as received.
pub(super) struct SignedAttributes {
    /// What the signature is over: the bytes received, with the SET OF tag that RFC 5652 §5.4 puts there.
    pub(super) signed: Vec<u8>,
    attributes: Vec<Attribute>,
}

#[derive(Sequence)]
struct Attribute {
    oid: ObjectIdentifier,
    values: Any,
}

impl SignedAttributes {
    /// Reads the element `[0] IMPLICIT SET OF Attribute`.
    pub(super) fn from_der(element: &[u8]) -> der::Result<Self> {
        let mut signed = element.to_vec();
        if let Some(first) = signed.first_mut() {
            *first = tag::SET;
        }
        let set = AnyRef::from_der(&signed)?;
        let mut reader = SliceReader::new(set.value())?;
        let mut attributes = Vec::new();
        while !reader.is_finished() {
            attributes.push(reader.decode()?);
        }
        Ok(Self { signed, attributes })
    }

    pub(super) fn content_type(&self) -> Result<ObjectIdentifier, SignatureError> {
        self.required(ID_CONTENT_TYPE)
    }

    pub(super) fn message_digest(&self) -> Result<OctetString, SignatureError> {
        self.required(ID_MESSAGE_DIGEST)
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

    fn required<T: for<'a> Decode<'a, Error = der::Error>>(&self, oid: ObjectIdentifier) -> Result<T, SignatureError> {
        self.single(oid)?.ok_or(SignatureError::MissingAttribute { oid })
    }

    /// The one value of the one attribute with this type.
    fn single<T: for<'a> Decode<'a, Error = der::Error>>(
        &self,
        oid: ObjectIdentifier,
    ) -> Result<Option<T>, SignatureError> {
        let mut found = self.attributes.iter().filter(|attribute| attribute.oid == oid);
        let Some(attribute) = found.next() else { return Ok(None) };
        if found.next().is_some() || attribute.values.tag() != Tag::Set {
            return Err(SignatureError::MalformedAttribute { oid });
        }
        // Exactly one value: from_der refuses what follows it.
        T::from_der(attribute.values.value()).map(Some).map_err(|_| SignatureError::MalformedAttribute { oid })
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
