//! Names of algorithms, and their parameters.

use const_oid::{
    ObjectIdentifier,
    db::{
        rfc5753::{DH_SINGLE_PASS_STD_DH_SHA_256_KDF_SCHEME, DH_SINGLE_PASS_STD_DH_SHA_384_KDF_SCHEME},
        rfc5911::{ID_AES_256_GCM, ID_AES_256_WRAP},
        rfc5912::{ID_MGF_1, ID_RSAES_OAEP},
    },
};
use der::{
    Sequence,
    asn1::{Any, OctetString},
};
use obnova_algorithm::Digest;
use spki::AlgorithmIdentifierOwned;

/// What an envelope's content key is made for.
pub(super) const CONTENT_KEY: usize = 32;

/// Bytes of a nonce of GCM.
pub(super) const NONCE: usize = 12;

/// Bytes of a tag of GCM: never cut short.
pub(super) const TAG: usize = 16;

/// `GCMParameters` (RFC 5084 §3.2).
#[derive(Sequence)]
struct GcmParameters {
    nonce: OctetString,
    #[asn1(default = "shortest_tag")]
    tag: u8,
}

const fn shortest_tag() -> u8 {
    12
}

/// AES-256-GCM with this nonce and a whole tag.
pub(super) fn gcm(nonce: &[u8; NONCE]) -> der::Result<AlgorithmIdentifierOwned> {
    let parameters = GcmParameters { nonce: OctetString::new(nonce.as_slice())?, tag: TAG as u8 };
    Ok(AlgorithmIdentifierOwned { oid: ID_AES_256_GCM, parameters: Some(Any::encode_from(&parameters)?) })
}

/// The nonce, when it is AES-256-GCM with a whole tag.
pub(super) fn gcm_nonce(algorithm: &AlgorithmIdentifierOwned) -> Option<[u8; NONCE]> {
    let parameters = algorithm.parameters.as_ref().filter(|_| algorithm.oid == ID_AES_256_GCM)?;
    let GcmParameters { nonce, tag } = parameters.decode_as().ok()?;
    nonce.as_bytes().try_into().ok().filter(|_| usize::from(tag) == TAG)
}

/// `RSAES-OAEP-params` (RFC 8017 §A.2.1); the label is empty.
#[derive(Sequence)]
struct OaepParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    label: Option<Any>,
}

/// RSA-OAEP with this hash, in its mask too.
pub(super) fn oaep(digest: Digest) -> der::Result<AlgorithmIdentifierOwned> {
    let mask = AlgorithmIdentifierOwned { oid: ID_MGF_1, parameters: Some(Any::encode_from(&digest.identifier())?) };
    let parameters = OaepParameters { hash: Some(digest.identifier()), mask: Some(mask), label: None };
    Ok(AlgorithmIdentifierOwned { oid: ID_RSAES_OAEP, parameters: Some(Any::encode_from(&parameters)?) })
}

/// The hash, when it is RSA-OAEP with one of [`Digest`] in both places and no label. SHA-1, its default, is none.
pub(super) fn oaep_digest(algorithm: &AlgorithmIdentifierOwned) -> Option<Digest> {
    let parameters = algorithm.parameters.as_ref().filter(|_| algorithm.oid == ID_RSAES_OAEP)?;
    let OaepParameters { hash, mask, label } = parameters.decode_as().ok()?;
    let digest = Digest::try_from(&hash?).ok()?;
    let mask = mask.filter(|mask| mask.oid == ID_MGF_1 && label.is_none())?;
    let mask = mask.parameters?.decode_as::<AlgorithmIdentifierOwned>().ok()?;
    (Digest::try_from(&mask) == Ok(digest)).then_some(digest)
}

/// How the wrapping key comes out of ECDH (RFC 5753 §7.1.4), for hashes of [`Digest`].
const SCHEMES: [(Digest, ObjectIdentifier); 2] = [
    (Digest::Sha256, DH_SINGLE_PASS_STD_DH_SHA_256_KDF_SCHEME),
    (Digest::Sha384, DH_SINGLE_PASS_STD_DH_SHA_384_KDF_SCHEME),
];

/// ECDH with this hash, for AES-256 key wrap (RFC 5753 §7.1.5, RFC 3565 §2.3.2).
pub(super) fn agreement(digest: Digest) -> der::Result<AlgorithmIdentifierOwned> {
    let (_, oid) = SCHEMES[usize::from(digest != Digest::Sha256)];
    Ok(AlgorithmIdentifierOwned { oid, parameters: Some(Any::encode_from(&key_wrap())?) })
}

/// The hash and the identifier of the key wrap as it stands there, when it is ECDH for AES-256 key wrap.
pub(super) fn agreement_digest(algorithm: &AlgorithmIdentifierOwned) -> Option<(Digest, AlgorithmIdentifierOwned)> {
    let (digest, _) = SCHEMES.into_iter().find(|(_, oid)| *oid == algorithm.oid)?;
    let wrap = algorithm.parameters.as_ref()?.decode_as::<AlgorithmIdentifierOwned>().ok()?;
    let plain = wrap.parameters.as_ref().is_none_or(Any::is_null);
    (wrap.oid == ID_AES_256_WRAP && plain).then_some((digest, wrap))
}

/// RFC 3565 §2.3.2: without parameters.
const fn key_wrap() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: ID_AES_256_WRAP, parameters: None }
}
