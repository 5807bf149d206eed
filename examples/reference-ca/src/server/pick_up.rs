//! The link in the mail that says that certificates are ready: GET opens it, as often as one likes, until POST says that they are on
//! the card.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::to_bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use obnova_ca::{AnswerError, CaError, Outcome, PickUpToken, Refusal};
use obnova_enroll::{
    certs_only,
    est::{self, MAX_BODY},
};
use x509_cert::{
    Certificate,
    der::{EncodePem, pem::LineEnding},
};
use zeroize::Zeroizing;

use super::{
    Shared,
    connection::Peer,
    est::carry,
    pages::{Refused, blocking, failed, refusal_answer, text},
};

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/pickup/{token}", get(pick_up).post(receive))
}

/// The certificates that the link in a mail opens.
async fn pick_up(State(shared): State<Arc<Shared>>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    let link = Zeroizing::new(link);
    let Some(token) = PickUpToken::from_link(&link) else {
        return refusal_answer(StatusCode::NOT_FOUND, &Refusal::UnknownToken);
    };
    let as_pem = headers.get_all(header::ACCEPT).iter().any(|accept| {
        accept.to_str().is_ok_and(|accept| accept.to_ascii_lowercase().contains("application/x-pem-file"))
    });
    let work = move || {
        let outcome = shared.ca.pick_up(&token)?;
        let issuing = shared.ca.certificates().next().map(|one| one.certificate.clone());
        Ok((outcome, issuing))
    };
    match blocking(work).await {
        Ok(Ok((Outcome::Issued(certificates), issuing))) => {
            let certificates = certificates.into_iter().map(|one| one.certificate).chain(issuing).collect::<Vec<_>>();
            file(&certificates, as_pem)
        }
        Ok(Ok((Outcome::Pending { retry_after, .. }, _))) => {
            let mut answer = text(StatusCode::ACCEPTED, "the CA has not decided yet: ask again later");
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
            answer
        }
        Ok(Err(CaError::Refused(refusal))) => opens_nothing(&refusal),
        Ok(Err(error)) => failed(&error),
        Err(answer) => answer,
    }
}

/// Takes the receipt: a CMC message that a key of the new certificates has signed.
async fn receive(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    Path(link): Path<String>,
    request: Request,
) -> Response {
    let link = Zeroizing::new(link);
    let Some(token) = PickUpToken::from_link(&link) else { return opens_nothing(&Refusal::UnknownToken) };
    let message = match message(request).await {
        Ok(message) => message,
        Err(answer) => return answer,
    };
    let work = move || shared.ca.answer_receipt(&token, &message, peer.certificate.as_deref(), (shared.clock)());
    match blocking(work).await {
        Ok(Ok(response)) => {
            let mut answer = carry(est::Server::new().fullcmc(&response.message, response.refused.is_some()));
            response.refused.map(|rule| answer.extensions_mut().insert(Refused(rule)));
            answer
        }
        Ok(Err(AnswerError::Ca(CaError::Refused(refusal)))) => opens_nothing(&refusal),
        Ok(Err(AnswerError::Ca(error))) => failed(&error),
        Ok(Err(error @ AnswerError::Malformed(_))) => text(StatusCode::BAD_REQUEST, &error.to_string()),
        Ok(Err(AnswerError::Build(error))) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(answer) => answer,
    }
}

/// The CMC message in a request, which is as to EST's `/fullcmc`.
async fn message(request: Request) -> Result<Vec<u8>, Response> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Err(text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long, or did not arrive"));
    };
    let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    est::Server::message(&headers, &body).map_err(|error| carry(error.response()))
}

/// Why a link opens nothing, or is not to be closed.
fn opens_nothing(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::TokenSpent => StatusCode::GONE,
        Refusal::Rejected(_) | Refusal::Lapsed(_) => StatusCode::FORBIDDEN,
        Refusal::WrongReceipt => StatusCode::BAD_REQUEST,
        _ => StatusCode::NOT_FOUND,
    };
    refusal_answer(status, refusal)
}

fn file(certificates: &[Certificate], as_pem: bool) -> Response {
    let content = if as_pem {
        let all =
            certificates.iter().map(|certificate| certificate.to_pem(LineEnding::LF)).collect::<Result<String, _>>();
        all.map(String::into_bytes).map_err(|error| error.to_string())
    } else {
        certs_only::encode(certificates).map_err(|error| error.to_string())
    };
    let (kind, name) = if as_pem {
        ("application/x-pem-file", "attachment; filename=\"certificates.pem\"")
    } else {
        ("application/pkcs7-mime; smime-type=certs-only", "attachment; filename=\"certificates.p7c\"")
    };
    match content {
        Ok(content) => ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], content).into_response(),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}
