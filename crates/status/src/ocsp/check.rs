use std::time::SystemTime;

use const_oid::{
    ObjectIdentifier,
    db::{
        rfc5280::ID_CE_INVALIDITY_DATE,
        rfc6960::{ID_PKIX_OCSP_EXTENDED_REVOKE, ID_PKIX_OCSP_NONCE},
    },
};
use der::{Tag, asn1::GeneralizedTime};
use x509_cert::ext::Extension;

use super::{
    CertId, DelegateError, ErrorStatus, Nonce, delegate,
    response::Response,
    syntax::{CertStatus, ResponderId, RevokedInfo, SingleResponse},
};
use crate::{
    Authority, CertificateError, ExtensionError, Revocation, RevocationReason, Rules, SignatureError, Status,
    TimeError,
    authority::key_hash,
    certificate::Certificate,
    extensions,
    limits::{MAX_CERTIFICATES, MAX_RESPONSE},
    rules::later_by_more,
};

/// What an OCSP response says of a certificate, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// What it says.
    pub status: Status,
    /// When this was known to be so.
    pub this_update: SystemTime,
    /// When there will be something newer: until then the answer may be kept. `None`: at any time.
    pub next_update: Option<SystemTime>,
    /// When it was signed.
    pub produced_at: SystemTime,
}

/// What was asked.
pub(super) struct Asked<'a> {
    pub(super) authority: &'a Authority,
    pub(super) id: &'a CertId,
    pub(super) nonce: Option<&'a Nonce>,
}

/// RFC 6960 §3.2: the signature first, then what was signed.
pub(super) fn check(der: &[u8], asked: &Asked<'_>, now: SystemTime, rules: &Rules) -> Result<Verdict, OcspError> {
    let response = Response::parse(der)?;
    signed_by_responder(&response, asked.authority, now, rules)?;
    let extensions = response.data.response_extensions.as_deref().unwrap_or_default();
    extensions::check(extensions, &[ID_PKIX_OCSP_NONCE, ID_PKIX_OCSP_EXTENDED_REVOKE])?;
    nonce(asked.nonce, extensions, rules)?;
    let produced_at = response.data.produced_at.to_system_time();
    if later_by_more(produced_at, now, rules.skew) {
        return Err(TimeError::NotYet.into());
    }
    let single = about(&response.data.responses, asked.id)?;
    let (this_update, next_update) =
        (single.this_update.to_system_time(), single.next_update.map(|time| time.to_system_time()));
    rules.fresh(this_update, next_update, now)?;
    Ok(Verdict { status: status(single, extensions)?, this_update, next_update, produced_at })
}

/// The CA itself, or the first certificate that came along and is the responder's, when the CA delegates to it.
fn signed_by_responder(
    response: &Response<'_>,
    authority: &Authority,
    now: SystemTime,
    rules: &Rules,
) -> Result<(), OcspError> {
    let responder = &response.data.responder_id;
    let is_authority = match responder {
        ResponderId::ByName(name) => *name == authority.name,
        ResponderId::ByKey(hash) => hash.as_bytes() == key_hash(&authority.key),
    };
    if is_authority {
        return Ok(response.signed.verify(&authority.key)?);
    }
    let mut unreadable = None;
    for der in &response.certificates {
        // A stranger's certificate is no reason to refuse what the responder signed.
        let certificate = match Certificate::read(der) {
            Ok(certificate) => certificate,
            Err(error) => {
                unreadable = unreadable.or(Some(error));
                continue;
            }
        };
        let claimed = match responder {
            ResponderId::ByName(name) => name == certificate.content.subject(),
            ResponderId::ByKey(hash) => hash.as_bytes() == key_hash(certificate.key()),
        };
        if claimed {
            delegate::check(&certificate, authority, now, rules)?;
            return Ok(response.signed.verify(certificate.key())?);
        }
    }
    Err(unreadable.map_or(OcspError::UnknownResponder, OcspError::Certificate))
}

fn nonce(asked: Option<&Nonce>, extensions: &[Extension], rules: &Rules) -> Result<(), OcspError> {
    let Some(asked) = asked else { return Ok(()) };
    match Nonce::find(extensions)? {
        Some(answered) if answered == *asked => Ok(()),
        Some(_) => Err(OcspError::WrongNonce),
        None if rules.without_nonce => Ok(()),
        None => Err(OcspError::NoNonce),
    }
}

/// The one answer about the certificate: two may contradict each other.
fn about<'a>(responses: &'a [SingleResponse], id: &CertId) -> Result<&'a SingleResponse, OcspError> {
    let mut about = responses.iter().filter(|single| single.cert_id.means(id));
    match (about.next(), about.next()) {
        (Some(single), None) => Ok(single),
        (Some(_), Some(_)) => Err(OcspError::AnsweredTwice),
        (None, _) => Err(OcspError::OtherCertificate),
    }
}

fn status(single: &SingleResponse, response_extensions: &[Extension]) -> Result<Status, OcspError> {
    let extensions = single.single_extensions.as_deref().unwrap_or_default();
    extensions::check(extensions, &KNOWN_IN_SINGLE)?;
    let revoked = match &single.cert_status {
        CertStatus::Good(_) => return Ok(Status::Good),
        CertStatus::Unknown(_) => return Err(OcspError::Unknown),
        CertStatus::Revoked(revoked) => revocation(revoked, extensions)?,
    };
    // RFC 6960 §4.4.8: says in this form that there is no such certificate.
    let may_be_never_issued =
        response_extensions.iter().any(|extension| extension.extn_id == ID_PKIX_OCSP_EXTENDED_REVOKE);
    let never_issued = may_be_never_issued && revoked.is_hold() && revoked.at == SystemTime::UNIX_EPOCH;
    Ok(if never_issued { Status::NeverIssued } else { Status::Revoked(revoked) })
}

const KNOWN_IN_SINGLE: [ObjectIdentifier; 1] = [ID_CE_INVALIDITY_DATE];

fn revocation(revoked: &RevokedInfo, extensions: &[Extension]) -> Result<Revocation, OcspError> {
    let reason = revoked.revocation_reason.map_or(Some(RevocationReason::Unspecified), RevocationReason::from_code);
    let invalid_since: Option<GeneralizedTime> = extensions::value(extensions, ID_CE_INVALIDITY_DATE)?;
    Ok(Revocation {
        at: revoked.revocation_time.to_system_time(),
        reason: reason.ok_or_else(|| der::Error::from(Tag::Enumerated.value_error()))?,
        invalid_since: invalid_since.map(|time| time.to_system_time()),
    })
}

/// Why an OCSP response says nothing that may be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// More than [`MAX_RESPONSE`]; not looked at any further.
    #[error("the OCSP response has {size} bytes, at most {MAX_RESPONSE} are read")]
    TooLong {
        /// Bytes there are.
        size: usize,
    },
    /// Not DER, or not an OCSP response.
    #[error("not an OCSP response: {0}")]
    Malformed(#[from] der::Error),
    /// The responder gave no answer, and says so. Nobody signed this.
    #[error("the OCSP responder gave no answer: {0}")]
    Refused(ErrorStatus),
    /// Called successful, and nothing in it.
    #[error("the OCSP response is empty")]
    Empty,
    /// Another kind of response than the basic one.
    #[error("the OCSP response is of type {oid}: only the basic type is known")]
    ResponseType {
        /// Its type.
        oid: ObjectIdentifier,
    },
    /// A version that does not exist yet.
    #[error("the OCSP response is of version {version}: only version 0 (v1) is known")]
    Version {
        /// What stands in it.
        version: u8,
    },
    /// More certificates than are looked at.
    #[error("the OCSP response has {count} certificates, at most {MAX_CERTIFICATES} are looked at")]
    TooManyCertificates {
        /// How many there are.
        count: usize,
    },
    /// A certificate in it cannot be read, and none of the others is the responder's.
    #[error("a certificate in the OCSP response cannot be used: {0}")]
    Certificate(#[from] CertificateError),
    /// Whoever answered is not the CA, and its certificate is not there.
    #[error("the OCSP response is neither by the CA nor by anybody whose certificate came along")]
    UnknownResponder,
    /// Whoever answered is not the CA, and may not answer for it.
    #[error("the OCSP responder may not answer for the CA: {0}")]
    Delegate(#[from] DelegateError),
    /// The responder did not sign this.
    #[error("the OCSP response is not signed by its responder: {0}")]
    Signature(#[from] SignatureError),
    /// An extension that cannot be read, stands there twice, or has to be understood and is not.
    #[error("the OCSP response is refused: {0}")]
    Extension(#[from] ExtensionError),
    /// Made for another request.
    #[error("the OCSP response was made for another request: its nonce is another one")]
    WrongNonce,
    /// Not made for this request: see [`Rules::without_nonce`].
    #[error("the OCSP response may be an old one: it lacks the nonce that was asked for")]
    NoNonce,
    /// Too old, or from the future.
    #[error("the OCSP response does not count: {0}")]
    Time(#[from] TimeError),
    /// About other certificates only.
    #[error("the OCSP response is about another certificate")]
    OtherCertificate,
    /// Two answers about the one certificate.
    #[error("the OCSP response has two answers about one certificate")]
    AnsweredTwice,
    /// The responder does not know the certificate: somebody else may (RFC 6960 §2.2).
    #[error("the OCSP responder does not know the certificate")]
    Unknown,
}
