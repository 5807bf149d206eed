//! How the journal spells things that have no text form of their own: names for enumerations, base64 for bytes.

use base64ct::{Base64, Encoding};
use obnova_algorithm::{Digest, DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{KeyRole, PasswordKind, SlotId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A module for `#[serde(with)]` that writes an enumeration by name.
macro_rules! names {
    ($module:ident: $kind:ty { $($value:expr => $name:literal),+ $(,)? }) => {
        pub(crate) mod $module {
            use super::*;

            pub(crate) fn serialize<S: Serializer>(value: &$kind, serializer: S) -> Result<S::Ok, S::Error> {
                let name = [$(($value, $name)),+].into_iter().find(|(known, _)| known == value).map(|(_, name)| name);
                name.ok_or_else(|| serde::ser::Error::custom("a value without a name"))?.serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$kind, D::Error> {
                let text = String::deserialize(deserializer)?;
                let value = [$(($value, $name)),+].into_iter().find(|(_, name)| *name == text).map(|(value, _)| value);
                value.ok_or_else(|| D::Error::custom(concat!("not a name of ", stringify!($module))))
            }
        }
    };
}

names!(role: KeyRole { KeyRole::Authentication => "authentication", KeyRole::Signature => "signature" });

names!(password: PasswordKind {
    PasswordKind::AuthenticationPin => "authentication-pin",
    PasswordKind::SignaturePin => "signature-pin",
    PasswordKind::Puk => "puk",
    PasswordKind::TransportPin => "transport-pin",
});

names!(key_algorithm: KeyAlgorithm {
    KeyAlgorithm::Rsa2048 => "rsa-2048",
    KeyAlgorithm::Rsa3072 => "rsa-3072",
    KeyAlgorithm::Rsa4096 => "rsa-4096",
    KeyAlgorithm::P256 => "p-256",
    KeyAlgorithm::P384 => "p-384",
});

names!(signature_algorithm: SignatureAlgorithm {
    SignatureAlgorithm::RsaPkcs1(Digest::Sha256) => "rsa-pkcs1-sha256",
    SignatureAlgorithm::RsaPkcs1(Digest::Sha384) => "rsa-pkcs1-sha384",
    SignatureAlgorithm::RsaPkcs1(Digest::Sha512) => "rsa-pkcs1-sha512",
    SignatureAlgorithm::RsaPss(Digest::Sha256) => "rsa-pss-sha256",
    SignatureAlgorithm::RsaPss(Digest::Sha384) => "rsa-pss-sha384",
    SignatureAlgorithm::RsaPss(Digest::Sha512) => "rsa-pss-sha512",
    SignatureAlgorithm::Ecdsa(Digest::Sha256) => "ecdsa-sha256",
    SignatureAlgorithm::Ecdsa(Digest::Sha384) => "ecdsa-sha384",
    SignatureAlgorithm::Ecdsa(Digest::Sha512) => "ecdsa-sha512",
});

names!(digest: Digest { Digest::Sha256 => "sha256", Digest::Sha384 => "sha384", Digest::Sha512 => "sha512" });

/// Bytes as base64.
pub(crate) mod bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        Base64::encode_string(value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Base64::decode_vec(&String::deserialize(deserializer)?).map_err(|_| D::Error::custom("not base64"))
    }
}

/// Several byte strings.
pub(crate) mod byte_strings {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "bytes")] Vec<u8>);

    pub(crate) fn serialize<S: Serializer>(value: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(value.iter().map(|bytes| Bytes(bytes.clone())))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Ok(Vec::<Bytes>::deserialize(deserializer)?.into_iter().map(|bytes| bytes.0).collect())
    }
}

/// A slot as its number.
pub(crate) mod slot {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &SlotId, serializer: S) -> Result<S::Ok, S::Error> {
        value.0.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SlotId, D::Error> {
        u32::deserialize(deserializer).map(SlotId)
    }
}

/// Several slots.
pub(crate) mod slots {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &[SlotId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(value.iter().map(|slot| slot.0))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SlotId>, D::Error> {
        Ok(Vec::<u32>::deserialize(deserializer)?.into_iter().map(SlotId).collect())
    }
}

/// Several signature algorithms.
pub(crate) mod signature_algorithms {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Named(#[serde(with = "signature_algorithm")] SignatureAlgorithm);

    pub(crate) fn serialize<S: Serializer>(value: &[SignatureAlgorithm], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(value.iter().map(|algorithm| Named(*algorithm)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SignatureAlgorithm>, D::Error> {
        Ok(Vec::<Named>::deserialize(deserializer)?.into_iter().map(|named| named.0).collect())
    }
}

/// A public key as the base64 of its DER.
pub(crate) mod public_key {
    use der::{Decode, Encode};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(key: &SubjectPublicKeyInfoOwned, serializer: S) -> Result<S::Ok, S::Error> {
        bytes::serialize(&key.to_der().map_err(serde::ser::Error::custom)?, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SubjectPublicKeyInfoOwned, D::Error> {
        let der = bytes::deserialize(deserializer)?;
        SubjectPublicKeyInfoOwned::from_der(&der).map_err(|_| D::Error::custom("not a public key"))
    }
}

/// A public key that may be missing.
pub(crate) mod maybe_public_key {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Key(#[serde(with = "public_key")] SubjectPublicKeyInfoOwned);

    pub(crate) fn serialize<S: Serializer>(
        key: &Option<SubjectPublicKeyInfoOwned>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        key.clone().map(Key).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SubjectPublicKeyInfoOwned>, D::Error> {
        Ok(Option::<Key>::deserialize(deserializer)?.map(|Key(key)| key))
    }
}

/// A digest with the name of its function.
pub(crate) mod digest_value {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Wire {
        #[serde(with = "digest")]
        function: Digest,
        #[serde(with = "bytes")]
        hash: Vec<u8>,
    }

    pub(crate) fn serialize<S: Serializer>(value: &DigestValue, serializer: S) -> Result<S::Ok, S::Error> {
        Wire { function: value.digest(), hash: value.as_bytes().to_vec() }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DigestValue, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        DigestValue::from_bytes(wire.function, &wire.hash).ok_or_else(|| D::Error::custom("a hash of another length"))
    }
}

/// Object identifiers in dotted form.
pub(crate) mod oids {
    use const_oid::ObjectIdentifier;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &[ObjectIdentifier], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(value.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ObjectIdentifier>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(|_| D::Error::custom("not an object identifier"))).collect()
    }
}

/// A time span as whole seconds.
pub(crate) mod span {
    use std::time::Duration;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_secs().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

/// A point in time as whole seconds since 1970.
pub(crate) mod seconds {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        value.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let since = Duration::from_secs(u64::deserialize(deserializer)?);
        UNIX_EPOCH.checked_add(since).ok_or_else(|| D::Error::custom("a time out of range"))
    }
}
