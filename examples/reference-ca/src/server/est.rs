use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use obnova_ca::{AnswerError, Begun, Response as CaResponse};
use obnova_enroll::est::{self, HttpRequest, HttpResponse, MAX_BODY, Operation, RouteError};
use tokio::sync::oneshot;

use super::{
    Shared,
    connection::Peer,
    pages::{Refused, blocking, broken, failed, text},
    simple,
};

/// What the paths of EST begin with (RFC 7030 §3.2.2).
pub(super) const WELL_KNOWN: &str = "/.well-known/est/";

/// EST (RFC 7030): everything that is no page of its own.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long, or did not arrive");
    };
    let headers = head.headers.iter();
    let request = HttpRequest {
        method: head.method.as_str().into(),
        path: head.uri.path().into(),
        headers: headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect(),
        body: body.into(),
    };
    let label = simple::label_of(&request.path);
    let server = label.map_or_else(est::Server::new, |label| est::Server::new().label(label));
    match server.route(&request) {
        Err(RouteError::NotFound) => simple::answer(shared, peer, server, request).await,
        Err(error) => carry(error.response()),
        Ok(Operation::CaCerts) => {
            let certificates: Vec<_> = shared.ca.certificates().map(|one| one.certificate.clone()).collect();
            match server.cacerts(&certificates) {
                Ok(answer) => carry(answer),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            }
        }
        Ok(Operation::FullCmc(message)) => match decide(&shared, &peer, &message, label).await {
            Err(Panicked) => broken(),
            Ok(Ok(response)) => {
                let mut answer = carry(server.fullcmc(&response.message, response.refused.is_some()));
                response.refused.map(|rule| answer.extensions_mut().insert(Refused(rule)));
                answer
            }
            Ok(Err(error @ AnswerError::Malformed(_))) => text(StatusCode::BAD_REQUEST, &error.to_string()),
            Ok(Err(AnswerError::Ca(error))) => failed(&error),
            Ok(Err(AnswerError::Build(error))) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        },
    }
}

/// Signatures are made here, on the thread that serves the connection: to hand them to another one costs as much. Only for the
/// disk others wait.
async fn decide(
    shared: &Arc<Shared>,
    peer: &Peer,
    message: &[u8],
    label: Option<&str>,
) -> Result<Result<CaResponse, AnswerError>, Panicked> {
    let (kept, on_disk) = oneshot::channel();
    // A client that is gone does not wait for it.
    let kept = move |what| drop(kept.send(what));
    let begin = || shared.ca.begin_answer(message, peer.certificate.as_deref(), (shared.clock)(), kept);
    match guarded(begin)? {
        Ok(Begun::Answered(response)) => Ok(Ok(response)),
        Ok(Begun::Keeping(unfinished)) => {
            let kept = on_disk.await.ok();
            guarded(|| shared.ca.finish_answer(unfinished, kept))
        }
        Ok(Begun::Slow(slow)) => {
            let (shared, peer, label) = (shared.clone(), peer.certificate.clone(), label.map(str::to_owned));
            let work = move || shared.ca.answer_slow(slow, label.as_deref(), peer.as_deref(), (shared.clock)());
            blocking(work).await.map_err(|_| Panicked)
        }
        Err(error) => Ok(Err(error)),
    }
}

/// The CA panicked.
struct Panicked;

/// A panic is told as what it is, and takes no connection with it.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// An answer as a value, on the wire.
pub(super) fn carry(answer: HttpResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
