use der::DateTime;
use x509_cert::Certificate;

use super::{
    CACERTS, CMC_REQUEST, Credentials, CsrAttrsError, FULLCMC, HttpRequest, HttpResponse, MAX_BODY, Method, RetryAfter,
    Site, Transfer,
    http::{Headers, Media},
    path,
};
use crate::{certs_only, signed::MessageError, transfer};

/// The holder's side of EST. `Debug` leaves a password out.
#[derive(Clone, Default)]
pub struct Client {
    label: Option<String>,
    pub(super) transfer: Transfer,
    credentials: Option<(Site, Credentials)>,
}

/// What `/fullcmc` brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FullCmcReply {
    /// A Full PKI Response, for [`FullResponse::parse`](crate::cmc::FullResponse::parse): yes, wait or no.
    Cmc(Vec<u8>),
    /// A Simple PKI Response: certificates that nobody signed for. The TLS channel vouches for them, and they have to be
    /// matched to the keys.
    CertsOnly(Vec<Certificate>),
    /// Come again with the same request (RFC 7030 §4.2.3).
    RetryAfter(RetryAfter),
}

impl Client {
    /// For the CA at the well-known path.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For one of several CAs of a server (RFC 7030 §3.2.2). `label` is one path segment, percent-encoded where needed.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    /// How bodies are written.
    #[must_use]
    pub const fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = transfer;
        self
    }

    /// Says who asks, in every request but that for the CA's certificates, which nobody needs to ask by name. The requests
    /// are for `site` and no other, which is one that TLS leads to.
    #[must_use]
    pub fn basic(mut self, site: &Site, credentials: Credentials) -> Self {
        self.credentials = Some((site.clone(), credentials));
        self
    }

    /// Whether requests may go to this site: not when they carry a password for another.
    pub(super) fn is_for(&self, site: &Site) -> bool {
        self.credentials.as_ref().is_none_or(|(own, _)| own == site)
    }

    /// Where an operation lives.
    pub(super) fn path(&self, operation: &str) -> String {
        path(self.label.as_deref(), operation)
    }

    /// The request with who asks in it, where that is said.
    pub(super) fn authorized(&self, mut request: HttpRequest) -> HttpRequest {
        if let Some((site, credentials)) = &self.credentials {
            credentials.write(site, &mut request.headers);
        }
        request
    }

    /// Asks for the CA's certificates (RFC 7030 §4.1.2).
    #[must_use]
    pub fn cacerts_request(&self) -> HttpRequest {
        let headers = Headers::from_iter([("Accept", "application/pkcs7-mime")]);
        HttpRequest { method: Method::Get, path: self.path(CACERTS), headers, body: Vec::new() }
    }

    /// Reads the CA's certificates (RFC 7030 §4.1.3). They are as trustworthy as the server is.
    ///
    /// # Errors
    /// [`EstError`], for every status but 200 and every body that is no list of certificates.
    pub fn cacerts_response(&self, response: &HttpResponse) -> Result<Vec<Certificate>, EstError> {
        check_size(response)?;
        if response.status != 200 {
            return Err(status_error(response));
        }
        match Media::of(&response.headers) {
            Media::CertsOnly | Media::Pkcs7 => Ok(certs_only::decode(&body(response)?)?),
            _ => Err(content_type(response)),
        }
    }

    /// Sends a Full PKI Request (RFC 7030 §4.3.1).
    #[must_use]
    pub fn fullcmc_request(&self, message: &[u8]) -> HttpRequest {
        let (mut headers, body) = self.transfer.write(message, CMC_REQUEST);
        headers.set("Accept", "application/pkcs7-mime");
        self.authorized(HttpRequest { method: Method::Post, path: self.path(FULLCMC), headers, body })
    }

    /// Reads the answer to a Full PKI Request (RFC 7030 §4.3.2). A refusal comes with status 4xx or 5xx and a CMC response
    /// that says why: that one counts, where there is one.
    ///
    /// # Errors
    /// [`EstError`], for every other status and every body that is none of these.
    pub fn fullcmc_response(&self, response: &HttpResponse) -> Result<FullCmcReply, EstError> {
        check_size(response)?;
        let refused = (400..600).contains(&response.status);
        match (response.status, Media::of(&response.headers)) {
            (202, _) => retry_after(response).map(FullCmcReply::RetryAfter),
            (200, Media::CmcResponse) => Ok(FullCmcReply::Cmc(body(response)?)),
            (200, Media::CertsOnly) => Ok(FullCmcReply::CertsOnly(certs_only::decode(&body(response)?)?)),
            (200, _) => Err(content_type(response)),
            (_, Media::CmcResponse | Media::Pkcs7) if refused => Ok(FullCmcReply::Cmc(body(response)?)),
            _ => Err(status_error(response)),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { label, transfer, credentials } = self;
        let user = credentials.as_ref().map(|(_, credentials)| credentials.user());
        let mut shown = f.debug_struct("Client");
        shown.field("label", label).field("transfer", transfer).field("user", &user).finish_non_exhaustive()
    }
}

/// When to come again, which a 202 has to say.
pub(super) fn retry_after(response: &HttpResponse) -> Result<RetryAfter, EstError> {
    response.headers.get("Retry-After").and_then(RetryAfter::parse).ok_or(EstError::NoRetryAfter)
}

pub(super) fn check_size(response: &HttpResponse) -> Result<(), EstError> {
    match response.body.len() {
        size if size > MAX_BODY => Err(EstError::TooLong { size }),
        _ => Ok(()),
    }
}

/// RFC 8951 §2.1: Base64, whatever the headers say.
pub(super) fn body(response: &HttpResponse) -> Result<Vec<u8>, EstError> {
    match transfer::decode(&response.body) {
        Some(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(EstError::Base64),
    }
}

pub(super) fn content_type(response: &HttpResponse) -> EstError {
    EstError::ContentType { found: printable(response.headers.get("Content-Type").unwrap_or_default()) }
}

pub(super) fn status_error(response: &HttpResponse) -> EstError {
    let text = match Media::of(&response.headers) {
        Media::Text => printable(&String::from_utf8_lossy(&response.body)),
        _ => String::new(),
    };
    let retry_after = response.headers.get("Retry-After").and_then(RetryAfter::parse);
    match response.status {
        300..=399 => EstError::Redirect { location: printable(response.headers.get("Location").unwrap_or_default()) },
        401 => EstError::Unauthorized,
        403 => EstError::Forbidden { text },
        204 | 404 | 405 | 501 => EstError::NotSupported { status: response.status },
        413 => EstError::RequestTooLong,
        429 => EstError::TooOften { retry_after, text },
        503 => EstError::Unavailable { retry_after },
        400..=499 => EstError::Refused { status: response.status, text },
        500..=599 => EstError::ServerFailed { status: response.status, text },
        status => EstError::UnexpectedStatus { status },
    }
}

/// A server's text ends on a terminal: no control characters, and not without end.
pub(super) fn printable(text: &str) -> String {
    obnova_algorithm::text::printable(text.trim(), 300)
}

fn again(retry_after: Option<&RetryAfter>) -> String {
    match retry_after {
        Some(RetryAfter::In(wait)) => format!(", it answers again in {} s", wait.as_secs()),
        Some(RetryAfter::At(moment)) => match DateTime::from_system_time(*moment) {
            Ok(moment) => format!(", it answers again from {moment} on"),
            Err(_) => String::new(),
        },
        None => String::new(),
    }
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Why a response is no answer of an EST server, or none that helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EstError {
    /// The body is longer than [`MAX_BODY`].
    #[error("the server sent {size} bytes, at most {MAX_BODY} are read")]
    TooLong {
        /// Bytes it has.
        size: usize,
    },
    /// The body is not Base64, or empty.
    #[error("the server's answer is not Base64: perhaps something between changed it")]
    Base64,
    /// The body is of another kind than was asked for.
    #[error("the server answered with {found:?} and not with what EST has in this place: is it an EST server?")]
    ContentType {
        /// What the header says.
        found: String,
    },
    /// The certificates in the body cannot be read.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The CSR attributes in the body cannot be read.
    #[error(transparent)]
    CsrAttrs(#[from] CsrAttrsError),
    /// Accepted for later, and not said when to ask.
    #[error("the server says to come again and not when")]
    NoRetryAfter,
    /// Somewhere else. Not followed.
    #[error("the server sends the request on to {location:?}: not followed, check the address of the CA")]
    Redirect {
        /// Where.
        location: String,
    },
    /// Who asks has to log in: with a TLS client certificate or a password (RFC 7030 §3.2.3).
    #[error("the server asks who you are: a client certificate or a password is needed")]
    Unauthorized,
    /// Who asks may not.
    #[error("the server does not let you do this: {text}")]
    Forbidden {
        /// The server's words, may be empty.
        text: String,
    },
    /// There is no such operation (RFC 7030 §4.3.2: 404, 501), or no such CA label.
    #[error("the server does not offer this (status {status}): check the address and label of the CA")]
    NotSupported {
        /// The status code.
        status: u16,
    },
    /// What was sent is too long for the server.
    #[error("the server finds the request too long")]
    RequestTooLong,
    /// Not now.
    #[error("the server is busy or being worked on: try again later")]
    Unavailable {
        /// When, if it says.
        retry_after: Option<RetryAfter>,
    },
    /// Asked too often (RFC 6585 §4), as after wrong passwords. It may have been somebody else who asked.
    #[error("the server was asked too often{}{}", again(.retry_after.as_ref()), said(.text))]
    TooOften {
        /// When to ask again, if it says.
        retry_after: Option<RetryAfter>,
        /// The server's words, may be empty.
        text: String,
    },
    /// Refused, without a CMC response.
    #[error("the server refused the request (status {status}): {text}")]
    Refused {
        /// The status code.
        status: u16,
        /// The server's words, may be empty.
        text: String,
    },
    /// The server failed, without a CMC response.
    #[error("the server failed (status {status}): {text}")]
    ServerFailed {
        /// The status code.
        status: u16,
        /// The server's words, may be empty.
        text: String,
    },
    /// A status that has no place here.
    #[error("the server answered with status {status}, which means nothing here")]
    UnexpectedStatus {
        /// The status code.
        status: u16,
    },
}
