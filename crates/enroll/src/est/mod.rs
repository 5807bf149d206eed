//! Enrollment over Secure Transport (RFC 7030, RFC 8951), as values instead of sockets: `/cacerts`, `/csrattrs`, `/fullcmc`,
//! `/simpleenroll` and `/simplereenroll`.
//!
//! - [`Client`]: makes an [`HttpRequest`], reads the [`HttpResponse`] to it.
//! - [`Enrollment`]: a simple enrollment, until the certificate is there.
//! - [`Server`]: reads an [`HttpRequest`], makes the [`HttpResponse`].
//! - [`CsrAttributes`]: what a CA wants in a request; [`Shape`]: what that makes of one.
//! - [`Credentials`]: who asks, by a password. [`reenrollment`]: what may take the place of a certificate.
//! - [`TrustAnchors`]: whom to believe, and how that begins.
//!
//! Who carries them uses TLS and authenticates the server by [`TrustAnchors`]; reads at most [`MAX_BODY`] bytes of a body; and
//! follows no redirect but by [`Site::redirect`], which leads nowhere else.
//!
//! Not here: `/serverkeygen`.

mod anchors;
mod basic;
mod client;
mod csrattrs;
mod enrollment;
mod http;
mod reenroll;
mod retry;
mod server;
mod simple;
mod site;

pub use anchors::{AnchorError, TrustAnchors, Unconfirmed};
pub use basic::{BasicError, Channel, Credentials, CredentialsError};
pub use client::{Client, EstError, FullCmcReply};
pub use csrattrs::{CsrAttributes, CsrAttrsError, Shape, ShapeError};
pub use enrollment::{EnrollError, Enrollment, Step};
pub use http::{Headers, HttpRequest, HttpResponse, Method};
pub use reenroll::{ReenrollError, Reenrollment, reenrollment};
pub use retry::{MAX_RETRY_AFTER, RetryAfter};
pub use server::{Operation, RouteError, Server, SimpleOperation};
pub use simple::EnrollReply;
pub use site::{RedirectError, Site, SiteError};

use client::printable;

/// The longest body that is read, in bytes: a message of the longest kind in Base64, wrapped.
pub const MAX_BODY: usize = crate::limits::MAX_MESSAGE / 3 * 4 + crate::limits::MAX_MESSAGE / 16;

/// Where EST lives (RFC 7030 §3.2.2).
const WELL_KNOWN: &str = "/.well-known/est";
const CACERTS: &str = "cacerts";
const FULLCMC: &str = "fullcmc";
const CSRATTRS: &str = "csrattrs";
const SIMPLEENROLL: &str = "simpleenroll";
const SIMPLEREENROLL: &str = "simplereenroll";

const CMC_REQUEST: &str = "application/pkcs7-mime; smime-type=CMC-request";
const CMC_RESPONSE: &str = "application/pkcs7-mime; smime-type=CMC-response";
const CERTS_ONLY: &str = "application/pkcs7-mime; smime-type=certs-only";
const PKCS10: &str = "application/pkcs10";
const CSR_ATTRIBUTES: &str = "application/csrattrs";

/// How a body is written. Both are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// One line of Base64 (RFC 8951 §2.1). The only form that strongSwan 5.9 reads.
    #[default]
    Unwrapped,
    /// Lines of 64 characters, as RFC 7030 was read before RFC 8951. The only form that libest reads.
    Wrapped,
}

impl Transfer {
    fn write(self, message: &[u8], content_type: &str) -> (Headers, Vec<u8>) {
        let mut headers = Headers::default();
        headers.set("Content-Type", content_type);
        // RFC 8951 §2.1 has it ignored; Bouncy Castle's client takes a body without it for DER.
        headers.set("Content-Transfer-Encoding", "base64");
        let body = match self {
            Self::Unwrapped => crate::transfer::encode(message),
            Self::Wrapped => crate::transfer::encode_wrapped(message, "\r\n"),
        };
        (headers, body.into_bytes())
    }
}

fn path(label: Option<&str>, operation: &str) -> String {
    match label {
        None => format!("{WELL_KNOWN}/{operation}"),
        Some(label) => format!("{WELL_KNOWN}/{label}/{operation}"),
    }
}
