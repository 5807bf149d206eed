use std::time::SystemTime;

use obnova_renewal::{ParsedCertificate, follow_chain};
use x509_cert::{Certificate, ext::pkix::KeyUsages};

use super::signers::CMC_CA;

/// Whom secrets for the CA are encrypted to: what leads up to an anchor now, is no CA, was certified to speak for one (RFC 6402
/// §2.10), and is for encryption and not for signatures. Of several the youngest.
pub(super) fn certificate(
    anchors: &[ParsedCertificate],
    given: &[ParsedCertificate],
    now: SystemTime,
) -> Option<Certificate> {
    let sound = given
        .iter()
        .filter(|one| one.is_valid_at(now) && is_for_encryption(one) && follow_chain(one, anchors, given, now).is_ok());
    sound.max_by_key(|one| one.not_before()).map(|one| one.certificate().clone())
}

fn is_for_encryption(certificate: &ParsedCertificate) -> bool {
    let encrypting = KeyUsages::KeyEncipherment | KeyUsages::KeyAgreement;
    let is_ca = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    let usage = certificate.key_usage();
    !is_ca
        && certificate.extended_key_usage().contains(&CMC_CA)
        && usage.is_some_and(|usage| !(usage & encrypting).is_empty())
}
