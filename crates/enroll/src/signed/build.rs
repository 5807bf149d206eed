use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_DATA, ID_SIGNED_DATA},
};
use der::{Encode, Tag, TagNumber, asn1::AnyRef};
use obnova_algorithm::{DigestValue, SignatureAlgorithm, VerifyError};
use x509_cert::Certificate;

use super::{
    ReadySigner, RequestKey, Signer, attributes,
    element::{Part, element, set_of},
};
use crate::limits;

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
    signer: ReadySigner,
    /// DER of the signed attributes.
    attributes: Vec<u8>,
}

impl MessageToSign {
    /// A SignedData over `content`, that carries the certificates of the signers and `others`, which are DER.
    pub(crate) fn new(
        content_type: ObjectIdentifier,
        content: Vec<u8>,
        signers: &[Signer],
        others: Vec<Vec<u8>>,
    ) -> Result<Self, BuildError> {
        let ready = signers.iter().enumerate().map(|(index, signer)| ReadySigner::at(index, signer));
        Self::by(content_type, content, ready.collect::<Result<_, _>>()?, others)
    }

    /// Like [`new`](Self::new), by signers who are ready.
    pub(crate) fn by(
        content_type: ObjectIdentifier,
        content: Vec<u8>,
        signers: Vec<ReadySigner>,
        others: Vec<Vec<u8>>,
    ) -> Result<Self, BuildError> {
        let mut certificates = others;
        let mut prepared = Vec::<Prepared>::new();
        for (index, signer) in signers.into_iter().enumerate() {
            if prepared.iter().any(|earlier| earlier.signer.is(&signer)) {
                return Err(BuildError::SignerTwice { index });
            }
            let digest = signer.algorithm().digest().of(&content);
            let attributes = attributes::to_sign(content_type, &digest, signer.signing_certificate())?;
            certificates.extend(signer.certificate().map(<[u8]>::to_vec));
            prepared.push(Prepared { signer, attributes });
        }
        Self { content_type, content, certificates, signers: prepared }.checked()
    }

    /// A SignedData over `content` by keys that have no certificate yet.
    pub(crate) fn by_request_keys(
        content_type: ObjectIdentifier,
        content: Vec<u8>,
        keys: &[RequestKey<'_>],
    ) -> Result<Self, BuildError> {
        let ready = keys.iter().enumerate().map(|(index, key)| ReadySigner::of_request(index, key));
        Self::by(content_type, content, ready.collect::<Result<_, _>>()?, Vec::new())
    }

    /// What is signed. From it, and without a password, [`FirstRequestBuilder::resume`](crate::cmc::FirstRequestBuilder::resume)
    /// makes this message again.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
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
            let algorithm = prepared.signer.algorithm();
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
            let good = prepared.signer.verify(&prepared.attributes, signature);
            good.map_err(|error| BuildError::Signer { index, error })?;
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
        let digests = self.signers.iter().map(|prepared| prepared.signer.algorithm().digest().identifier().to_der());
        let digests = digests.collect::<der::Result<Vec<_>>>()?;
        content_info(self.content_type, Some(&self.content), &digests, &self.certificates, &infos)
    }
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
/// RFC 5652 §3 and §5.1, of parts that are DER; the version is 3 unless the content is plain data.
fn content_info(
    content_type: ObjectIdentifier,
    content: Option<&[u8]>,
    digest_algorithms: &[Vec<u8>],
    certificates: &[Vec<u8>],
    signer_infos: &[Vec<u8>],
) -> Result<Vec<u8>, BuildError> {
    let version = if content_type == ID_DATA { 1u8 } else { 3 }.to_der()?;
    let (content_type, signed_data) = (content_type.to_der()?, ID_SIGNED_DATA.to_der()?);
    let members = |members| set_of(members).into_iter().map(Part::Written).collect::<Vec<_>>();
    let mut encapsulated = vec![Part::Written(&content_type)];
    if let Some(content) = content {
        let octets = Part::Element(Tag::OctetString, vec![Part::Written(content)]);
        encapsulated.push(Part::Element(CONTEXT_0, vec![octets]));
    }
    let mut fields = vec![
        Part::Written(&version),
        Part::Element(Tag::Set, members(digest_algorithms)),
        Part::Element(Tag::Sequence, encapsulated),
    ];
    if !certificates.is_empty() {
        fields.push(Part::Element(CONTEXT_0, members(certificates)));
    }
    fields.push(Part::Element(Tag::Set, members(signer_infos)));
    let content = Part::Element(CONTEXT_0, vec![Part::Element(Tag::Sequence, fields)]);
    let message = Part::Element(Tag::Sequence, vec![Part::Written(&signed_data), content]);
    match message.size()? {
        size if size > limits::MAX_MESSAGE => Err(BuildError::TooLong { size }),
        size => {
            let mut out = Vec::with_capacity(size);
            message.write(&mut out)?;
            Ok(out)
        }
    }
}

/// RFC 5652 §5.3: version 1 names the signer by issuer and serial number, 3 by a key identifier.
fn signer_info(prepared: &Prepared, signature: &[u8]) -> der::Result<Vec<u8>> {
    let algorithm = prepared.signer.algorithm();
    let (version, identifier) = prepared.signer.identifier();
    let attributes: AnyRef<'_> = der::Decode::from_der(&prepared.attributes)?;
    let fields = [
        version.to_der()?,
        identifier.to_vec(),
        algorithm.digest().identifier().to_der()?,
        // IMPLICIT: the same SET with another tag (RFC 5652 §5.4).
        element(CONTEXT_0, &[attributes.value()])?,
        algorithm.identifier().to_der()?,
        element(Tag::OctetString, &[signature])?,
    ];
    element(Tag::Sequence, &fields)
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
    /// A message was to be gone on with, and its content is that of another one.
    #[error("the content is not that of a message with these requests")]
    NotThatContent,
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
