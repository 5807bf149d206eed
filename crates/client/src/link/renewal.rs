use obnova_algorithm::Digest;
use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Method};
use obnova_renewal::{ParsedCertificate, Plan};

use super::{LinkError, parts};
use crate::{CaError, HttpExchange, Https, tls_config};

/// A link that an issuer mailed before certificates end: it begins one renewal of them.
pub struct RenewalLink {
    https: Https,
    path: String,
}

impl RenewalLink {
    /// Takes a link apart; nobody is asked. The server is recognised by `anchors`.
    ///
    /// # Errors
    /// [`LinkError::NoLink`].
    pub fn new(link: &str, anchors: &[ParsedCertificate]) -> Result<Self, LinkError> {
        let (server, path) = parts(link).ok_or(LinkError::NoLink)?;
        let https = Https::new(server, tls_config(anchors)?).map_err(|_| LinkError::NoLink)?;
        Ok(Self { https, path: path.to_owned() })
    }

    /// The issuer's server.
    #[must_use]
    pub fn server(&self) -> &str {
        self.https.server()
    }

    /// Uses the link up for this plan: it is about the certificates that the plan renews, and none else. The same plan for the same
    /// card may come again, for an answer that was lost.
    ///
    /// # Errors
    /// [`LinkError`]: [`OtherCard`](LinkError::OtherCard) before anything is used up.
    pub fn begin(&self, plan: &Plan) -> Result<(), LinkError> {
        begin(&self.https, &self.path, plan)
    }
}

fn begin(https: &dyn HttpExchange, path: &str, plan: &Plan) -> Result<(), LinkError> {
    let mut old: Vec<_> = plan.old.iter().map(|(_, key)| key.certificate.serial()).collect();
    old.sort();
    let is_about = |about: &[String]| match !old.is_empty() && old.iter().all(|serial| about.contains(serial)) {
        true => Ok(()),
        false => Err(LinkError::OtherCard),
    };
    match ask(https, Method::Get, path, Vec::new()) {
        Ok(about) => is_about(&about)?,
        // Perhaps by this very plan, whose answer was lost: who uses it up is known again, and nobody else uses up anything.
        Err(LinkError::Over) if !old.is_empty() => {}
        Err(error) => return Err(error),
    }
    let attempt = Digest::Sha256.of(format!("{} {}", plan.card.serial, old.join(" ")).as_bytes());
    let attempt: String = attempt.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    is_about(&ask(https, Method::Post, path, format!("attempt={attempt}").into_bytes())?)
}

/// The serial numbers that the link is about.
fn ask(https: &dyn HttpExchange, method: Method, path: &str, body: Vec<u8>) -> Result<Vec<String>, LinkError> {
    let headers =
        Headers::from_iter([("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]);
    let answer = https.exchange(&HttpRequest { method, path: path.to_owned(), headers, body })?;
    match answer.status {
        200 => serials(&answer),
        404 => Err(LinkError::Unknown),
        410 => Err(LinkError::Over),
        status => Err(CaError::Status { status, text: String::new() }.into()),
    }
}

fn serials(answer: &HttpResponse) -> Result<Vec<String>, LinkError> {
    let about: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| LinkError::NotRenewal)?;
    let serials = about["serials"].as_array().ok_or(LinkError::NotRenewal)?;
    let text = |serial: &serde_json::Value| serial.as_str().map(str::to_lowercase).ok_or(LinkError::NotRenewal);
    serials.iter().map(text).collect()
}
