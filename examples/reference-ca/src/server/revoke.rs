//! Holders end their certificates: logged in and with the revocation password, or by that alone where policy says so.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::get,
};
use obnova_ca::{AskedRevocation, CaError, Refusal, to_hex};
use obnova_enroll::Secret;
use obnova_status::RevocationReason;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Shared,
    connection::Peer,
    html::{escape, page},
    links::wants_json,
    pages::{Refused, blocking, failed, json_answer, text},
};
use crate::Serial;

/// The longest form that is read, in bytes.
const MAX_FORM: usize = 4096;

/// Reasons as they are written here, in the order in which they are offered.
const REASONS: [(&str, RevocationReason, &str); 5] = [
    (
        "key-compromise",
        RevocationReason::KeyCompromise,
        "The card is lost, or somebody else may use it: all certificates with its key end",
    ),
    ("superseded", RevocationReason::Superseded, "I have another certificate"),
    ("affiliation-changed", RevocationReason::AffiliationChanged, "My name or employer changed"),
    ("cessation-of-operation", RevocationReason::CessationOfOperation, "I do not need it any more"),
    ("unspecified", RevocationReason::Unspecified, "No reason"),
];

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/revoke", get(form).post(revoke))
}

/// What a holder fills in.
async fn form(State(shared): State<Arc<Shared>>, Extension(peer): Extension<Peer>) -> Response {
    let allowed = &shared.ca.policy().revocation.holder_reasons;
    let offered = REASONS.iter().filter(|(_, reason, _)| allowed.contains(reason));
    let reasons: String =
        offered.map(|(value, _, said)| format!("<option value=\"{value}\">{said}</option>\n")).collect();
    let own = peer.certificate.map(|own| to_hex(own.tbs_certificate().serial_number().as_bytes()));
    let own = escape(&own.unwrap_or_default());
    page(
        StatusCode::OK,
        "End a certificate",
        &format!(
            "<p>A certificate that is revoked is not valid from that moment on, and never again.</p>\n\
             <form method=\"post\" action=\"/revoke\">\n\
             <p><label>Serial number <input name=\"serial\" value=\"{own}\" required></label></p>\n\
             <p><label>Revocation password <input name=\"password\" type=\"password\" autocomplete=\"off\" required></label></p>\n\
             <p><label>Why <select name=\"reason\" required>\n<option value=\"\"></option>\n{reasons}</select></label></p>\n\
             <p><button>Revoke it for good</button></p>\n</form>\n"
        ),
    )
}

/// What he asks.
struct Asked {
    serial: Vec<u8>,
    reason: RevocationReason,
    password: Secret,
}

async fn revoke(State(shared): State<Arc<Shared>>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    let headers = request.headers();
    let (sends_json, as_json) = (sends_json(headers), wants_json(headers) || sends_json(headers));
    let unread = |status, what: &str| match as_json {
        true => json_answer(status, &json!({ "error": "body", "reason": what })),
        false => text(status, what),
    };
    let Ok(body) = to_bytes(request.into_body(), MAX_FORM).await else {
        return unread(StatusCode::PAYLOAD_TOO_LARGE, "the form is too long, or did not arrive");
    };
    let read = if sends_json { from_json(&body) } else { from_form(&body) };
    let asked = match read {
        Ok(asked) => asked,
        Err(what) => return unread(StatusCode::BAD_REQUEST, what),
    };
    let (serial, reason) = (to_hex(&asked.serial), asked.reason);
    let work = move || {
        let Asked { serial, reason, password } = &asked;
        let asked = AskedRevocation { serial, reason: *reason, password };
        shared.ca.revoke(&asked, peer.certificate.as_deref(), (shared.clock)())
    };
    match blocking(work).await {
        Ok(Ok(())) if as_json => {
            json_answer(StatusCode::OK, &json!({ "revoked": serial, "reason": reason.to_string() }))
        }
        Ok(Ok(())) => page(
            StatusCode::OK,
            "The certificate is revoked",
            &format!("<p>{} is not valid any more. {}</p>\n", escape(&serial), also(reason)),
        ),
        Ok(Err(CaError::Refused(refusal))) => refused(&refusal, as_json),
        Ok(Err(error)) => failed(&error),
        Err(broken) => broken,
    }
}

/// What else ends.
const fn also(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::KeyCompromise => {
            "Neither is any other certificate with its key, nor is one made for that key again. A mail says so of each."
        }
        _ => "A mail says so too.",
    }
}

fn refused(refusal: &Refusal, as_json: bool) -> Response {
    let status = match refusal {
        Refusal::PasswordSlowed { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::RevokedAlready { .. } => StatusCode::CONFLICT,
        Refusal::RevocationReason => StatusCode::BAD_REQUEST,
        Refusal::NoRevocation => StatusCode::NOT_FOUND,
        _ => StatusCode::FORBIDDEN,
    };
    let reason = refusal.to_string();
    let mut answer = if as_json {
        json_answer(status, &json!({ "error": refusal.name(), "reason": reason }))
    } else {
        let title = match refusal {
            Refusal::RevokedAlready { .. } => "The certificate is revoked already",
            _ => "The certificate was not revoked",
        };
        page(status, title, &format!("<p>{}.</p>\n", escape(&reason)))
    };
    answer.extensions_mut().insert(Refused(refusal.name()));
    answer
}

fn sends_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

fn from_json(body: &[u8]) -> Result<Asked, &'static str> {
    let mut fields: Value = serde_json::from_slice(body).map_err(|_| "that is no JSON")?;
    let mut field = |name: &str| match fields.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => Some(Zeroizing::new(text)),
        _ => None,
    };
    asked(field("serial"), field("reason"), field("password"))
}

/// `application/x-www-form-urlencoded`.
fn from_form(body: &[u8]) -> Result<Asked, &'static str> {
    let form = std::str::from_utf8(body).map_err(|_| "that is no form")?;
    let field = |name: &str| {
        let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).and_then(|(_, value)| decoded(value))
    };
    asked(field("serial"), field("reason"), field("password"))
}

/// A value without its escapes.
fn decoded(value: &str) -> Option<Zeroizing<String>> {
    let mut rest = value.bytes();
    // It does not grow: that would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(value.len()));
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

fn asked(
    serial: Option<Zeroizing<String>>,
    reason: Option<Zeroizing<String>>,
    password: Option<Zeroizing<String>>,
) -> Result<Asked, &'static str> {
    let serial =
        serial.and_then(|serial| serial.parse::<Serial>().ok()).ok_or("serial: up to 40 hexadecimal digits")?;
    let reason = reason.ok_or("reason: why it is to be revoked")?;
    let reason = REASONS.iter().find(|(name, ..)| *name == reason.as_str()).ok_or("reason: that is none")?.1;
    let password = password.and_then(|password| Secret::from_bytes(password.as_bytes()).ok());
    Ok(Asked { serial: serial.0, reason, password: password.ok_or("password: the revocation password")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_json_say_the_same() {
        let form = from_form("serial=0A%3a1F&reason=superseded&password=k%C5%AF%C5%88+%26+baterie".as_bytes()).unwrap();
        let json = from_json(r#"{"serial": "a 1f", "reason": "superseded", "password": "kůň & baterie"}"#.as_bytes());
        let json = json.unwrap();
        assert_eq!((form.serial.as_slice(), form.reason), (&[0x0a, 0x1f][..], RevocationReason::Superseded));
        assert_eq!((&form.serial, form.reason), (&json.serial, json.reason));
        assert!(form.password.as_bytes() == json.password.as_bytes());
        assert!(form.password.as_bytes() == "kůň & baterie".as_bytes());
    }

    #[test]
    fn what_is_missing_or_odd_is_named() {
        let good = "serial=1f&reason=superseded&password=secret";
        assert!(from_form(good.as_bytes()).is_ok());
        for (from, to, field) in [
            ("serial=1f&", "", "serial"),
            ("1f", "", "serial"),
            ("1f", "00", "serial"),
            ("1f", "xyz", "serial"),
            ("1f", &"1".repeat(41), "serial"),
            ("superseded", "certificate-hold", "reason"),
            ("superseded", "privilege-withdrawn", "reason"),
            ("&reason=superseded", "", "reason"),
            ("secret", "", "password"),
            ("secret", "%4", "password"),
            ("secret", "%zz", "password"),
            ("secret", "%ff", "password"),
        ] {
            let error = from_form(good.replace(from, to).as_bytes()).err().unwrap();
            assert!(error.starts_with(field), "{to}: {error}");
        }
        for bad in ["", "[", "[]", "{\"serial\": 1}", "\"\""] {
            assert!(from_json(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(from_form(&[0xff]).is_err());
    }
}
