use std::collections::BTreeSet;

use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_DATA, ID_SIGNED_DATA},
};
use der::{Encode, Tag, TagNumber, asn1::AnyRef};
use obnova_algorithm::{DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError, verify};
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
    /// DER of each.
    certificates: Vec<Vec<u8>>,
    signers: Vec<Prepared>,
}

#[derive(Clone, Debug)]
struct Prepared {
    key: SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    identifier: Identifier,
    /// DER of the signed attributes.
    attributes: Vec<u8>,
}

/// How a signer is named (RFC 5652 §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identifier {
    /// DER of issuer and serial number, one after the other.
    Certificate(Vec<u8>),
    /// For a key without a certificate, the identifier that a request asks for it.
    Key(Vec<u8>),
}

/// A key that signs without a certificate, by the identifier that a request in the message asks for it.
pub(crate) struct RequestKey<'a> {
    pub(crate) key: &'a SubjectPublicKeyInfoOwned,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) identifier: &'a [u8],
}

impl MessageToSign {
    /// A SignedData over `content`, that carries the certificates of the signers and `others`.
    pub(crate) fn new<'a>(
        content_type: ObjectIdentifier,
        content: Vec<u8>,
        signers: &[Signer],
        others: impl IntoIterator<Item = &'a Certificate>,
    ) -> Result<Self, BuildError> {
        let mut certificates = others.into_iter().map(Encode::to_der).collect::<der::Result<Vec<_>>>()?;
        let mut prepared = Vec::new();
        for (index, signer) in signers.iter().enumerate() {
            if signers[..index].iter().any(|earlier| earlier.certificate == signer.certificate) {
                return Err(BuildError::SignerTwice { index });
            }
            let tbs = signer.certificate.tbs_certificate();
            let name = [tbs.issuer().to_der()?, tbs.serial_number().to_der()?].concat();
            let key = tbs.subject_public_key_info();
            check_fit(index, key, signer.algorithm)?;
            let digest = signer.algorithm.digest().of(&content);
            let certificate = signer.certificate.to_der()?;
            let attributes = attributes::to_sign(content_type, &digest, Some(&certificate))?.to_der()?;
            certificates.push(certificate);
            let (key, identifier) = (key.clone(), Identifier::Certificate(name));
            prepared.push(Prepared { key, algorithm: signer.algorithm, identifier, attributes });
        }
        Self { content_type, content, certificates, signers: prepared }.checked()
    }

    /// A SignedData over `content` by keys that have no certificate yet.
    pub(crate) fn by_request_keys(
        content_type: ObjectIdentifier,
        content: Vec<u8>,
        keys: &[RequestKey<'_>],
    ) -> Result<Self, BuildError> {
        let mut prepared = Vec::new();
        for (index, RequestKey { key, algorithm, identifier }) in keys.iter().enumerate() {
            if keys[..index].iter().any(|earlier| earlier.key == *key || earlier.identifier == *identifier) {
                return Err(BuildError::SignerTwice { index });
            }
            check_fit(index, key, *algorithm)?;
            let attributes = attributes::to_sign(content_type, &algorithm.digest().of(&content), None)?.to_der()?;
            let identifier = Identifier::Key(identifier.to_vec());
            prepared.push(Prepared { key: (*key).clone(), algorithm: *algorithm, identifier, attributes });
        }
        Self { content_type, content, certificates: Vec::new(), signers: prepared }.checked()
    }

    fn checked(self) -> Result<Self, BuildError> {
        if self.signers.is_empty() {
            return Err(BuildError::NoSigner);
        }
        let too_many = self.signers.len() > limits::MAX_SIGNERS || self.certificates.len() > limits::MAX_CERTIFICATES;
        if too_many { Err(BuildError::TooMany) } else { Ok(self) }
    }

    /// What each signer signs, in the order in which the signers were given.
    #[must_use]
    pub fn to_sign(&self) -> Vec<ToSign> {
        let each = self.signers.iter().enumerate().map(|(signer, prepared)| {
            let algorithm = prepared.algorithm;
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
        for (index, (prepared, signature)) in self.signers.iter().zip(signatures).enumerate() {
            verify(&prepared.key, prepared.algorithm, &prepared.attributes, signature)
                .map_err(|error| BuildError::Signer { index, error })?;
        }
        self.put_together(signatures)
    }

    /// [`to_sign`](Self::to_sign) and [`assemble`](Self::assemble) in one, for keys that are at hand.
    ///
    /// # Errors
    /// What `sign` answers, or what `assemble` does.
    pub fn sign_with<E>(&self, sign: impl FnMut(&ToSign) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, SignWithError<E>> {
        let signatures = self.to_sign().iter().map(sign).collect::<Result<Vec<_>, E>>();
        Ok(self.assemble(&signatures.map_err(SignWithError::Key)?)?)
    }

    /// Like [`sign_with`](Self::sign_with), without a check of the signatures: for a key in the caller's own memory, used by
    /// a library that he trusts, and known to be that of the signer's certificate. A card is none of that.
    ///
    /// # Errors
    /// As [`sign_with`](Self::sign_with), but for wrong signatures.
    pub fn sign_with_trusted<E>(
        &self,
        sign: impl FnMut(&ToSign) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, SignWithError<E>> {
        let signatures = self.to_sign().iter().map(sign).collect::<Result<Vec<_>, E>>();
        Ok(self.put_together(&signatures.map_err(SignWithError::Key)?)?)
    }

    fn put_together(&self, signatures: &[Vec<u8>]) -> Result<Vec<u8>, BuildError> {
        if signatures.len() != self.signers.len() {
            return Err(BuildError::SignatureCount { wanted: self.signers.len(), given: signatures.len() });
        }
        let infos = self.signers.iter().zip(signatures);
        let infos = infos.map(|(prepared, signature)| signer_info(prepared, signature));
        let infos = infos.collect::<der::Result<Vec<_>>>()?;
        let digests = self.signers.iter().map(|prepared| prepared.algorithm.digest().identifier().to_der());
        let digests = digests.collect::<der::Result<Vec<_>>>()?;
        content_info(self.content_type, Some(&self.content), &digests, &self.certificates, &infos)
    }
}

fn check_fit(index: usize, key: &SubjectPublicKeyInfoOwned, algorithm: SignatureAlgorithm) -> Result<(), BuildError> {
    let key = KeyAlgorithm::try_from(key).map_err(|error| BuildError::Signer { index, error: error.into() })?;
    if algorithm.fits(key) {
        return Ok(());
    }
    Err(BuildError::Signer { index, error: VerifyError::WrongKind { algorithm, key } })
}

/// A SignedData that nobody signed: a message for which what stands in it speaks, or, without content, certificates only.
pub(crate) fn unsigned(
    content_type: ObjectIdentifier,
    content: Option<&[u8]>,
    certificates: &[Certificate],
) -> Result<Vec<u8>, BuildError> {
    let certificates = certificates.iter().map(Encode::to_der).collect::<der::Result<Vec<_>>>()?;
    content_info(content_type, content, &[], &certificates, &[])
}

const CONTEXT_0: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
const KEY_IDENTIFIER: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };

/// RFC 5652 §3 and §5.1, of parts that are DER; the version is 3 unless the content is plain data.
fn content_info(
    content_type: ObjectIdentifier,
    content: Option<&[u8]>,
    digest_algorithms: &[Vec<u8>],
    certificates: &[Vec<u8>],
    signer_infos: &[Vec<u8>],
) -> Result<Vec<u8>, BuildError> {
    let version: u8 = if content_type == ID_DATA { 1 } else { 3 };
    let content = match content {
        None => Vec::new(),
        Some(content) => element(CONTEXT_0, &[element(Tag::OctetString, &[content])?])?,
    };
    let certificates = match certificates {
        [] => Vec::new(),
        certificates => element(CONTEXT_0, &set_of(certificates))?,
    };
    let signed_data = [
        version.to_der()?,
        element(Tag::Set, &set_of(digest_algorithms))?,
        element(Tag::Sequence, &[content_type.to_der()?, content])?,
        certificates,
        element(Tag::Set, &set_of(signer_infos))?,
    ];
    let signed_data = element(CONTEXT_0, &[element(Tag::Sequence, &signed_data)?])?;
    let message = element(Tag::Sequence, &[ID_SIGNED_DATA.to_der()?, signed_data])?;
    match message.len() {
        size if size > limits::MAX_MESSAGE => Err(BuildError::TooLong { size }),
        _ => Ok(message),
    }
}

/// The members of a SET OF, sorted as DER asks (X.690 §11.6), nothing twice.
fn set_of(members: &[Vec<u8>]) -> Vec<&[u8]> {
    members.iter().map(Vec::as_slice).collect::<BTreeSet<_>>().into_iter().collect()
}

/// RFC 5652 §5.3: version 1 names the signer by issuer and serial number, 3 by a key identifier.
fn signer_info(prepared: &Prepared, signature: &[u8]) -> der::Result<Vec<u8>> {
    let algorithm = prepared.algorithm;
    let (version, identifier) = match &prepared.identifier {
        Identifier::Certificate(name) => (1u8, element(Tag::Sequence, &[name])?),
        Identifier::Key(identifier) => (3, element(KEY_IDENTIFIER, &[identifier])?),
    };
    let attributes: AnyRef<'_> = der::Decode::from_der(&prepared.attributes)?;
    let fields = [
        version.to_der()?,
        identifier,
        algorithm.digest().identifier().to_der()?,
        // IMPLICIT: the same SET with another tag (RFC 5652 §5.4).
        element(CONTEXT_0, &[attributes.value()])?,
        algorithm.identifier().to_der()?,
        element(Tag::OctetString, &[signature])?,
    ];
    element(Tag::Sequence, &fields)
}

/// One element around parts of its content.
fn element<P: AsRef<[u8]>>(tag: Tag, parts: &[P]) -> der::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(parts.iter().map(|part| part.as_ref().len()).sum());
    parts.iter().for_each(|part| content.extend_from_slice(part.as_ref()));
    AnyRef::new(tag, &content)?.to_der()
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
    /// A request whose key signs the message does not ask for a subjectKeyIdentifier (RFC 5272 §3.2), or not with a known
    /// signature algorithm.
    #[error("request {index} asks for no subjectKeyIdentifier, by which its key could sign the message")]
    NoKeyIdentifier {
        /// Which, counted from zero.
        index: usize,
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
