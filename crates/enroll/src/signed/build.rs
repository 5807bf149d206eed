use std::collections::BTreeSet;

use cms::{
    cert::IssuerAndSerialNumber,
    content_info::{CmsVersion, ContentInfo},
    signed_data::{
        EncapsulatedContentInfo, SignatureValue, SignedAttributes, SignedData, SignerIdentifier, SignerInfo,
    },
};
use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_DATA, ID_SIGNED_DATA},
};
use der::{
    Decode, DecodeValue, Encode, EncodingRules, FixedTag, Tag,
    asn1::{Any, OctetStringRef},
};
use obnova_algorithm::{DigestValue, KeyAlgorithm, SignatureAlgorithm, VerifyError, verify};
use spki::AlgorithmIdentifierOwned;
use x509_cert::Certificate;

use super::attributes;
use crate::limits;

/// Who signs a message, and how. The private key is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The certificate of the signing key; it travels with the message.
    pub certificate: Certificate,
    /// The signature it makes.
    pub algorithm: SignatureAlgorithm,
}

/// What one signer has to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToSign {
    /// Which of the signers, counted from zero in the order they were given.
    pub signer: usize,
    /// How to sign.
    pub algorithm: SignatureAlgorithm,
    /// The digest of `bytes`, for keys that sign digests.
    pub digest: DigestValue,
    /// The DER of the signed attributes (RFC 5652 §5.4).
    pub bytes: Vec<u8>,
}

/// A message that waits for the signatures of all its signers.
#[derive(Clone, Debug)]
pub struct MessageToSign {
    content_type: ObjectIdentifier,
    content: Vec<u8>,
    certificates: Vec<Certificate>,
    signers: Vec<Prepared>,
}

#[derive(Clone, Debug)]
struct Prepared {
    signer: Signer,
    /// DER of the signed attributes.
    attributes: Vec<u8>,
}

impl MessageToSign {
    /// A SignedData over `content`, that carries the certificates of the signers and `others`.
    pub(crate) fn new<'a>(
        content_type: ObjectIdentifier,
        content: Vec<u8>,
        signers: &[Signer],
        others: impl IntoIterator<Item = &'a Certificate>,
    ) -> Result<Self, BuildError> {
        if signers.is_empty() {
            return Err(BuildError::NoSigner);
        }
        let mut certificates = others.into_iter().cloned().collect::<Vec<_>>();
        let mut prepared = Vec::new();
        for (index, signer) in signers.iter().enumerate() {
            let key = signer.certificate.tbs_certificate().subject_public_key_info();
            let key = KeyAlgorithm::try_from(key).map_err(|error| BuildError::Signer { index, error: error.into() })?;
            if !signer.algorithm.fits(key) {
                let error = VerifyError::WrongKind { algorithm: signer.algorithm, key };
                return Err(BuildError::Signer { index, error });
            }
            if signers[..index].iter().any(|earlier| earlier.certificate == signer.certificate) {
                return Err(BuildError::SignerTwice { index });
            }
            let digest = signer.algorithm.digest().of(&content);
            let attributes = attributes::to_sign(content_type, &digest, &signer.certificate.to_der()?)?.to_der()?;
            certificates.push(signer.certificate.clone());
            prepared.push(Prepared { signer: signer.clone(), attributes });
        }
        if prepared.len() > limits::MAX_SIGNERS || certificates.len() > limits::MAX_CERTIFICATES {
            return Err(BuildError::TooMany);
        }
        Ok(Self { content_type, content, certificates, signers: prepared })
    }

    /// What each signer signs, in the order in which the signers were given.
    #[must_use]
    pub fn to_sign(&self) -> Vec<ToSign> {
        let each = self.signers.iter().enumerate().map(|(signer, prepared)| {
            let algorithm = prepared.signer.algorithm;
            let bytes = prepared.attributes.clone();
            ToSign { signer, algorithm, digest: algorithm.digest().of(&bytes), bytes }
        });
        each.collect()
    }

    /// Puts the signatures in, one for each of [`to_sign`](Self::to_sign) in its order, and gives the message as DER
    /// ContentInfo. Each is checked first: a message with a signature that does not verify never leaves.
    ///
    /// # Errors
    /// [`BuildError::Signer`] names the signer whose signature is wrong; the others can be used again.
    pub fn assemble(&self, signatures: &[Vec<u8>]) -> Result<Vec<u8>, BuildError> {
        if signatures.len() != self.signers.len() {
            return Err(BuildError::SignatureCount { wanted: self.signers.len(), given: signatures.len() });
        }
        let mut infos = Vec::new();
        for (index, (prepared, signature)) in self.signers.iter().zip(signatures).enumerate() {
            let Signer { certificate, algorithm } = &prepared.signer;
            let key = certificate.tbs_certificate().subject_public_key_info();
            verify(key, *algorithm, &prepared.attributes, signature)
                .map_err(|error| BuildError::Signer { index, error })?;
            infos.push(signer_info(prepared, signature)?);
        }
        let digests = infos.iter().map(|info| info.digest_alg.clone()).collect::<Vec<_>>();
        content_info(self.content_type, Some(&self.content), &digests, &self.certificates, &infos)
    }

    /// [`to_sign`](Self::to_sign) and [`assemble`](Self::assemble) in one, for keys that are at hand.
    ///
    /// # Errors
    /// What `sign` answers, or what `assemble` does.
    pub fn sign_with<E>(&self, sign: impl FnMut(&ToSign) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, SignWithError<E>> {
        let signatures = self.to_sign().iter().map(sign).collect::<Result<Vec<_>, E>>();
        Ok(self.assemble(&signatures.map_err(SignWithError::Key)?)?)
    }
}

/// A SignedData that nobody signed: a message for which what stands in it speaks, or, without content, certificates only.
pub(crate) fn unsigned(
    content_type: ObjectIdentifier,
    content: Option<&[u8]>,
    certificates: &[Certificate],
) -> Result<Vec<u8>, BuildError> {
    content_info(content_type, content, &[], certificates, &[])
}

/// RFC 5652 §3 and §5.1; the version is 3 unless the content is plain data.
fn content_info(
    content_type: ObjectIdentifier,
    content: Option<&[u8]>,
    digest_algorithms: &[AlgorithmIdentifierOwned],
    certificates: &[Certificate],
    signer_infos: &[SignerInfo],
) -> Result<Vec<u8>, BuildError> {
    let content = content.map(OctetStringRef::new).transpose()?;
    let signed_data = SignedData {
        version: if content_type == ID_DATA { CmsVersion::V1 } else { CmsVersion::V3 },
        digest_algorithms: set_of(digest_algorithms)?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: content_type, econtent: content.map(Any::from) },
        certificates: if certificates.is_empty() { None } else { Some(set_of(certificates)?) },
        crls: None,
        signer_infos: set_of(signer_infos)?,
    };
    let message = ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&signed_data)? }.to_der()?;
    match message.len() {
        size if size > limits::MAX_MESSAGE => Err(BuildError::TooLong { size }),
        _ => Ok(message),
    }
}

/// A SET OF sorted as DER asks (X.690 §11.6), nothing twice. `cms` 0.3.0-rc.0 would sort certificates and signers of one
/// length in an order of its own; what is decoded as BER stays in the order it has.
fn set_of<T: for<'a> DecodeValue<'a, Error = der::Error> + FixedTag>(members: &[impl Encode]) -> der::Result<T> {
    let members = members.iter().map(Encode::to_der).collect::<der::Result<BTreeSet<_>>>()?;
    Any::new(Tag::Set, members.into_iter().flatten().collect::<Vec<_>>())?.decode_as_encoding(EncodingRules::Ber)
}

/// RFC 5652 §5.3, version 1: the signer is named by issuer and serial number.
fn signer_info(prepared: &Prepared, signature: &[u8]) -> der::Result<SignerInfo> {
    let Signer { certificate, algorithm } = &prepared.signer;
    let certificate = certificate.tbs_certificate();
    Ok(SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: certificate.issuer().clone(),
            serial_number: certificate.serial_number().clone(),
        }),
        digest_alg: algorithm.digest().identifier(),
        signed_attrs: Some(SignedAttributes::from_der(&prepared.attributes)?),
        signature_algorithm: algorithm.identifier(),
        signature: SignatureValue::new(signature)?,
        unsigned_attrs: None,
    })
}

/// Why a message could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Nobody is there to sign.
    #[error("the message has no signer: name at least one")]
    NoSigner,
    /// The same certificate stands among the signers twice.
    #[error("signer {index} is named twice")]
    SignerTwice {
        /// The second place, counted from zero.
        index: usize,
    },
    /// A signer's key, algorithm or signature cannot be used.
    #[error("signer {index}: {error}")]
    Signer {
        /// Which, counted from zero.
        index: usize,
        /// Why.
        error: VerifyError,
    },
    /// Not one signature for each signer.
    #[error("the message has {wanted} signers, {given} signatures were given")]
    SignatureCount {
        /// Signers there are.
        wanted: usize,
        /// Signatures that were given.
        given: usize,
    },
    /// The message asks for nothing.
    #[error("the message would be empty: give it at least one request or certificate")]
    Empty,
    /// More signers, certificates or requests than a reader accepts ([`limits`]).
    #[error("the message has more signers, certificates or requests than a reader accepts")]
    TooMany,
    /// Longer than a reader accepts ([`limits::MAX_MESSAGE`]).
    #[error("the message would have {size} bytes, more than a reader accepts")]
    TooLong {
        /// Bytes it would have.
        size: usize,
    },
    /// A part cannot be written as DER.
    #[error("the message cannot be encoded: {0}")]
    Encode(#[from] der::Error),
}

/// Why [`MessageToSign::sign_with`] failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignWithError<E> {
    /// The key could not sign.
    #[error("the message was not signed")]
    Key(#[source] E),
    /// The message could not be made of its signatures.
    #[error(transparent)]
    Build(#[from] BuildError),
}
