use std::borrow::Cow;

use cms::content_info::CmsVersion;
use const_oid::{ObjectIdentifier, db::rfc5911::ID_SIGNED_DATA};
use der::{
    Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged,
    asn1::{AnyRef, OctetStringRef},
};
use x509_cert::Certificate;

use super::{ReceivedCertificate, verify::SignerInfo};
use crate::{
    ber::{self, FramingError},
    limits::{MAX_CERTIFICATE, MAX_CERTIFICATES, MAX_SIGNERS},
};

/// A SignedData as received: what was signed is kept as bytes, nothing is believed yet.
pub(crate) struct SignedMessage<'a> {
    pub(crate) content_type: ObjectIdentifier,
    content: Option<&'a [u8]>,
    pub(crate) certificates: Vec<ReceivedCertificate>,
    pub(crate) signers: Vec<SignerInfo<'a>>,
}

/// A message, DER or BER, in the framing of DER: for [`SignedMessage::parse`].
pub(crate) fn framed(bytes: &[u8]) -> Result<Cow<'_, [u8]>, MessageError> {
    Ok(ber::to_der(bytes)?)
}

impl<'a> SignedMessage<'a> {
    /// Reads a ContentInfo with SignedData in it (RFC 5652 §3, §5.1), that is [`framed`].
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, MessageError> {
        let info = ContentInfo::from_der(der)?;
        if info.content_type != ID_SIGNED_DATA {
            return Err(MessageError::NotSignedData { oid: info.content_type });
        }
        let data = info.content.decode_as::<SignedData<'_>>()?;
        data.digest_algorithms.tag().assert_eq(Tag::Set)?;
        let signers = signers(data.signer_infos)?;
        let mut certificates = Vec::new();
        for choice in data.certificates.unwrap_or_default() {
            // Other choices than a certificate are attribute certificates and relics (RFC 5652 §10.2.2): not used here.
            if choice.tag() == Tag::Sequence {
                certificates.push(ReceivedCertificate::new(choice.to_der()?)?);
            }
            if certificates.len() > MAX_CERTIFICATES {
                return Err(MessageError::TooMany { what: "certificates", most: MAX_CERTIFICATES });
            }
        }
        let content = data.content.content.map(|content| content.decode_as::<&OctetStringRef>()).transpose()?;
        let content = content.map(OctetStringRef::as_bytes);
        Ok(Self { content_type: data.content.content_type, content, certificates, signers })
    }

    /// The certificates that came along, in their order, for whoever passes them on.
    pub(crate) fn read_certificates(&self) -> Result<Vec<Certificate>, MessageError> {
        self.certificates.iter().map(ReceivedCertificate::read).collect()
    }

    /// The content, when it is of the type that is wanted.
    pub(crate) fn content(&self, wanted: ObjectIdentifier) -> Result<&'a [u8], MessageError> {
        if self.content_type != wanted {
            return Err(MessageError::WrongContent { found: self.content_type, wanted });
        }
        self.content.ok_or(MessageError::NoContent)
    }

    /// What was signed: nothing, where the content is elsewhere.
    pub(super) fn signed_content(&self) -> &'a [u8] {
        self.content.unwrap_or_default()
    }
}

/// One certificate, that is not too long and is DER, so that it can be written again as it was.
pub(crate) fn certificate(der: &[u8]) -> Result<Certificate, MessageError> {
    if der.len() > MAX_CERTIFICATE {
        return Err(MessageError::LongCertificate { size: der.len() });
    }
    // What a message is searched for is searched for here too, so that what was read can be sent in a message.
    ber::to_der(der)?;
    ReceivedCertificate::new(der.to_vec())?.read()
}

/// The members of the set, in the order received, which is not to be DER's.
fn signers(set: AnyRef<'_>) -> Result<Vec<SignerInfo<'_>>, MessageError> {
    set.tag().assert_eq(Tag::Set)?;
    let mut reader = SliceReader::new(set.value())?;
    let mut infos = Vec::new();
    while !reader.is_finished() {
        infos.push(reader.decode::<AnyRef<'_>>()?);
    }
    if infos.len() > MAX_SIGNERS {
        return Err(MessageError::TooMany { what: "signers", most: MAX_SIGNERS });
    }
    Ok(infos.into_iter().map(SignerInfo::read).collect::<der::Result<_>>()?)
}

/// RFC 5652 §3, of the bytes received.
#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: AnyRef<'a>,
}

/// Not the one of `cms`, for which one odd certificate spoils the message: what is in it is looked at one by one.
#[derive(Sequence)]
struct SignedData<'a> {
    version: CmsVersion,
    digest_algorithms: AnyRef<'a>,
    content: EncapsulatedContentInfo<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    certificates: Option<Vec<AnyRef<'a>>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    crls: Option<Vec<AnyRef<'a>>>,
    signer_infos: AnyRef<'a>,
}

/// RFC 5652 §5.2.
#[derive(Sequence)]
struct EncapsulatedContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    content: Option<AnyRef<'a>>,
}

/// Why bytes are not a message of the kind that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not one well-framed element.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// Well framed, and not the structure it should be.
    #[error("the message is malformed: {0}")]
    Malformed(#[from] der::Error),
    /// A ContentInfo of another type.
    #[error("the message is of type {oid}, and not SignedData")]
    NotSignedData {
        /// Its type.
        oid: ObjectIdentifier,
    },
    /// SignedData over another kind of content.
    #[error("the message carries content of type {found}, wanted is {wanted}")]
    WrongContent {
        /// What it carries.
        found: ObjectIdentifier,
        /// What it should carry.
        wanted: ObjectIdentifier,
    },
    /// SignedData whose content is elsewhere.
    #[error("the message has no content")]
    NoContent,
    /// A certificate that cannot be read.
    #[error("a certificate in the message is malformed: {0}")]
    Certificate(der::Error),
    /// A certificate longer than [`MAX_CERTIFICATE`].
    #[error("a certificate in the message has {size} bytes, at most {MAX_CERTIFICATE} are read")]
    LongCertificate {
        /// Bytes it has.
        size: usize,
    },
    /// A certificate that would change when it is written again.
    #[error("a certificate in the message is not DER: it cannot be passed on unchanged")]
    CertificateNotDer,
    /// Nothing in it.
    #[error("there is no certificate in the message")]
    NoCertificates,
    /// More of something than is read.
    #[error("the message has more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are read.
        most: usize,
    },
    /// The text is not PEM with a label that is read here.
    #[error(
        "the text is not PEM of certificates or of PKCS#7: it starts with -----BEGIN CERTIFICATE----- or -----BEGIN PKCS7-----"
    )]
    Pem,
}
