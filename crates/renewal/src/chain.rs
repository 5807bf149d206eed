use std::time::SystemTime;

use const_oid::{ObjectIdentifier, db::rfc5280};
use x509_cert::ext::pkix::KeyUsages;

use crate::{ChainProblem, ParsedCertificate, certificate::ID_PE_QC_STATEMENTS};

/// Follows a certificate up to an anchor (RFC 5280 §6.1, without policies, name constraints and revocation: a critical
/// extension that carries one of these, or anything else that is not understood, ends the way).
///
/// # Errors
/// [`ChainProblem`]: the one met on the way that got furthest up.
pub fn follow(
    leaf: &ParsedCertificate,
    anchors: &[ParsedCertificate],
    intermediates: &[ParsedCertificate],
    now: SystemTime,
) -> Result<(), ChainProblem> {
    let mut signatures = MAX_SIGNATURES;
    climb(leaf, &Issuers { anchors, intermediates, now }, 0, &mut signatures)
}

/// Issuers that may stand above each other.
const MAX_DEPTH: usize = 6;
/// Signatures checked for one leaf: hostile sets of certificates that all bear one name end here.
const MAX_SIGNATURES: usize = 64;

struct Issuers<'a> {
    anchors: &'a [ParsedCertificate],
    intermediates: &'a [ParsedCertificate],
    now: SystemTime,
}

fn climb(
    certificate: &ParsedCertificate,
    issuers: &Issuers<'_>,
    depth: usize,
    signatures: &mut usize,
) -> Result<(), ChainProblem> {
    if !only_known_critical(certificate) {
        return Err(ChainProblem::CriticalExtension);
    }
    if depth >= MAX_DEPTH {
        return Err(ChainProblem::TooLong);
    }
    let mut problem = ChainProblem::UnknownIssuer;
    let anchors = issuers.anchors.iter().map(|issuer| (issuer, true));
    let between = issuers.intermediates.iter().map(|issuer| (issuer, false));
    for (issuer, is_anchor) in anchors.chain(between) {
        if issuer.subject() != certificate.issuer() || issuer == certificate {
            continue;
        }
        match above(certificate, issuer, issuers.now, depth, signatures) {
            Ok(()) if is_anchor => return Ok(()),
            Ok(()) => match climb(issuer, issuers, depth + 1, signatures) {
                Ok(()) => return Ok(()),
                Err(further) => problem = further,
            },
            Err(here) => problem = here,
        }
    }
    Err(problem)
}

/// Whether `issuer` may have issued `certificate` and did. `depth` counts the issuers between it and the leaf.
fn above(
    certificate: &ParsedCertificate,
    issuer: &ParsedCertificate,
    now: SystemTime,
    depth: usize,
    signatures: &mut usize,
) -> Result<(), ChainProblem> {
    let constraints =
        issuer.basic_constraints().filter(|constraints| constraints.ca).ok_or(ChainProblem::NotAnIssuer)?;
    if issuer.key_usage().is_some_and(|usage| !usage.contains(KeyUsages::KeyCertSign)) {
        return Err(ChainProblem::NotAnIssuer);
    }
    if constraints.path_len_constraint.is_some_and(|limit| depth > usize::from(limit)) {
        return Err(ChainProblem::TooLong);
    }
    if !issuer.is_valid_at(now) {
        return Err(ChainProblem::IssuerValidity);
    }
    *signatures = signatures.checked_sub(1).ok_or(ChainProblem::TooLong)?;
    if certificate.is_signed_by(issuer.public_key()) { Ok(()) } else { Err(ChainProblem::Signature) }
}

/// Extensions that are looked at here or by the check of the leaf, so that they may be critical.
const KNOWN: [ObjectIdentifier; 6] = [
    rfc5280::ID_CE_BASIC_CONSTRAINTS,
    rfc5280::ID_CE_KEY_USAGE,
    rfc5280::ID_CE_EXT_KEY_USAGE,
    rfc5280::ID_CE_SUBJECT_ALT_NAME,
    // Policies are the house's affair; with no policy asked for, RFC 5280 §6.1 lets every policy pass.
    rfc5280::ID_CE_CERTIFICATE_POLICIES,
    ID_PE_QC_STATEMENTS,
];

fn only_known_critical(certificate: &ParsedCertificate) -> bool {
    certificate.extensions().iter().all(|extension| !extension.critical || KNOWN.contains(&extension.extn_id))
}
