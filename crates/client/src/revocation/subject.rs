use const_oid::db::rfc5280::ID_AD_OCSP;
use obnova_enroll::cmc::CertificateId;
use obnova_renewal::{ParsedCertificate, serial_digits};
use obnova_status::{Authority, SerialNumber};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, CrlDistributionPoints,
    name::{DistributionPointName, GeneralName},
};

use super::RevocationError;

/// A certificate that is asked about: what is known of it.
pub(crate) struct Subject {
    pub(crate) authority: Authority,
    pub(crate) serial: SerialNumber,
    id: CertificateId,
    /// Where its issuer says that OCSP is spoken.
    pub(crate) ocsp: Vec<String>,
    /// Where its issuer says that its CRL is.
    pub(crate) crl: Vec<String>,
}

impl Subject {
    /// By its number, and itself where it is there.
    pub(crate) fn new(
        serial: &str,
        certificate: Option<&ParsedCertificate>,
        issuer: &ParsedCertificate,
    ) -> Result<Self, RevocationError> {
        let serial = match certificate {
            Some(certificate) => certificate.certificate().tbs_certificate().serial_number().clone(),
            None => {
                let bytes = bytes(serial).ok_or(RevocationError::Serial)?;
                SerialNumber::new(&bytes).map_err(|_| RevocationError::Serial)?
            }
        };
        let authority =
            Authority::from_der(issuer.der()).map_err(|error| RevocationError::Issuer(error.to_string()))?;
        // Only what the issuer has signed says whom else to ask.
        let certificate =
            certificate.filter(|one| one.issuer() == issuer.subject() && one.is_signed_by(issuer.public_key()));
        Ok(Self {
            authority,
            id: CertificateId { issuer: issuer.subject().clone(), serial: serial.clone() },
            serial,
            ocsp: certificate.map(ocsp).unwrap_or_default(),
            crl: certificate.map(crl).unwrap_or_default(),
        })
    }

    /// How CMC names it.
    pub(super) const fn id(&self) -> &CertificateId {
        &self.id
    }
}

/// The number's bytes, the greatest first.
fn bytes(serial: &str) -> Option<Vec<u8>> {
    let digits = serial_digits(serial)?;
    let two = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(two).collect()
}

/// Addresses that are looked at, of each kind.
const MOST: usize = 3;

/// RFC 5280 §4.2.2.1.
fn ocsp(certificate: &ParsedCertificate) -> Vec<String> {
    let found = certificate.certificate().tbs_certificate().get_extension::<AuthorityInfoAccessSyntax>();
    let Ok(Some((_, AuthorityInfoAccessSyntax(accesses)))) = found else { return Vec::new() };
    let ocsp = accesses.iter().filter(|access| access.access_method == ID_AD_OCSP);
    ocsp.filter_map(|access| address(&access.access_location)).take(MOST).collect()
}

/// RFC 5280 §4.2.1.13. Lists that hold some reasons only, or are another's, are left aside.
fn crl(certificate: &ParsedCertificate) -> Vec<String> {
    let found = certificate.certificate().tbs_certificate().get_extension::<CrlDistributionPoints>();
    let Ok(Some((_, CrlDistributionPoints(points)))) = found else { return Vec::new() };
    let whole = points.iter().filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
    let names = whole.filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.flatten().filter_map(address).take(MOST).collect()
}

fn address(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(address) => Some(address.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for written in ["01a", "1A", "00:1A", "1a ", "1 A"] {
            assert_eq!(bytes(written), Some(vec![0x1A]), "{written}");
        }
        assert_eq!(bytes("10203"), Some(vec![1, 2, 3]));
        assert_eq!(bytes(&"f".repeat(40)), Some([&[0][..], &[0xFF; 20]].concat()), "a number above zero");
        for written in ["", "0", "00", &"f".repeat(41)] {
            assert_eq!(bytes(written), None, "{written}");
        }
    }
}
