use std::time::Duration;

use const_oid::{ObjectIdentifier, db::rfc5280};
use der::flagset::FlagSet;
use obnova_algorithm::KeyAlgorithm;
use serde::{Deserialize, Serialize};
use x509_cert::ext::pkix::KeyUsages;

use crate::{Pair, wire};

/// What a house asks of a renewal. Data: a vendor writes another one instead of other code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// New keys, or the same keys certified again.
    pub method: Method,
    /// How long before the end of validity a renewal may begin.
    pub due_before: Duration,
    /// Kind of the new keys; `None` takes the kind of the old key.
    pub algorithms: Pair<Option<KeyAlgorithm>>,
    /// What the new certificates must and must not say.
    pub rules: Pair<CertificateRules>,
    /// How far the issuer's clock may be ahead of ours: certificates that begin to be valid within it are waited for, and
    /// those that begin later are refused.
    pub clock_tolerance: Duration,
    /// Prove the new authentication certificate by a TLS login.
    pub prove_login: bool,
    /// Prove the new signature key by a signature.
    pub prove_signature: bool,
}

impl Policy {
    /// `twins`: both keys new, from 30 days before the end; a signature certificate that is qualified and whose key lives in a
    /// signature creation device; clocks that differ by five minutes at most; both proven in the end.
    #[must_use]
    pub fn twins() -> Self {
        Self {
            method: Method::ReKey,
            due_before: Duration::from_secs(30 * 24 * 3600),
            algorithms: Pair::default(),
            rules: Pair {
                authentication: CertificateRules::authentication(),
                signature: CertificateRules::qualified_signature(),
            },
            clock_tolerance: CLOCK_TOLERANCE,
            prove_login: true,
            prove_signature: true,
        }
    }
}

/// What clocks may differ by where nobody says otherwise.
pub(crate) const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The two things that people call renewal (ETSI EN 319 411-1).
///
/// Only the re-key is there today; certifying the same key again (6.3.6) will be a variant of its own, never this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// A new key and a new certificate (6.3.7).
    ReKey,
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
