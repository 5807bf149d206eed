use der::{Decode, Encode};
use x509_cert::Certificate;

/// DER of a certificate's subject, issuer and serial number, as PKCS#11 keeps them.
pub(super) struct Names {
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) serial_number: Vec<u8>,
}

pub(super) fn names(certificate: &[u8]) -> Option<Names> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let signed = certificate.tbs_certificate();
    Some(Names {
        subject: signed.subject().to_der().ok()?,
        issuer: signed.issuer().to_der().ok()?,
        serial_number: signed.serial_number().to_der().ok()?,
    })
}
