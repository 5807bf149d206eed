//! A holder who is logged in sets the revocation password of his certificate: it comes sealed, like everywhere.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
    routing::post,
};
use base64ct::{Base64, Encoding as _};
use obnova_ca::{AskedPassword, CaError, Refusal, to_hex};
use obnova_enroll::cmc::{SealedPassphrase, SealedPassword};
use serde_json::{Value, json};

use super::{
    Shared,
    connection::Peer,
    pages::{blocking, failed, is_json, json_answer, refusal_answer},
};

/// The longest request that is read, in bytes: two envelopes.
const MAX_BODY: usize = 16 * 1024;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/revocation-password", post(set))
}

async fn set(State(shared): State<Arc<Shared>>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    let Some(certificate) = peer.certificate else {
        return problem(StatusCode::UNAUTHORIZED, "nobody", "no TLS client certificate was used: log in with it");
    };
    // A page of somebody else's can have a browser send anything but this, with the holder's login.
    if !is_json(request.headers()) {
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "the body is to be application/json");
    }
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY).await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "body", "the request is too long, or did not arrive");
    };
    let asked = match read(&body) {
        Ok(asked) => asked,
        Err(what) => return problem(StatusCode::BAD_REQUEST, "body", what),
    };
    let work = move || {
        let asked = AskedPassword { new: &asked.0, old: asked.1.as_ref() };
        shared.ca.set_revocation_password(&asked, &certificate, (shared.clock)())
    };
    match blocking(work).await {
        Ok(Ok(serials)) => {
            let serials: Vec<_> = serials.iter().map(|serial| to_hex(serial)).collect();
            json_answer(StatusCode::OK, &json!({ "serials": serials }))
        }
        Ok(Err(CaError::Refused(refusal))) => refusal_answer(status_of(&refusal), &refusal),
        Ok(Err(error)) => failed(&error),
        Err(broken) => broken,
    }
}

const fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::PasswordSlowed { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::RevocationPasswordStands | Refusal::NoPlaceForPassword => StatusCode::CONFLICT,
        Refusal::ShortPassword { .. } | Refusal::PlainPassword { .. } | Refusal::SealedPassword(_) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refusal::NoRevocation => StatusCode::NOT_FOUND,
        _ => StatusCode::FORBIDDEN,
    }
}

/// The password, and the one that stands where it is given.
fn read(body: &[u8]) -> Result<(SealedPassword, Option<SealedPassphrase>), &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "that is no JSON")?;
    let envelope = |name: &str, what| match &body[name] {
        Value::Null => Ok(None),
        Value::String(text) => Base64::decode_vec(text).map(Some).map_err(|_| what),
        _ => Err(what),
    };
    let what = "password: the new password in an AuthEnvelopedData (RFC 5083), Base64";
    let new = envelope("password", what)?.ok_or(what)?;
    let new = SealedPassword::from_der(&new).map_err(|_| what)?;
    let what =
        "old: the password that stands, with this certificate's name, in an AuthEnvelopedData (RFC 5083), Base64";
    let old = envelope("old", what)?.map(|old| SealedPassphrase::from_der(&old)).transpose().map_err(|_| what)?;
    Ok((new, old))
}

fn problem(status: StatusCode, error: &str, reason: &str) -> Response {
    json_answer(status, &json!({ "error": error, "reason": reason }))
}
