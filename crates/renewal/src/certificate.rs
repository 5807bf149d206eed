use std::{sync::Arc, time::SystemTime};

use const_oid::{ObjectIdentifier, db::rfc5280};
use der::{Decode, Encode, Reader, Sequence, SliceReader, asn1::Any, flagset::FlagSet};
use obnova_algorithm::{SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_enroll::names::same_name;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use x509_cert::{
    Certificate,
    ext::{
        Extension,
        pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
    },
    name::Name,
};

use crate::wire;

/// A certificate that was read once, at the door, together with its exact bytes. Cheap to clone.
#[derive(Clone)]
pub struct ParsedCertificate(Arc<Parsed>);

struct Parsed {
    der: Vec<u8>,
    certificate: Certificate,
}

impl ParsedCertificate {
    /// Longest certificate in bytes that is looked at; those of people have 1,000 to 3,000.
    pub const MAX_SIZE: usize = 0xFFFF;

    /// Reads one certificate and nothing after it.
    ///
    /// # Errors
    /// [`UnreadableCertificate`] for anything else, and for one that is too long.
    pub fn from_der(der: &[u8]) -> Result<Self, UnreadableCertificate> {
        if der.len() > Self::MAX_SIZE {
            return Err(UnreadableCertificate);
        }
        let certificate = Certificate::from_der(der).map_err(|_| UnreadableCertificate)?;
        Ok(Self(Arc::new(Parsed { der: der.to_vec(), certificate })))
    }

    /// The bytes as they came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// What they say.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// Whose it is.
    #[must_use]
    pub fn subject(&self) -> &Name {
        self.0.certificate.tbs_certificate().subject()
    }

    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        self.0.certificate.tbs_certificate().issuer()
    }

    /// Whether it names the same subject as another, however each writes the name ([`same_name`]).
    pub(crate) fn has_subject_of(&self, other: &Self) -> bool {
        same_name(self.subject(), other.subject())
    }

    /// Whether it names the same issuer as another, in the same way.
    pub(crate) fn has_issuer_of(&self, other: &Self) -> bool {
        same_name(self.issuer(), other.issuer())
    }

    /// Whether this CA's name stands in it, and its key signed it: CAs may have one name, and a CA more than one key.
    pub(crate) fn is_issued_by(&self, ca: &Self) -> bool {
        same_name(self.issuer(), ca.subject()) && self.is_signed_by(ca.public_key())
    }

    /// The serial number in the shape that it has everywhere: the octets that stand in the certificate, two small hexadecimal
    /// digits each. [`serial_digits`] brings what somebody wrote down into it.
    #[must_use]
    pub fn serial(&self) -> String {
        digits(self.0.certificate.tbs_certificate().serial_number().as_bytes())
    }

    /// The certified key.
    #[must_use]
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        self.0.certificate.tbs_certificate().subject_public_key_info()
    }

    /// First moment of its validity.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.0.certificate.tbs_certificate().validity().not_before.to_system_time()
    }

    /// Last moment of its validity.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.certificate.tbs_certificate().validity().not_after.to_system_time()
    }

    /// Whether `now` lies inside its validity, ends included (RFC 5280 §4.1.2.5).
    #[must_use]
    pub fn is_valid_at(&self, now: SystemTime) -> bool {
        (self.not_before()..=self.not_after()).contains(&now)
    }

    /// The extension with this identifier, if there is exactly one (RFC 5280 §4.2 allows no more).
    #[must_use]
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        let mut found = self.extensions().iter().filter(|extension| extension.extn_id == oid);
        found.next().filter(|_| found.next().is_none())
    }

    /// Every extension.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        self.0.certificate.tbs_certificate().extensions().map_or(&[], Vec::as_slice)
    }

    /// Whether no extension stands there twice (RFC 5280 §4.2), and those that are looked at here can be read: what is there
    /// and says nothing must not pass for what is not there.
    #[must_use]
    pub fn has_sound_extensions(&self) -> bool {
        let all = self.extensions();
        let once = |at: usize| all[..at].iter().all(|earlier| earlier.extn_id != all[at].extn_id);
        all.iter().enumerate().all(|(at, extension)| {
            let value = extension.extn_value.as_bytes();
            let readable = match extension.extn_id {
                rfc5280::ID_CE_BASIC_CONSTRAINTS => BasicConstraints::from_der(value).is_ok(),
                rfc5280::ID_CE_KEY_USAGE => KeyUsage::from_der(value).is_ok(),
                rfc5280::ID_CE_EXT_KEY_USAGE => ExtendedKeyUsage::from_der(value).is_ok(),
                ID_PE_QC_STATEMENTS => Vec::<QcStatement>::from_der(value).is_ok(),
                _ => true,
            };
            readable && once(at)
        })
    }

    /// What the key may be used for (RFC 5280 §4.2.1.3); `None` when the certificate does not say.
    #[must_use]
    pub fn key_usage(&self) -> Option<FlagSet<KeyUsages>> {
        self.decoded::<KeyUsage>(rfc5280::ID_CE_KEY_USAGE).map(|usage| usage.0)
    }

    /// Extended key usage (RFC 5280 §4.2.1.12); empty when the certificate does not say.
    #[must_use]
    pub fn extended_key_usage(&self) -> Vec<ObjectIdentifier> {
        self.decoded::<ExtendedKeyUsage>(rfc5280::ID_CE_EXT_KEY_USAGE).map_or_else(Vec::new, |usage| usage.0)
    }

    /// Basic constraints (RFC 5280 §4.2.1.9), if they are there and readable.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.decoded(rfc5280::ID_CE_BASIC_CONSTRAINTS)
    }

    /// Identifiers of the statements of a qualified certificate (RFC 3739 §3.2.6, ETSI EN 319 412-5).
    #[must_use]
    pub fn qc_statements(&self) -> Vec<ObjectIdentifier> {
        let statements = self.decoded::<Vec<QcStatement>>(ID_PE_QC_STATEMENTS).unwrap_or_default();
        statements.into_iter().map(|statement| statement.id).collect()
    }

    /// The alternative names of the subject, as the bytes of the extension's value.
    #[must_use]
    pub fn subject_alt_name(&self) -> Option<&[u8]> {
        self.extension(rfc5280::ID_CE_SUBJECT_ALT_NAME).map(|extension| extension.extn_value.as_bytes())
    }

    /// The e-mail addresses among the alternative names of the subject, fit to be shown.
    #[must_use]
    pub fn email_addresses(&self) -> Vec<String> {
        let names =
            self.decoded::<SubjectAltName>(rfc5280::ID_CE_SUBJECT_ALT_NAME).map_or_else(Vec::new, |names| names.0);
        let addresses = names.into_iter().filter_map(|name| match name {
            GeneralName::Rfc822Name(address) => Some(obnova_algorithm::text::printable(address.as_str(), 320)),
            _ => None,
        });
        addresses.collect()
    }

    /// Whether `issuer`'s key signed it; the names are not looked at.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &SubjectPublicKeyInfoOwned) -> bool {
        let algorithm = SignatureAlgorithm::try_from(self.0.certificate.signature_algorithm());
        let (Ok(algorithm), Some(signature), Some(signed)) =
            (algorithm, self.0.certificate.signature().as_bytes(), self.signed_bytes())
        else {
            return false;
        };
        let same_twice = self.0.certificate.signature_algorithm() == self.0.certificate.tbs_certificate().signature();
        same_twice && obnova_algorithm::verify(issuer, algorithm, signed, signature).is_ok()
    }

    /// The exact bytes that the issuer signed: encoding them again could give others.
    fn signed_bytes(&self) -> Option<&[u8]> {
        let mut outer = SliceReader::new(&self.0.der).ok()?;
        let mut signed = None;
        outer
            .sequence(|inner| {
                signed = Some(inner.tlv_bytes()?);
                inner.tlv_bytes()?;
                inner.tlv_bytes()?;
                Ok::<(), der::Error>(())
            })
            .ok()?;
        signed
    }

    fn decoded<T: for<'a> Decode<'a>>(&self, oid: ObjectIdentifier) -> Option<T> {
        T::from_der(self.extension(oid)?.extn_value.as_bytes()).ok()
    }
}

/// `id-pe-qcStatements` (RFC 3739 §3.2.6).
pub(crate) const ID_PE_QC_STATEMENTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.3");

/// `QCStatement` (RFC 3739 §3.2.6).
#[derive(Sequence)]
struct QcStatement {
    id: ObjectIdentifier,
    #[asn1(optional = "true")]
    _information: Option<Any>,
}

impl PartialEq for ParsedCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for ParsedCertificate {}

impl std::fmt::Debug for ParsedCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ParsedCertificate({}, {})", self.serial(), self.subject())
    }
}

impl Serialize for ParsedCertificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wire::bytes::serialize(&self.0.der, serializer)
    }
}

impl<'de> Deserialize<'de> for ParsedCertificate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_der(&wire::bytes::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<&Certificate> for ParsedCertificate {
    type Error = UnreadableCertificate;

    /// Encodes a certificate again; take [`ParsedCertificate::from_der`] where the bytes as they came are at hand.
    fn try_from(certificate: &Certificate) -> Result<Self, UnreadableCertificate> {
        Self::from_der(&certificate.to_der().map_err(|_| UnreadableCertificate)?)
    }
}

/// A serial number that somebody wrote down, in the shape of [`ParsedCertificate::serial`]: read with and without zeros in front,
/// in small letters or capitals, with colons or blanks between, as OpenSSL prints it. `None` where it is none (RFC 5280 §4.1.2.2:
/// above zero, at most 20 octets).
#[must_use]
pub fn serial_digits(written: &str) -> Option<String> {
    let written = written.trim();
    let written = written.strip_prefix("serial=").unwrap_or(written);
    let plain: String = written.chars().filter(|one| !": ".contains(*one)).collect();
    let number = plain.trim_start_matches('0');
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_number || number.len() > 40 {
        return None;
    }
    // Whole octets, of which the first says that the number is above zero.
    let even = format!("{}{}", if number.len() % 2 == 1 { "0" } else { "" }, number.to_ascii_lowercase());
    Some(if even.starts_with(|digit: char| digit > '7') { format!("00{even}") } else { even })
}

fn digits(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Bytes that are no certificate, or more than one, or too long for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not one X.509 certificate in DER of at most {} bytes", ParsedCertificate::MAX_SIZE)]
pub struct UnreadableCertificate;

#[cfg(test)]
mod tests {
    use super::serial_digits;

    #[test]
    fn a_serial_number_has_one_shape_however_it_is_written() {
        for written in ["010660D8", "10660d8", "01:06:60:D8", " 1 06 60 d8 ", "serial=010660D8", "0000010660d8"] {
            assert_eq!(serial_digits(written).as_deref(), Some("010660d8"), "{written}");
        }
        // As it stands in a certificate: there it would be below zero without the octet in front.
        assert_eq!(serial_digits("ff01").as_deref(), Some("00ff01"));
        assert_eq!(serial_digits(&"f".repeat(40)), Some("00".to_owned() + &"f".repeat(40)));
        for written in ["", "0", "00", "1g", "0x1f", "1f-2", &"f".repeat(41), "serial="] {
            assert_eq!(serial_digits(written), None, "{written}");
        }
    }
}
