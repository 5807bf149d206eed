use obnova_algorithm::{
    Digest::{Sha256, Sha384, Sha512},
    KeyAlgorithm,
    SignatureAlgorithm::{self, Ecdsa, RsaPkcs1, RsaPss},
};
use rustls::{SignatureScheme, SupportedProtocolVersion, version};

/// A TLS signature scheme together with what the card has to do for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CardScheme {
    pub(crate) tls: SignatureScheme,
    pub(crate) card: SignatureAlgorithm,
}

/// The schemes that a key of this kind can serve when the card signs by `signs`, best first.
///
/// RFC 8446 §4.2.3 ties each ECDSA scheme to one curve and one digest. TLS 1.2 is laxer, but which version is spoken is not
/// known when a scheme is chosen, and cards of either curve do its own digest.
pub(crate) fn schemes(key: KeyAlgorithm, signs: &[SignatureAlgorithm]) -> Vec<CardScheme> {
    let all: &[(SignatureScheme, SignatureAlgorithm)] = match key {
        KeyAlgorithm::P256 => &[(SignatureScheme::ECDSA_NISTP256_SHA256, Ecdsa(Sha256))],
        KeyAlgorithm::P384 => &[(SignatureScheme::ECDSA_NISTP384_SHA384, Ecdsa(Sha384))],
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => &[
            (SignatureScheme::RSA_PSS_SHA256, RsaPss(Sha256)),
            (SignatureScheme::RSA_PSS_SHA384, RsaPss(Sha384)),
            (SignatureScheme::RSA_PSS_SHA512, RsaPss(Sha512)),
            (SignatureScheme::RSA_PKCS1_SHA256, RsaPkcs1(Sha256)),
            (SignatureScheme::RSA_PKCS1_SHA384, RsaPkcs1(Sha384)),
            (SignatureScheme::RSA_PKCS1_SHA512, RsaPkcs1(Sha512)),
        ],
    };
    all.iter().filter(|(_, card)| signs.contains(card)).map(|&(tls, card)| CardScheme { tls, card }).collect()
}

/// TLS 1.3 does not allow PKCS#1 v1.5 for a handshake's signature (RFC 8446 §4.2.3).
pub(crate) fn works_in_tls13(scheme: &CardScheme) -> bool {
    !matches!(scheme.card, RsaPkcs1(_))
}

pub(crate) fn versions(schemes: &[CardScheme]) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
    static TLS12: [&SupportedProtocolVersion; 1] = [&version::TLS12];
    if schemes.iter().any(works_in_tls13) { &BOTH } else { &TLS12 }
}

/// What cannot be done with a key, to be told to its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limitation {
    /// The card makes no other signatures with this key than RSA PKCS#1 v1.5, which TLS 1.3 does not allow. A server that
    /// speaks TLS 1.3 only cannot be logged in to with it.
    Tls12Only,
}

impl std::fmt::Display for Limitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tls12Only => f.write_str(
                "the card signs with this key by RSA PKCS#1 v1.5 only, which TLS 1.3 does not allow: logins use TLS 1.2, \
                 and a server that insists on TLS 1.3 cannot be reached with it",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_card_signs_is_offered_best_first() {
        let tls = |key, signs: &[_]| schemes(key, signs).iter().map(|scheme| scheme.tls).collect::<Vec<_>>();
        assert_eq!(
            tls(KeyAlgorithm::Rsa2048, &[RsaPkcs1(Sha256), RsaPss(Sha384)]),
            [SignatureScheme::RSA_PSS_SHA384, SignatureScheme::RSA_PKCS1_SHA256]
        );
        assert_eq!(tls(KeyAlgorithm::P384, &[Ecdsa(Sha256), Ecdsa(Sha384)]), [SignatureScheme::ECDSA_NISTP384_SHA384]);
        assert_eq!(tls(KeyAlgorithm::P256, &[Ecdsa(Sha384)]), []);
        assert_eq!(tls(KeyAlgorithm::P256, &[RsaPss(Sha256)]), [], "what does not fit the key is not believed");
    }

    #[test]
    fn a_pkcs1_key_is_capped_at_tls12_and_no_other() {
        let count = |key, signs: &[_]| versions(&schemes(key, signs)).len();
        assert_eq!(count(KeyAlgorithm::Rsa2048, &[RsaPkcs1(Sha256)]), 1);
        assert_eq!(count(KeyAlgorithm::Rsa2048, &[RsaPkcs1(Sha256), RsaPss(Sha256)]), 2);
        assert_eq!(count(KeyAlgorithm::P256, &[Ecdsa(Sha256)]), 2);
    }
}
