use std::fmt;

use obnova_algorithm::text::printable;
use obnova_card::{KeyRole, Secret, TokenError};
use obnova_card_rustls::SharedToken;
use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Method};
use obnova_renewal::{CertificateView, ParsedCertificate, SlotView};
use serde_json::{Value, json};

use crate::{
    CaError, HttpExchange, Login, LoginError, Prompt, RunError, TlsLogin,
    look::{lock, look},
    pins::{Once, retry},
};

/// That a certificate is to end, for good. Like all that holds a secret it has no `Debug`.
pub struct Revocation<'a> {
    /// Its serial number in hexadecimal digits.
    pub serial: &'a str,
    /// Why.
    pub reason: RevocationReason,
    /// The revocation password, which was set when it was ordered.
    pub password: &'a Secret,
}

/// Why a holder ends a certificate (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevocationReason {
    /// The card is lost, or somebody else may use it.
    KeyCompromise,
    /// Another certificate took its place.
    Superseded,
    /// The holder's name or house changed.
    AffiliationChanged,
    /// It is not needed any more.
    CessationOfOperation,
    /// Nobody needs to know.
    Unspecified,
}

impl RevocationReason {
    /// As the CA is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyCompromise => "key-compromise",
            Self::Superseded => "superseded",
            Self::AffiliationChanged => "affiliation-changed",
            Self::CessationOfOperation => "cessation-of-operation",
            Self::Unspecified => "unspecified",
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a certificate was not revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The CA says no.
    #[error("the issuer did not revoke it: {text} ({rule})")]
    Refused {
        /// The name of the rule that is broken.
        rule: String,
        /// In its words, fit to be shown.
        text: String,
    },
    /// There is no key to log in with.
    #[error("no certificate on the card can log in: without a card the revocation password alone may be enough")]
    NoLogin,
    /// The card, its holder, or the login.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The CA could not be asked.
    #[error(transparent)]
    Ca(#[from] CaError),
}

impl From<TokenError> for RevocationError {
    fn from(error: TokenError) -> Self {
        Self::Run(error.into())
    }
}

/// Ends a certificate by its revocation password alone, for a holder whose card is lost; the CA's policy says whether that is enough.
///
/// # Errors
/// [`RevocationError::Refused`]: nothing changed. [`RevocationError::Ca`]: nobody knows whether it did, and it may be asked again.
pub fn revoke_by_password(https: &impl HttpExchange, wanted: &Revocation<'_>) -> Result<(), RevocationError> {
    let mut request = request(wanted);
    let answer = https.exchange(&request);
    wipe(&mut request);
    read(&answer?, wanted.serial)
}

/// Ends a certificate of the holder who logs in with the card, and has its revocation password. What is ended may be on the card or
/// not: another certificate of the same holder may log in.
///
/// # Errors
/// As [`revoke_by_password`]; [`RevocationError::NoLogin`]; [`RevocationError::Run`].
pub fn revoke_logged_in(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    server: &TlsLogin,
    wanted: &Revocation<'_>,
) -> Result<(), RevocationError> {
    let card = look(lock(token).as_mut())?;
    let now = std::time::SystemTime::now();
    let valid = |one: &CertificateView| one.certificate.clone().filter(|one| one.is_valid_at(now));
    let login = |slot: &SlotView| {
        let key = slot.key.clone().filter(|key| key.role == KeyRole::Authentication)?;
        let fitting = slot.certificates.iter().filter(|one| one.fits_key);
        // The one that lives longest: whoever renewed logs in with the new one.
        let certificate = fitting.filter_map(valid).max_by_key(ParsedCertificate::not_after)?;
        Some((slot.id, key, certificate))
    };
    let (slot, key, certificate) = card
        .slots
        .iter()
        .filter_map(login)
        .max_by_key(|(_, _, certificate)| certificate.not_after())
        .ok_or(RevocationError::NoLogin)?;
    let mut asker = Once::new(token, prompt, &[])?;
    let answer = retry(&mut asker, key.password, |_, pin| {
        let login = Login { token, slot, key: &key, certificate: &certificate, pin: pin.clone() };
        let mut request = request(wanted);
        let answer = server.exchange(&login, &request);
        wipe(&mut request);
        answer.map_err(|error| match error {
            LoginError::Token(error) => RunError::Token(error),
            error => RunError::Login(error),
        })
    });
    read(&answer?, wanted.serial)
}

fn request(wanted: &Revocation<'_>) -> HttpRequest {
    let Revocation { serial, reason, password } = wanted;
    let password = String::from_utf8_lossy(password.expose());
    let body = json!({ "serial": serial, "reason": reason.name(), "password": password }).to_string();
    HttpRequest {
        method: Method::Post,
        path: "/revoke".into(),
        headers: Headers::from_iter([("Content-Type", "application/json"), ("Accept", "application/json")]),
        body: body.into_bytes(),
    }
}

/// The password was in it.
fn wipe(request: &mut HttpRequest) {
    request.body.fill(0);
}

/// Only a server that names the certificate has revoked it.
fn read(answer: &HttpResponse, serial: &str) -> Result<(), RevocationError> {
    let said = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(|text| printable(text, 300));
    match (answer.status, text("error")) {
        (200, None) if text("revoked").is_some_and(|revoked| number(&revoked) == number(serial)) => Ok(()),
        (200, None) => Err(CaError::Protocol("it does not say that this certificate is revoked".to_owned()).into()),
        (_, Some(rule)) => Err(RevocationError::Refused { rule, text: text("reason").unwrap_or_default() }),
        (status, None) => {
            let text = printable(&String::from_utf8_lossy(&answer.body), 300);
            Err(CaError::Status { status, text }.into())
        }
    }
}

/// Digits that count of a serial number, however it is written.
fn number(serial: &str) -> String {
    let digits: String =
        serial.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect();
    digits.trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A server that says one thing.
    struct Says {
        status: u16,
        body: &'static str,
        heard: RefCell<Vec<u8>>,
    }

    impl HttpExchange for Says {
        fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
            self.heard.borrow_mut().clone_from(&request.body);
            Ok(HttpResponse { status: self.status, headers: Headers::default(), body: self.body.into() })
        }
    }

    fn asked(status: u16, body: &'static str) -> (Result<(), RevocationError>, Vec<u8>) {
        let server = Says { status, body, heard: RefCell::default() };
        let password = Secret::from("kůň \"baterie\"");
        let wanted = Revocation { serial: "01ab", reason: RevocationReason::Superseded, password: &password };
        let outcome = revoke_by_password(&server, &wanted);
        (outcome, server.heard.into_inner())
    }

    #[test]
    fn what_the_server_says_is_what_became_of_it() {
        let (outcome, heard) = asked(200, "{\"revoked\": \"01ab\"}");
        assert!(outcome.is_ok());
        assert!(asked(200, "{\"revoked\": \"1AB\"}").0.is_ok(), "the same number");
        for lie in ["{\"revoked\": \"00ff\"}", "{\"revoked\": true}", "{}", "", "<p>revoked</p>", "{\"revoked\": \"\"}"]
        {
            let (outcome, _) = asked(200, lie);
            assert!(matches!(outcome, Err(RevocationError::Ca(CaError::Protocol(_)))), "{lie}");
        }
        let heard: Value = serde_json::from_slice(&heard).unwrap();
        assert_eq!(heard, json!({ "serial": "01ab", "reason": "superseded", "password": "kůň \"baterie\"" }));
        let (outcome, _) = asked(403, "{\"error\": \"wrong\\u001b[2J\", \"reason\": \"look\\u202e at it\"}");
        let Err(RevocationError::Refused { rule, text }) = outcome else { panic!() };
        assert_eq!((rule.as_str(), text.as_str()), ("wrong [2J", "look  at it"), "nothing that is not seen");
        for (status, body) in [(500, "broken"), (404, ""), (403, "[]"), (302, "{}"), (403, "{\"error\": 1}")] {
            let (outcome, _) = asked(status, body);
            let Err(RevocationError::Ca(CaError::Status { status: told, .. })) = outcome else { panic!("{status}") };
            assert_eq!(told, status);
        }
    }

    #[test]
    fn a_revocation_is_not_shown() {
        static_assertions::assert_not_impl_any!(Revocation<'static>: fmt::Debug, fmt::Display, PartialEq, Clone);
    }
}
