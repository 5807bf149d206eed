use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper_util::service::TowerToHyperService;
use obnova_ca::{OcspResponse, StatusDesk, StatusError};
use obnova_status::{limits::MAX_REQUEST, ocsp::http};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::{
    Shared,
    connection::{self, Peer},
    pages::{Failure, blocking, text, watched},
};

/// How long a CRL is served before the next one is made.
const CRL_AGE: Duration = Duration::from_secs(60 * 60);
/// What is signed may be kept by caches (RFC 5019 §6.2), and not for so long that a revocation stays unheard.
const CACHED: &str = "max-age=60, public, no-transform, must-revalidate";

/// The desk, and the CRL that it made last: one for all ports, or the numbers of one would be behind the other's.
pub(super) struct Desk {
    desk: StatusDesk,
    shared: Arc<Shared>,
    /// Who waits for his turn here holds no thread.
    crl: Arc<Mutex<Option<List>>>,
}

struct List {
    /// How many reasons to make another one there had been when it was begun. Its number says less: every server on this store takes one.
    changes: u64,
    made: SystemTime,
    der: Bytes,
}

/// Tells over plain HTTP who is revoked, until `stopped`.
///
/// # Errors
/// As [`connection::serve`].
pub(super) async fn serve(
    listener: TcpListener,
    desk: Arc<Desk>,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let router = router(desk)
        .fallback(async || text(StatusCode::NOT_FOUND, "ask /ocsp or /crl"))
        .layer(middleware::from_fn_with_state(shared.clone(), watched));
    let patience = shared.patience;
    let talk = move |stream, address: SocketAddr, stopped| {
        let router = router.clone().layer(Extension(Peer { address, certificate: None }));
        let shared = shared.clone();
        async move { connection::speak(stream, TowerToHyperService::new(router), &shared, stopped).await }
    };
    connection::accept(listener, patience, stopped, talk).await
}

/// What tells who is revoked, whatever it is spoken over.
pub(super) fn router<S: Clone + Send + Sync + 'static>(desk: Arc<Desk>) -> Router<S> {
    Router::new()
        .route("/ocsp", post(posted))
        .route("/ocsp/{*request}", get(in_path))
        .route("/crl", get(crl))
        .with_state(desk)
}

/// A request as a body (RFC 6960 appendix A.1).
async fn posted(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    match to_bytes(request.into_body(), MAX_REQUEST).await {
        Ok(request) => answer(desk, request.to_vec()).await,
        Err(_) => text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long, or did not arrive"),
    }
}

/// A request in the path (RFC 5019 §5), which comes without its escapes.
async fn in_path(State(desk): State<Arc<Desk>>, Path(request): Path<String>) -> Response {
    match http::request_in_path(&request) {
        Some(request) => answer(desk, request).await,
        None => text(StatusCode::BAD_REQUEST, "there is no OCSP request in the path"),
    }
}

async fn answer(desk: Arc<Desk>, request: Vec<u8>) -> Response {
    let work = move || desk.desk.ocsp(&request, (desk.shared.clock)());
    match blocking(work).await {
        Ok(OcspResponse { der, is_signed, failure }) => {
            let mut answer = ([(header::CONTENT_TYPE, http::RESPONSE_TYPE)], der).into_response();
            if is_signed {
                answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
            }
            failure.map(|failure| answer.extensions_mut().insert(Failure(failure.to_string())));
            answer
        }
        Err(answer) => answer,
    }
}

/// The CRL: an hour old at the most, and with everything that was revoked before it was asked for.
async fn crl(State(desk): State<Arc<Desk>>) -> Response {
    let kept = desk.crl.clone().lock_owned().await;
    match blocking(move || desk.newest_crl(kept)).await {
        Ok(Ok(der)) => {
            let headers = [(header::CONTENT_TYPE, "application/pkix-crl"), (header::CACHE_CONTROL, CACHED)];
            (headers, Body::from(der)).into_response()
        }
        Ok(Err(error)) => {
            let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, "the CA cannot tell now: try again later");
            answer.extensions_mut().insert(Failure(error.to_string()));
            answer
        }
        Err(answer) => answer,
    }
}

impl Desk {
    pub(super) fn new(desk: StatusDesk, shared: Arc<Shared>) -> Self {
        Self { desk, shared, crl: Arc::default() }
    }

    fn newest_crl(&self, mut kept: OwnedMutexGuard<Option<List>>) -> Result<Bytes, StatusError> {
        // Not before it is his turn: the list may have been made while he waited.
        let now = (self.shared.clock)();
        // Before the list is begun: what changes meanwhile may be in it or not, and makes it old.
        let changes = self.desk.changes()?;
        let young = |list: &&List| now.duration_since(list.made).is_ok_and(|age| age < CRL_AGE);
        if let Some(list) = kept.as_ref().filter(|list| list.changes == changes).filter(young) {
            return Ok(list.der.clone());
        }
        let mut der = Vec::new();
        self.desk.crl(now, &mut der)?;
        let der = Bytes::from(der);
        *kept = Some(List { changes, made: now, der: der.clone() });
        Ok(der)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
