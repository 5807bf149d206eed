//! Applicants over HTTP: their own part, and the operator's behind a token. `openapi.json` describes it.

use std::{str::FromStr, sync::Arc};

use axum::{
    Extension, Router,
    body::{Bytes, to_bytes},
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use obnova_ca::{
    ApplicantData, ApplicantError, ApplicantId, CardCertificateError, FirstError, LinkError, Personalised, Stage,
    TransportPin, store::ApplicantRecord,
};
use obnova_enroll::cmc::UserId;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Shared,
    connection::Peer,
    pages::{Failure, Refused, blocking, is_json, json_answer},
};
use crate::{Serial, SerialError, applicants::json as for_operator};

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// The most applicants in one list.
const MAX_LIST: u32 = 1000;

/// The description of this interface (OpenAPI 3.1).
pub(super) const DESCRIPTION: &str = include_str!("openapi.json");

pub(super) fn router() -> Router<Arc<Shared>> {
    let applicant = "/api/operator/applicants/{id}";
    Router::new()
        .route("/api/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)))
        .route("/api/applicants", post(register))
        .route("/api/applicants/{id}", get(own).put(correct))
        .route("/api/operator/applicants", get(list))
        .route(applicant, get(show_one))
        .route(&format!("{applicant}/correction"), post(correction))
        .route(&format!("{applicant}/identity"), post(identity))
        .route(&format!("{applicant}/contract"), post(contract))
        .route(&format!("{applicant}/payment"), post(payment))
        .route(&format!("{applicant}/enter"), post(enter))
        .route(&format!("{applicant}/card"), post(card))
        .route(&format!("{applicant}/hand-over"), post(hand_over))
        .method_not_allowed_fallback(async || {
            problem(StatusCode::METHOD_NOT_ALLOWED, "method", "this method is not for this address")
        })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    email: String,
    country: String,
    number: Option<String>,
}

impl Form {
    fn data(&self) -> Result<ApplicantData, ApplicantError> {
        Ok(ApplicantData::new(&self.name, &self.email, &self.country, self.number.as_deref())?)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    operator: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Correction {
    operator: String,
    fingerprint: String,
    data: Form,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    operator: String,
    user: String,
    module: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BySeen {
    operator: String,
    fingerprint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByWith {
    operator: String,
    reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    operator: String,
    card: String,
    certificates: Vec<String>,
    #[serde(deserialize_with = "secret")]
    transport_pin: Zeroizing<String>,
}

fn secret<'de, D: Deserializer<'de>>(text: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(text).map(Zeroizing::new)
}

/// The applicant that a path names. What is no text names none.
struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| refused(&ApplicantError::Unknown))
    }
}

type Answer<T = Response> = Result<T, Response>;

async fn register(State(shared): State<Arc<Shared>>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    answer(async {
        if !shared.ca.policy().registration.open {
            return Err(problem(StatusCode::FORBIDDEN, "closed", "this CA takes no registrations over the network"));
        }
        let form: Form = body(request).await?;
        let work = move || {
            let (data, now) = (form.data()?, (shared.clock)());
            if !shared.registrations.may(peer.address, now) {
                return Err(ApplicantError::TooMany);
            }
            let registered = shared.desks.applicants.register(&data, now)?;
            let (id, secret) = (registered.id.to_string(), registered.secret.as_str());
            Ok(json!({ "id": id, "secret": secret, "stage": Stage::Registered.name() }))
        };
        let made = done(work).await?;
        Ok(json_answer(StatusCode::CREATED, &made))
    })
    .await
}

async fn own(State(shared): State<Arc<Shared>>, Id(id): Id, headers: HeaderMap) -> Response {
    answer(async {
        let secret = bearer(&headers)?;
        let work = move || Ok(for_applicant(&shared.desks.applicants.own(id.parse()?, &secret)?));
        Ok(json_answer(StatusCode::OK, &done(work).await?))
    })
    .await
}

async fn correct(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    answer(async {
        let secret = bearer(request.headers())?;
        let form: Form = body(request).await?;
        let work = move || {
            let desk = &shared.desks.applicants;
            // Whether there is such an applicant is told before what is wrong with the data.
            let id = desk.own(id.parse()?, &secret)?.id;
            Ok(for_applicant(&desk.correct(id, &secret, &form.data()?, (shared.clock)())?))
        };
        Ok(json_answer(StatusCode::OK, &done(work).await?))
    })
    .await
}

async fn list(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    answer(async {
        is_operator(&shared, &headers)?;
        let (mut stage, mut limit) = (None, 100);
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let bad = || problem(StatusCode::BAD_REQUEST, "query", "the query has stage= and limit= (1 to 1000)");
            match pair.split_once('=').ok_or_else(bad)? {
                ("stage", name) => {
                    stage = Some(Stage::ALL.into_iter().find(|known| known.name() == name).ok_or_else(bad)?);
                }
                ("limit", number) => {
                    limit =
                        u32::from_str(number).ok().filter(|limit| (1..=MAX_LIST).contains(limit)).ok_or_else(bad)?;
                }
                _ => return Err(bad()),
            }
        }
        let work = move || {
            let found = shared.desks.applicants.list(stage, limit)?;
            Ok(found.iter().map(for_operator).collect::<Value>())
        };
        Ok(json_answer(StatusCode::OK, &done(work).await?))
    })
    .await
}

async fn show_one(State(shared): State<Arc<Shared>>, Id(id): Id, headers: HeaderMap) -> Response {
    answer(async {
        is_operator(&shared, &headers)?;
        let work = move || Ok(for_operator(&shared.desks.applicants.get(id.parse()?)?));
        Ok(json_answer(StatusCode::OK, &done(work).await?))
    })
    .await
}

async fn correction(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    step(shared, id, request, |shared, id, by: Correction| {
        let data = by.data.data()?;
        shared.desks.applicants.correct_by_operator(id, &by.operator, &by.fingerprint, &data, (shared.clock)())
    })
    .await
}

async fn identity(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    step(shared, id, request, |shared, id, by: BySeen| {
        shared.desks.applicants.identify(id, &by.operator, &by.fingerprint, (shared.clock)())
    })
    .await
}

async fn contract(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    step(shared, id, request, |shared, id, by: ByWith| {
        shared.desks.applicants.contract(id, &by.operator, &by.reference, (shared.clock)())
    })
    .await
}

async fn payment(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    step(shared, id, request, |shared, id, by: ByWith| {
        shared.desks.applicants.pay(id, &by.operator, &by.reference, (shared.clock)())
    })
    .await
}

async fn enter(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    step(shared, id, request, |shared, id, by: Entry| {
        let user = UserId::new(&by.user).map_err(FirstError::from)?;
        shared.desks.applicants.enter(id, &by.operator, (&user, &by.module), (shared.clock)())
    })
    .await
}

async fn card(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    step(shared, id, request, |shared, id, by: Card| {
        let transport_pin = TransportPin::new(&by.transport_pin).ok_or(ApplicantError::TransportPin)?;
        let serials = by.certificates.iter().map(|text| text.parse().map(|Serial(serial)| serial));
        // What is no serial number is none of this CA's.
        let unknown = |SerialError| ApplicantError::Certificate(CardCertificateError::Unknown);
        let certificates = serials.collect::<Result<_, _>>().map_err(unknown)?;
        let made = Personalised { card: by.card, certificates, transport_pin };
        shared.desks.applicants.personalise(id, &by.operator, &made, (shared.clock)())
    })
    .await
}

async fn hand_over(State(shared): State<Arc<Shared>>, Id(id): Id, request: Request) -> Response {
    step(shared, id, request, |shared, id, by: By| {
        shared.desks.applicants.hand_over(id, &by.operator, (shared.clock)())
    })
    .await
}

/// A step that an operator takes.
async fn step<B: DeserializeOwned + Send + 'static>(
    shared: Arc<Shared>,
    id: String,
    request: Request,
    take: impl FnOnce(&Shared, ApplicantId, B) -> Result<ApplicantRecord, ApplicantError> + Send + 'static,
) -> Response {
    answer(async {
        is_operator(&shared, request.headers())?;
        let body: B = body(request).await?;
        let work = move || Ok(for_operator(&take(&shared, id.parse()?, body)?));
        Ok(json_answer(StatusCode::OK, &done(work).await?))
    })
    .await
}

async fn answer(work: impl Future<Output = Answer>) -> Response {
    work.await.unwrap_or_else(|refused| refused)
}

async fn done<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApplicantError> + Send + 'static,
) -> Result<T, Response> {
    blocking(work).await?.map_err(|error| refused(&error))
}

/// What an applicant is told: nothing of operators.
fn for_applicant(record: &ApplicantRecord) -> Value {
    json!({
        "id": record.id.to_string(),
        "stage": record.stage.name(),
        "name": record.data.name(),
        "email": record.data.email().as_str(),
        "country": record.data.country(),
        "number": record.data.number(),
    })
}

async fn body<B: DeserializeOwned>(request: Request) -> Result<B, Response> {
    if !is_json(request.headers()) {
        return Err(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "the body is to be application/json"));
    }
    let too_long = |_| problem(StatusCode::PAYLOAD_TOO_LARGE, "too-long", "the body is too long, or did not arrive");
    let bytes: Bytes = to_bytes(request.into_body(), MAX_BODY).await.map_err(too_long)?;
    // What serde says may repeat what stands there, which may be a PIN.
    serde_json::from_slice(&bytes)
        .map_err(|_| problem(StatusCode::BAD_REQUEST, "body", "the body is not what /api/openapi.json describes"))
}

/// No token, or not the right one.
struct Unauthorized;

fn bearer(headers: &HeaderMap) -> Result<Zeroizing<String>, Unauthorized> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // However the scheme is written (RFC 9110 §11.1).
    let (scheme, secret) = shown.and_then(|value| value.split_once(' ')).ok_or(Unauthorized)?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| Zeroizing::new(secret.trim_start().to_owned())).ok_or(Unauthorized)
}

fn is_operator(shared: &Shared, headers: &HeaderMap) -> Result<(), Unauthorized> {
    if shared.desks.operator.is(&bearer(headers)?) { Ok(()) } else { Err(Unauthorized) }
}

impl From<Unauthorized> for Response {
    fn from(_: Unauthorized) -> Self {
        let reason = "show the token that belongs to this: Authorization: Bearer ...";
        let mut answer = problem(StatusCode::UNAUTHORIZED, "unauthorized", reason);
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        answer
    }
}

fn refused(error: &ApplicantError) -> Response {
    let status = match error {
        ApplicantError::Unknown => StatusCode::NOT_FOUND,
        ApplicantError::Step(_)
        | ApplicantError::TooManyCorrections
        | ApplicantError::TooManyMails
        | ApplicantError::Entry(FirstError::Bound)
        | ApplicantError::CardTaken
        | ApplicantError::Changed
        | ApplicantError::PinGone { .. }
        | ApplicantError::CardOver => StatusCode::CONFLICT,
        ApplicantError::Data(_)
        | ApplicantError::Entry(FirstError::Module | FirstError::Email | FirstError::Name | FirstError::User(_))
        | ApplicantError::Note
        | ApplicantError::TransportPin
        | ApplicantError::Certificate(_)
        | ApplicantError::CertificateMissing { .. }
        | ApplicantError::Mail(_) => StatusCode::BAD_REQUEST,
        ApplicantError::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ApplicantError::Link(LinkError::Unknown) => StatusCode::NOT_FOUND,
        ApplicantError::Link(
            LinkError::Expired | LinkError::Corrected | LinkError::Used | LinkError::Ended | LinkError::NotDue(_),
        ) => StatusCode::GONE,
        ApplicantError::Link(LinkError::Store(_))
        | ApplicantError::Entry(_)
        | ApplicantError::Sealed
        | ApplicantError::Key(_)
        | ApplicantError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let mut answer = problem(status, "unavailable", "the CA cannot answer now: try again later");
        answer.extensions_mut().insert(Failure(error.to_string()));
        return answer;
    }
    problem(status, error.name(), &error.to_string())
}

fn problem(status: StatusCode, error: &'static str, reason: &str) -> Response {
    let mut answer = json_answer(status, &json!({ "error": error, "reason": reason }));
    answer.extensions_mut().insert(Refused(error));
    if status == StatusCode::TOO_MANY_REQUESTS {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("3600"));
    }
    answer.into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// That each answers as described is seen from outside.
    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let paths = description["paths"].as_object().unwrap().keys().filter(|path| path.starts_with("/api/"));
        let described: BTreeSet<String> = paths.cloned().collect();
        let router = format!("{:?}", router());
        let routes: BTreeSet<String> =
            router.split('"').filter(|part| part.starts_with("/api/")).map(str::to_owned).collect();
        assert_eq!(routes, described);
    }
}
