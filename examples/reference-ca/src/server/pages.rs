use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use obnova_ca::{CaError, Refusal, to_hex};
use serde_json::json;
use tokio::time::timeout;
use x509_cert::der::DateTime;

use super::{
    Access, Shared, applicant_pages, applicants, connection::Peer, est, links, pick_up, revocation_password, revoke,
    simple, status,
};

/// Everything that can be asked for.
pub(super) fn router(desk: Arc<status::Desk>, shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/login", get(login))
        .route("/encryption.cer", get(simple::encryption_certificate))
        .merge(pick_up::router())
        .merge(links::router())
        .merge(revoke::router())
        .merge(revocation_password::router())
        .merge(status::router(desk))
        .merge(applicants::router())
        .merge(applicant_pages::router())
        .fallback(est::answer)
        .layer(middleware::from_fn_with_state(shared.clone(), watched))
        .with_state(shared)
}

/// The rule that was broken, on its way to the log.
#[derive(Clone, Copy)]
pub(super) struct Refused(pub &'static str);

/// What failed in the CA itself, on its way to the log.
#[derive(Clone)]
pub(super) struct Failure(pub String);

/// Pages that are asked for with a link, a token or a password.
const SECRET: [&str; 6] = ["/pickup/", "/renew/", "/confirm/", "/transport-pin/", "/revoke", "/api/"];

/// [`watch`] as a layer.
pub(super) async fn watched(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    watch(&shared, &peer, request, |request| next.run(request)).await
}

/// Bounds the time of a request, keeps answers out of caches unless they say something else of it, and tells the log. A connection over
/// which a secret came ends with the answer, and what its buffers hold with it.
pub(super) async fn watch<F: Future<Output = Response>>(
    shared: &Shared,
    peer: &Peer,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path();
    let ends =
        request.headers().contains_key(header::AUTHORIZATION) || SECRET.into_iter().any(|page| path.starts_with(page));
    let path = match ["/pickup/", "/ocsp/", "/renew/", "/confirm/", "/transport-pin/"]
        .into_iter()
        .find(|page| path.starts_with(page))
    {
        Some(page) => format!("{page}..."),
        None => path.chars().take(200).collect(),
    };
    let answer = timeout(shared.patience.request, answer(request)).await;
    let mut answer =
        answer.unwrap_or_else(|_| text(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive"));
    answer.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if ends {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let refused = answer.extensions().get::<Refused>().map(|refused| refused.0);
    let failure = answer.extensions().get::<Failure>().map(|failure| failure.0.clone());
    (shared.log)(&Access { from: peer.address, method, path, status: answer.status().as_u16(), refused, failure });
    answer
}

/// Who the TLS client certificate says you are.
async fn login(State(shared): State<Arc<Shared>>, Extension(peer): Extension<Peer>) -> Response {
    let Some(certificate) = peer.certificate else {
        let body = json!({ "error": "nobody", "reason": "no TLS client certificate was used: log in with the authentication certificate" });
        return json_answer(StatusCode::UNAUTHORIZED, &body);
    };
    let work = move || shared.ca.login(&certificate, (shared.clock)());
    match blocking(work).await {
        Ok(Ok(who)) => {
            let end = DateTime::from_system_time(who.not_after).map(|end| end.to_string()).unwrap_or_default();
            let body = json!({ "subject": who.subject, "serial": to_hex(&who.serial), "profile": who.profile.name(), "not_after": end });
            json_answer(StatusCode::OK, &body)
        }
        Ok(Err(CaError::Refused(refusal))) => refusal_answer(StatusCode::FORBIDDEN, &refusal),
        Ok(Err(error)) => failed(&error),
        Err(answer) => answer,
    }
}

/// Runs what reads the database beside the threads that serve connections.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| broken())
}

/// The CA panicked.
pub(super) fn broken() -> Response {
    text(StatusCode::INTERNAL_SERVER_ERROR, "the CA failed to answer")
}

/// The CA failed; what exactly is for its operator and not for the client.
pub(super) fn failed(error: &CaError) -> Response {
    let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, "the CA cannot answer now: send the same request again");
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    answer.extensions_mut().insert(Failure(error.to_string()));
    answer
}

pub(super) fn refusal_answer(status: StatusCode, refusal: &Refusal) -> Response {
    let mut answer = json_answer(status, &json!({ "error": refusal.name(), "reason": refusal.to_string() }));
    answer.extensions_mut().insert(Refused(refusal.name()));
    answer
}

/// Whether the body is said to be JSON. No page of somebody else's can have a browser say so without asking this server before.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

pub(super) fn json_answer(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

pub(super) fn text(status: StatusCode, text: &str) -> Response {
    let body = Body::from(format!("{text}\n"));
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
