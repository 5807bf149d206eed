//! The page of revocation, as a holder's program uses it that speaks no CMC: JSON over a login with the card, or from anywhere with
//! the revocation password alone; then everybody's answer is asked for.

use std::time::SystemTime;

use obnova_ca::{AskedRevocation, Ca, CaError as CaFailure, Refusal};
use obnova_card::Pin;
use obnova_client::{
    Confirmation, ConfirmedBy, HttpExchange as _, Login, LoginExchange as _, NotConfirmed, RevocationError, Revoked,
    SharedToken, StatusProblem,
    enroll::est::{Headers, HttpRequest, HttpResponse, Method},
    look,
    status::{
        Authority as Issuer, RevocationReason, Rules, SerialNumber, Status,
        ocsp::{Nonce, Question, http},
    },
};
use obnova_enroll::Secret;
use obnova_renewal::ParsedCertificate;
use serde_json::{Value, json};

use crate::{authority::Wire, desk::REVOCATION_PASSWORD, rig::Rig};

pub const PATH: &str = "/revoke";

/// What the CA answers to who logged in with this certificate, or not at all; `None` when it dies of it.
pub fn answer(ca: &Ca, request: &HttpRequest, peer: Option<&ParsedCertificate>) -> Option<HttpResponse> {
    let asked: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(asked["reason"], "superseded");
    let password = Secret::from_bytes(asked["password"].as_str().unwrap().as_bytes()).unwrap();
    let serial = bytes(asked["serial"].as_str().unwrap());
    let asked = AskedRevocation { serial: &serial, reason: RevocationReason::Superseded, password: &password };
    let (status, said) = match ca.revoke(&asked, peer.map(ParsedCertificate::certificate), SystemTime::now()) {
        Ok(()) => (200, json!({ "revoked": asked.serial })),
        Err(CaFailure::Refused(refusal @ Refusal::RevokedAlready { .. })) => (409, json!({ "error": refusal.name() })),
        Err(CaFailure::Refused(refusal)) => (403, json!({ "error": refusal.name() })),
        Err(_) => return None,
    };
    Some(HttpResponse { status, headers: Headers::default(), body: said.to_string().into_bytes() })
}

/// One life of such a program; it logs in where it has a card.
pub fn live<R: Rig>(wire: &Wire<'_>, token: Option<&SharedToken>, serial: &str) -> Result<Revoked, RevocationError> {
    let body = json!({ "serial": serial, "reason": "superseded", "password": REVOCATION_PASSWORD }).to_string();
    let headers = Headers::from_iter([("Content-Type", "application/json")]);
    let request = HttpRequest { method: Method::Post, path: PATH.into(), headers, body: body.into_bytes() };
    let answer = match token {
        Some(token) => {
            let card = look(token.lock().unwrap().as_mut())?;
            let slot = &card.slots[0];
            let (key, certificate) = (slot.key.as_ref().unwrap(), slot.certificates[0].certificate.as_ref().unwrap());
            let pin = Pin::new(R::pin(key.password));
            wire.exchange_as(&Login { token, slot: slot.id, key, certificate, pin }, &request)?
        }
        None => wire.exchange(&request)?,
    };
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    let already = match (answer.status, said["error"].as_str()) {
        (200, None) => false,
        (409, Some("revoked-already")) => true,
        (status, rule) => panic!("{status}: {rule:?}"),
    };
    Ok(Revoked { already, confirmation: confirmed(wire, serial), same_key: Vec::new() })
}

/// By OCSP, at the CA's own server.
fn confirmed(wire: &Wire<'_>, serial: &str) -> Result<Confirmation, NotConfirmed> {
    let issuer = wire.authority.with_ca(|ca| ca.certificates().next().unwrap().der.clone());
    let ask = || {
        let issuer = issuer.as_deref().ok_or(StatusProblem::Status(503))?;
        let serial = SerialNumber::new(&bytes(serial)).unwrap();
        let question = Question::numbered(serial, &Issuer::from_der(issuer).unwrap()).unwrap();
        let question = question.nonce(Nonce::from_random([7; 32]));
        let headers = Headers::from_iter([("Content-Type", http::REQUEST_TYPE)]);
        let body = question.to_der().unwrap();
        let request = HttpRequest { method: Method::Post, path: "/ocsp".into(), headers, body };
        let answer = wire.exchange(&request)?;
        Ok(question.check(&answer.body, SystemTime::now(), &Rules::default())?.status)
    };
    match ask() {
        Ok(Status::Revoked(found)) => {
            let (by, place) = (ConfirmedBy::Ocsp, "the CA's own server".into());
            Ok(Confirmation { since: found.at, reason: found.reason, by, place })
        }
        Ok(other) => panic!("revoked, and then {other:?}"),
        Err::<_, StatusProblem>(problem) => Err(NotConfirmed(vec![("/ocsp".into(), problem)])),
    }
}

fn bytes(serial: &str) -> Vec<u8> {
    let digits = serial.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}
