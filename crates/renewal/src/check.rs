use std::time::SystemTime;

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::KeyRole;

use crate::{CertificateRules, Oid, Pair, ParsedCertificate, Refusal, Terms, chain};

/// What a pair of certificates is measured by.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// The keys that were made.
    pub keys: Pair<&'a SubjectPublicKeyInfoOwned>,
    /// The certificates that are renewed: subject and alternative names must be theirs.
    pub old: Pair<&'a ParsedCertificate>,
    /// What must and must not stand in the new ones.
    pub rules: Pair<&'a CertificateRules>,
    /// Who is trusted.
    pub terms: &'a Terms,
}

/// Most certificates that are looked at in one answer: two, and the issuers above them.
pub const MAX_CERTIFICATES: usize = 16;

/// Finds the two new certificates among what came, by their keys and never by name (RFC 5280, RFC 5272), and checks both.
/// The rest may help to lead up to an anchor.
///
/// # Errors
/// [`Refusal`], by name; then nothing of it may be installed.
pub fn check_pair(
    came: &[Vec<u8>],
    expected: &Expected<'_>,
    now: SystemTime,
) -> Result<Pair<ParsedCertificate>, Refusal> {
    let certificates = read_all(came)?;
    let found = Pair::try_from_fn(|role| find(&certificates, role, expected.keys.get(role)))?;
    let pair = match (found.authentication, found.signature) {
        (Some(authentication), Some(signature)) => Pair { authentication, signature },
        (Some(_), None) => return Err(Refusal::OnlyOneOfTwo { missing: KeyRole::Signature }),
        (None, Some(_)) => return Err(Refusal::OnlyOneOfTwo { missing: KeyRole::Authentication }),
        (None, None) => return Err(Refusal::AnotherKey),
    };
    if is_swapped(&pair, &expected.rules) {
        return Err(Refusal::Swapped);
    }
    let mut intermediates = expected.terms.intermediates.clone();
    intermediates.extend(certificates.into_iter().filter(|one| *one != pair.authentication && *one != pair.signature));
    for (role, certificate) in pair.iter() {
        check_one(role, certificate, expected, now)?;
        chain::follow(certificate, &expected.terms.anchors, &intermediates, now)
            .map_err(|problem| Refusal::Chain { role, problem })?;
    }
    Ok(pair)
}

fn read_all(came: &[Vec<u8>]) -> Result<Vec<ParsedCertificate>, Refusal> {
    if came.len() > MAX_CERTIFICATES {
        return Err(Refusal::TooMany { count: came.len(), limit: MAX_CERTIFICATES });
    }
    came.iter().map(|der| ParsedCertificate::from_der(der).map_err(|_| Refusal::Malformed)).collect()
}

fn find(
    certificates: &[ParsedCertificate],
    role: KeyRole,
    key: &SubjectPublicKeyInfoOwned,
) -> Result<Option<ParsedCertificate>, Refusal> {
    let mut found = certificates.iter().filter(|certificate| certificate.public_key() == key);
    let first = found.next();
    if found.any(|other| Some(other) != first) { Err(Refusal::Twice { role }) } else { Ok(first.cloned()) }
}

fn is_swapped(pair: &Pair<ParsedCertificate>, rules: &Pair<&CertificateRules>) -> bool {
    let crossed = Pair { authentication: rules.signature, signature: rules.authentication };
    pair.iter()
        .all(|(role, certificate)| !follows(certificate, rules.get(role)) && follows(certificate, crossed.get(role)))
}

fn check_one(
    role: KeyRole,
    certificate: &ParsedCertificate,
    expected: &Expected<'_>,
    now: SystemTime,
) -> Result<(), Refusal> {
    let old = expected.old.get(role);
    if !certificate.has_sound_extensions() {
        return Err(Refusal::Malformed);
    }
    if certificate.subject() != old.subject() {
        return Err(Refusal::AnotherSubject { role });
    }
    if certificate.subject_alt_name() != old.subject_alt_name() {
        return Err(Refusal::OtherAltNames { role });
    }
    if now > certificate.not_after() {
        return Err(Refusal::Expired { role });
    }
    if now < certificate.not_before() {
        return Err(Refusal::NotYetValid { role });
    }
    if certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
        return Err(Refusal::IsCa { role });
    }
    let rules = expected.rules.get(role);
    if !follows(certificate, rules) {
        return Err(Refusal::KeyUsage { role });
    }
    let (extended, statements) = (certificate.extended_key_usage(), certificate.qc_statements());
    if let Some(missing) = rules.extended_key_usage.iter().find(|usage| !extended.contains(usage)) {
        return Err(Refusal::ExtendedKeyUsage { role, missing: Oid(*missing) });
    }
    if let Some(missing) = rules.qc_statements.iter().find(|statement| !statements.contains(statement)) {
        return Err(Refusal::QcStatement { role, missing: Oid(*missing) });
    }
    Ok(())
}

/// Whether the key usage is what the rules ask. A certificate that does not say what its key is for follows none.
fn follows(certificate: &ParsedCertificate, rules: &CertificateRules) -> bool {
    let usage = certificate.key_usage();
    usage.is_some_and(|usage| usage.contains(rules.key_usage) && (usage & rules.no_key_usage).is_empty())
}
