use obnova_card::{KeyEntry, Pin, SlotId, TokenError};
use obnova_card_rustls::SharedToken;
use obnova_enroll::est::{HttpRequest, HttpResponse};
use obnova_renewal::ParsedCertificate;

use crate::CaError;

mod tls;

pub use tls::TlsLogin;

/// Proves a new authentication certificate by logging in with it where its holder will.
pub trait LoginProof {
    /// Logs in once, and says whom the server saw.
    ///
    /// # Errors
    /// [`LoginError`]; [`LoginError::Nobody`] above all, when the server let the connection in without a certificate.
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginError>;
}

/// Carries a request to a server over a login with the card, and its answer back. [`TlsLogin`] does.
pub trait LoginExchange {
    /// Asks once, over a connection of its own that the card signed for.
    ///
    /// # Errors
    /// [`CaError::Login`] when the card or the login failed; otherwise as
    /// [`HttpExchange::exchange`](crate::HttpExchange::exchange).
    fn exchange_as(&self, login: &Login<'_>, request: &HttpRequest) -> Result<HttpResponse, CaError>;
}

/// A login to make.
pub struct Login<'a> {
    /// Whose key signs.
    pub token: &'a SharedToken,
    /// Where the key is.
    pub slot: SlotId,
    /// What the card says of it.
    pub key: &'a KeyEntry,
    /// Its certificate.
    pub certificate: &'a ParsedCertificate,
    /// The password, for one use.
    pub pin: Pin,
}

/// Why a login proved nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The connection stands, and the server does not know whose it is.
    #[error("the server let the connection in without asking for, or without accepting, the certificate: {0}")]
    Nobody(String),
    /// The server knows the certificate and refuses it.
    #[error("the server refused the certificate (HTTP status {status}): ask who runs it")]
    Refused {
        /// What it answered.
        status: u16,
    },
    /// The card failed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The card failed in the middle of the handshake.
    #[error("the card failed during the login: {0}")]
    Card(String),
    /// The key cannot be used for TLS.
    #[error("the key cannot be used for a login: {0}")]
    Key(String),
    /// The connection failed.
    #[error("the login server cannot be reached: {0}")]
    Connection(String),
}
