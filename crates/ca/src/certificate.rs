use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use const_oid::{AssociatedOid, ObjectIdentifier};
use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, BitStringRef, OctetString},
};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_enroll::cmc::BuildError;
use sha2::{Digest, Sha256};
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

/// What a certificate is to say; the serial number, the key identifiers and what the signer says are added when it is signed.
/// Parts that many certificates share are DER already.
pub(crate) struct Content<'a> {
    /// DER of its Name.
    pub subject: &'a [u8],
    pub key: &'a SubjectPublicKeyInfoOwned,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
    /// DER of each.
    pub extensions: &'a [&'a [u8]],
}

/// A certificate that was signed just now.
pub(crate) struct Made {
    pub der: Vec<u8>,
    /// Content of its serial number.
    pub serial: Vec<u8>,
    /// In whole seconds.
    pub not_after: SystemTime,
}

impl Made {
    pub fn read(self) -> Result<IssuedCertificate, IssueError> {
        Ok(IssuedCertificate { certificate: Certificate::from_der(&self.der)?, der: self.der })
    }
}

/// What all certificates of one signer say, DER of each part.
pub(crate) struct SignedBy {
    issuer: Vec<u8>,
    algorithm: Vec<u8>,
    authority_key_identifier: Option<Vec<u8>>,
    serials: Serials,
}

impl SignedBy {
    /// A CA of this name, whose key signs and has this subject key identifier in its certificate.
    pub fn new(issuer: &Name, key: &CaKey, identifier: Option<Vec<u8>>) -> der::Result<Self> {
        let identifier = identifier.map(|identifier| {
            let key_identifier = Some(OctetString::new(identifier)?);
            extension(false, &AuthorityKeyIdentifier { key_identifier, ..AuthorityKeyIdentifier::default() })?.to_der()
        });
        Ok(Self {
            issuer: issuer.to_der()?,
            algorithm: key.algorithm().identifier().to_der()?,
            authority_key_identifier: identifier.transpose()?,
            serials: Serials::default(),
        })
    }

    /// Signs a certificate, version 3 (RFC 5280 §4.1).
    pub fn sign(&self, key: &CaKey, content: &Content<'_>) -> Result<Made, IssueError> {
        if content.not_after <= content.not_before {
            return Err(IssueError::Validity);
        }
        let serial = self.serials.next(content.not_before)?;
        let own = extension(false, &SubjectKeyIdentifier(OctetString::new(key_identifier(content.key))?))?.to_der()?;
        let shared = self.authority_key_identifier.as_deref();
        let extensions = std::iter::once(own.as_slice()).chain(shared).chain(content.extensions.iter().copied());
        let algorithm = AnyRef::from_der(&self.algorithm)?;
        let public_key = content.key.to_der()?;
        let tbs = Tbs {
            version: Version::V3,
            serial_number: SerialNumber::new(&serial)?,
            signature: algorithm,
            issuer: AnyRef::from_der(&self.issuer)?,
            validity: Validity::new(Time::try_from(content.not_before)?, Time::try_from(content.not_after)?),
            subject: AnyRef::from_der(content.subject)?,
            subject_public_key_info: AnyRef::from_der(&public_key)?,
            extensions: extensions.map(AnyRef::from_der).collect::<der::Result<_>>()?,
        };
        let tbs = tbs.to_der()?;
        let signature = key.sign(&tbs)?;
        let signature = BitStringRef::from_bytes(&signature)?;
        let der = Signed { tbs: AnyRef::from_der(&tbs)?, algorithm, signature }.to_der()?;
        Ok(Made { der, serial: serial.to_vec(), not_after: whole_seconds(content.not_after) })
    }
}

/// `TBSCertificate` (RFC 5280 §4.1) as a CA writes it.
#[derive(Sequence)]
struct Tbs<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: SerialNumber,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: Validity,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<AnyRef<'a>>,
}

/// What was signed, and its signature.
#[derive(Sequence)]
struct Signed<'a> {
    tbs: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// Certificates know no fractions of a second.
pub(crate) fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
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

/// Serial numbers: 96 random bits below a number that grows, so that those of certificates that are made one after the other
/// stand beside each other in an index, and one page of it takes many. 20 bytes, positive, never shortened (RFC 5280 §4.1.2.2).
#[derive(Default)]
struct Serials(AtomicU64);

impl Serials {
    /// The next one, which grows with the begin of validity too, so that they go on where they stopped in another process.
    fn next(&self, not_before: SystemTime) -> Result<[u8; 20], IssueError> {
        let since = not_before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let since = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let above = |last: u64| Some(last.saturating_add(1).max(since));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, above).unwrap_or_default();
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&last.saturating_add(1).max(since).to_be_bytes());
        // Half a million years do not reach it.
        bytes[0] = 1;
        aws_lc_rs::rand::fill(&mut bytes[8..]).map_err(|_| KeyFileError::Crypto)?;
        Ok(bytes)
    }
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
    /// The CA's key cannot sign answers.
    #[error("the CA's certificate and key cannot sign answers: {0}")]
    Answers(#[from] BuildError),
}
