use std::time::SystemTime;

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::KeyRole;
use obnova_enroll::names::same_alt_names;

use crate::{ByRole, CertificateRules, Oid, Pair, ParsedCertificate, Refusal, Terms, chain};

/// What new certificates are measured by.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// The keys that are certified, one or two.
    pub keys: ByRole<&'a SubjectPublicKeyInfoOwned>,
    /// The certificates that are renewed: subject and alternative names must be theirs, however they are written. Nothing where none is renewed: then
    /// the issuer decides whose name they bear, which is the same in all of them.
    pub old: ByRole<&'a ParsedCertificate>,
    /// What must and must not stand in the new ones.
    pub rules: ByRole<&'a CertificateRules>,
    /// Who is trusted.
    pub terms: &'a Terms,
}

/// Most certificates that are looked at in one answer: two, and the issuers above them.
pub const MAX_CERTIFICATES: usize = 16;

/// Finds the new certificates among what came, by their keys and never by name (RFC 5280, RFC 5272), and checks each.
/// The rest may help to lead up to an anchor.
///
/// # Errors
/// [`Refusal`], by name; then nothing of it may be installed.
pub fn check_certificates(
    came: &[Vec<u8>],
    expected: &Expected<'_>,
    now: SystemTime,
) -> Result<ByRole<ParsedCertificate>, Refusal> {
    let certificates = read_all(came)?;
    let found = expected.keys.try_map(|role, key| find(&certificates, role, key, expected.old.get(role).copied()))?;
    let missing = found.iter().find(|(_, one)| one.is_none()).map(|(role, _)| role);
    let new = match (found.filter_map(|_, one| one.clone()), missing) {
        (Some(new), _) => new,
        (None, Some(missing)) if found.iter().any(|(_, one)| one.is_some()) => {
            return Err(Refusal::OnlyOneOfTwo { missing });
        }
        (None, _) => return Err(Refusal::AnotherKey),
    };
    if is_swapped(&new, &expected.rules) {
        return Err(Refusal::Swapped);
    }
    let mut intermediates = expected.terms.intermediates.clone();
    intermediates.extend(certificates.into_iter().filter(|one| new.iter().all(|(_, new)| new != one)));
    for (role, certificate) in new.iter() {
        check_one(role, certificate, expected, now)?;
        chain::follow(certificate, &expected.terms.anchors, &intermediates, now)
            .map_err(|problem| Refusal::Chain { role, problem })?;
    }
    match new.pair() {
        Some(pair) if !pair.authentication.has_subject_of(pair.signature) => Err(Refusal::TwoSubjects),
        _ => Ok(new),
    }
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
    old: Option<&ParsedCertificate>,
) -> Result<Option<ParsedCertificate>, Refusal> {
    let of_key = || certificates.iter().filter(|certificate| certificate.public_key() == key);
    // Where the key stays, the old certificate is one for it too.
    let mut found = of_key().filter(|certificate| Some(*certificate) != old);
    let first = found.next();
    match first {
        None if of_key().next().is_some() => Err(Refusal::NotNew { role }),
        _ if found.any(|other| Some(other) != first) => Err(Refusal::Twice { role }),
        _ => Ok(first.cloned()),
    }
}

fn is_swapped(new: &ByRole<ParsedCertificate>, rules: &ByRole<&CertificateRules>) -> bool {
    let (Some(pair), Some(rules)) = (new.pair(), rules.pair()) else { return false };
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
    if !certificate.has_sound_extensions() {
        return Err(Refusal::Malformed);
    }
    match expected.old.get(role) {
        Some(old) => check_against(role, certificate, old)?,
        None if certificate.subject().is_empty() => return Err(Refusal::NoSubject { role }),
        None => {}
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
    let Some(rules) = expected.rules.get(role) else { return Ok(()) };
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

/// Names are those of the certificate that is renewed, by [what they say](obnova_enroll::names): a CA may write them as other string types
/// now. And where the key stays, the validity is not an earlier one's.
fn check_against(role: KeyRole, certificate: &ParsedCertificate, old: &ParsedCertificate) -> Result<(), Refusal> {
    if !certificate.has_subject_of(old) {
        return Err(Refusal::AnotherSubject { role });
    }
    let same_names = match (certificate.subject_alt_name(), old.subject_alt_name()) {
        (Some(names), Some(old)) => same_alt_names(names, old),
        (names, old) => names == old,
    };
    if !same_names {
        return Err(Refusal::OtherAltNames { role });
    }
    if certificate.public_key() == old.public_key() && certificate.not_after() <= old.not_after() {
        return Err(Refusal::NotNew { role });
    }
    Ok(())
}

/// Whether the key usage is what the rules ask. A certificate that does not say what its key is for follows none.
fn follows(certificate: &ParsedCertificate, rules: &CertificateRules) -> bool {
    let usage = certificate.key_usage();
    usage.is_some_and(|usage| usage.contains(rules.key_usage) && (usage & rules.no_key_usage).is_empty())
}
