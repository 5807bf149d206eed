use const_oid::ObjectIdentifier;
use obnova_pkcs10::CertificationRequest;
use x509_cert::{Certificate, ext::Extension};

use crate::names::{same_alt_names, same_name};

/// What a re-enrollment comes to (RFC 7030 §4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reenrollment {
    /// The same key again: renewal in the strict sense (ETSI EN 319 411-1, 6.3.6).
    Renewal,
    /// A new key (ETSI EN 319 411-1, 6.3.7).
    Rekey,
}

/// Whether `request` may take the place of `old`, and what it is then; for the client before it sends and for the CA when it
/// receives. Subject and subjectAltName have to be those of the old certificate, by [what they say](crate::names).
///
/// That `old` is valid, and logged in, is for others to check.
///
/// # Errors
/// [`ReenrollError`].
pub fn reenrollment(old: &Certificate, request: &CertificationRequest) -> Result<Reenrollment, ReenrollError> {
    let tbs = old.tbs_certificate();
    if request.attribute_types().any(|oid| oid == CHANGE_SUBJECT_NAME) {
        return Err(ReenrollError::ChangeSubjectName);
    }
    if !same_name(tbs.subject(), request.subject()) {
        return Err(ReenrollError::Subject);
    }
    let old_extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
    let same_names = match (alt_names(old_extensions), alt_names(request.extensions())) {
        (Some(old), Some(asked)) => same_alt_names(old, asked),
        (old, asked) => old == asked,
    };
    if !same_names {
        return Err(ReenrollError::Names);
    }
    let same_key = tbs.subject_public_key_info() == request.public_key();
    Ok(if same_key { Reenrollment::Renewal } else { Reenrollment::Rekey })
}

/// The subjectAltName as it stands there. Whether it is critical is the issuer's choice.
fn alt_names(extensions: &[Extension]) -> Option<&[u8]> {
    let names = extensions.iter().find(|extension| extension.extn_id == SUBJECT_ALT_NAME);
    names.map(|extension| extension.extn_value.as_bytes())
}

const SUBJECT_ALT_NAME: ObjectIdentifier = const_oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME;

/// id-cmc-changeSubjectName (RFC 6402 §2.8).
const CHANGE_SUBJECT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.7.36");

/// Why a request is no re-enrollment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReenrollError {
    /// The subject is another.
    #[error("the subject in the request is not that of the old certificate: a re-enrollment changes no data")]
    Subject,
    /// The subjectAltName is another, or is there in one of them only.
    #[error("the subjectAltName in the request is not that of the old certificate: a re-enrollment changes no data")]
    Names,
    /// The request asks for another name outright.
    #[error("the request asks for a change of name, which is not supported: ask for a first certificate")]
    ChangeSubjectName,
}
