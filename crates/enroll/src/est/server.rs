use std::time::Duration;

use obnova_pkcs10::{CertificationRequest, ParseError};
use x509_cert::Certificate;

use super::{
    CACERTS, CERTS_ONLY, CMC_RESPONSE, CSR_ATTRIBUTES, CSRATTRS, CsrAttributes, CsrAttrsError, FULLCMC, HttpRequest,
    HttpResponse, MAX_BODY, Method, RetryAfter, SIMPLEENROLL, SIMPLEREENROLL, Transfer,
    http::{Headers, Media},
    path,
};
use crate::{certs_only, cmc::BuildError, transfer};

/// The CA's side of EST.
#[derive(Clone, Debug, Default)]
pub struct Server {
    label: Option<String>,
    transfer: Transfer,
}

/// What a request wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The CA's certificates: [`Server::cacerts`].
    CaCerts,
    /// This Full PKI Request, for [`FullRequest::parse`](crate::cmc::FullRequest::parse); answered by [`Server::fullcmc`].
    FullCmc(Vec<u8>),
}

/// What a request wants of plain EST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimpleOperation {
    /// What has to be in a request: [`Server::csrattrs`].
    CsrAttrs,
    /// A certificate for this request; answered by [`Server::issued`], [`Server::retry_after`] or [`Server::refused`]. Who
    /// asks is told by [`Credentials::of`](super::Credentials::of) or by the TLS client certificate. Its own signature is
    /// not checked yet ([`CertificationRequest::verify`]).
    Enroll(CertificationRequest),
    /// The same in place of the certificate that the TLS client logged in with, for which see
    /// [`reenrollment`](super::reenrollment).
    Reenroll(CertificationRequest),
}

impl Server {
    /// A CA at the well-known path, that answers in one line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One of several CAs of a server (RFC 7030 §3.2.2).
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

    /// What `request` wants.
    ///
    /// # Errors
    /// [`RouteError`]; its [`response`](RouteError::response) is the answer.
    pub fn route(&self, request: &HttpRequest) -> Result<Operation, RouteError> {
        let label = self.label.as_deref();
        if request.path == path(label, CACERTS) {
            return match request.method {
                Method::Get => Ok(Operation::CaCerts),
                _ => Err(RouteError::Method { allowed: Method::Get }),
            };
        }
        if request.path != path(label, FULLCMC) {
            return Err(RouteError::NotFound);
        }
        if request.method != Method::Post {
            return Err(RouteError::Method { allowed: Method::Post });
        }
        Self::message(&request.headers, &request.body).map(Operation::FullCmc)
    }

    /// The Full PKI Request that was sent like those to `/fullcmc`, to whichever path.
    ///
    /// # Errors
    /// [`RouteError`], for another content type and for a body that holds none.
    pub fn message(headers: &Headers, body: &[u8]) -> Result<Vec<u8>, RouteError> {
        if !matches!(Media::of(headers), Media::CmcRequest | Media::Pkcs7) {
            return Err(RouteError::ContentType);
        }
        if body.len() > MAX_BODY {
            return Err(RouteError::TooLong);
        }
        transfer::decode(body).filter(|message| !message.is_empty()).ok_or(RouteError::Base64)
    }

    /// What `request` wants of plain EST, for a CA that offers it beside what [`route`](Self::route) knows.
    ///
    /// # Errors
    /// [`RouteError`]; its [`response`](RouteError::response) is the answer, unless it is [`RouteError::NotFound`] and `route`
    /// has another.
    pub fn route_simple(&self, request: &HttpRequest) -> Result<SimpleOperation, RouteError> {
        let is = |operation| request.path == path(self.label.as_deref(), operation);
        if is(CSRATTRS) {
            return match request.method {
                Method::Get => Ok(SimpleOperation::CsrAttrs),
                _ => Err(RouteError::Method { allowed: Method::Get }),
            };
        }
        let enrolls = is(SIMPLEENROLL);
        if !enrolls && !is(SIMPLEREENROLL) {
            return Err(RouteError::NotFound);
        }
        if request.method != Method::Post {
            return Err(RouteError::Method { allowed: Method::Post });
        }
        if Media::of(&request.headers) != Media::Pkcs10 {
            return Err(RouteError::NotPkcs10);
        }
        if request.body.len() > MAX_BODY {
            return Err(RouteError::TooLong);
        }
        let der = transfer::decode(&request.body).filter(|der| !der.is_empty()).ok_or(RouteError::Base64)?;
        let request = CertificationRequest::from_der(&der)?;
        Ok(if enrolls { SimpleOperation::Enroll(request) } else { SimpleOperation::Reenroll(request) })
    }

    /// Says what has to be in a request (RFC 7030 §4.5.2); nothing is said with status 204.
    ///
    /// # Errors
    /// [`CsrAttrsError`], of the encoder.
    pub fn csrattrs(&self, attributes: &CsrAttributes) -> Result<HttpResponse, CsrAttrsError> {
        if attributes.is_empty() {
            return Ok(HttpResponse { status: 204, headers: Headers::default(), body: Vec::new() });
        }
        let (headers, body) = self.transfer.write(&attributes.to_der()?, CSR_ATTRIBUTES);
        Ok(HttpResponse { status: 200, headers, body })
    }

    /// Answers a simple enrollment with its certificate (RFC 7030 §4.2.3).
    ///
    /// # Errors
    /// [`BuildError`], when it is too long.
    pub fn issued(&self, certificate: &Certificate) -> Result<HttpResponse, BuildError> {
        self.cacerts(std::slice::from_ref(certificate))
    }

    /// Turns a simple enrollment down (RFC 7030 §4.2.3), with a text for people: who asks is known, and may not have this
    /// (`false`, status 400), or may have nothing here (`true`, status 403).
    #[must_use]
    pub fn refused(&self, forbidden: bool, text: &str) -> HttpResponse {
        let headers = Headers::from_iter([("Content-Type", "text/plain; charset=utf-8")]);
        let status = if forbidden { 403 } else { 400 };
        HttpResponse { status, headers, body: format!("{text}\n").into_bytes() }
    }

    /// Answers with the CA's certificates (RFC 7030 §4.1.3).
    ///
    /// # Errors
    /// [`BuildError`] when there are none, or too many.
    pub fn cacerts(&self, certificates: &[Certificate]) -> Result<HttpResponse, BuildError> {
        let (headers, body) = self.transfer.write(&certs_only::encode(certificates)?, CERTS_ONLY);
        Ok(HttpResponse { status: 200, headers, body })
    }

    /// Answers with a Full PKI Response. One that refuses goes out with status 400, as RFC 7030 §4.3.2 asks.
    #[must_use]
    pub fn fullcmc(&self, message: &[u8], refused: bool) -> HttpResponse {
        let (headers, body) = self.transfer.write(message, CMC_RESPONSE);
        HttpResponse { status: if refused { 400 } else { 200 }, headers, body }
    }

    /// Asks to come again with the same request (RFC 7030 §4.2.3).
    #[must_use]
    pub fn retry_after(&self, wait: Duration) -> HttpResponse {
        let headers = Headers::from_iter([("Retry-After", RetryAfter::seconds(wait))]);
        HttpResponse { status: 202, headers, body: Vec::new() }
    }
}

/// Why a request is none for EST.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Another path.
    #[error("there is nothing at this path")]
    NotFound,
    /// Another method.
    #[error("the method here is {}", allowed.as_str())]
    Method {
        /// The one that is right.
        allowed: Method,
    },
    /// Another content type.
    #[error("the content type here is {}", super::CMC_REQUEST)]
    ContentType,
    /// Another content type, for a simple enrollment.
    #[error("the content type here is {}", super::PKCS10)]
    NotPkcs10,
    /// No certification request.
    #[error(transparent)]
    Request(#[from] ParseError),
    /// Longer than [`MAX_BODY`].
    #[error("at most {MAX_BODY} bytes are read")]
    TooLong,
    /// Not Base64, or empty.
    #[error("the body is not Base64 (RFC 8951 section 2.1)")]
    Base64,
}

impl RouteError {
    /// The answer that says so.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        let status = match self {
            Self::NotFound => 404,
            Self::Method { .. } => 405,
            Self::ContentType | Self::NotPkcs10 => 415,
            Self::TooLong => 413,
            Self::Base64 | Self::Request(_) => 400,
        };
        let mut headers = Headers::from_iter([("Content-Type", "text/plain; charset=utf-8")]);
        if let Self::Method { allowed } = self {
            headers.set("Allow", allowed.as_str());
        }
        HttpResponse { status, headers, body: format!("{self}\n").into_bytes() }
    }
}
