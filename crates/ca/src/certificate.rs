use std::time::SystemTime;

use const_oid::{AssociatedOid, ObjectIdentifier};
use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, BitString, OctetString},
};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use sha2::{Digest, Sha256};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{
    Certificate, Version,
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier},
    },
    name::Name,
    serial_number::SerialNumber,
    time::{Time, Validity},
};

use crate::{CaKey, KeyFileError};

/// A certificate that was made, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// Read back from `der`.
    pub certificate: Certificate,
    /// The exact bytes.
    pub der: Vec<u8>,
}

impl IssuedCertificate {
    /// Reads a certificate, keeping its bytes.
    ///
    /// # Errors
    /// When it is not one DER certificate.
    pub fn from_der(der: &[u8]) -> der::Result<Self> {
        Ok(Self { certificate: Certificate::from_der(der)?, der: der.to_vec() })
    }

    /// Content of its serial number.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.certificate.tbs_certificate().serial_number().as_bytes()
    }
}

/// What a certificate is to say; the serial number and the key identifiers are added when it is signed.
pub(crate) struct Content<'a> {
    pub subject: Name,
    pub key: SubjectPublicKeyInfoOwned,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
    pub extensions: Vec<Extension>,
    pub issuer: Name,
    /// Key that signs, and its subject key identifier as it stands in the issuer's certificate.
    pub signer: &'a CaKey,
    pub signer_identifier: Option<Vec<u8>>,
}

impl Content<'_> {
    /// Signs a certificate, version 3 (RFC 5280 §4.1), with a random serial number.
    pub fn sign(self) -> Result<IssuedCertificate, IssueError> {
        if self.not_after <= self.not_before {
            return Err(IssueError::Validity);
        }
        let mut extensions =
            vec![extension(false, &SubjectKeyIdentifier(OctetString::new(key_identifier(&self.key))?))?];
        if let Some(identifier) = self.signer_identifier {
            let identifier = AuthorityKeyIdentifier {
                key_identifier: Some(OctetString::new(identifier)?),
                ..AuthorityKeyIdentifier::default()
            };
            extensions.push(extension(false, &identifier)?);
        }
        extensions.extend(self.extensions);
        let algorithm = self.signer.algorithm().identifier();
        let tbs = Tbs {
            version: Version::V3,
            serial_number: random_serial()?,
            signature: algorithm.clone(),
            issuer: self.issuer,
            validity: Validity::new(Time::try_from(self.not_before)?, Time::try_from(self.not_after)?),
            subject: self.subject,
            subject_public_key_info: self.key,
            extensions,
        };
        let tbs = tbs.to_der()?;
        let signature = BitString::from_bytes(&self.signer.sign(&tbs)?)?;
        let der = Signed { tbs: AnyRef::from_der(&tbs)?, algorithm, signature }.to_der()?;
        Ok(IssuedCertificate::from_der(&der)?)
    }
}

/// `TBSCertificate` (RFC 5280 §4.1) as a CA writes it.
#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// What was signed, and its signature.
#[derive(Sequence)]
struct Signed<'a> {
    tbs: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// An extension with `value` as its content.
pub(crate) fn extension<T: AssociatedOid + Encode>(critical: bool, value: &T) -> der::Result<Extension> {
    raw_extension(T::OID, critical, value)
}

pub(crate) fn raw_extension(oid: ObjectIdentifier, critical: bool, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { extn_id: oid, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// Key identifier by method 1 of RFC 7093 §2: the leftmost 160 bits of SHA-256 over the public key's bits.
pub(crate) fn key_identifier(key: &SubjectPublicKeyInfoOwned) -> [u8; 20] {
    let hash = Sha256::digest(key.subject_public_key.raw_bytes());
    let mut identifier = [0; 20];
    identifier.copy_from_slice(&hash[..20]);
    identifier
}

/// The subjectKeyIdentifier that stands in a certificate.
pub(crate) fn identifier_in(certificate: &Certificate) -> Option<Vec<u8>> {
    let found = certificate.tbs_certificate().get_extension::<SubjectKeyIdentifier>().ok().flatten();
    found.map(|(_, identifier)| identifier.0.into_bytes().into())
}

/// 152 random bits below a leading byte of 1 to 127: positive, 20 bytes, never shortened (RFC 5280 §4.1.2.2).
fn random_serial() -> Result<SerialNumber, IssueError> {
    let mut bytes = [0; 20];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyFileError::Crypto)?;
    bytes[0] = (bytes[0] & 0x7f).max(1);
    Ok(SerialNumber::new(&bytes)?)
}

/// Why a certificate was not made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// It would end before it begins.
    #[error("the certificate would end before it begins: check the dates")]
    Validity,
    /// It would outlive the CA's own certificate.
    #[error("the CA's certificate ends {issuer_ends} and the new one would end later: renew the CA first")]
    IssuerEnds {
        /// End of the CA's certificate.
        issuer_ends: String,
    },
    /// Something in it cannot be written as DER (a date after 9999, an over-long name).
    #[error("the certificate cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// The CA's key failed.
    #[error(transparent)]
    Key(#[from] KeyFileError),
}
