use std::time::SystemTime;

use const_oid::db::rfc5280::ID_KP_SERVER_AUTH;
use der::{Encode, asn1::BitString};
use obnova_algorithm::{SignatureAlgorithm, SubjectPublicKeyInfoOwned, VerifyError};
use obnova_enroll::cmc::{ReadySigner, Signer};
use x509_cert::{
    Certificate,
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
    name::Name,
};

use crate::{
    CaKey, IssueError, IssuedCertificate,
    certificate::{Content, Made, SignedBy, extension, identifier_in, key_identifier, whole_seconds},
};

/// A CA that can sign: its key, its certificate, and the certificates above it. `Debug` leaves the key out.
pub struct Issuer {
    key: CaKey,
    certificate: IssuedCertificate,
    above: Vec<IssuedCertificate>,
    /// What all that it signs says of it, written once.
    signed_by: SignedBy,
    signer: ReadySigner,
}

impl Issuer {
    /// Takes a CA's key and certificates from where they were kept; `above` goes up to the root.
    ///
    /// # Errors
    /// [`IssuerError`] when the key is not the certificate's, the certificate is not one of a CA, or the chain is broken.
    pub fn new(key: CaKey, certificate: IssuedCertificate, above: Vec<IssuedCertificate>) -> Result<Self, IssuerError> {
        if certificate.certificate.tbs_certificate().subject_public_key_info() != key.public_key() {
            return Err(IssuerError::OtherKey);
        }
        let chain: Vec<_> = std::iter::once(&certificate).chain(&above).map(|one| &one.certificate).collect();
        for (index, one) in chain.iter().enumerate() {
            let subject = one.tbs_certificate().subject().to_string();
            if !may_sign_certificates(one) {
                return Err(IssuerError::NotACa { subject });
            }
            let issuer = chain.get(index + 1).unwrap_or(one);
            if one.tbs_certificate().issuer() != issuer.tbs_certificate().subject() {
                return Err(IssuerError::Chain { subject });
            }
            check_signature(one, issuer.tbs_certificate().subject_public_key_info())?;
        }
        Ok(Self::ready(key, certificate, above)?)
    }

    /// Makes a root: a CA certificate signed by its own key.
    ///
    /// # Errors
    /// [`IssuerError::Issue`].
    pub fn self_signed(
        key: CaKey,
        subject: &Name,
        not_before: SystemTime,
        not_after: SystemTime,
    ) -> Result<Self, IssuerError> {
        let identifier = key_identifier(key.public_key()).to_vec();
        let extensions = ca_extensions(None).map_err(IssueError::from)?;
        let content = Content {
            subject: &subject.to_der().map_err(IssueError::from)?,
            key: key.public_key(),
            not_before,
            not_after,
            extensions: &slices(&extensions),
        };
        let signed_by = SignedBy::new(subject, &key, Some(identifier)).map_err(IssueError::from)?;
        let certificate = signed_by.sign(&key, &content)?.read()?;
        Ok(Self::ready(key, certificate, Vec::new())?)
    }

    fn ready(key: CaKey, certificate: IssuedCertificate, above: Vec<IssuedCertificate>) -> Result<Self, IssueError> {
        let identifier = identifier_in(&certificate.certificate);
        let signed_by = SignedBy::new(certificate.certificate.tbs_certificate().subject(), &key, identifier)?;
        let signer = Signer { certificate: certificate.certificate.clone(), algorithm: key.algorithm() };
        Ok(Self { signer: ReadySigner::new(&signer)?, key, certificate, above, signed_by })
    }

    /// Makes a CA under this one, for holders' certificates only (path length 0).
    ///
    /// # Errors
    /// [`IssuerError::Issue`].
    pub fn issuing(
        &self,
        key: CaKey,
        subject: &Name,
        not_before: SystemTime,
        not_after: SystemTime,
    ) -> Result<Self, IssuerError> {
        let extensions = ca_extensions(Some(0)).map_err(IssueError::from)?;
        let subject = subject.to_der().map_err(IssueError::from)?;
        let certificate =
            self.certify(&subject, key.public_key(), (not_before, not_after), &slices(&extensions))?.read()?;
        let above = self.chain().cloned().collect();
        Ok(Self::ready(key, certificate, above)?)
    }

    /// Makes a certificate for a TLS server that is reached under `names` (RFC 5280 §4.2.1.12, serverAuth).
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn server_certificate(
        &self,
        subject: &Name,
        key: &SubjectPublicKeyInfoOwned,
        names: Vec<GeneralName>,
        not_before: SystemTime,
        not_after: SystemTime,
    ) -> Result<IssuedCertificate, IssueError> {
        let extensions = [
            extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
            extension(true, &KeyUsage(KeyUsages::DigitalSignature.into()))?,
            extension(false, &ExtendedKeyUsage(vec![ID_KP_SERVER_AUTH]))?,
            extension(subject.is_empty(), &SubjectAltName(names))?,
        ];
        let extensions = extensions.iter().map(Encode::to_der).collect::<der::Result<Vec<_>>>()?;
        self.certify(&subject.to_der()?, key, (not_before, not_after), &slices(&extensions))?.read()
    }

    /// Makes a certificate for a key that opens what is sealed for this CA (RFC 5280 §4.2.1.3: keyAgreement, or keyEncipherment for
    /// RSA): revocation passwords.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn encryption_certificate(
        &self,
        key: &CaKey,
        validity: (SystemTime, SystemTime),
    ) -> Result<IssuedCertificate, IssueError> {
        let usage = match key.algorithm() {
            SignatureAlgorithm::Ecdsa(_) => KeyUsages::KeyAgreement,
            _ => KeyUsages::KeyEncipherment,
        };
        let extensions = [
            extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
            extension(true, &KeyUsage(usage.into()))?,
        ];
        let extensions = extensions.iter().map(Encode::to_der).collect::<der::Result<Vec<_>>>()?;
        let subject = "CN=Encryption".parse::<Name>()?.to_der()?;
        self.certify(&subject, key.public_key(), validity, &slices(&extensions))?.read()
    }

    /// Makes a certificate for a delegated OCSP responder (RFC 6960 §4.2.2.2). Nobody asks whether it is revoked, so it should not
    /// live long.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn responder_certificate(
        &self,
        key: &CaKey,
        validity: (SystemTime, SystemTime),
    ) -> Result<IssuedCertificate, IssueError> {
        let subject = "CN=OCSP Responder".parse::<Name>()?.to_der()?;
        let extensions = obnova_status::ocsp::responder_extensions()?;
        let extensions = extensions.iter().map(Encode::to_der).collect::<der::Result<Vec<_>>>()?;
        self.certify(&subject, key.public_key(), validity, &slices(&extensions))?.read()
    }

    /// Its own certificate.
    #[must_use]
    pub const fn certificate(&self) -> &IssuedCertificate {
        &self.certificate
    }

    /// Its own certificate, then those above it up to the root.
    pub fn chain(&self) -> impl Iterator<Item = &IssuedCertificate> {
        std::iter::once(&self.certificate).chain(&self.above)
    }

    /// The root: what relying parties are given to trust.
    #[must_use]
    pub fn root(&self) -> &IssuedCertificate {
        self.above.last().unwrap_or(&self.certificate)
    }

    /// Its key: signs the CA's answers too.
    #[must_use]
    pub const fn key(&self) -> &CaKey {
        &self.key
    }

    /// Whether this CA made the certificate: issuer's name and signature.
    #[must_use]
    pub fn made(&self, certificate: &Certificate) -> bool {
        let own = self.certificate.certificate.tbs_certificate();
        certificate.tbs_certificate().issuer() == own.subject()
            && check_signature(certificate, own.subject_public_key_info()).is_ok()
    }

    /// Who signs the CA's answers.
    pub(crate) const fn signer(&self) -> &ReadySigner {
        &self.signer
    }

    /// `subject` and `extensions` are DER.
    pub(crate) fn certify(
        &self,
        subject: &[u8],
        key: &SubjectPublicKeyInfoOwned,
        (not_before, not_after): (SystemTime, SystemTime),
        extensions: &[&[u8]],
    ) -> Result<Made, IssueError> {
        let ends = self.certificate.certificate.tbs_certificate().validity().not_after;
        if not_after > ends.to_system_time() {
            return Err(IssueError::IssuerEnds { issuer_ends: ends.to_string() });
        }
        let (not_before, not_after) = (whole_seconds(not_before), whole_seconds(not_after));
        self.signed_by.sign(&self.key, &Content { subject, key, not_before, not_after, extensions })
    }
}

/// digitalSignature beside the usages of RFC 5280 §4.2.1.3: the CA's key signs its CMC answers too.
fn ca_extensions(path_len_constraint: Option<u8>) -> der::Result<Vec<Vec<u8>>> {
    let usage = KeyUsages::KeyCertSign | KeyUsages::CRLSign | KeyUsages::DigitalSignature;
    let constraints = extension(true, &BasicConstraints { ca: true, path_len_constraint })?;
    Ok(vec![constraints.to_der()?, extension(true, &KeyUsage(usage))?.to_der()?])
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

fn may_sign_certificates(certificate: &Certificate) -> bool {
    let tbs = certificate.tbs_certificate();
    let is_ca = matches!(tbs.get_extension::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca);
    let may_sign = matches!(tbs.get_extension::<KeyUsage>(), Ok(Some((_, usage))) if usage.key_cert_sign());
    is_ca && may_sign
}

pub(crate) fn check_signature(certificate: &Certificate, key: &SubjectPublicKeyInfoOwned) -> Result<(), IssuerError> {
    let subject = || certificate.tbs_certificate().subject().to_string();
    let algorithm = SignatureAlgorithm::try_from(certificate.signature_algorithm())
        .map_err(|_| IssuerError::Chain { subject: subject() })?;
    let message = certificate.tbs_certificate().to_der().map_err(IssueError::from)?;
    let signature = BitString::as_bytes(certificate.signature()).unwrap_or_default();
    obnova_algorithm::verify(key, algorithm, &message, signature)
        .map_err(|source| IssuerError::Signature { subject: subject(), source })
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subject = self.certificate.certificate.tbs_certificate().subject().to_string();
        f.debug_struct("Issuer").field("subject", &subject).finish_non_exhaustive()
    }
}

/// Why a CA's key and certificates do not make a CA.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The key belongs to another certificate.
    #[error("the CA's key file and the CA's certificate do not belong together: check that both are of the same CA")]
    OtherKey,
    /// The certificate says that it is not one of a CA (RFC 5280 §4.2.1.9, §4.2.1.3).
    #[error("the certificate of {subject} is not one of a CA: it needs basicConstraints with cA and keyCertSign")]
    NotACa {
        /// Its subject.
        subject: String,
    },
    /// The certificate is not followed by its issuer's.
    #[error(
        "the certificate of {subject} is not followed by its issuer's: order the chain from the issuing CA up to the root"
    )]
    Chain {
        /// Its subject.
        subject: String,
    },
    /// The certificate was not signed by the one that follows it.
    #[error("the certificate of {subject} was not signed by its issuer: {source}")]
    Signature {
        /// Its subject.
        subject: String,
        /// What is wrong.
        source: VerifyError,
    },
    /// It could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

#[cfg(test)]
mod tests;
