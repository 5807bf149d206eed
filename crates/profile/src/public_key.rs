use der::asn1::{Any, BitString, ObjectIdentifier, UintRef};
use der::{Decode, Encode, Sequence};
use obnova_algorithm::spki::AlgorithmIdentifierOwned;
use obnova_algorithm::{KeyAlgorithm, KeyError, SubjectPublicKeyInfoOwned};
use obnova_apdu::tlv::{Tag, Tlv, TlvError, VecWriter};

/// A public key as GENERATE ASYMMETRIC KEY PAIR answers it (ISO/IEC 7816-8 §5.2): `7F49` with modulus `81` and exponent
/// `82`, or with the uncompressed point `86`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKeyTemplate {
    /// RSA.
    Rsa {
        /// Modulus, big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// Public exponent, big-endian, without leading zeros.
        exponent: Vec<u8>,
    },
    /// Elliptic curve; which one, the point's length tells.
    Point(Vec<u8>),
}

const TEMPLATE: Tag = Tag::new(0x7F49);
const MODULUS: Tag = Tag::new(0x81);
const EXPONENT: Tag = Tag::new(0x82);
const POINT: Tag = Tag::new(0x86);

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// RFC 8017 §A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl PublicKeyTemplate {
    /// The template as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = VecWriter::new();
        writer.constructed(TEMPLATE, |key| match self {
            Self::Rsa { modulus, exponent } => {
                key.primitive(MODULUS, modulus).primitive(EXPONENT, exponent);
            }
            Self::Point(point) => {
                key.primitive(POINT, point);
            }
        });
        writer.into_vec()
    }

    /// Reads the template, to the last byte.
    ///
    /// # Errors
    /// [`TemplateError`], also for a key that is none the profile makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, TemplateError> {
        let template = Tlv::parse(bytes)?;
        if template.tag != TEMPLATE {
            return Err(TemplateError::Unexpected);
        }
        let mut objects = template.children();
        let mut next = || objects.next().transpose();
        let key = match (next()?, next()?, next()?) {
            (Some(modulus), Some(exponent), None) if (modulus.tag, exponent.tag) == (MODULUS, EXPONENT) => {
                Self::Rsa { modulus: unsigned(modulus.value), exponent: unsigned(exponent.value) }
            }
            (Some(point), None, None) if point.tag == POINT => Self::Point(point.value.to_vec()),
            _ => return Err(TemplateError::Unexpected),
        };
        key.to_spki()?;
        Ok(key)
    }

    /// The key as SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`TemplateError::Key`] when it is none the profile makes.
    pub fn to_spki(&self) -> Result<SubjectPublicKeyInfoOwned, TemplateError> {
        let malformed = |_| TemplateError::Key(KeyError::Malformed);
        let (oid, parameters, key) = match self {
            Self::Rsa { modulus, exponent } => {
                let key = RsaPublicKey {
                    modulus: UintRef::new(modulus).map_err(malformed)?,
                    exponent: UintRef::new(exponent).map_err(malformed)?,
                };
                (RSA_ENCRYPTION, Any::null(), key.to_der().map_err(malformed)?)
            }
            Self::Point(point) => {
                let algorithm = if point.len() == 65 { KeyAlgorithm::P256 } else { KeyAlgorithm::P384 };
                let curve = algorithm.curve().ok_or(KeyError::Malformed)?;
                (EC_PUBLIC_KEY, Any::encode_from(&curve).map_err(malformed)?, point.clone())
            }
        };
        let spki = SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid, parameters: Some(parameters) },
            subject_public_key: BitString::from_bytes(&key).map_err(malformed)?,
        };
        KeyAlgorithm::try_from(&spki)?;
        Ok(spki)
    }

    /// The template for a key.
    ///
    /// # Errors
    /// [`TemplateError::Key`] when it is none of [`KeyAlgorithm::ALL`].
    pub fn from_spki(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, TemplateError> {
        let algorithm = KeyAlgorithm::try_from(spki)?;
        let key = spki.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
        if !algorithm.is_rsa() {
            return Ok(Self::Point(key.to_vec()));
        }
        let key = RsaPublicKey::from_der(key).map_err(|_| KeyError::Malformed)?;
        Ok(Self::Rsa { modulus: key.modulus.as_bytes().to_vec(), exponent: key.exponent.as_bytes().to_vec() })
    }
}

fn unsigned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// Why a template holds no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The data objects are broken.
    #[error("the public key that the card answered cannot be read: {0}")]
    Tlv(#[from] TlvError),
    /// The data objects are not those of a public key.
    #[error("the card answered something else than a public key template (7F49)")]
    Unexpected,
    /// The key is none the profile makes.
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa() -> PublicKeyTemplate {
        PublicKeyTemplate::Rsa { modulus: vec![0xC1; 256], exponent: vec![1, 0, 1] }
    }

    #[test]
    fn templates_and_keys_round_trip() {
        let points = [65, 97].map(|length| PublicKeyTemplate::Point([&[4][..], &vec![7; length - 1]].concat()));
        for key in points.into_iter().chain([rsa()]) {
            assert_eq!(PublicKeyTemplate::decode(&key.encode()), Ok(key.clone()));
            assert_eq!(PublicKeyTemplate::from_spki(&key.to_spki().unwrap()), Ok(key));
        }
    }

    #[test]
    fn a_leading_zero_in_the_modulus_changes_nothing() {
        let PublicKeyTemplate::Rsa { mut modulus, exponent } = rsa() else { unreachable!() };
        modulus.insert(0, 0);
        let padded = PublicKeyTemplate::Rsa { modulus, exponent };
        assert_eq!(PublicKeyTemplate::decode(&padded.encode()), Ok(rsa()));
    }

    #[test]
    fn truncated_longer_and_foreign_templates_are_refused() {
        let bytes = rsa().encode();
        for end in 0..bytes.len() {
            assert!(PublicKeyTemplate::decode(&bytes[..end]).is_err());
        }
        assert!(PublicKeyTemplate::decode(&[&bytes[..], &[0]].concat()).is_err());
        assert_eq!(PublicKeyTemplate::decode(&[0x7F, 0x49, 0]), Err(TemplateError::Unexpected));
        assert_eq!(PublicKeyTemplate::decode(&[0x7F, 0x49, 2, 0x86, 0]), Err(TemplateError::Key(KeyError::Malformed)));
        let small = PublicKeyTemplate::Rsa { modulus: vec![0xC1; 128], exponent: vec![3] };
        assert_eq!(
            PublicKeyTemplate::decode(&small.encode()),
            Err(TemplateError::Key(KeyError::RsaSize { bits: 1024 }))
        );
    }
}
