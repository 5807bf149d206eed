//! How a certificate dies.

use std::time::SystemTime;

use obnova_ca::{AskedRevocation, CaError};
use obnova_enroll::{
    Secret,
    est::{HttpRequest, Method},
};
use obnova_renewal::ParsedCertificate;
use obnova_status::{
    Authority, RevocationReason, Rules, Status,
    ocsp::{Nonce, Question},
};

use super::{World, later::log_in};
use crate::stage::{
    Newcomer, Stage,
    newcomer::REVOCATION_PASSWORD,
    rules::{Broken, Verdict, so, there},
};

/// The operator's word.
pub fn at_once(world: &mut World<'_>) -> Verdict {
    let (who, certificate) = Newcomer::certified(world.stage)?;
    works(&who, &certificate)?;
    world.stage.revoke(&certificate)?;
    works_no_more(&who, &certificate)
}

/// Logged in with the certificate, and with the password. With another one nothing happens, nor to somebody else's certificate.
pub fn by_holder(world: &mut World<'_>) -> Verdict {
    let (who, certificate) = Newcomer::certified(world.stage)?;
    let (_, another) = Newcomer::certified(world.stage)?;
    let seen = log_in(&who, &certificate)?;
    let ends = |password: &str, whose: &ParsedCertificate| {
        let password = Secret::from_bytes(password.as_bytes())?;
        let serial = whose.certificate().tbs_certificate().serial_number().as_bytes();
        let asked = AskedRevocation { serial, reason: RevocationReason::Superseded, password: &password };
        let peer = certificate.certificate();
        match world.stage.house().ca().revoke(&asked, Some(peer), SystemTime::now()) {
            Ok(()) => Ok::<_, Broken>(None),
            Err(CaError::Refused(refusal)) => Ok(Some(refusal.name())),
            Err(error) => Err(error.into()),
        }
    };
    let refused = [ends("something else entirely", &certificate)?, ends("something else entirely", &another)?];
    works(&who, &certificate)?;
    let taken = ends(REVOCATION_PASSWORD, &certificate)?;
    // Where the password alone is enough, nobody looks at whose certificate it came with.
    let [Some("wrong-revocation-password"), Some(others @ ("wrong-revocation-password" | "not-yours"))] = refused
    else {
        return Err(Broken(format!("{seen}: {refused:?}, then {taken:?}")));
    };
    if taken.is_some() {
        return Err(Broken(format!("{seen}: {refused:?}, then {taken:?}")));
    }
    let seen = works_no_more(&who, &certificate)?;
    Ok(format!("another password: wrong-revocation-password; another's certificate: {others}; then {seen}"))
}

/// Without the card, over the wire.
pub fn by_password(world: &mut World<'_>) -> Verdict {
    let (who, certificate) = Newcomer::certified(world.stage)?;
    let serial = certificate.serial().replace(':', "");
    let ends = |password: &str| {
        let reason = "key-compromise";
        let body = serde_json::json!({ "serial": serial, "password": password, "reason": reason }).to_string();
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")].into_iter().collect();
        world.stage.ask(&HttpRequest { method: Method::Post, path: "/revoke".into(), headers, body: body.into_bytes() })
    };
    let wrong = ends("something else entirely")?;
    let named = String::from_utf8_lossy(&wrong.body).contains("wrong-revocation-password");
    works(&who, &certificate)?;
    let right = ends(REVOCATION_PASSWORD)?;
    if !named || right.status != 200 {
        return Err(Broken(format!("a wrong password: {}, the right one: {}", wrong.status, right.status)));
    }
    let seen = works_no_more(&who, &certificate)?;
    Ok(format!("a wrong password: wrong-revocation-password; the right one, without the card: {seen}"))
}

/// To the holder's address, once, and not before.
pub fn mail(world: &mut World<'_>) -> Verdict {
    let (who, certificate) = Newcomer::certified(world.stage)?;
    let before = world.stage.mails_to(&who.email, SystemTime::now())?;
    world.stage.revoke(&certificate)?;
    let after = world.stage.mails_to(&who.email, SystemTime::now())?;
    let new: Vec<_> = after.iter().filter(|mail| !before.contains(mail)).collect();
    let serial = certificate.serial().replace(':', "").to_lowercase();
    let named = new.iter().all(|mail| mail.to_lowercase().replace(':', "").contains(&serial));
    so(new.len() == 1 && named, format!("{} mail to {} names the certificate", new.len(), who.email))
}

/// The holder logs in with it, and whoever asks is told that it is good.
fn works(who: &Newcomer<'_>, certificate: &ParsedCertificate) -> Result<(), Broken> {
    log_in(who, certificate)?;
    match status(who.stage, certificate)? {
        Status::Good => Ok(()),
        other => Err(Broken(format!("the OCSP responder says {other:?} of a good certificate"))),
    }
}

/// The next login is refused, and whoever asks is told.
fn works_no_more(who: &Newcomer<'_>, certificate: &ParsedCertificate) -> Verdict {
    if let Ok(seen) = log_in(who, certificate) {
        return Err(Broken(format!("the server let in {seen}")));
    }
    let rule = there(who.stage.wire().iter().rev().find_map(|access| access.refused), "refusal in the server's log")?;
    let status = status(who.stage, certificate)?;
    let revoked = matches!(status, Status::Revoked(_));
    so(rule == "peer-revoked" && revoked, format!("the next login is refused ({rule}), and OCSP says revoked"))
}

/// What the CA's OCSP responder says, believed as a client believes it.
fn status(stage: &Stage, certificate: &ParsedCertificate) -> Result<Status, Broken> {
    let issuer = there(stage.house().ca().certificates().next(), "issuer")?;
    let ca = Authority::from_der(&issuer.der)?;
    let question = Question::about(certificate.der(), &ca)?.nonce(Nonce::from_random([9; 32]));
    let answer = stage.house().status_desk()?.ocsp(&question.to_der()?, SystemTime::now());
    Ok(question.check(&answer.der, SystemTime::now(), &Rules::default())?.status)
}
