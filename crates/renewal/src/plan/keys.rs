use obnova_algorithm::{KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{PasswordKind, SlotId};
use serde::{Deserialize, Serialize};

use crate::{ParsedCertificate, eligibility::signature_algorithms, waiting::Waiting, wire};

/// A key of the pair that is renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldKey {
    /// Where.
    #[serde(with = "wire::slot")]
    pub slot: SlotId,
    /// Which kind.
    #[serde(with = "wire::key_algorithm")]
    pub algorithm: KeyAlgorithm,
    /// The password that guards it.
    #[serde(with = "wire::password")]
    pub password: PasswordKind,
    /// How the card signs with it, the preferred way first; never empty.
    #[serde(with = "wire::signature_algorithms")]
    pub signs: Vec<SignatureAlgorithm>,
    /// Its certificate.
    pub certificate: ParsedCertificate,
}

/// A key that will be made, or that waits already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Where.
    #[serde(with = "wire::slot")]
    pub slot: SlotId,
    /// Which kind.
    #[serde(with = "wire::key_algorithm")]
    pub algorithm: KeyAlgorithm,
    /// The password that will guard it.
    #[serde(with = "wire::password")]
    pub password: PasswordKind,
    /// How its request is signed.
    #[serde(with = "wire::signature_algorithm")]
    pub request_algorithm: SignatureAlgorithm,
    /// Its label, and that of its certificate. A house that names things otherwise, or in another language, writes its own
    /// here before the process is begun.
    pub label: String,
    /// The key is there already, left by a renewal whose journal was lost or that came to no end, and is gone on with. That
    /// it works is proven by the signature on its request.
    #[serde(with = "wire::maybe_public_key", default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<SubjectPublicKeyInfoOwned>,
}

impl NewKey {
    /// One that is still to be made, unless `found` is there and waits.
    pub(super) fn planned(made: Self, found: Option<&Waiting<'_>>) -> Self {
        let Some(Waiting { key, public_key, .. }) = found else { return made };
        let usual = made.request_algorithm;
        let offered = signature_algorithms(key);
        let request_algorithm = Some(usual).filter(|usual| offered.contains(usual)).or(offered.first().copied());
        Self {
            password: key.password,
            request_algorithm: request_algorithm.unwrap_or(usual),
            waiting: Some((*public_key).clone()),
            ..made
        }
    }

    /// The key of the old certificate, to be certified again.
    pub(super) fn same(old: &OldKey, label: String) -> Self {
        Self {
            slot: old.slot,
            algorithm: old.algorithm,
            password: old.password,
            request_algorithm: old.signs.first().copied().unwrap_or(SignatureAlgorithm::default_for(old.algorithm)),
            label,
            waiting: Some(old.certificate.public_key().clone()),
        }
    }
}
