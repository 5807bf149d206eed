//! Whom secrets for the CA are encrypted to.

use std::time::SystemTime;

use obnova_enroll::{
    certs_only,
    est::{Headers, HttpRequest, HttpResponse, Method},
};
use obnova_renewal::{ParsedCertificate, follow_chain};
use x509_cert::{Certificate, ext::pkix::KeyUsages};

use super::signers::CMC_CA;
use crate::CaError;

/// Of these the youngest that leads up to an anchor now, is no CA and nobody's for signing or logging in, and is for encryption.
pub(super) fn certificate(
    of: &[ParsedCertificate],
    anchors: &[ParsedCertificate],
    between: &[ParsedCertificate],
    now: SystemTime,
) -> Option<Certificate> {
    let sound = of.iter().filter(|one| {
        one.is_valid_at(now) && is_for_encryption(one) && follow_chain(one, anchors, between, now).is_ok()
    });
    sound.max_by_key(|one| one.not_before()).map(|one| one.certificate().clone())
}

/// Where a server gives it out that does not have it among its CA certificates.
pub(super) fn request() -> HttpRequest {
    let headers = Headers::from_iter([("Accept", "application/pkix-cert")]);
    HttpRequest { method: Method::Get, path: "/encryption.cer".into(), headers, body: Vec::new() }
}

/// What it gave; nothing where it has none.
pub(super) fn response(response: &HttpResponse) -> Result<Option<ParsedCertificate>, CaError> {
    match response.status {
        200 => {}
        404 => return Ok(None),
        status => return Err(CaError::Status { status, text: String::new() }),
    }
    let certificates = certs_only::read_file(&response.body).map_err(|error| CaError::Protocol(error.to_string()))?;
    let first = certificates.first().map(ParsedCertificate::try_from).transpose();
    first.map_err(|error| CaError::Protocol(error.to_string()))
}

/// A certificate of a holder has an extended key usage, or one for signatures.
fn is_for_encryption(certificate: &ParsedCertificate) -> bool {
    let encrypting = KeyUsages::KeyEncipherment | KeyUsages::KeyAgreement;
    let signing = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation | KeyUsages::KeyCertSign;
    let is_ca = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    let is_for = certificate.extended_key_usage();
    let usage = certificate.key_usage();
    !is_ca
        && (is_for.is_empty() || is_for.contains(&CMC_CA))
        && usage.is_some_and(|usage| !(usage & encrypting).is_empty() && (usage & signing).is_empty())
}
