use std::{fmt, sync::Arc};

use der::{Encode, Tag, TagNumber};
use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError, verify};
use x509_cert::Certificate;

use super::{BuildError, attributes, element::element};

/// Who signs a message, and how. The private key is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The certificate of the signing key; it travels with the message.
    pub certificate: Certificate,
    /// The signature it makes.
    pub algorithm: SignatureAlgorithm,
}

/// A key that signs without a certificate, by the identifier that a request in the message asks for it.
pub(crate) struct RequestKey<'a> {
    pub(crate) key: &'a SubjectPublicKeyInfoOwned,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) identifier: &'a [u8],
}

/// A [`Signer`] who signs many messages: what is the same in all of them is written once.
#[derive(Clone)]
pub struct ReadySigner(Arc<Written>);

struct Written {
    key: SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    /// Version of a SignerInfo that names him so, and DER of the name (RFC 5652 §5.3).
    version: u8,
    identifier: Vec<u8>,
    certificate: Option<Certified>,
}

/// DER of a signer's certificate, and of the attribute signing-certificate-v2 that names it.
struct Certified {
    certificate: Vec<u8>,
    attribute: Vec<u8>,
}

const KEY_IDENTIFIER: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };

impl ReadySigner {
    /// Gets a signer ready.
    ///
    /// # Errors
    /// [`BuildError::Signer`], as of the first of a message's signers, when the algorithm does not fit the key.
    pub fn new(signer: &Signer) -> Result<Self, BuildError> {
        Self::at(0, signer)
    }

    /// The signer at this place of a message, named by issuer and serial number.
    pub(super) fn at(index: usize, Signer { certificate, algorithm }: &Signer) -> Result<Self, BuildError> {
        let tbs = certificate.tbs_certificate();
        let key = tbs.subject_public_key_info();
        check_fit(index, key, *algorithm)?;
        let identifier = element(Tag::Sequence, &[tbs.issuer().to_der()?, tbs.serial_number().to_der()?])?;
        let certificate = certificate.to_der()?;
        let attribute = attributes::signing_certificate(&certificate)?;
        let certificate = Some(Certified { certificate, attribute });
        Ok(Self(Arc::new(Written { key: key.clone(), algorithm: *algorithm, version: 1, identifier, certificate })))
    }

    /// The key at this place of a message, named by its identifier.
    pub(super) fn of_request(index: usize, request: &RequestKey<'_>) -> Result<Self, BuildError> {
        let RequestKey { key, algorithm, identifier } = *request;
        check_fit(index, key, algorithm)?;
        let identifier = element(KEY_IDENTIFIER, &[identifier])?;
        Ok(Self(Arc::new(Written { key: key.clone(), algorithm, version: 3, identifier, certificate: None })))
    }

    /// Whether both are one, or would be taken for one.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self.certificate(), other.certificate()) {
            (None, None) => self.0.key == other.0.key || self.0.identifier == other.0.identifier,
            (own, others) => own == others,
        }
    }

    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm
    }

    /// DER.
    pub(super) fn certificate(&self) -> Option<&[u8]> {
        self.0.certificate.as_ref().map(|one| one.certificate.as_slice())
    }

    /// Version of his SignerInfo, and DER of his name in it.
    pub(super) fn identifier(&self) -> (u8, &[u8]) {
        (self.0.version, &self.0.identifier)
    }

    /// DER of the attribute.
    pub(super) fn signing_certificate(&self) -> Option<&[u8]> {
        self.0.certificate.as_ref().map(|one| one.attribute.as_slice())
    }

    /// Whether the signature is the signer's.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        verify(&self.0.key, self.0.algorithm, message, signature)
    }
}

fn check_fit(index: usize, key: &SubjectPublicKeyInfoOwned, algorithm: SignatureAlgorithm) -> Result<(), BuildError> {
    let key = KeyAlgorithm::try_from(key).map_err(|error| BuildError::Signer { index, error: error.into() })?;
    if algorithm.fits(key) {
        return Ok(());
    }
    Err(BuildError::Signer { index, error: VerifyError::WrongKind { algorithm, key } })
}

impl fmt::Debug for ReadySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadySigner").field("algorithm", &self.0.algorithm).finish_non_exhaustive()
    }
}
