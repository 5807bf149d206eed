use der::{Encode, Sequence, asn1::BitStringRef};
use obnova_algorithm::{DigestValue, SignatureAlgorithm, SubjectPublicKeyInfoOwned, verify};
use spki::AlgorithmIdentifierOwned;

use crate::{BuildError, CertificationRequest};

/// A finished CertificationRequestInfo that waits for its signature (RFC 2986 §4.2).
#[derive(Clone, Debug)]
pub struct RequestToSign {
    bytes: Vec<u8>,
    key: SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
}

impl RequestToSign {
    pub(crate) const fn new(bytes: Vec<u8>, key: SubjectPublicKeyInfoOwned, algorithm: SignatureAlgorithm) -> Self {
        Self { bytes, key, algorithm }
    }

    /// The DER CertificationRequestInfo: what is signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of [`bytes`](Self::bytes), for a card that signs digests.
    #[must_use]
    pub fn digest(&self) -> DigestValue {
        self.algorithm.digest().of(&self.bytes)
    }

    /// How to sign.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The public key whose private half signs.
    #[must_use]
    pub const fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.key
    }

    /// Puts the signature in. It is checked first: a request that its own key did not sign never leaves.
    ///
    /// `signature` is what goes into the BIT STRING: as long as the modulus for RSA, DER `Ecdsa-Sig-Value` for ECDSA.
    ///
    /// # Errors
    /// [`BuildError::Signature`] when the signature is not by this key over these bytes. The bytes are still here to be
    /// signed again.
    pub fn assemble(&self, signature: &[u8]) -> Result<CertificationRequest, BuildError> {
        verify(&self.key, self.algorithm, &self.bytes, signature)?;
        let request = Signed {
            info: der::asn1::AnyRef::try_from(self.bytes.as_slice())?,
            algorithm: self.algorithm.identifier(),
            signature: BitStringRef::from_bytes(signature)?,
        };
        let der = request.to_der()?;
        CertificationRequest::from_der(&der).map_err(|error| match error {
            crate::ParseError::Malformed(error) => error.into(),
            crate::ParseError::TooLong { .. } | crate::ParseError::Pem => BuildError::TooLong { size: der.len() },
        })
    }
}

#[derive(Sequence)]
struct Signed<'a> {
    info: der::asn1::AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}
