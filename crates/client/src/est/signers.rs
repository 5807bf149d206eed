use std::time::SystemTime;

use const_oid::ObjectIdentifier;
use obnova_renewal::{ParsedCertificate, follow_chain};
use x509_cert::{Certificate, ext::pkix::KeyUsages};

/// Those who may sign the CA's answers: CAs, and who was certified for it (RFC 6402 §2.10), among the anchors and what leads up
/// to one now. Nobody else who has a certificate of the same root: not its TLS server, and no holder.
pub(super) fn signers(anchors: &[ParsedCertificate], given: &[ParsedCertificate], now: SystemTime) -> Vec<Certificate> {
    let sound = given.iter().filter(|one| follow_chain(one, anchors, given, now).is_ok());
    anchors.iter().chain(sound).filter(|one| may_answer(one)).map(|one| one.certificate().clone()).collect()
}

/// `id-kp-cmcCA`.
pub(super) const CMC_CA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.27");

/// A key usage that is there must name digitalSignature (RFC 5280 §4.2.1.3), and keyCertSign for a CA.
fn may_answer(certificate: &ParsedCertificate) -> bool {
    let is_ca = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    let wanted = match is_ca {
        true => KeyUsages::KeyCertSign | KeyUsages::DigitalSignature,
        false => KeyUsages::DigitalSignature.into(),
    };
    (is_ca || certificate.extended_key_usage().contains(&CMC_CA))
        && certificate.key_usage().is_none_or(|usage| usage.contains(wanted))
}

#[cfg(test)]
mod tests;
