//! Plain EST (RFC 7030 §4.2, §4.5): one request, one certificate, by a one-time password or the old certificate. And the
//! certificate that revocation passwords are sealed for.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use obnova_ca::{CaError, Outcome, Refusal};
use obnova_enroll::est::{self, BasicError, Channel, Credentials, HttpRequest, SimpleOperation};
use x509_cert::der::Encode;

use super::{
    Shared,
    connection::Peer,
    est::{WELL_KNOWN, carry},
    pages::{Refused, blocking, failed, text},
};

/// What a password is asked for.
const REALM: &str = "first certificates";

/// The label in a path (RFC 7030 §3.2.2), which names a module of the service.
pub(super) fn label_of(path: &str) -> Option<&str> {
    let (label, operation) = path.strip_prefix(WELL_KNOWN)?.split_once('/')?;
    (!label.is_empty() && !operation.contains('/')).then_some(label)
}

/// Whatever is not a page, nor another part of EST.
pub(super) async fn answer(shared: Arc<Shared>, peer: Peer, server: est::Server, request: HttpRequest) -> Response {
    let now = (shared.clock)();
    match server.route_simple(&request) {
        Err(error) => carry(error.response()),
        Ok(SimpleOperation::CsrAttrs) => {
            let attributes = shared.ca.csr_attributes().and_then(|attributes| server.csrattrs(&attributes));
            match attributes {
                Ok(answer) => carry(answer),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            }
        }
        Ok(SimpleOperation::Enroll(wanted)) => match Credentials::of(&request, Channel::Tls) {
            Err(error) => carry(error.response(REALM)),
            Ok(credentials) => {
                let label = label_of(&request.path).map(str::to_owned);
                let who = move || {
                    let who = (credentials.user(), credentials.password());
                    shared.ca.enroll(&wanted, who, label.as_deref(), now)
                };
                blocking(who).await.map_or_else(|broken| broken, |outcome| told(&server, outcome, now))
            }
        },
        Ok(SimpleOperation::Reenroll(wanted)) => match peer.certificate {
            None => {
                carry(server.refused(true, "no TLS client certificate was used: log in with the one to be renewed"))
            }
            Some(old) => {
                let work = move || shared.ca.reenroll(&wanted, &old, now);
                blocking(work).await.map_or_else(|broken| broken, |outcome| told(&server, outcome, now))
            }
        },
    }
}

/// The certificate that revocation passwords are sealed for, DER. It is the CA's word that the key is its own, so that whoever
/// fetches it checks the CA's signature on it, as on any other.
pub(super) async fn encryption_certificate(State(shared): State<Arc<Shared>>) -> Response {
    let certificate = shared.ca.first().and_then(obnova_ca::FirstDesk::encryption_certificate);
    match certificate.map(Encode::to_der) {
        Some(Ok(der)) => ([(header::CONTENT_TYPE, "application/pkix-cert")], der).into_response(),
        _ => text(StatusCode::NOT_FOUND, "this CA takes no revocation passwords"),
    }
}

fn told(server: &est::Server, outcome: Result<Outcome, CaError>, now: SystemTime) -> Response {
    match outcome {
        Ok(Outcome::Pending { retry_after, .. }) => carry(server.retry_after(retry_after)),
        Ok(Outcome::Issued(certificates)) => match certificates.first().map(|one| server.issued(&one.certificate)) {
            Some(Ok(answer)) => carry(answer),
            _ => text(StatusCode::INTERNAL_SERVER_ERROR, "the certificate cannot be sent"),
        },
        Err(CaError::Refused(refusal)) => {
            let mut answer = refused(server, &refusal, now);
            answer.extensions_mut().insert(Refused(refusal.name()));
            answer
        }
        Err(error) => failed(&error),
    }
}

fn refused(server: &est::Server, refusal: &Refusal, now: SystemTime) -> Response {
    let said = format!("{}: {refusal}", refusal.name());
    match refusal {
        Refusal::WrongPassword => carry(BasicError::Absent.response(REALM)),
        Refusal::PasswordSlowed { until } => {
            let wait = until.duration_since(now).unwrap_or_default().max(Duration::from_secs(1));
            let mut answer = text(StatusCode::TOO_MANY_REQUESTS, &said);
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
            answer
        }
        // Until there is another password. It ends no order: whoever knows a user id can lock its password.
        Refusal::PasswordLocked => text(StatusCode::TOO_MANY_REQUESTS, &said),
        _ => carry(server.refused(nobody_here(refusal), &said)),
    }
}

/// Who asks has nothing here, whatever he asks for.
const fn nobody_here(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::PasswordExpired { .. }
            | Refusal::PasswordUsed
            | Refusal::OtherModule
            | Refusal::OtherUser
            | Refusal::UnknownPeer
            | Refusal::PeerExpired { .. }
            | Refusal::PeerNotYetValid { .. }
            | Refusal::PeerRevoked
            | Refusal::PeerNotForLogin
    )
}
