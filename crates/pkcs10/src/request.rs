use std::{ops::Range, sync::Arc};

use const_oid::{AssociatedOid, ObjectIdentifier, db::rfc5912::ID_EXTENSION_REQ};
use der::{
    Decode, Reader, Sequence, SliceReader,
    asn1::{AnyRef, BitStringRef},
    pem::LineEnding,
};
use obnova_algorithm::{SignatureAlgorithm, SubjectPublicKeyInfoOwned, UnknownAlgorithm};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{ext::Extension, name::Name};

use crate::{ParseError, RequestToSign};

/// A PKCS#10 certification request (RFC 2986 §4), kept byte for byte as it was received or made.
///
/// Parsing proves the shape only. Nothing in it is believed before [`verify`](Self::verify) passed.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificationRequest {
    der: Vec<u8>,
    /// Where the CertificationRequestInfo stands: the signature is over these bytes, not over a re-encoding.
    signed: Range<usize>,
    signature: Range<usize>,
    algorithm: Result<SignatureAlgorithm, UnknownAlgorithm>,
    pub(crate) contents: Arc<Contents>,
}

/// What a request says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) version: u8,
    pub(crate) subject: Name,
    pub(crate) public_key: SubjectPublicKeyInfoOwned,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) extensions: Vec<Extension>,
}

/// An attribute, and how many values it has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) values: usize,
}

impl CertificationRequest {
    /// The longest request that is read, in bytes. The longest honest one (RSA 4096, a long subject and names) has about 3,000.
    pub const MAX_SIZE: usize = 16 * 1024;

    const PEM_LABEL: &'static str = "CERTIFICATE REQUEST";

    /// Reads a request.
    ///
    /// Lenient in one point: `attributes [0]` may be absent, which RFC 2986 §4.1 does not allow and old tools do.
    ///
    /// # Errors
    /// [`ParseError`] when it is too long, is not DER, has something after its end, or is no such request.
    pub fn from_der(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > Self::MAX_SIZE {
            return Err(ParseError::TooLong { size: bytes.len() });
        }
        let mut reader = SliceReader::new(bytes)?;
        let (signed, algorithm, signature) = reader.sequence(|fields| {
            let begin = usize::try_from(fields.position())?;
            let signed = begin..begin + fields.tlv_bytes()?.len();
            let algorithm: AlgorithmIdentifierOwned = fields.decode()?;
            Ok::<_, der::Error>((signed, algorithm, fields.decode::<BitStringRef<'_>>()?))
        })?;
        reader.finish()?;
        let signature = signature.as_bytes().ok_or_else(|| der::Error::from(der::Tag::BitString.value_error()))?.len();
        Ok(Self {
            contents: Arc::new(Info::from_der(&bytes[signed.clone()])?.try_into()?),
            algorithm: SignatureAlgorithm::try_from(&algorithm),
            der: bytes.to_vec(),
            signed,
            signature: bytes.len() - signature..bytes.len(),
        })
    }

    /// A request that was put together here, its signature at its end. It is not read again, since what is in it is known.
    pub(crate) fn made(der: Vec<u8>, signed: Range<usize>, signature: usize, of: &RequestToSign) -> Self {
        let signature = der.len() - signature..der.len();
        Self { signed, signature, algorithm: Ok(of.algorithm()), contents: of.contents().clone(), der }
    }

    /// Reads the PEM form (RFC 7468 §7).
    ///
    /// # Errors
    /// [`ParseError`], as [`from_der`](Self::from_der), and [`ParseError::Pem`].
    pub fn from_pem(text: &str) -> Result<Self, ParseError> {
        if text.len() > 2 * Self::MAX_SIZE {
            return Err(ParseError::TooLong { size: text.len() });
        }
        match der::pem::decode_vec(text.as_bytes()) {
            Ok((Self::PEM_LABEL, der)) => Self::from_der(&der),
            _ => Err(ParseError::Pem),
        }
    }

    /// The request as received or made.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The request as PEM (RFC 7468 §7).
    ///
    /// # Errors
    /// None that is known; the encoder's type has one.
    pub fn to_pem(&self) -> Result<String, ParseError> {
        der::pem::encode_string(Self::PEM_LABEL, LineEnding::LF, &self.der).map_err(|_| ParseError::Pem)
    }

    /// Who asks. Written by the requester: the CA decides what it puts into the certificate.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.contents.subject
    }

    /// The key that the certificate is to be about.
    #[must_use]
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.contents.public_key
    }

    /// How the request is signed, by what it says.
    ///
    /// # Errors
    /// [`UnknownAlgorithm`] when it is none that is supported.
    pub const fn signature_algorithm(&self) -> Result<SignatureAlgorithm, UnknownAlgorithm> {
        self.algorithm
    }

    /// The extensions that are asked for (extensionRequest, RFC 2985 §5.4.2), in their order.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.contents.extensions
    }

    /// The extension of type `T` with its criticality, when it is asked for.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] when it is there and its value is not a `T`.
    pub fn extension<T>(&self) -> Result<Option<(bool, T)>, ParseError>
    where
        T: AssociatedOid + for<'a> Decode<'a, Error = der::Error>,
    {
        let found = self.extensions().iter().find(|extension| extension.extn_id == T::OID);
        found.map(|extension| Ok((extension.critical, T::from_der(extension.extn_value.as_bytes())?))).transpose()
    }

    /// The types of all attributes, in their order; their values beside extensionRequest are not given out.
    pub fn attribute_types(&self) -> impl Iterator<Item = ObjectIdentifier> {
        self.contents.attributes.iter().map(|attribute| attribute.oid)
    }

    /// Whether a challengePassword (RFC 2985 §5.4.1) stands in the request, readable by everyone who sees it.
    #[must_use]
    pub fn has_challenge_password(&self) -> bool {
        self.attribute_types().any(|oid| oid == CHALLENGE_PASSWORD)
    }

    /// The CertificationRequestInfo, byte for byte.
    pub(crate) fn signed(&self) -> &[u8] {
        &self.der[self.signed.clone()]
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.der[self.signature.clone()]
    }
}

/// Says who asks with what, and not the bytes: they may hold a challengePassword.
impl std::fmt::Debug for CertificationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificationRequest")
            .field("subject", &format_args!("{}", self.subject()))
            .field("key", &obnova_algorithm::KeyAlgorithm::try_from(self.public_key()))
            .field("attributes", &self.attribute_types().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// RFC 2985 §5.4.1.
const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");

/// `CertificationRequestInfo`. The attributes are read as a list, since SET OF sorts and the order was signed.
#[derive(Sequence)]
struct Info<'a> {
    version: u8,
    subject: Name,
    public_key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    attributes: Option<Vec<InfoAttribute<'a>>>,
}

#[derive(Clone, Sequence)]
struct InfoAttribute<'a> {
    oid: ObjectIdentifier,
    values: AnyRef<'a>,
}

impl TryFrom<Info<'_>> for Contents {
    type Error = der::Error;

    fn try_from(info: Info<'_>) -> der::Result<Self> {
        let mut extensions = Vec::new();
        let mut attributes = Vec::new();
        for attribute in info.attributes.unwrap_or_default() {
            let (mut reader, mut values) = (attribute.values()?, 0);
            while !reader.is_finished() {
                let value: AnyRef<'_> = reader.decode()?;
                if attribute.oid == ID_EXTENSION_REQ {
                    extensions.extend(value.decode_as::<Vec<Extension>>()?);
                }
                values += 1;
            }
            attributes.push(Attribute { oid: attribute.oid, values });
        }
        Ok(Self { version: info.version, subject: info.subject, public_key: info.public_key, attributes, extensions })
    }
}

impl<'a> InfoAttribute<'a> {
    /// The members of the SET in their order, without sorting.
    fn values(&self) -> der::Result<SliceReader<'a>> {
        if !matches!(der::Tagged::tag(&self.values), der::Tag::Set) {
            return Err(der::Tag::Set.value_error().into());
        }
        SliceReader::new(self.values.value())
    }
}
