use const_oid::{ObjectIdentifier, db::rfc5912};
use der::{
    Sequence,
    asn1::{Any, Null},
};
use spki::AlgorithmIdentifierOwned;

use crate::{Digest, KeyAlgorithm};

/// How a signature is made over a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(Digest),
    /// RSASSA-PSS with MGF1 over the same digest and a salt as long as the digest (RFC 8017 §8.1, RFC 4055 §3.1).
    RsaPss(Digest),
    /// ECDSA, the signature as DER `Ecdsa-Sig-Value` (RFC 5480, RFC 5758 §3.2).
    Ecdsa(Digest),
}

impl SignatureAlgorithm {
    /// The algorithm to take for `key` when nothing else is asked for: PKCS#1 v1.5 for RSA, since every card and every CA
    /// takes it, and ECDSA with the digest of the curve's size.
    #[must_use]
    pub const fn default_for(key: KeyAlgorithm) -> Self {
        match key {
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => Self::RsaPkcs1(Digest::Sha256),
            KeyAlgorithm::P256 => Self::Ecdsa(Digest::Sha256),
            KeyAlgorithm::P384 => Self::Ecdsa(Digest::Sha384),
        }
    }

    /// The digest that is signed.
    #[must_use]
    pub const fn digest(self) -> Digest {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss(digest) | Self::Ecdsa(digest) => digest,
        }
    }

    /// Whether a key of this kind can make such a signature.
    #[must_use]
    pub const fn fits(self, key: KeyAlgorithm) -> bool {
        matches!(self, Self::Ecdsa(_)) != key.is_rsa()
    }

    /// The AlgorithmIdentifier, written as RFC 4055 §5 and §3.1 and RFC 5758 §3.2 ask.
    #[must_use]
    pub fn identifier(self) -> AlgorithmIdentifierOwned {
        match self {
            Self::RsaPkcs1(digest) => {
                AlgorithmIdentifierOwned { oid: pkcs1_oid(digest), parameters: Some(Any::null()) }
            }
            Self::Ecdsa(digest) => AlgorithmIdentifierOwned { oid: ecdsa_oid(digest), parameters: None },
            Self::RsaPss(digest) => {
                let parameters = PssParameters::for_digest(digest).and_then(|parameters| Any::encode_from(&parameters));
                AlgorithmIdentifierOwned { oid: rfc5912::ID_RSASSA_PSS, parameters: parameters.ok() }
            }
        }
    }
}

impl std::fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, digest) = match self {
            Self::RsaPkcs1(digest) => ("RSA PKCS#1 v1.5", digest),
            Self::RsaPss(digest) => ("RSA PSS", digest),
            Self::Ecdsa(digest) => ("ECDSA", digest),
        };
        write!(f, "{name} with SHA-{}", digest.size() * 8)
    }
}

impl TryFrom<&AlgorithmIdentifierOwned> for SignatureAlgorithm {
    type Error = UnknownAlgorithm;

    fn try_from(identifier: &AlgorithmIdentifierOwned) -> Result<Self, UnknownAlgorithm> {
        let unknown = UnknownAlgorithm { oid: identifier.oid };
        let no_parameters = identifier.parameters.is_none();
        let null_or_none = identifier.parameters.as_ref().is_none_or(Any::is_null);
        for digest in Digest::ALL {
            if identifier.oid == pkcs1_oid(digest) && null_or_none {
                return Ok(Self::RsaPkcs1(digest));
            }
            if identifier.oid == ecdsa_oid(digest) && no_parameters {
                return Ok(Self::Ecdsa(digest));
            }
        }
        if identifier.oid != rfc5912::ID_RSASSA_PSS {
            return Err(unknown);
        }
        let parameters = identifier.parameters.as_ref().ok_or(unknown)?;
        let parameters = parameters.decode_as::<PssParameters>().map_err(|_| unknown)?;
        parameters.digest().map(Self::RsaPss).ok_or(unknown)
    }
}

const fn pkcs1_oid(digest: Digest) -> ObjectIdentifier {
    match digest {
        Digest::Sha256 => rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
        Digest::Sha384 => rfc5912::SHA_384_WITH_RSA_ENCRYPTION,
        Digest::Sha512 => rfc5912::SHA_512_WITH_RSA_ENCRYPTION,
    }
}

const fn ecdsa_oid(digest: Digest) -> ObjectIdentifier {
    match digest {
        Digest::Sha256 => rfc5912::ECDSA_WITH_SHA_256,
        Digest::Sha384 => rfc5912::ECDSA_WITH_SHA_384,
        Digest::Sha512 => rfc5912::ECDSA_WITH_SHA_512,
    }
}

/// `RSASSA-PSS-params` (RFC 4055 §3.1). The defaults (SHA-1, 20 bytes) are none of ours, so a field that is absent is
/// refused by being required.
#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    salt_length: u16,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

impl PssParameters {
    fn for_digest(digest: Digest) -> der::Result<Self> {
        let hash = AlgorithmIdentifierOwned { oid: digest.oid(), parameters: Some(Any::encode_from(&Null)?) };
        let mask = AlgorithmIdentifierOwned { oid: rfc5912::ID_MGF_1, parameters: Some(Any::encode_from(&hash)?) };
        Ok(Self { hash, mask, salt_length: digest.size() as u16, trailer: None })
    }

    fn digest(&self) -> Option<Digest> {
        let digest = Digest::try_from(&self.hash).ok()?;
        let mask_hash = self.mask.parameters.as_ref()?.decode_as::<AlgorithmIdentifierOwned>().ok()?;
        let sound = self.mask.oid == rfc5912::ID_MGF_1
            && Digest::try_from(&mask_hash) == Ok(digest)
            && usize::from(self.salt_length) == digest.size()
            && self.trailer.is_none_or(|trailer| trailer == 1);
        sound.then_some(digest)
    }
}

/// An AlgorithmIdentifier that names nothing supported here, or has parameters that are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm {oid} is not supported, or its parameters are not")]
pub struct UnknownAlgorithm {
    /// What stands in the identifier.
    pub oid: ObjectIdentifier,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_survive_the_round_trip() {
        for digest in Digest::ALL {
            for algorithm in [
                SignatureAlgorithm::RsaPkcs1(digest),
                SignatureAlgorithm::RsaPss(digest),
                SignatureAlgorithm::Ecdsa(digest),
            ] {
                assert_eq!(SignatureAlgorithm::try_from(&algorithm.identifier()), Ok(algorithm));
            }
        }
    }

    #[test]
    fn pss_with_a_mixed_or_absent_parameter_is_refused() {
        let mut mixed = PssParameters::for_digest(Digest::Sha256).unwrap();
        mixed.salt_length = 20;
        for parameters in [None, Some(Any::null()), Some(Any::encode_from(&mixed).unwrap())] {
            let identifier = AlgorithmIdentifierOwned { oid: rfc5912::ID_RSASSA_PSS, parameters };
            assert!(SignatureAlgorithm::try_from(&identifier).is_err());
        }
    }

    #[test]
    fn only_its_own_kind_of_key_fits() {
        for key in KeyAlgorithm::ALL {
            assert!(SignatureAlgorithm::default_for(key).fits(key));
            assert_eq!(SignatureAlgorithm::RsaPss(Digest::Sha256).fits(key), key.is_rsa());
            assert_eq!(SignatureAlgorithm::Ecdsa(Digest::Sha256).fits(key), !key.is_rsa());
        }
    }
}
