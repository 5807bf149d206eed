//! How a holder's client ends a certificate.

use std::time::SystemTime;

use clap::ValueEnum as _;
use obnova_card::{Secret, SignDigest};
use obnova_client::{
    Https, PlainHttp, Revocation, RevocationError, RevocationPlan, RevocationReason, Revoked, revoke_by_password,
    revoke_with_card, tls_config,
};
use obnova_enroll::{
    cmc::{self, CertificateId, Nonce, RevocationRequestBuilder, SealedPassphrase, Signer, TransactionId},
    est::{Client, HttpRequest, Method},
};
use obnova_renewal::{ParsedCertificate, RevocationRules};
use serde_json::{Value, json};
use x509_cert::ext::pkix::CrlReason;

use super::{
    Certified, MODULE, PINS, Stage,
    joints::{Heard, logged_in, rule},
    pin,
};
use crate::{
    cli::Why,
    failure::internal,
    stage::{
        arrived::Typist,
        held,
        rules::{Broken, there},
    },
    tokens,
};

/// That a holder wants a certificate to end.
pub struct Ending<'a, 's> {
    pub stage: &'s Stage,
    /// Who logs in with the card; nobody where it is lost.
    pub by: Option<&'a Certified<'s>>,
    pub certificate: &'a ParsedCertificate,
    pub password: &'a str,
}

impl Ending<'_, '_> {
    /// Why: another took its place, where the service lets its holders say so. That somebody else may have the key every service does.
    fn reason(&self) -> RevocationReason {
        let permitted = &self.stage.service.told.ca.revocation.holder_reasons;
        match permitted.contains(&obnova_status::RevocationReason::Superseded) {
            true => RevocationReason::Superseded,
            false => RevocationReason::KeyCompromise,
        }
    }
}

/// What [`foresee_end`] calls it that a reason is none.
pub const NO_REASON: &str = "no-reason";

/// As `obnova revoke` does.
pub fn foresee_end(rules: &RevocationRules, why: &str, with_card: bool) -> Option<String> {
    let Ok(why) = Why::from_str(why, false) else { return Some(NO_REASON.to_owned()) };
    rules.check(why.into(), with_card).err().map(|refusal| refusal.rule().to_owned())
}

/// On the CA's page, by the TLS client certificate; without a card as `obnova revoke` does.
pub fn end(ending: &Ending<'_, '_>) -> Heard {
    let serial = ending.certificate.serial();
    if let Some(Certified { who, certificates }) = ending.by {
        let reason = ending.reason().to_string();
        let body = json!({ "serial": serial, "reason": reason, "password": ending.password }).to_string();
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")].into_iter().collect();
        let request = HttpRequest { method: Method::Post, path: "/revoke".into(), headers, body: body.into_bytes() };
        let own = there(certificates.authentication.as_ref(), "certificate to log in with")?;
        let answer = logged_in(who, own, |login| who.authority.login().exchange(login, &request))?;
        let said: Value = serde_json::from_slice(&answer.body)?;
        return match (answer.status, said["error"].as_str()) {
            (200, None) => Ok(None),
            (_, Some(rule)) => Ok(Some(rule.to_owned())),
            (status, None) => Err(Broken(format!("the server answered {status}"))),
        };
    }
    let password = Secret::from(ending.password);
    let wanted = Revocation { serial: &serial, reason: ending.reason(), password: Some(&password) };
    heard(revoke_by_password(&mut ending.stage.authority.connection()?, &PlainHttp::default(), &wanted))
}

/// As `obnova revoke` does where the card is there.
pub fn end_by_key(ending: &Ending<'_, '_>) -> Heard {
    let who = &there(ending.by, "card to revoke with")?.who;
    let (serial, password) = (ending.certificate.serial(), Secret::from(ending.password));
    let plan = RevocationPlan::make(&who.view()?, &serial, SystemTime::now())?;
    // Who has nothing to say leaves it out.
    let password = (!ending.password.is_empty()).then_some(&password);
    let wanted = Revocation { serial: &serial, reason: ending.reason(), password };
    let (mut ca, mut typist) = (ending.stage.authority.connection()?, Typist::types([PINS[0]]));
    heard(revoke_with_card(&who.token, &mut typist, &mut ca, &PlainHttp::default(), &plan, &wanted))
}

/// Whatever the holder's own client would say of it.
pub fn end_for(holder: &Certified<'_>, reason: CrlReason) -> Heard {
    let (who, certificate) = (&holder.who, holder.one()?);
    let card = who.view()?;
    let (slot, key) = held::key_of(&card, certificate)?;
    let algorithm = *there(key.signs.first(), "algorithm that its key signs by")?;
    let id = CertificateId::from(certificate.certificate());
    let mut wanted = cmc::Revocation::new(id.clone(), reason);
    if who.stage.service.policy.revocation_password.is_some() {
        let ca = there(who.desk()?.encryption_certificate(), "certificate to seal revocation passwords for")?;
        let password = obnova_enroll::Secret::from_bytes(who.revocation.as_bytes())?;
        wanted = wanted.passphrase(SealedPassphrase::seal(&password, &id, ca)?);
    }
    let mut transaction = [0x52; 16];
    transaction[..4].copy_from_slice(&who.stage.next_number().to_be_bytes());
    let builder = RevocationRequestBuilder::new(TransactionId::from_random(transaction), Nonce::from_random([7; 16]))
        .revoke(wanted);
    let signer = Signer { certificate: certificate.certificate().clone(), algorithm };
    let message = builder.finalize(&[signer])?.sign_with(|to_sign| {
        let job = SignDigest { slot, algorithm, digest: to_sign.digest };
        let made = tokens::lock(&who.token).sign(&[job], &pin(key.password))?;
        Ok::<_, obnova_card::TokenError>(made.into_iter().next().unwrap_or_default())
    });
    let http = Client::new().label(MODULE).fullcmc_request(&message.map_err(internal)?);
    let answer = Https::new(&who.authority.url, tls_config(&who.authority.anchors)?)?.exchange(&http)?;
    Ok((answer.status != 200).then(|| rule(who.stage, "fullcmc")))
}

fn heard(outcome: Result<Revoked, RevocationError>) -> Heard {
    match outcome {
        Ok(_) => Ok(None),
        Err(RevocationError::Refused { rule, .. }) => Ok(Some(rule)),
        Err(RevocationError::PasswordToo) => Ok(Some("own-key-alone".to_owned())),
        Err(error) => Err(error.into()),
    }
}
