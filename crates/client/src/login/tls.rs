use obnova_algorithm::text::printable;
use obnova_card::TokenError;
use obnova_card_rustls::{CardKey, HeldPin};
use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Method};
use obnova_renewal::ParsedCertificate;

use super::{Login, LoginError, LoginExchange, LoginProof};
use crate::{CaError, Https, https::root_store};

/// A login over TLS with a client certificate, to a page that says who one is.
///
/// A server that does not ask for the certificate, or cannot take what the card signs, lets a client in as nobody. So the
/// card must have signed in this very handshake, and the server must answer with 200.
#[derive(Clone, Debug)]
pub struct TlsLogin {
    server: String,
    path: String,
    anchors: Vec<ParsedCertificate>,
    issuers: Vec<ParsedCertificate>,
}

impl TlsLogin {
    /// At this server (`https://portal.example`) and path (`/login`), which these certificates vouch for.
    #[must_use]
    pub fn new(server: &str, path: &str, anchors: Vec<ParsedCertificate>) -> Self {
        Self { server: server.to_owned(), path: path.to_owned(), anchors, issuers: Vec::new() }
    }

    /// Certificates to send along with the holder's, for servers that know only the root.
    #[must_use]
    pub fn with_issuers(mut self, issuers: Vec<ParsedCertificate>) -> Self {
        self.issuers = issuers;
        self
    }
}

impl TlsLogin {
    /// One request over a connection that the card has signed for, and its answer; a redirect is an answer like any other.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn exchange(&self, login: &Login<'_>, request: &HttpRequest) -> Result<HttpResponse, LoginError> {
        let answer = self.over(login, |https| https.exchange_once(request));
        answer.map_err(|error| match error {
            CaError::Login(error) => error,
            error => connection(error),
        })
    }

    /// What is asked over a connection that the card has signed for.
    fn over(
        &self,
        login: &Login<'_>,
        ask: impl FnOnce(&Https) -> Result<HttpResponse, CaError>,
    ) -> Result<HttpResponse, CaError> {
        let der = login.certificate.der().to_vec();
        let key = CardKey::new(login.token.clone(), login.slot, login.key, der)
            .map_err(|error| LoginError::Key(error.to_string()))?
            .with_issuers(self.issuers.iter().map(|one| one.der().to_vec().into()));
        let tls = obnova_card_rustls::Login::new(&key, HeldPin::once(login.pin.clone()));
        let roots = root_store(&self.anchors)?;
        let config = tls.client_config(roots).map_err(|error| LoginError::Connection(error.to_string()))?;
        let https = Https::new(&self.server, config)?;
        let answer = ask(&https);
        let signed = tls.finish();
        if let Err(error) = &signed
            && let Some(error) = error.token()
        {
            return Err(card(error).into());
        }
        let answer = answer?;
        signed.map(|_| answer).map_err(|error| LoginError::Nobody(error.to_string()).into())
    }
}

impl LoginExchange for TlsLogin {
    fn exchange_as(&self, login: &Login<'_>, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        self.over(login, |https| https.exchange(request))
    }
}

impl LoginProof for TlsLogin {
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginError> {
        let request = HttpRequest {
            method: Method::Get,
            path: self.path.clone(),
            headers: Headers::from_iter([("Accept", "application/json, text/plain")]),
            body: Vec::new(),
        };
        let answer = self.exchange(login, &request)?;
        match answer.status {
            200 => Ok(seen(&answer.body)),
            401 => Err(LoginError::Nobody("the server answered with status 401".into())),
            status => Err(LoginError::Refused { status }),
        }
    }
}

fn connection(error: CaError) -> LoginError {
    LoginError::Connection(error.to_string())
}

/// The card's own error, which comes through the handshake by reference.
fn card(error: &TokenError) -> LoginError {
    match *error {
        TokenError::WrongSecret { password, tries } => TokenError::WrongSecret { password, tries }.into(),
        TokenError::TooFewTries { password, tries } => TokenError::TooFewTries { password, tries }.into(),
        TokenError::Blocked { password } => TokenError::Blocked { password }.into(),
        ref error => LoginError::Card(error.to_string()),
    }
}

/// Whom the server saw, as it says itself: `subject` of a JSON object, or the text as it is.
fn seen(body: &[u8]) -> String {
    let subject = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|value| value.get("subject")?.as_str().map(str::to_owned));
    let text = subject.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    printable(&text, 300)
}
