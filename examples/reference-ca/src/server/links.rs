//! What the signed links in mails open. Whoever scans mails follows links by GET: that never uses one up.

use std::sync::Arc;

use axum::{
    Router,
    body::to_bytes,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::get,
};
use obnova_ca::{
    ApplicantDesk, LinkDesk, LinkError, LinkPurpose, LinkToken, NoticeDesk, OpenLink, service_option, to_hex,
};
use serde_json::json;
use x509_cert::der::DateTime;
use zeroize::Zeroizing;

use super::{
    Shared,
    html::{escape, page},
    pages::{Failure, Refused, blocking, json_answer, text},
};
use crate::{
    House,
    house::{HouseError, OperatorToken},
};

/// What knows links.
pub(super) struct Desks {
    pub links: LinkDesk,
    pub notices: NoticeDesk,
    pub applicants: ApplicantDesk,
    pub operator: OperatorToken,
}

/// The longest form that is read, in bytes.
const MAX_FORM: usize = 4096;

impl Desks {
    pub fn of(house: &House) -> Result<Self, HouseError> {
        Ok(Self {
            links: house.link_desk()?,
            notices: house.notice_desk()?,
            applicants: house.applicant_desk()?,
            operator: house.operator_token()?,
        })
    }
}

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/renew/{token}", get(renewal).post(begin_renewal))
}

/// What the link in a notice is about, for a browser: the program on the holder's computer does the rest.
async fn renewal(
    State(shared): State<Arc<Shared>>,
    Path(link): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let link = Zeroizing::new(link);
    // The program that used it up may not know that it did.
    let attempt = query.and_then(|query| field(query.as_bytes(), "attempt"));
    let service = service_option(shared.ca.policy().service.as_deref());
    let opened = open(shared, &link, Use::Look(attempt)).await;
    answer(opened, wants_json(&headers), |open| {
        let serials: String = serials(open).iter().map(|serial| format!("<li>{}</li>\n", escape(serial))).collect();
        page(
            StatusCode::OK,
            "Renew your certificates",
            &format!(
                "<p>These certificates can be renewed until {ends}, when they end, or the first of them does. Their serial numbers:</p>\n<ul>\n{serials}</ul>\n\
                 <p>Put your card into the reader, and start the renewal; paste the address of this page when it asks for the link:</p>\n\
                 <pre>obnova renew --link -{service}</pre>\n\
                 <p>Add <code>--trust</code> and the file with the issuer's certificate, by which this server is recognised.</p>\n\
                 <p>Looking at this page uses nothing up. The link works for one card, until then.</p>\n",
                ends = escape(&date(open)),
                service = escape(&service),
            ),
        )
    })
}

/// The holder's program begins the renewal.
async fn begin_renewal(State(shared): State<Arc<Shared>>, Path(link): Path<String>, request: Request) -> Response {
    let link = Zeroizing::new(link);
    let as_json = wants_json(request.headers());
    let Some(attempt) = form_field(request, "attempt").await.filter(|attempt| (16..=128).contains(&attempt.len()))
    else {
        return text(StatusCode::BAD_REQUEST, "the form has no field `attempt` of 16 to 128 characters");
    };
    let opened = open(shared, &link, Use::Begin(attempt)).await;
    answer(opened, as_json, |_| {
        page(StatusCode::OK, "The renewal is begun", "<p>Go on in the program that began it.</p>\n")
    })
}

/// What is done with a link.
enum Use {
    /// It is looked at, by this attempt where one is named.
    Look(Option<Zeroizing<String>>),
    /// It is used up, by this attempt.
    Begin(Zeroizing<String>),
}

/// Looks at a link, or uses it up. One whose certificates were renewed, revoked or put on hold meanwhile
/// opens nothing, and is not used up.
async fn open(shared: Arc<Shared>, link: &str, what: Use) -> Result<Result<OpenLink, LinkError>, Response> {
    let Some(token) = LinkToken::from_link(link) else { return Ok(Err(LinkError::Unknown)) };
    let work = move || {
        let now = (shared.clock)();
        let links = &shared.desks.links;
        let open = match &what {
            Use::Look(None) => links.look(&token, LinkPurpose::Renew, now)?,
            Use::Look(Some(attempt)) | Use::Begin(attempt) => {
                links.look_as(&token, LinkPurpose::Renew, attempt.as_bytes(), now)?
            }
        };
        if let Some(not_due) = shared.desks.notices.not_due(&shared.ca, &open.serials())? {
            return Err(not_due.into());
        }
        match &what {
            Use::Begin(attempt) => links.use_up(&token, LinkPurpose::Renew, attempt.as_bytes(), now),
            Use::Look(_) => Ok(open),
        }
    };
    blocking(work).await
}

fn answer(
    opened: Result<Result<OpenLink, LinkError>, Response>,
    as_json: bool,
    shown: impl FnOnce(&OpenLink) -> Response,
) -> Response {
    match opened {
        Err(broken) => broken,
        Ok(Err(error)) => refused(&error, as_json),
        Ok(Ok(open)) if as_json => {
            json_answer(StatusCode::OK, &json!({ "serials": serials(&open), "ends": date(&open) }))
        }
        Ok(Ok(open)) => shown(&open),
    }
}

/// Why a link opens nothing, for a person or a program.
pub(super) fn refused(error: &LinkError, as_json: bool) -> Response {
    let status = match error {
        LinkError::Unknown => StatusCode::NOT_FOUND,
        LinkError::Expired | LinkError::Corrected | LinkError::Used | LinkError::Ended | LinkError::NotDue(_) => {
            StatusCode::GONE
        }
        LinkError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let reason = match error {
        LinkError::Store(_) => "the CA cannot answer now: try again later".to_owned(),
        error => error.to_string(),
    };
    let mut answer = if as_json {
        json_answer(status, &json!({ "error": error.name(), "reason": reason }))
    } else {
        page(status, "This link opens nothing", &format!("<p>{}.</p>\n", escape(&reason)))
    };
    match error {
        LinkError::Store(error) => drop(answer.extensions_mut().insert(Failure(error.to_string()))),
        error => drop(answer.extensions_mut().insert(Refused(error.name()))),
    }
    answer
}

pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter();
    accepts.filter_map(|accept| accept.to_str().ok()).any(|accept| accept.contains("application/json"))
}

/// One field of a short form whose values need no escapes.
pub(super) async fn form_field(request: Request, name: &str) -> Option<Zeroizing<String>> {
    let body = to_bytes(request.into_body(), MAX_FORM).await.ok()?;
    field(&body, name)
}

fn field(form: &[u8], name: &str) -> Option<Zeroizing<String>> {
    let form = std::str::from_utf8(form).ok()?;
    let value = form.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?.1;
    let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    plain.then(|| Zeroizing::new(value.to_owned()))
}

fn serials(open: &OpenLink) -> Vec<String> {
    open.serials().iter().map(|serial| to_hex(serial)).collect()
}

fn date(open: &OpenLink) -> String {
    DateTime::from_system_time(open.expires).map(|end| end.to_string()).unwrap_or_default()
}
