use const_oid::{AssociatedOid, ObjectIdentifier, db::rfc5912::ID_EXTENSION_REQ};
use der::{
    Decode, Reader, Sequence, SliceReader,
    asn1::{Any, BitString},
    pem::LineEnding,
};
use obnova_algorithm::{SignatureAlgorithm, SubjectPublicKeyInfoOwned, UnknownAlgorithm};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{ext::Extension, name::Name};

use crate::ParseError;

/// A PKCS#10 certification request (RFC 2986 §4), kept byte for byte as it was received or made.
///
/// Parsing proves the shape only. Nothing in it is believed before [`verify`](Self::verify) passed.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificationRequest {
    der: Vec<u8>,
    /// The CertificationRequestInfo as received: the signature is over these bytes, not over a re-encoding.
    pub(crate) signed: Vec<u8>,
    pub(crate) version: u8,
    subject: Name,
    public_key: SubjectPublicKeyInfoOwned,
    pub(crate) attributes: Vec<Attribute>,
    extensions: Vec<Extension>,
    pub(crate) algorithm: AlgorithmIdentifierOwned,
    pub(crate) signature: Vec<u8>,
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
            let signed = fields.tlv_bytes()?.to_vec();
            Ok::<_, der::Error>((signed, fields.decode()?, fields.decode::<BitString>()?))
        })?;
        reader.finish()?;
        let info = Info::from_der(&signed)?;
        let attributes = info.attributes.unwrap_or_default();
        Ok(Self {
            der: bytes.to_vec(),
            version: info.version,
            subject: info.subject,
            public_key: info.public_key,
            extensions: requested_extensions(&attributes)?,
            attributes,
            algorithm,
            signature: signature
                .as_bytes()
                .ok_or_else(|| der::Error::from(der::Tag::BitString.value_error()))?
                .to_vec(),
            signed,
        })
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
    pub const fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key that the certificate is to be about.
    #[must_use]
    pub const fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.public_key
    }

    /// How the request is signed, by what it says.
    ///
    /// # Errors
    /// [`UnknownAlgorithm`] when it is none that is supported.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm, UnknownAlgorithm> {
        SignatureAlgorithm::try_from(&self.algorithm)
    }

    /// The extensions that are asked for (extensionRequest, RFC 2985 §5.4.2), in their order.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The extension of type `T` with its criticality, when it is asked for.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] when it is there and its value is not a `T`.
    pub fn extension<T>(&self) -> Result<Option<(bool, T)>, ParseError>
    where
        T: AssociatedOid + for<'a> Decode<'a, Error = der::Error>,
    {
        let found = self.extensions.iter().find(|extension| extension.extn_id == T::OID);
        found.map(|extension| Ok((extension.critical, T::from_der(extension.extn_value.as_bytes())?))).transpose()
    }

    /// The types of all attributes, in their order; their values beside extensionRequest are not given out.
    pub fn attribute_types(&self) -> impl Iterator<Item = ObjectIdentifier> {
        self.attributes.iter().map(|attribute| attribute.oid)
    }

    /// Whether a challengePassword (RFC 2985 §5.4.1) stands in the request, readable by everyone who sees it.
    #[must_use]
    pub fn has_challenge_password(&self) -> bool {
        self.attribute_types().any(|oid| oid == CHALLENGE_PASSWORD)
    }
}

/// Says who asks with what, and not the bytes: they may hold a challengePassword.
impl std::fmt::Debug for CertificationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificationRequest")
            .field("subject", &format_args!("{}", self.subject))
            .field("key", &obnova_algorithm::KeyAlgorithm::try_from(&self.public_key))
            .field("attributes", &self.attribute_types().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// RFC 2985 §5.4.1.
const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");

/// `CertificationRequestInfo`. The attributes are read as a list, since SET OF sorts and the order was signed.
#[derive(Sequence)]
struct Info {
    version: u8,
    subject: Name,
    public_key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    attributes: Option<Vec<Attribute>>,
}

#[derive(Clone, PartialEq, Eq, Sequence)]
pub(crate) struct Attribute {
    pub(crate) oid: ObjectIdentifier,
    values: Any,
}

impl Attribute {
    /// The members of the SET in their order, without sorting.
    pub(crate) fn values(&self) -> der::Result<Vec<Any>> {
        if !matches!(der::Tagged::tag(&self.values), der::Tag::Set) {
            return Err(der::Tag::Set.value_error().into());
        }
        let mut reader = SliceReader::new(self.values.value())?;
        let mut values = Vec::new();
        while !reader.is_finished() {
            values.push(reader.decode()?);
        }
        Ok(values)
    }
}

fn requested_extensions(attributes: &[Attribute]) -> der::Result<Vec<Extension>> {
    let mut extensions = Vec::new();
    for attribute in attributes {
        let values = attribute.values()?;
        if attribute.oid == ID_EXTENSION_REQ {
            for value in values {
                extensions.extend(value.decode_as::<Vec<Extension>>()?);
            }
        }
    }
    Ok(extensions)
}
