use der::{Decode, Reader, Tag, asn1::BitStringRef};
use obnova_algorithm::{SignatureAlgorithm, SubjectPublicKeyInfoOwned, UnknownAlgorithm, VerifyError, verify};
use spki::AlgorithmIdentifierOwned;

use crate::limits::MAX_ALGORITHM;

/// What certificates, CRLs and OCSP responses have in common: bytes, how they were signed, and the signature. The bytes stay as
/// they were received.
#[derive(Clone, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

impl<'a> Signed<'a> {
    /// The three fields, from inside their SEQUENCE.
    pub(crate) fn read(fields: &mut impl Reader<'a>) -> der::Result<Self> {
        let (bytes, algorithm) = (fields.tlv_bytes()?, fields.tlv_bytes()?);
        if algorithm.len() > MAX_ALGORITHM {
            return Err(Tag::Sequence.length_error().into());
        }
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm)?;
        Ok(Self { bytes, algorithm, signature: fields.decode()? })
    }

    /// Whether the owner of `key` signed the bytes.
    pub(crate) fn verify(&self, key: &SubjectPublicKeyInfoOwned) -> Result<(), SignatureError> {
        let algorithm = SignatureAlgorithm::try_from(&self.algorithm)?;
        let signature = self.signature.as_bytes().ok_or(VerifyError::WrongSignature)?;
        Ok(verify(key, algorithm, self.bytes, signature)?)
    }
}

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// An algorithm that is not supported: SHA-1 among them.
    #[error("the signature is refused: {0}")]
    Algorithm(#[from] UnknownAlgorithm),
    /// The signature does not verify, or the key cannot be used.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}
