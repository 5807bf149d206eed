use std::time::Duration;

use const_oid::{ObjectIdentifier, db::rfc5280};
use der::flagset::FlagSet;
use obnova_algorithm::KeyAlgorithm;
use obnova_card::KeyRole;
use serde::{Deserialize, Serialize};
use x509_cert::ext::pkix::KeyUsages;

use crate::{AskStatus, ByRole, Pair, Service, wire};

/// What a house asks of a renewal. Data: a vendor writes another one instead of other code, and may write it as the file of a
/// [`Service`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// New keys, or the same keys certified again. It says nothing of a first order, which always has new keys.
    pub method: Method,
    /// How orders go to the CA.
    pub protocol: Protocol,
    /// How long before the end of validity a renewal may begin.
    pub due_before: Duration,
    /// Kind of the new keys; `None` takes the kind of the old key.
    pub algorithms: Pair<Option<KeyAlgorithm>>,
    /// Kinds of keys that the service certifies: no other is made, whatever the CA says of itself. Any, for a role that there are none
    /// for.
    pub keys: ByRole<Vec<KeyAlgorithm>>,
    /// What the new certificates must and must not say; and by what there are rules for, which they are: a pair, or one.
    pub rules: ByRole<CertificateRules>,
    /// Show certificates that renew none to the holder before they are put on the card: nothing but he can tell whether
    /// it is his name that stands there.
    pub confirm_first: bool,
    /// What one-time passwords are like.
    pub one_time_password: OneTimePasswords,
    /// What the revocation password has to be like that a holder picks with a first order; `None` where there is none.
    pub revocation_password: Option<PasswordRules>,
    /// A first order may go without one: who asks the holder tells him so.
    pub revocation_password_optional: bool,
    /// Orders that set none are refused, so that no way is taken that has no place for one. Where not, it may come later.
    pub revocation_password_at_once: bool,
    /// How far the issuer's clock may be ahead of ours: certificates that begin to be valid within it are waited for, and
    /// those that begin later are refused.
    pub clock_tolerance: Duration,
    /// Whether it is asked first whether the old certificates are revoked.
    pub ask_status: AskStatus,
    /// Prove the new authentication certificate by a TLS login.
    pub prove_login: bool,
    /// Prove the new signature key by a signature.
    pub prove_signature: bool,
}

impl Policy {
    /// What the file of [`twins`](Service::TWINS) says: a pair, the certificate one signs with qualified.
    #[must_use]
    pub fn twins() -> Self {
        Service::twins().policy
    }

    /// What the file of [`partner`](Service::PARTNER) says: one certificate, for logging in.
    #[must_use]
    pub fn partner() -> Self {
        Service::partner().policy
    }

    /// Whether the service certifies such a key.
    #[must_use]
    pub fn certifies(&self, role: KeyRole, key: KeyAlgorithm) -> bool {
        self.keys.get(role).is_none_or(|keys| keys.contains(&key))
    }
}

/// What clocks may differ by where nobody says otherwise.
pub(crate) const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The two things that people call renewal (ETSI EN 319 411-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// A new key and a new certificate (6.3.7).
    ReKey,
    /// A new certificate for the same key (6.3.6): renewal in the strict sense. No key is made, and the old certificate stays
    /// beside the new one on the same key.
    SameKey,
}

/// What an order is to the CA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Protocol {
    /// A CMC message (RFC 5272) with every request of the order, and a revocation password where one is set.
    #[default]
    Cmc,
    /// A request of plain EST (RFC 7030 §4.2): for one certificate, with no place for a revocation password.
    Est,
}

/// What the one-time passwords of an issuer are like, by which he knows who asks for first certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OneTimePasswords {
    /// Twenty letters and digits, two of which tell whether the others were typed right. What cannot be one is sent to nobody, so
    /// that no guess is spent on it.
    #[default]
    Checked,
    /// Whatever an issuer of another make hands out: sent as it was typed, unless its two characters say that it is one of those
    /// above, which may be typed in small letters and without hyphens.
    Any,
}

/// What a certificate must and must not say before it is put on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRules {
    /// Key usages it must have.
    #[serde(with = "usages")]
    pub key_usage: FlagSet<KeyUsages>,
    /// Key usages it must not have.
    #[serde(with = "usages")]
    pub no_key_usage: FlagSet<KeyUsages>,
    /// Extended key usages it must have.
    #[serde(with = "wire::oids")]
    pub extended_key_usage: Vec<ObjectIdentifier>,
    /// Statements of a qualified certificate that it must have.
    #[serde(with = "wire::oids")]
    pub qc_statements: Vec<ObjectIdentifier>,
}

impl CertificateRules {
    /// For a login: digital signature, TLS client authentication, and nothing that binds its holder.
    #[must_use]
    pub fn authentication() -> Self {
        Self {
            key_usage: KeyUsages::DigitalSignature.into(),
            no_key_usage: KeyUsages::NonRepudiation | KeyUsages::KeyCertSign,
            extended_key_usage: vec![rfc5280::ID_KP_CLIENT_AUTH],
            qc_statements: Vec::new(),
        }
    }

    /// For signatures that bind their holder.
    #[must_use]
    pub fn signature() -> Self {
        Self {
            key_usage: KeyUsages::NonRepudiation.into(),
            no_key_usage: KeyUsages::KeyCertSign.into(),
            extended_key_usage: Vec::new(),
            qc_statements: Vec::new(),
        }
    }

    /// As [`signature`](Self::signature), qualified, the key in a qualified device (ETSI EN 319 412-5 §4.2.1, §4.2.2).
    #[must_use]
    pub fn qualified_signature() -> Self {
        Self { qc_statements: vec![QC_COMPLIANCE, QC_SSCD], ..Self::signature() }
    }
}

/// `id-etsi-qcs-QcCompliance`: the certificate is qualified (ETSI EN 319 412-5 §4.2.1).
pub const QC_COMPLIANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.1");
/// `id-etsi-qcs-QcSSCD`: the key lives in a qualified signature creation device (ETSI EN 319 412-5 §4.2.2).
pub const QC_SSCD: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.4");

mod usages {
    use serde::{Deserializer, Serializer, de::Error};

    use super::*;

    const NAMES: [(KeyUsages, &str); 9] = [
        (KeyUsages::DigitalSignature, "digitalSignature"),
        (KeyUsages::NonRepudiation, "nonRepudiation"),
        (KeyUsages::KeyEncipherment, "keyEncipherment"),
        (KeyUsages::DataEncipherment, "dataEncipherment"),
        (KeyUsages::KeyAgreement, "keyAgreement"),
        (KeyUsages::KeyCertSign, "keyCertSign"),
        (KeyUsages::CRLSign, "cRLSign"),
        (KeyUsages::EncipherOnly, "encipherOnly"),
        (KeyUsages::DecipherOnly, "decipherOnly"),
    ];

    pub(super) fn serialize<S: Serializer>(usages: &FlagSet<KeyUsages>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(NAMES.iter().filter(|(usage, _)| usages.contains(*usage)).map(|(_, name)| name))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FlagSet<KeyUsages>, D::Error> {
        let mut usages = FlagSet::default();
        for text in Vec::<String>::deserialize(deserializer)? {
            let known = NAMES.iter().find(|(_, name)| *name == text);
            usages |= known.map(|(usage, _)| *usage).ok_or_else(|| D::Error::custom("not a name of a key usage"))?;
        }
        Ok(usages)
    }
}

/// What a password that a holder picks has to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordRules {
    /// Fewest characters.
    pub minimum: usize,
    /// Fewest different ones among them.
    pub distinct: usize,
}

impl PasswordRules {
    /// Most bytes that are taken, whatever the rules.
    pub const MAXIMUM: usize = 255;

    /// What a password lacks.
    ///
    /// # Errors
    /// [`WeakPassword`].
    pub fn check(&self, password: &[u8]) -> Result<(), WeakPassword> {
        let text = std::str::from_utf8(password).map_err(|_| WeakPassword::NotText)?;
        if text.chars().any(char::is_control) {
            return Err(WeakPassword::NotText);
        }
        if password.len() > Self::MAXIMUM {
            return Err(WeakPassword::TooLong { maximum: Self::MAXIMUM });
        }
        if text.chars().count() < self.minimum {
            return Err(WeakPassword::TooShort { minimum: self.minimum });
        }
        let first_of_its_kind = |(at, one): &(usize, char)| !text[..*at].contains(*one);
        if text.char_indices().filter(first_of_its_kind).count() < self.distinct {
            return Err(WeakPassword::TooPlain { distinct: self.distinct });
        }
        Ok(())
    }
}

/// What a password that was picked lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// It is no text, or a control character is in it.
    #[error("take letters, digits and signs only")]
    NotText,
    /// It is too long.
    #[error("take at most {maximum} bytes")]
    TooLong {
        /// Most bytes.
        maximum: usize,
    },
    /// It is too short.
    #[error("take at least {minimum} characters")]
    TooShort {
        /// Fewest characters.
        minimum: usize,
    },
    /// The same few characters all over.
    #[error("take at least {distinct} different characters")]
    TooPlain {
        /// Fewest different characters.
        distinct: usize,
    },
}

impl WeakPassword {
    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::NotText => "weak-not-text",
            Self::TooLong { .. } => "weak-too-long",
            Self::TooShort { .. } => "weak-too-short",
            Self::TooPlain { .. } => "weak-too-plain",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_picked_keeps_the_rules_or_is_told_what_it_lacks() {
        let rules = PasswordRules { minimum: 8, distinct: 5 };
        assert_eq!(rules.check("žluťoučký".as_bytes()), Ok(()));
        assert_eq!(rules.check(b"abcdefg"), Err(WeakPassword::TooShort { minimum: 8 }));
        assert_eq!(rules.check("žšč".as_bytes()), Err(WeakPassword::TooShort { minimum: 8 }), "characters, not bytes");
        assert_eq!(rules.check(b"abababababab"), Err(WeakPassword::TooPlain { distinct: 5 }));
        assert_eq!(rules.check(b"abcdefgh\n"), Err(WeakPassword::NotText));
        assert_eq!(rules.check(&[0xFF; 12]), Err(WeakPassword::NotText));
        assert_eq!(rules.check(&[b'a'; 256]), Err(WeakPassword::TooLong { maximum: 255 }));
    }
}
