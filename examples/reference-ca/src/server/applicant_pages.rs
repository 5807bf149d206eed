//! Pages behind the links that applicants are mailed. A GET shows a button; the POST behind it does what the link is for.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use obnova_ca::{ApplicantError, LinkError, LinkToken};
use zeroize::Zeroizing;

use super::{
    Shared,
    html::{escape, page},
    links,
    pages::{Failure, Refused, blocking},
};

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/confirm/{token}", get(ask_to_confirm).post(confirm))
        .route("/transport-pin/{token}", get(ask_to_show).post(show))
}

async fn ask_to_confirm(State(shared): State<Arc<Shared>>, Path(link): Path<String>) -> Response {
    with_link(
        link,
        move |token| shared.desks.applicants.look_at_confirmation(token, (shared.clock)()),
        |()| {
            page(
                StatusCode::OK,
                "Confirm your e-mail address",
                "<p>You have applied for a card with this address.</p>\n\
             <form method=\"post\"><button>Yes, this is my address</button></form>\n",
            )
        },
    )
    .await
}

async fn confirm(State(shared): State<Arc<Shared>>, Path(link): Path<String>) -> Response {
    with_link(
        link,
        move |token| shared.desks.applicants.confirm(token, (shared.clock)()).map(drop),
        |()| {
            page(
                StatusCode::OK,
                "Your e-mail address is confirmed",
                "<p>Next an operator looks at your papers. Until then your data can be corrected.</p>\n",
            )
        },
    )
    .await
}

async fn ask_to_show(State(shared): State<Arc<Shared>>, Path(link): Path<String>) -> Response {
    with_link(
        link,
        move |token| shared.desks.applicants.look_at_transport_pin(token, (shared.clock)()),
        |()| {
            page(
                StatusCode::OK,
                "The transport PIN of your card",
                "<p>It is shown <strong>once</strong>, and then forgotten. Have your card, paper and pen at hand.</p>\n\
             <form method=\"post\"><button>Show the transport PIN</button></form>\n",
            )
        },
    )
    .await
}

async fn show(State(shared): State<Arc<Shared>>, Path(link): Path<String>) -> Response {
    with_link(
        link,
        move |token| shared.desks.applicants.show_transport_pin(token, (shared.clock)()),
        |pin| {
            let text = Zeroizing::new(format!(
                "<p>Write it down now; nobody can show it to you again:</p>\n<pre id=\"pin\">{}</pre>\n\
             <p>Activate your card with it: it asks for PINs of your own, and is worth nothing afterwards.</p>\n",
                escape(pin.reveal()),
            ));
            page(StatusCode::OK, "The transport PIN of your card", &text)
        },
    )
    .await
}

async fn with_link<T: Send + 'static>(
    link: String,
    work: impl FnOnce(&LinkToken) -> Result<T, ApplicantError> + Send + 'static,
    shown: impl FnOnce(T) -> Response,
) -> Response {
    let link = Zeroizing::new(link);
    let Some(token) = LinkToken::from_link(&link) else { return links::refused(&LinkError::Unknown, false) };
    match blocking(move || work(&token)).await {
        Ok(Ok(done)) => shown(done),
        Ok(Err(ApplicantError::Link(error))) => links::refused(&error, false),
        Ok(Err(error)) => refused(&error),
        Err(broken) => broken,
    }
}

fn refused(error: &ApplicantError) -> Response {
    let for_holder = matches!(error, ApplicantError::Step(_) | ApplicantError::Unknown);
    let (status, reason) = if for_holder {
        (StatusCode::CONFLICT, error.to_string())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the CA cannot answer now: try again later".to_owned())
    };
    let mut answer = page(status, "This cannot be done now", &format!("<p>{}.</p>\n", escape(&reason)));
    if for_holder {
        answer.extensions_mut().insert(Refused(error.name()));
    } else {
        answer.extensions_mut().insert(Failure(error.to_string()));
    }
    answer
}
