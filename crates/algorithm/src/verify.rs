use aws_lc_rs::{digest as lc, signature as sig};
use spki::SubjectPublicKeyInfoOwned;

use crate::{Digest, DigestValue, KeyAlgorithm, KeyError, SignatureAlgorithm};

/// Verifies `signature` over `message` under the key `spki`.
///
/// # Errors
/// [`VerifyError`]: the key is not supported, the algorithm is for another kind of key, or the signature is wrong.
pub fn verify(
    spki: &SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    verify_digest(spki, algorithm, &algorithm.digest().of(message), signature)
}

/// Like [`verify`], over a digest that was computed before.
///
/// # Errors
/// As [`verify`]; [`VerifyError::WrongSignature`] also when the digest is of another function than the algorithm's.
pub fn verify_digest(
    spki: &SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    digest: &DigestValue,
    signature: &[u8],
) -> Result<(), VerifyError> {
    let (parameters, public) = understood(spki, algorithm)?;
    sig::UnparsedPublicKey::new(parameters, public)
        .verify_digest(&import(digest)?, signature)
        .map_err(|_| VerifyError::WrongSignature)
}

/// A public key that was read once, to verify many signatures by one algorithm: what [`verify_digest`] does, without its
/// preparations.
#[derive(Clone, Debug)]
pub struct Verifier {
    algorithm: SignatureAlgorithm,
    key: sig::ParsedPublicKey,
}

impl Verifier {
    /// Reads the key `spki` for signatures by `algorithm`.
    ///
    /// # Errors
    /// [`VerifyError`]: the key is not supported, or the algorithm is for another kind of key.
    pub fn new(spki: &SubjectPublicKeyInfoOwned, algorithm: SignatureAlgorithm) -> Result<Self, VerifyError> {
        let (parameters, public) = understood(spki, algorithm)?;
        let key = sig::ParsedPublicKey::new(parameters, public).map_err(|_| KeyError::Malformed)?;
        Ok(Self { algorithm, key })
    }

    /// What signatures it verifies.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Verifies a signature over a digest.
    ///
    /// # Errors
    /// [`VerifyError::WrongSignature`], also when the digest is of another function than the algorithm's.
    pub fn verify_digest(&self, digest: &DigestValue, signature: &[u8]) -> Result<(), VerifyError> {
        self.key.verify_digest_sig(&import(digest)?, signature).map_err(|_| VerifyError::WrongSignature)
    }
}

type Parameters = &'static dyn sig::VerificationAlgorithm;

/// The key's bytes and the algorithm in the library's words, when one fits the other.
fn understood(
    spki: &SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
) -> Result<(Parameters, &[u8]), VerifyError> {
    let key = KeyAlgorithm::try_from(spki)?;
    if !algorithm.fits(key) {
        return Err(VerifyError::WrongKind { algorithm, key });
    }
    let public = spki.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
    Ok((parameters(key, algorithm), public))
}

fn import(digest: &DigestValue) -> Result<lc::Digest, VerifyError> {
    let hash = match digest.digest() {
        Digest::Sha256 => &lc::SHA256,
        Digest::Sha384 => &lc::SHA384,
        Digest::Sha512 => &lc::SHA512,
    };
    lc::Digest::import_less_safe(digest.as_bytes(), hash).map_err(|_| VerifyError::WrongSignature)
}

fn parameters(key: KeyAlgorithm, algorithm: SignatureAlgorithm) -> Parameters {
    use Digest::{Sha256, Sha384, Sha512};
    match (algorithm, key) {
        (SignatureAlgorithm::RsaPkcs1(Sha256), _) => &sig::RSA_PKCS1_2048_8192_SHA256,
        (SignatureAlgorithm::RsaPkcs1(Sha384), _) => &sig::RSA_PKCS1_2048_8192_SHA384,
        (SignatureAlgorithm::RsaPkcs1(Sha512), _) => &sig::RSA_PKCS1_2048_8192_SHA512,
        (SignatureAlgorithm::RsaPss(Sha256), _) => &sig::RSA_PSS_2048_8192_SHA256,
        (SignatureAlgorithm::RsaPss(Sha384), _) => &sig::RSA_PSS_2048_8192_SHA384,
        (SignatureAlgorithm::RsaPss(Sha512), _) => &sig::RSA_PSS_2048_8192_SHA512,
        (SignatureAlgorithm::Ecdsa(Sha256), KeyAlgorithm::P384) => &sig::ECDSA_P384_SHA256_ASN1,
        (SignatureAlgorithm::Ecdsa(Sha384), KeyAlgorithm::P384) => &sig::ECDSA_P384_SHA384_ASN1,
        (SignatureAlgorithm::Ecdsa(Sha512), KeyAlgorithm::P384) => &sig::ECDSA_P384_SHA512_ASN1,
        (SignatureAlgorithm::Ecdsa(Sha256), _) => &sig::ECDSA_P256_SHA256_ASN1,
        (SignatureAlgorithm::Ecdsa(Sha384), _) => &sig::ECDSA_P256_SHA384_ASN1,
        (SignatureAlgorithm::Ecdsa(Sha512), _) => &sig::ECDSA_P256_SHA512_ASN1,
    }
}

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The public key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An RSA algorithm with an elliptic-curve key, or the other way round.
    #[error("a {key} key cannot have made a signature by {algorithm}")]
    WrongKind {
        /// What the signature claims.
        algorithm: SignatureAlgorithm,
        /// The key it is checked with.
        key: KeyAlgorithm,
    },
    /// The signature does not belong to this message and this key.
    #[error("the signature does not match: message, key or signature was altered, or another key signed")]
    WrongSignature,
}
