//! The wrapping key out of an ephemeral ECDH (RFC 5753 §3.1, ANSI X9.63 §5.6.3).

use aws_lc_rs::agreement::{self, Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey};
use der::{Encode, Sequence, asn1::OctetString};
use obnova_algorithm::{Digest, KeyAlgorithm};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::algorithms::CONTENT_KEY;

/// The curve and the hash that goes with it.
pub(super) const fn curve(key: KeyAlgorithm) -> Option<(&'static Algorithm, Digest)> {
    match key {
        KeyAlgorithm::P256 => Some((&ECDH_P256, Digest::Sha256)),
        KeyAlgorithm::P384 => Some((&ECDH_P384, Digest::Sha384)),
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => None,
    }
}

/// What both sides come to; nothing when `theirs` is no point of the curve.
pub(super) fn wrapping_key(
    own: &PrivateKey,
    theirs: &[u8],
    digest: Digest,
    wrap: &AlgorithmIdentifierOwned,
    keying: Option<&OctetString>,
) -> Option<Zeroizing<[u8; CONTENT_KEY]>> {
    let info = SharedInfo { wrap: wrap.clone(), keying: keying.cloned(), bits: OctetString::new(KEY_BITS).ok()? };
    let info = info.to_der().ok()?;
    let theirs = UnparsedPublicKey::new(own.algorithm(), theirs);
    agreement::agree(own, theirs, (), |secret| {
        // One round of the hash is as long as the key, or longer.
        let round = Zeroizing::new([secret, &1u32.to_be_bytes(), &info].concat());
        let hash = digest.of_secret(&round);
        let mut key = Zeroizing::new([0; CONTENT_KEY]);
        key.copy_from_slice(&hash[..CONTENT_KEY]);
        Ok(key)
    })
    .ok()
}

/// Bits of the wrapping key.
const KEY_BITS: [u8; 4] = (CONTENT_KEY as u32 * 8).to_be_bytes();

/// `ECC-CMS-SharedInfo` (RFC 5753 §7.2).
#[derive(Sequence)]
struct SharedInfo {
    wrap: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    keying: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    bits: OctetString,
}
