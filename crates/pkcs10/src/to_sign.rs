use std::sync::{Arc, OnceLock};

use obnova_algorithm::{DigestValue, SignatureAlgorithm, SubjectPublicKeyInfoOwned, verify_digest};

use crate::{
    BuildError, CertificationRequest,
    backwards::{Backwards, SEQUENCE},
    request::Contents,
};

/// A finished CertificationRequestInfo that waits for its signature (RFC 2986 §4.2).
#[derive(Clone, Debug)]
pub struct RequestToSign {
    bytes: Vec<u8>,
    /// What the bytes say, for the request that they become.
    contents: Arc<Contents>,
    algorithm: SignatureAlgorithm,
    digest: OnceLock<DigestValue>,
}

impl RequestToSign {
    pub(crate) fn new(bytes: Vec<u8>, contents: Contents, algorithm: SignatureAlgorithm) -> Self {
        Self { bytes, contents: Arc::new(contents), algorithm, digest: OnceLock::new() }
    }

    /// The DER CertificationRequestInfo: what is signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of [`bytes`](Self::bytes), for a card that signs digests.
    #[must_use]
    pub fn digest(&self) -> DigestValue {
        *self.digest.get_or_init(|| self.algorithm.digest().of(&self.bytes))
    }

    /// How to sign.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The public key whose private half signs.
    #[must_use]
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.contents.public_key
    }

    /// Puts the signature in. It is checked first: a request that its own key did not sign never leaves.
    ///
    /// `signature` is what goes into the BIT STRING: as long as the modulus for RSA, DER `Ecdsa-Sig-Value` for ECDSA.
    ///
    /// # Errors
    /// [`BuildError::Signature`] when the signature is not by this key over these bytes. The bytes are still here to be
    /// signed again.
    pub fn assemble(&self, signature: &[u8]) -> Result<CertificationRequest, BuildError> {
        verify_digest(self.public_key(), self.algorithm, &self.digest(), signature)?;
        let mut der = Backwards::new();
        let mut after = 0;
        der.inside(SEQUENCE, |fields| {
            fields.bits(0, signature);
            fields.encoded(&self.algorithm.identifier())?;
            after = fields.written();
            fields.put(&self.bytes);
            Ok(())
        })?;
        let der = der.finish();
        let end = der.len() - after;
        Ok(CertificationRequest::made(der, end - self.bytes.len()..end, signature.len(), self))
    }

    pub(crate) const fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }
}
