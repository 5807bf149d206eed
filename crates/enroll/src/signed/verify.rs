use cms::{cert::IssuerAndSerialNumber, content_info::CmsVersion};
use const_oid::{ObjectIdentifier, db::rfc5912::RSA_ENCRYPTION};
use der::{
    Decode, Reader, Tag, TagNumber,
    asn1::{AnyRef, OctetStringRef},
};
use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned, UnknownAlgorithm, VerifyError};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{Certificate, ext::pkix::SubjectKeyIdentifier};

use super::{ReceivedCertificate, SignedMessage, attributes::SignedAttributes};

/// One SignerInfo (RFC 5652 §5.3) as received.
pub(crate) struct SignerInfo<'a> {
    identifier: Identifier<'a>,
    digest: AlgorithmIdentifierOwned,
    attributes: Option<SignedAttributes<'a>>,
    algorithm: AlgorithmIdentifierOwned,
    signature: &'a OctetStringRef,
}

/// How a signer is named.
#[derive(Clone, Copy)]
enum Identifier<'a> {
    /// DER of the issuer's name, and content of the serial number.
    Certificate {
        issuer: &'a [u8],
        serial: &'a [u8],
    },
    Key(&'a [u8]),
}

const CONTEXT_0: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

const KEY_IDENTIFIER: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };

impl<'a> Identifier<'a> {
    fn read(reader: &mut impl Reader<'a>) -> der::Result<Self> {
        if Tag::peek(reader)? == KEY_IDENTIFIER {
            return Ok(Self::Key(AnyRef::decode(reader)?.value()));
        }
        reader.sequence(|fields| {
            Tag::peek(fields)?.assert_eq(Tag::Sequence)?;
            let issuer = fields.tlv_bytes()?;
            Tag::peek(fields)?.assert_eq(Tag::Integer)?;
            Ok(Self::Certificate { issuer, serial: AnyRef::decode(fields)?.value() })
        })
    }
}

impl<'a> SignerInfo<'a> {
    /// By hand, so that the signed attributes stay the bytes that were received.
    pub(super) fn read(info: AnyRef<'a>) -> der::Result<Self> {
        info.sequence(|fields| {
            let _version = fields.decode::<CmsVersion>()?;
            let identifier = Identifier::read(fields)?;
            let digest = fields.decode()?;
            let attributes = match Tag::peek(fields)? {
                CONTEXT_0 => Some(SignedAttributes::read(fields.decode()?)?),
                _ => None,
            };
            let algorithm = fields.decode()?;
            let signature = fields.decode()?;
            if !fields.is_finished() {
                let _unsigned_attributes = fields.tlv_bytes()?;
            }
            Ok(Self { identifier, digest, attributes, algorithm, signature })
        })
    }

    /// Whether the signer says that this is its certificate.
    pub(crate) fn claims(&self, certificate: &ReceivedCertificate) -> bool {
        match self.identifier {
            Identifier::Certificate { issuer, serial } => {
                issuer == certificate.issuer() && serial == certificate.serial()
            }
            Identifier::Key(identifier) => certificate.key_identifier() == Some(identifier),
        }
    }

    /// The identifier of the signer's key, when it is named by that.
    pub(crate) const fn key_identifier(&self) -> Option<&'a [u8]> {
        match self.identifier {
            Identifier::Key(identifier) => Some(identifier),
            Identifier::Certificate { .. } => None,
        }
    }

    /// Which signature this is. `rsaEncryption` leaves the digest to its own field (RFC 3370 §3.2, and OpenSSL).
    fn algorithm(&self) -> Result<SignatureAlgorithm, SignatureError> {
        let digest = Digest::try_from(&self.digest)?;
        if self.algorithm.oid == RSA_ENCRYPTION {
            return Ok(SignatureAlgorithm::RsaPkcs1(digest));
        }
        let algorithm = SignatureAlgorithm::try_from(&self.algorithm)?;
        if algorithm.digest() == digest { Ok(algorithm) } else { Err(SignatureError::MixedDigests) }
    }
}

/// Whether `id` names this certificate.
pub(crate) fn is_issuer_and_serial(certificate: &Certificate, id: &IssuerAndSerialNumber) -> bool {
    let certificate = certificate.tbs_certificate();
    id.issuer == *certificate.issuer() && id.serial_number == *certificate.serial_number()
}

/// Whether `id` names this certificate's key, by what the certificate says of it.
pub(crate) fn has_key_identifier(certificate: &Certificate, id: &SubjectKeyIdentifier) -> bool {
    let extension = certificate.tbs_certificate().get_extension::<SubjectKeyIdentifier>();
    matches!(extension, Ok(Some((_, key))) if key == *id)
}

impl SignedMessage<'_> {
    /// Whether the signer has the key of `certificate`: the signature is checked over the bytes received (RFC 5652 §5.4, §5.6).
    pub(crate) fn verify(
        &self,
        signer: &SignerInfo<'_>,
        certificate: &ReceivedCertificate,
    ) -> Result<(), SignatureError> {
        self.check(signer, certificate.public_key(), |attributes| attributes.names(certificate.der()))
    }

    /// That `key`, which has no certificate, made the signature; checked as [`verify`](Self::verify) does.
    pub(crate) fn verify_key(
        &self,
        signer: &SignerInfo<'_>,
        key: &SubjectPublicKeyInfoOwned,
    ) -> Result<(), SignatureError> {
        self.check(signer, key, |attributes| Ok(!attributes.names_any()))
    }

    /// The signature of `key`, with attributes that are `meant` for it.
    fn check(
        &self,
        signer: &SignerInfo<'_>,
        key: &SubjectPublicKeyInfoOwned,
        meant: impl FnOnce(&SignedAttributes<'_>) -> Result<bool, SignatureError>,
    ) -> Result<(), SignatureError> {
        let algorithm = signer.algorithm()?;
        let attributes = signer.attributes.as_ref().ok_or(SignatureError::NoSignedAttributes)?;
        if attributes.content_type()? != self.content_type {
            return Err(SignatureError::WrongContentType);
        }
        let content = algorithm.digest().of(self.signed_content());
        if attributes.message_digest()? != content.as_bytes() {
            return Err(SignatureError::WrongDigest);
        }
        if !meant(attributes)? {
            return Err(SignatureError::OtherCertificate);
        }
        Ok(obnova_algorithm::verify(key, algorithm, &attributes.signed, signer.signature.as_bytes())?)
    }
}

/// Why a signature on a message is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No certificate at hand is the signer's.
    #[error("the signer's certificate is not there")]
    UnknownSigner,
    /// A digest or signature algorithm that is not supported.
    #[error("the signature is refused: {0}")]
    Algorithm(#[from] UnknownAlgorithm),
    /// The signature is over another digest than the signer says.
    #[error("the signer names one digest and signs another")]
    MixedDigests,
    /// The attributes that RFC 5652 §5.3 requires are absent altogether.
    #[error("the signature has no signed attributes, which RFC 5652 section 5.3 requires")]
    NoSignedAttributes,
    /// A required signed attribute is absent.
    #[error("the signed attribute {oid} is missing")]
    MissingAttribute {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// A signed attribute stands twice, has not one value, or a malformed one.
    #[error("the signed attribute {oid} is malformed or stands there twice")]
    MalformedAttribute {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// The signed content type is not the message's.
    #[error("the signature is for content of another type")]
    WrongContentType,
    /// The content is not what was signed.
    #[error("the content was altered after it was signed")]
    WrongDigest,
    /// signing-certificate-v2 names another certificate with the same key or number (RFC 5035).
    #[error("the signature was made for another certificate")]
    OtherCertificate,
    /// The signature does not verify.
    #[error("the signature does not verify: {0}")]
    Signature(#[from] VerifyError),
}
