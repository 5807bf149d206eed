use der::Encode;
use obnova_algorithm::{KeyError, SubjectPublicKeyInfoOwned};
use sha1::{Digest as _, Sha1};
use x509_cert::{ext::pkix::KeyUsages, name::Name};

use crate::{CertificateError, ExtensionError, SignatureError, certificate::Certificate, extensions};

/// The CA that issued the certificates in question: its name and key, from a certificate that is trusted already.
///
/// Whether that certificate is worth trust (its chain, its validity, its own status) is for whoever has it to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub(crate) name: Name,
    pub(crate) name_der: Vec<u8>,
    pub(crate) key: SubjectPublicKeyInfoOwned,
    /// subjectKeyIdentifier of its certificate.
    pub(crate) key_identifier: Option<Vec<u8>>,
    pub(crate) may_sign_crls: bool,
    pub(crate) may_sign_answers: bool,
}

impl Authority {
    /// Takes name and key out of the CA's certificate.
    ///
    /// # Errors
    /// [`AuthorityError`]: not a certificate, not one of a CA, or with a key that is not supported.
    pub fn from_der(certificate: &[u8]) -> Result<Self, AuthorityError> {
        let certificate = Certificate::read(certificate)?;
        extensions::check_once(certificate.extensions())?;
        if !certificate.is_ca()? {
            return Err(AuthorityError::NotACa { subject: certificate.content.subject().to_string() });
        }
        obnova_algorithm::KeyAlgorithm::try_from(certificate.key())?;
        let name = certificate.content.subject().clone();
        Ok(Self {
            name_der: name.to_der().map_err(CertificateError::from)?,
            name,
            key: certificate.key().clone(),
            key_identifier: certificate.key_identifier()?,
            may_sign_crls: certificate.may(KeyUsages::CRLSign)?.unwrap_or(true),
            may_sign_answers: certificate.may(KeyUsages::DigitalSignature)?.unwrap_or(true),
        })
    }

    /// Its name, which stands in its certificates and CRLs as issuer.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// Its key.
    #[must_use]
    pub const fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.key
    }

    /// Whether this CA issued the certificate: name and signature.
    pub(crate) fn issued(&self, certificate: &Certificate<'_>) -> Result<(), NotIssued> {
        if *certificate.content.issuer() != self.name {
            return Err(NotIssued::OtherName {
                issuer: certificate.content.issuer().to_string(),
                wanted: self.name.to_string(),
            });
        }
        Ok(certificate.signed.verify(&self.key)?)
    }
}

/// SHA-1 over a public key's bits: how RFC 6960 §4.2.1 (KeyHash) and RFC 5280 §4.2.1.2 (method 1) name it. It protects nothing.
pub(crate) fn key_hash(key: &SubjectPublicKeyInfoOwned) -> [u8; 20] {
    Sha1::digest(key.subject_public_key.raw_bytes()).into()
}

/// Why a certificate is not one of a CA whose certificates can be asked about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Not a certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// An extension that cannot be read, or has to be understood and is not.
    #[error("the CA's certificate cannot be used: {0}")]
    Extension(#[from] ExtensionError),
    /// basicConstraints do not say that it is a CA (RFC 5280 §4.2.1.9).
    #[error(
        "the certificate of {subject} is not one of a CA: give the certificate of whoever issued the one in question"
    )]
    NotACa {
        /// Its subject.
        subject: String,
    },
    /// A key that is not supported.
    #[error("the CA's key cannot be used: {0}")]
    Key(#[from] KeyError),
}

/// Why a certificate is not one of this CA's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIssued {
    /// It names another issuer.
    #[error("the certificate was issued by {issuer}, and not by {wanted}")]
    OtherName {
        /// The issuer that stands in it.
        issuer: String,
        /// The CA that is asked about.
        wanted: String,
    },
    /// It names this CA, whose key did not sign it.
    #[error("the certificate names the CA, which did not sign it: {0}")]
    Signature(#[from] SignatureError),
}
