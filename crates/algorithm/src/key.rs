use const_oid::{ObjectIdentifier, db::rfc5912};
use der::{Decode, Sequence, asn1::UintRef};
use sha1::{Digest as _, Sha1};
use spki::SubjectPublicKeyInfoOwned;

/// The kind and size of a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits (CAs; the applet profile makes none).
    Rsa4096,
    /// ECDSA on NIST P-256 (secp256r1).
    P256,
    /// ECDSA on NIST P-384 (secp384r1).
    P384,
}

impl KeyAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384];

    /// Whether the key is an RSA key; the others are on elliptic curves.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }

    /// Bits of the modulus, or of the curve's field.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
            Self::P256 => 256,
            Self::P384 => 384,
        }
    }

    /// The named curve (RFC 5480 §2.1.1.1); `None` for RSA.
    #[must_use]
    pub const fn curve(self) -> Option<ObjectIdentifier> {
        match self {
            Self::P256 => Some(rfc5912::SECP_256_R_1),
            Self::P384 => Some(rfc5912::SECP_384_R_1),
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => None,
        }
    }
}

impl std::fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rsa2048 => "RSA 2048",
            Self::Rsa3072 => "RSA 3072",
            Self::Rsa4096 => "RSA 4096",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        })
    }
}

impl TryFrom<&SubjectPublicKeyInfoOwned> for KeyAlgorithm {
    type Error = KeyError;

    /// Reads the key's kind and checks that the key itself has the shape of it (RFC 3279 §2.3.1, RFC 5480 §2).
    fn try_from(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, KeyError> {
        let key = spki.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
        match spki.algorithm.oid {
            // One key has one encoding: "the parameters field MUST have ASN.1 type NULL" (RFC 3279 §2.3.1).
            rfc5912::RSA_ENCRYPTION if spki.algorithm.parameters.as_ref().is_some_and(|any| any.is_null()) => rsa(key),
            rfc5912::RSA_ENCRYPTION => Err(KeyError::Malformed),
            rfc5912::ID_EC_PUBLIC_KEY => {
                let parameters = spki.algorithm.parameters.as_ref().ok_or(KeyError::Malformed)?;
                let curve = parameters.decode_as::<ObjectIdentifier>().map_err(|_| KeyError::Malformed)?;
                elliptic(curve, key)
            }
            oid => Err(KeyError::UnknownAlgorithm { oid }),
        }
    }
}

/// RFC 8017 §A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

fn rsa(key: &[u8]) -> Result<KeyAlgorithm, KeyError> {
    let key = RsaPublicKey::from_der(key).map_err(|_| KeyError::Malformed)?;
    let exponent_is_odd = key.public_exponent.as_bytes().last().is_some_and(|byte| byte & 1 == 1);
    if !exponent_is_odd || key.public_exponent.as_bytes() == [1] {
        return Err(KeyError::Malformed);
    }
    let modulus = key.modulus.as_bytes();
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    match bits {
        2048 => Ok(KeyAlgorithm::Rsa2048),
        3072 => Ok(KeyAlgorithm::Rsa3072),
        4096 => Ok(KeyAlgorithm::Rsa4096),
        bits => Err(KeyError::RsaSize { bits }),
    }
}

fn elliptic(curve: ObjectIdentifier, point: &[u8]) -> Result<KeyAlgorithm, KeyError> {
    let algorithm = match curve {
        rfc5912::SECP_256_R_1 => KeyAlgorithm::P256,
        rfc5912::SECP_384_R_1 => KeyAlgorithm::P384,
        oid => return Err(KeyError::UnknownAlgorithm { oid }),
    };
    let uncompressed = 1 + 2 * algorithm.bits() as usize / 8;
    if point.len() == uncompressed && point[0] == 4 { Ok(algorithm) } else { Err(KeyError::Malformed) }
}

/// The identifier that certificate, public and private key of one pair share (ISO/IEC 7816-15 §8.3, `Identifier`).
///
/// SHA-1 of the modulus without leading zeros (RSA) or of the uncompressed point (elliptic curves), as NSS and OpenSC
/// compute it: middleware finds a renewed certificate's key by it. It identifies and protects nothing.
///
/// # Errors
/// [`KeyError`] when the key is not one of [`KeyAlgorithm::ALL`].
pub fn key_id(spki: &SubjectPublicKeyInfoOwned) -> Result<[u8; 20], KeyError> {
    let key = spki.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
    if !KeyAlgorithm::try_from(spki)?.is_rsa() {
        return Ok(Sha1::digest(key).into());
    }
    let key = RsaPublicKey::from_der(key).map_err(|_| KeyError::Malformed)?;
    Ok(Sha1::digest(key.modulus.as_bytes()).into())
}

/// A public key that cannot be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key does not have the shape its algorithm asks for.
    #[error("the public key is malformed: it does not have the shape that its algorithm asks for")]
    Malformed,
    /// The algorithm or curve is none of [`KeyAlgorithm::ALL`].
    #[error("the key algorithm or curve {oid} is not supported: use RSA 2048, 3072 or 4096, P-256 or P-384")]
    UnknownAlgorithm {
        /// What stands in the key.
        oid: ObjectIdentifier,
    },
    /// The modulus has another size.
    #[error("an RSA key of {bits} bits is not supported: use 2048, 3072 or 4096")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
}
