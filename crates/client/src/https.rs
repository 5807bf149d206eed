use std::{
    fmt,
    io::ErrorKind,
    sync::Arc,
    time::{Duration, Instant},
};

use obnova_enroll::est::{HttpRequest, HttpResponse, Site};
use obnova_renewal::ParsedCertificate;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};

use crate::{CaError, StatusExchange as _};

mod connection;
mod message;
mod plain;
mod pool;
mod redirects;
mod wire;

use connection::Connection;
use message::Failure;
pub use plain::PlainHttp;
use pool::Pool;
use redirects::follow;
use wire::TooMuch;

/// Carries a request to one server and its answer back. [`Https`] does; whoever has a network stack of their own writes another.
pub trait HttpExchange {
    /// Asks once. Every status is an answer.
    ///
    /// # Errors
    /// [`CaError`]: nobody knows whether the server saw the request.
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError>;

    /// Asks the same server what helps and can be done without, so that nobody waits for it as long as for an order. Who leaves this as
    /// it is waits as long.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    fn exchange_shortly(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.exchange(request)
    }

    /// Asks another server once, whose address (`http://status.example`) stands in a certificate, what is public: whether that is
    /// revoked. Who leaves this as it is reaches none.
    ///
    /// # Errors
    /// [`CaError`].
    fn exchange_elsewhere(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        let _ = request;
        Err(CaError::Unreachable { server: server.to_owned(), problem: "no other server is asked here".into() })
    }
}

/// HTTPS to one server, and nothing else: a redirect is followed where it leads to the same server and asks for the same (RFC
/// 7030 §3.2.1), at most [`Site::MAX_REDIRECTS`] in a row; no proxy and no certificate store of the system is used, an answer is
/// read up to [`MAX_ANSWER`](Self::MAX_ANSWER), and everything has a time limit ([`Patience`]). What is sent is wiped, and in no log.
#[derive(Clone)]
pub struct Https {
    /// None for what is public and goes without.
    tls: Option<Arc<ClientConfig>>,
    server: String,
    site: Site,
    patience: Patience,
    /// For what can be done without, here and of other servers.
    short: Patience,
    pool: Pool,
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Https").field("server", &self.server).field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// How long a server may take before it is left, however busily it sends meanwhile, and wherever it sends on to. More than a year is a
/// year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the connection and the TLS handshake: 20 seconds.
    pub connect: Duration,
    /// For everything, until the answer was read: 90 seconds.
    pub whole: Duration,
}

impl Patience {
    /// Who waits longer waits for ever, and so long is as far as clocks count.
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    /// Nobody waits longer for what helps and can be done without.
    const fn short(self) -> Self {
        const fn least(one: Duration, other: Duration) -> Duration {
            if one.as_nanos() < other.as_nanos() { one } else { other }
        }
        Self { connect: least(self.connect, Duration::from_secs(5)), whole: least(self.whole, Duration::from_secs(15)) }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(20), whole: Duration::from_secs(90) }
    }
}

impl Https {
    /// Longest answer in bytes that is read.
    pub const MAX_ANSWER: usize = 1024 * 1024;
    /// Longest head of an answer in bytes that is read.
    pub const MAX_HEAD: usize = 16 * 1024;
    /// Bytes that are taken from the network for one answer, with everything that carries it and is no part of it.
    pub const MAX_WIRE: usize = 2 * Self::MAX_ANSWER;

    /// For a server (`https://ca.example:8443`), with a TLS configuration that says whom to trust and who asks.
    ///
    /// # Errors
    /// [`CaError::Order`] when the address is not one.
    pub fn new(server: &str, tls: impl Into<Arc<ClientConfig>>) -> Result<Self, CaError> {
        Self::with_patience(server, tls, Patience::default())
    }

    /// The same, with another patience than the usual one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_patience(server: &str, tls: impl Into<Arc<ClientConfig>>, patience: Patience) -> Result<Self, CaError> {
        let server = server.trim_end_matches('/').to_owned();
        let no_address = |_| CaError::Order(format!("\"{server}\" is not an address like https://ca.example"));
        let site = Site::parse(&server).map_err(no_address)?;
        Ok(Self { tls: Some(tls.into()), server, site, patience, short: patience.short(), pool: Pool::default() })
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Asks, on a connection of its own or one that is still open, and where the server sends the request on to.
    ///
    /// # Errors
    /// [`CaError::Unreachable`], [`CaError::Timeout`], [`CaError::Tls`], [`CaError::TooLarge`], [`CaError::Protocol`];
    /// [`CaError::Redirect`] when it is sent on to where it does not go. Every other status is an answer.
    pub fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.follow_within(request, self.patience)
    }

    /// Asks, and where it is sent on to, all within the same time.
    fn follow_within(&self, request: &HttpRequest, patience: Patience) -> Result<HttpResponse, CaError> {
        let began = Instant::now();
        let ask = |request: &HttpRequest| {
            let whole = patience.whole.saturating_sub(began.elapsed());
            if whole.is_zero() {
                return Err(CaError::Timeout { server: self.server.clone() });
            }
            self.exchange_within(request, Patience { whole, ..patience })
        };
        follow(&self.site, request, ask)
    }

    /// Asks once. A redirect is an answer like any other.
    pub(crate) fn exchange_once(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.exchange_within(request, self.patience)
    }

    /// The same, within a time.
    fn exchange_within(&self, request: &HttpRequest, patience: Patience) -> Result<HttpResponse, CaError> {
        let began = Instant::now();
        let [until, connected] = [patience.whole, patience.connect].map(|time| began + time.min(Patience::LONGEST));
        let open = match self.pool.take() {
            Some(open) => Ok(open),
            None => Connection::open(&self.site, self.tls.as_ref(), until.min(connected)),
        };
        let mut connection = open.map_err(|error| self.error(Failure::Io(error)))?;
        let (answer, stays_open) =
            connection.exchange(&self.host(), request, until).map_err(|failure| self.error(failure))?;
        if stays_open {
            self.pool.keep(connection);
        }
        Ok(answer)
    }

    /// The server as it stands in a request.
    fn host(&self) -> String {
        let usual = if self.tls.is_some() { 443 } else { 80 };
        match self.site.port() {
            port if port == usual => self.site.host().to_owned(),
            port => format!("{}:{port}", self.site.host()),
        }
    }

    fn error(&self, failure: Failure) -> CaError {
        let server = self.server.clone();
        let error = match failure {
            Failure::Order(what) => return CaError::Order(what.to_owned()),
            Failure::TooLarge(limit) => return CaError::TooLarge { limit },
            Failure::Protocol(problem) => return CaError::Protocol(problem),
            Failure::Io(error) => error,
        };
        if let Some(TooMuch { limit }) = within(&error) {
            return CaError::TooLarge { limit: *limit };
        }
        match within::<rustls::Error>(&error) {
            Some(tls) => CaError::Tls { server, problem: tls.to_string() },
            None if error.kind() == ErrorKind::TimedOut => CaError::Timeout { server },
            None => CaError::Unreachable { server, problem: error.to_string() },
        }
    }
}

impl HttpExchange for Https {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        Self::exchange(self, request)
    }

    fn exchange_shortly(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.follow_within(request, self.short)
    }

    fn exchange_elsewhere(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        PlainHttp { patience: self.short }.exchange(server, request)
    }
}

/// A request and its answer over any stream, for fuzz targets; whether another request may follow.
#[cfg(feature = "fuzzing")]
pub fn exchange_over(
    stream: &mut (impl std::io::Read + std::io::Write),
    host: &str,
    request: &HttpRequest,
) -> Result<(HttpResponse, bool), String> {
    message::exchange(stream, host, request).map_err(|failure| format!("{failure:?}"))
}

/// An error that hides in one of the operating system's kind.
fn within<E: std::error::Error + 'static>(error: &std::io::Error) -> Option<&E> {
    error.get_ref().and_then(|inner| {
        let inner: &(dyn std::error::Error + 'static) = inner;
        inner.downcast_ref().or_else(|| inner.source()?.downcast_ref())
    })
}

/// A TLS configuration that trusts these certificates and no other, with nobody to say who asks.
///
/// # Errors
/// [`CaError::Order`] when none of them can be used.
pub fn tls_config(anchors: &[ParsedCertificate]) -> Result<ClientConfig, CaError> {
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| CaError::Order(error.to_string()))?;
    Ok(builder.with_root_certificates(root_store(anchors)?).with_no_client_auth())
}

/// The same certificates as rustls wants them.
///
/// # Errors
/// As [`tls_config`].
pub(crate) fn root_store(anchors: &[ParsedCertificate]) -> Result<RootCertStore, CaError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(anchors.iter().map(|one| CertificateDer::from(one.der().to_vec())));
    if added == 0 {
        return Err(CaError::Order("no certificate to trust the server by".into()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
