use std::time::SystemTime;

use obnova_enroll::est::Client;
use obnova_renewal::{ParsedCertificate, follow_chain};

use super::est_error;
use crate::{CaError, HttpExchange};

/// The CA's certificates (RFC 7030 §4.1). They must have to do with an anchor: what another issuer's server says of itself is
/// not even kept.
pub(super) fn fetch(
    https: &impl HttpExchange,
    client: &Client,
    anchors: &[ParsedCertificate],
) -> Result<Vec<ParsedCertificate>, CaError> {
    let response = https.exchange(&client.cacerts_request())?;
    let certificates = client.cacerts_response(&response).map_err(est_error)?;
    let parsed = certificates.iter().map(ParsedCertificate::try_from).collect::<Result<Vec<_>, _>>();
    let parsed = parsed.map_err(|error| CaError::Protocol(error.to_string()))?;
    let now = SystemTime::now();
    let ours = |one| anchors.contains(one) || follow_chain(one, anchors, &parsed, now).is_ok();
    if parsed.iter().any(ours) { Ok(parsed) } else { Err(CaError::OtherIssuer) }
}

/// Those that may issue and lead up to an anchor now, each once.
pub(super) fn issuers(
    anchors: &[ParsedCertificate],
    given: &[ParsedCertificate],
    now: SystemTime,
) -> Vec<ParsedCertificate> {
    let sound = given.iter().filter(|one| follow_chain(one, anchors, given, now).is_ok());
    let mut issuers: Vec<ParsedCertificate> = Vec::new();
    for one in anchors.iter().chain(sound) {
        let is_ca = one.basic_constraints().is_some_and(|constraints| constraints.ca);
        if is_ca && !issuers.contains(one) {
            issuers.push(one.clone());
        }
    }
    issuers
}

/// The one of these that issued a certificate.
pub(super) fn issuer_of<'a>(
    certificate: &ParsedCertificate,
    issuers: &'a [ParsedCertificate],
) -> Option<&'a ParsedCertificate> {
    issuers.iter().find(|ca| ca.subject() == certificate.issuer() && certificate.is_signed_by(ca.public_key()))
}
