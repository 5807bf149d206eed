use std::time::SystemTime;

use const_oid::{ObjectIdentifier, db::rfc5280};
use der::{Decode, Reader, SliceReader};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use x509_cert::{
    TbsCertificate,
    ext::{
        Extension,
        pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
};

use crate::{ExtensionError, extensions, limits::MAX_CERTIFICATE, rules, signed::Signed};

/// A certificate that was read, with the bytes that its issuer signed.
#[derive(Clone, Debug)]
pub(crate) struct Certificate<'a> {
    pub(crate) signed: Signed<'a>,
    pub(crate) content: TbsCertificate,
}

impl<'a> Certificate<'a> {
    /// Reads one certificate and nothing after it.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateError::TooLong { size: der.len() });
        }
        let mut reader = SliceReader::new(der)?;
        let signed = reader.sequence(Signed::read)?;
        reader.finish()?;
        let content = TbsCertificate::from_der(signed.bytes)?;
        if *content.signature() != signed.algorithm {
            return Err(CertificateError::MixedAlgorithms);
        }
        Ok(Self { signed, content })
    }

    /// The certified key.
    pub(crate) fn key(&self) -> &SubjectPublicKeyInfoOwned {
        self.content.subject_public_key_info()
    }

    /// Every extension.
    pub(crate) fn extensions(&self) -> &[Extension] {
        self.content.extensions().map_or(&[], Vec::as_slice)
    }

    /// Refuses what stands there twice, and critical extensions beside those that are looked at here.
    pub(crate) fn check_extensions(&self) -> Result<(), ExtensionError> {
        extensions::check(self.extensions(), &KNOWN)
    }

    /// What the key may do; `None` when the certificate does not say (RFC 5280 §4.2.1.3).
    pub(crate) fn may(&self, usage: KeyUsages) -> Result<Option<bool>, ExtensionError> {
        let found: Option<KeyUsage> = self.extension(rfc5280::ID_CE_KEY_USAGE)?;
        Ok(found.map(|allowed| allowed.0.contains(usage)))
    }

    /// Whether the certificate is said to serve `purpose`, in so many words (RFC 5280 §4.2.1.12).
    pub(crate) fn serves(&self, purpose: ObjectIdentifier) -> Result<bool, ExtensionError> {
        let found: Option<ExtendedKeyUsage> = self.extension(rfc5280::ID_CE_EXT_KEY_USAGE)?;
        Ok(found.is_some_and(|purposes| purposes.0.contains(&purpose)))
    }

    /// Whether it is one of a CA (RFC 5280 §4.2.1.9).
    pub(crate) fn is_ca(&self) -> Result<bool, ExtensionError> {
        let found: Option<BasicConstraints> = self.extension(rfc5280::ID_CE_BASIC_CONSTRAINTS)?;
        Ok(found.is_some_and(|constraints| constraints.ca))
    }

    /// The subjectKeyIdentifier (RFC 5280 §4.2.1.2).
    pub(crate) fn key_identifier(&self) -> Result<Option<Vec<u8>>, ExtensionError> {
        let found: Option<SubjectKeyIdentifier> = self.extension(rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER)?;
        Ok(found.map(|identifier| identifier.0.as_bytes().to_vec()))
    }

    /// Whether `now` lies within its validity, for a clock that may be wrong by `skew`.
    pub(crate) fn is_valid_at(&self, now: SystemTime, skew: std::time::Duration) -> bool {
        let validity = self.content.validity();
        let (begin, end) = (validity.not_before.to_system_time(), validity.not_after.to_system_time());
        !rules::later_by_more(begin, now, skew) && !rules::later_by_more(now, end, skew)
    }

    fn extension<T: for<'b> Decode<'b>>(&self, oid: ObjectIdentifier) -> Result<Option<T>, ExtensionError> {
        extensions::value(self.extensions(), oid)
    }
}

/// Extensions that are looked at, or that say nothing a status depends on, so that they may be critical.
const KNOWN: [ObjectIdentifier; 5] = [
    rfc5280::ID_CE_BASIC_CONSTRAINTS,
    rfc5280::ID_CE_KEY_USAGE,
    rfc5280::ID_CE_EXT_KEY_USAGE,
    rfc5280::ID_CE_SUBJECT_ALT_NAME,
    rfc5280::ID_CE_CERTIFICATE_POLICIES,
];

/// Why bytes are not a certificate that can be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// More than [`MAX_CERTIFICATE`]; not looked at any further.
    #[error("the certificate has {size} bytes, at most {MAX_CERTIFICATE} are read")]
    TooLong {
        /// Bytes there are.
        size: usize,
    },
    /// Not one DER certificate (RFC 5280 §4.1).
    #[error("not a certificate: {0}; DER is wanted, decode PEM first")]
    Malformed(#[from] der::Error),
    /// Signed otherwise than it says inside (RFC 5280 §4.1.1.2).
    #[error("the certificate names two signature algorithms")]
    MixedAlgorithms,
}
