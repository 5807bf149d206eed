use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Method};
use obnova_renewal::{LinkAnswer, LinkRefusal, NoticeLink, ParsedCertificate, Plan};
use zeroize::Zeroizing;

use super::{LinkError, parts};
use crate::{CaError, HttpExchange, Https, tls_config};

/// A link that an issuer mailed before certificates end: it begins one renewal of them.
///
/// Looking at it uses nothing up. It is used up by the renewal itself, once its holder agreed
/// ([`CaConnection::use_link`](crate::CaConnection::use_link)): what it needs for that is in its journal, so who was interrupted there goes
/// on with the journal, or without it with the same link once more.
pub struct RenewalLink<H = Https> {
    https: H,
    server: String,
    path: Zeroizing<String>,
}

impl RenewalLink {
    /// Takes a link apart; nobody is asked. The server is recognised by `anchors`.
    ///
    /// # Errors
    /// [`LinkError::NoLink`].
    pub fn new(link: &str, anchors: &[ParsedCertificate]) -> Result<Self, LinkError> {
        let (server, _) = parts(link).ok_or(LinkError::NoLink)?;
        let https = Https::new(server, tls_config(anchors)?).map_err(|_| LinkError::NoLink)?;
        Self::over(https, link)
    }
}

impl<H: HttpExchange> RenewalLink<H> {
    /// The same over this connection to the link's server.
    ///
    /// # Errors
    /// As [`new`](RenewalLink::new).
    pub fn over(https: H, link: &str) -> Result<Self, LinkError> {
        let (server, path) = parts(link).ok_or(LinkError::NoLink)?;
        Ok(Self { https, server: server.to_owned(), path: Zeroizing::new(path.to_owned()) })
    }

    /// The issuer's server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether this renewal is begun by it.
    #[must_use]
    pub fn begins(&self, plan: &Plan) -> bool {
        plan.notice.as_ref().is_some_and(|notice| notice.is_at(&self.path))
    }

    /// The same plan, begun by this link, if that is about the certificates that the plan renews, and was not used for another renewal.
    /// Nothing is used up.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn plan(&self, plan: Plan) -> Result<Plan, LinkError> {
        let plan = plan.by_link(&self.path);
        let Some(notice) = &plan.notice else { return Err(LinkError::NotRenewal) };
        let mark = if self.path.contains('?') { '&' } else { '?' };
        // Who used it is told so by the name of the attempt.
        let path = Zeroizing::new(format!("{}{mark}attempt={}", *self.path, notice.attempt));
        let answer = ask(&self.https, Method::Get, &path, Vec::new())?;
        match said(&answer, notice)? {
            Some(LinkAnswer::Begun) => Ok(plan),
            Some(LinkAnswer::Refused(LinkRefusal::Unknown)) => Err(LinkError::Unknown),
            Some(LinkAnswer::Refused(LinkRefusal::OtherCard)) => Err(LinkError::OtherCard),
            Some(LinkAnswer::Refused(LinkRefusal::OnHold)) => Err(LinkError::OnHold),
            Some(LinkAnswer::Refused(LinkRefusal::Revoked)) => Err(LinkError::Revoked),
            Some(LinkAnswer::Refused(_)) => Err(LinkError::Over),
            None => Err(LinkError::NotRenewal),
        }
    }
}

/// Uses a link up, for the attempt that it was planned with.
pub(crate) fn use_up(https: &dyn HttpExchange, link: &NoticeLink) -> Result<LinkAnswer, CaError> {
    let form = format!("attempt={}", link.attempt);
    let answer = ask(https, Method::Post, &link.path, form.into_bytes())?;
    said(&answer, link)?.ok_or_else(|| CaError::Protocol("it does not say what the link is about".into()))
}

fn ask(https: &dyn HttpExchange, method: Method, path: &str, body: Vec<u8>) -> Result<HttpResponse, CaError> {
    let headers =
        Headers::from_iter([("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]);
    https.exchange(&HttpRequest { method, path: path.to_owned(), headers, body })
}

/// What an answer means for this link; `None` if it is none about certificates.
fn said(answer: &HttpResponse, link: &NoticeLink) -> Result<Option<LinkAnswer>, CaError> {
    Ok(Some(match answer.status {
        200 => match serials(answer) {
            Some(about) if link.is_about(&about) => LinkAnswer::Begun,
            Some(_) => LinkAnswer::Refused(LinkRefusal::OtherCard),
            None => return Ok(None),
        },
        404 => LinkAnswer::Refused(LinkRefusal::Unknown),
        410 => LinkAnswer::Refused(gone(answer)),
        status => return Err(CaError::Status { status, text: String::new() }),
    }))
}

/// Why a link is gone, as our CAs name it.
fn gone(answer: &HttpResponse) -> LinkRefusal {
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match told["error"].as_str() {
        Some("on-hold") => LinkRefusal::OnHold,
        Some("revoked") => LinkRefusal::Revoked,
        _ => LinkRefusal::Over,
    }
}

fn serials(answer: &HttpResponse) -> Option<Vec<String>> {
    let about: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    about["serials"].as_array()?.iter().map(|serial| Some(serial.as_str()?.to_lowercase())).collect()
}
