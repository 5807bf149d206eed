use std::time::SystemTime;

use const_oid::db::{
    rfc5280::{ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_KP_OCSP_SIGNING},
    rfc6960::ID_PKIX_OCSP_NOCHECK,
};
use der::asn1::Null;
use x509_cert::ext::{
    Extension,
    pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages},
};

use crate::{Authority, ExtensionError, NotIssued, Rules, certificate::Certificate, extensions::extension};

/// What stands in the certificate of a delegated OCSP responder, beside the key identifiers (RFC 6960 §4.2.2.2): no CA, may sign
/// and answer OCSP requests, and is not to be asked about itself (id-pkix-ocsp-nocheck). So it should live for weeks, not years.
///
/// # Errors
/// None that is known; the encoder's type has one.
pub fn responder_extensions() -> der::Result<Vec<Extension>> {
    Ok(vec![
        extension(ID_CE_BASIC_CONSTRAINTS, true, &BasicConstraints { ca: false, path_len_constraint: None })?,
        extension(ID_CE_KEY_USAGE, true, &KeyUsage(KeyUsages::DigitalSignature.into()))?,
        extension(ID_CE_EXT_KEY_USAGE, false, &ExtendedKeyUsage(vec![ID_KP_OCSP_SIGNING]))?,
        extension(ID_PKIX_OCSP_NOCHECK, false, &Null)?,
    ])
}

/// Whether the CA lets the owner of this certificate answer for it (RFC 6960 §4.2.2.2).
pub(super) fn check(
    certificate: &Certificate<'_>,
    authority: &Authority,
    now: SystemTime,
    rules: &Rules,
) -> Result<(), DelegateError> {
    certificate.check_extensions()?;
    if !certificate.serves(ID_KP_OCSP_SIGNING)? {
        return Err(DelegateError::NoOcspSigning);
    }
    if certificate.may(KeyUsages::DigitalSignature)? == Some(false) {
        return Err(DelegateError::KeyUsage);
    }
    let no_check = certificate.extensions().iter().any(|extension| extension.extn_id == ID_PKIX_OCSP_NOCHECK);
    if !no_check && !rules.without_no_check {
        return Err(DelegateError::NoCheckMissing);
    }
    if !certificate.is_valid_at(now, rules.skew) {
        return Err(DelegateError::Validity);
    }
    Ok(authority.issued(certificate)?)
}

/// Why somebody who answers in a CA's place may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegateError {
    /// An extension that cannot be read, or has to be understood and is not.
    #[error(transparent)]
    Extension(#[from] ExtensionError),
    /// Extended key usage does not say OCSP signing, so that any certificate of the CA would do.
    #[error("its certificate does not allow it to sign OCSP answers (extended key usage)")]
    NoOcspSigning,
    /// Key usage is there and leaves out digital signatures.
    #[error("its certificate does not allow it to sign (key usage)")]
    KeyUsage,
    /// id-pkix-ocsp-nocheck is not there: see [`Rules::without_no_check`].
    #[error("its certificate may itself be revoked: it lacks id-pkix-ocsp-nocheck")]
    NoCheckMissing,
    /// Its certificate has expired, or is not valid yet.
    #[error("its certificate has expired or is not valid yet")]
    Validity,
    /// The CA did not issue its certificate itself, as RFC 6960 §4.2.2.2 wants.
    #[error(transparent)]
    Issuer(#[from] NotIssued),
}
