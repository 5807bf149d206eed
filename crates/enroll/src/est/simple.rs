//! `/simpleenroll` and `/simplereenroll` (RFC 7030 §4.2): one request, one certificate. And `/csrattrs` (§4.5), that says
//! what has to be in it.

use obnova_pkcs10::CertificationRequest;
use x509_cert::Certificate;

use super::{
    CSR_ATTRIBUTES, CSRATTRS, Client, CsrAttributes, EstError, HttpRequest, HttpResponse, Method, PKCS10, RetryAfter,
    SIMPLEENROLL, SIMPLEREENROLL,
    client::{body, check_size, content_type, retry_after, status_error},
    http::{Headers, Media},
};
use crate::certs_only;

/// What `/simpleenroll` or `/simplereenroll` brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrollReply {
    /// Certificates that nobody signed for. The TLS channel vouches for them, and the one that was asked for is that of the
    /// request's key.
    Issued(Vec<Certificate>),
    /// Come again with the same request (RFC 7030 §4.2.3).
    RetryAfter(RetryAfter),
}

impl Client {
    /// Asks for a first certificate (RFC 7030 §4.2.1). Who asks is told by a password ([`basic`](Self::basic)) or by a
    /// TLS client certificate.
    #[must_use]
    pub fn simpleenroll_request(&self, request: &CertificationRequest) -> HttpRequest {
        self.simple_request(SIMPLEENROLL, request)
    }

    /// Asks for a certificate in place of the one that the TLS client logs in with (RFC 7030 §4.2.2); see
    /// [`reenrollment`](super::reenrollment) for what may be in the request.
    #[must_use]
    pub fn simplereenroll_request(&self, request: &CertificationRequest) -> HttpRequest {
        self.simple_request(SIMPLEREENROLL, request)
    }

    /// Asks what has to be in a request (RFC 7030 §4.5.1).
    #[must_use]
    pub fn csrattrs_request(&self) -> HttpRequest {
        let headers = Headers::from_iter([("Accept", CSR_ATTRIBUTES)]);
        self.authorized(HttpRequest { method: Method::Get, path: self.path(CSRATTRS), headers, body: Vec::new() })
    }

    /// Reads what has to be in a request (RFC 7030 §4.5.2): nothing when the CA does not say (204, 404).
    ///
    /// # Errors
    /// [`EstError`].
    pub fn csrattrs_response(&self, response: &HttpResponse) -> Result<CsrAttributes, EstError> {
        check_size(response)?;
        match (response.status, Media::of(&response.headers)) {
            (204 | 404, _) => Ok(CsrAttributes::new()),
            (200, Media::CsrAttrs) => Ok(CsrAttributes::from_der(&body(response)?)?),
            (200, _) => Err(content_type(response)),
            _ => Err(status_error(response)),
        }
    }

    fn simple_request(&self, operation: &str, request: &CertificationRequest) -> HttpRequest {
        let (mut headers, body) = self.transfer.write(request.der(), PKCS10);
        headers.set("Accept", "application/pkcs7-mime");
        self.authorized(HttpRequest { method: Method::Post, path: self.path(operation), headers, body })
    }

    /// Reads the answer to either (RFC 7030 §4.2.3).
    ///
    /// # Errors
    /// [`EstError`], for every other status and every body that is no list of certificates.
    pub fn enroll_response(&self, response: &HttpResponse) -> Result<EnrollReply, EstError> {
        check_size(response)?;
        match (response.status, Media::of(&response.headers)) {
            (202, _) => retry_after(response).map(EnrollReply::RetryAfter),
            (200, Media::CertsOnly | Media::Pkcs7) => Ok(EnrollReply::Issued(certs_only::decode(&body(response)?)?)),
            (200, _) => Err(content_type(response)),
            _ => Err(status_error(response)),
        }
    }
}
