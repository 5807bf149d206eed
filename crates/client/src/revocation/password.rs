use std::time::SystemTime;

use base64ct::{Base64, Encoding as _};
use obnova_algorithm::text::printable;
use obnova_card::{KeyEntry, KeyRole, Secret, SlotId};
use obnova_card_rustls::SharedToken;
use obnova_enroll::{
    Secret as Password,
    cmc::{CertificateId, SealedPassphrase, SealedPassword},
    est::{Headers, HttpRequest, HttpResponse, Method},
};
use obnova_renewal::{CardView, ParsedCertificate, PasswordRules, PinUse, serial_digits};
use serde_json::{Value, json};
use x509_cert::Certificate;

use crate::{
    CaError, Credential, CredentialRequest, Credentials, EstConnection, HttpExchange, Login, LoginError, LoginExchange,
    Prompt, RunError,
    pins::{Once, retry},
};

/// A revocation password that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PasswordSet {
    /// Serial numbers of the certificates that it ends from now on, as the CA says; in the shape of [`ParsedCertificate::serial`].
    pub serials: Vec<String>,
}

/// Why no revocation password was set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetPasswordError {
    /// The card has no valid certificate of this CA to log in with.
    #[error("the card has no valid certificate of this issuer to log in with")]
    NoLogin,
    /// The CA says no. Nothing changed.
    #[error("the issuer did not set it: {text} ({rule})")]
    Refused {
        /// The name of the rule that is broken.
        rule: String,
        /// In its words, fit to be shown.
        text: String,
    },
    /// The card, or its holder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The CA could not be asked, or what came is no answer: nobody knows whether it was set. The same again is done once.
    #[error(transparent)]
    Ca(#[from] CaError),
}

/// Who logs in.
struct Speaker {
    slot: SlotId,
    key: KeyEntry,
    certificate: ParsedCertificate,
    /// Another one is in its place.
    superseded: bool,
}

/// What a revocation password that is to be set has to do with. Like all that holds a secret it has no `Debug`.
pub struct PasswordWanted<'a> {
    /// What the holder's password has to be like: the rules of the service.
    pub rules: PasswordRules,
    /// The one that stands, where it is known beforehand that one does. Else the holder is asked for it if the CA wants it, which costs
    /// one of the guesses that are free while there are any, and never a wait.
    pub old: Option<&'a Secret>,
}

/// Sets the revocation password of the certificate on the card that one logs in with, of those that were issued with it and of those
/// that renew it: for who ordered it by a way that has no place for one. The holder picks it, and types it twice; where one stands already
/// he is asked for that too. Both travel sealed for the CA, inside a login with the card.
///
/// After whatever stop and whatever error the same may be asked again: a CA of ours takes the same password as done. Where it compares
/// none without the old one, since no guess is free, the one that stands may be this very one, and is given as the old one too.
///
/// # Errors
/// [`SetPasswordError`]. After [`SetPasswordError::Ca`] nobody knows whether it was done.
pub fn set_revocation_password<H: HttpExchange>(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    (ca, login): (&mut EstConnection<H>, &dyn LoginExchange),
    card: &CardView,
    wanted: &PasswordWanted<'_>,
    now: SystemTime,
) -> Result<PasswordSet, SetPasswordError> {
    let speaker = speaker(card, ca, now)?;
    let recipient = ca.encryption_certificate()?;
    let new = Credentials::pick_revocation_password(prompt, wanted.rules)?;
    let sealed = SealedPassword::seal(&new, &recipient).map_err(|error| CaError::Order(error.to_string()))?;
    let mut old = wanted.old.map(|old| seal_old(old, &speaker, &recipient)).transpose()?;
    loop {
        let answer = send(token, prompt, login, &speaker, &request(&sealed, old.as_ref()))?;
        match read(&answer, &speaker)? {
            Ok(set) => return Ok(set),
            Err((rule, _)) if rule == STANDS && old.is_none() => {
                let what = Credential::OldRevocationPassword;
                let request = CredentialRequest { what, rules: None, problem: None, optional: false, again: false };
                let given = prompt.credential(&request);
                old = Some(seal_old(&given.map_err(RunError::from)?, &speaker, &recipient)?);
            }
            Err((rule, text)) => return Err(SetPasswordError::Refused { rule, text }),
        }
    }
}

/// How our CAs call it that a password stands that was not given.
const STANDS: &str = "revocation-password-stands";

/// The certificate for logins that is in use, of those that this CA issued and that are valid; of several the one that lives longest. What is
/// set by one that was renewed does not reach the new one where that has a password of its own.
fn speaker<H: HttpExchange>(
    card: &CardView,
    ca: &mut EstConnection<H>,
    now: SystemTime,
) -> Result<Speaker, SetPasswordError> {
    let mut speakers = Vec::new();
    for slot in &card.slots {
        let Some(key) = slot.key.as_ref().filter(|key| key.role == KeyRole::Authentication && !key.signs.is_empty())
        else {
            continue;
        };
        for view in slot.certificates.iter().filter(|view| view.fits_key) {
            let Some(certificate) = view.certificate.clone().filter(|one| one.is_valid_at(now)) else { continue };
            speakers.push(Speaker { slot: slot.id, key: key.clone(), certificate, superseded: view.superseded });
        }
    }
    speakers.sort_by_key(|one| (one.superseded, std::cmp::Reverse(one.certificate.not_after())));
    for one in speakers {
        if ca.issuer_of(&one.certificate)?.is_some() {
            return Ok(one);
        }
    }
    Err(SetPasswordError::NoLogin)
}

fn seal_old(given: &Secret, speaker: &Speaker, recipient: &Certificate) -> Result<SealedPassphrase, CaError> {
    let order = |error: &dyn std::fmt::Display| CaError::Order(error.to_string());
    let certificate = speaker.certificate.certificate().tbs_certificate();
    let id = CertificateId { issuer: certificate.issuer().clone(), serial: certificate.serial_number().clone() };
    let old = Password::from_bytes(given.expose()).map_err(|error| order(&error))?;
    SealedPassphrase::seal(&old, &id, recipient).map_err(|error| order(&error))
}

fn request(new: &SealedPassword, old: Option<&SealedPassphrase>) -> HttpRequest {
    let mut body = json!({ "password": Base64::encode_string(new.der()) });
    if let Some(old) = old {
        body["old"] = Base64::encode_string(old.der()).into();
    }
    let headers = Headers::from_iter([("Content-Type", "application/json"), ("Accept", "application/json")]);
    HttpRequest { method: Method::Post, path: "/revocation-password".into(), headers, body: body.to_string().into() }
}

/// Over a login, whose password is asked for.
fn send(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    login: &dyn LoginExchange,
    speaker: &Speaker,
    request: &HttpRequest,
) -> Result<HttpResponse, SetPasswordError> {
    let uses = [PinUse::SetPassword];
    let mut asker = Once::new(token, prompt, &uses).map_err(RunError::from)?;
    let Speaker { slot, key, certificate, .. } = speaker;
    let answer = retry(&mut asker, key.password, |_, pin| {
        let login_as = Login { token, slot: *slot, key, certificate, pin: pin.clone() };
        login.exchange_as(&login_as, request).map_err(|error| match error {
            CaError::Login(LoginError::Token(error)) => RunError::Token(error),
            CaError::Login(error) => RunError::Login(error),
            error => RunError::Ca(error),
        })
    });
    answer.map_err(|error| match error {
        RunError::Ca(error) => error.into(),
        error => error.into(),
    })
}

/// What the CA says: that it is set, or which rule is broken.
fn read(answer: &HttpResponse, speaker: &Speaker) -> Result<Result<PasswordSet, (String, String)>, CaError> {
    let odd = |what: &str| CaError::Protocol(format!("to a revocation password that is set: {what}"));
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match (answer.status, &said) {
        (200, Some(said)) => {
            let serials = said["serials"].as_array().ok_or_else(|| odd("no serial numbers"))?;
            let serials: Vec<_> = serials.iter().filter_map(|one| one.as_str().and_then(serial_digits)).collect();
            // That of others is nothing to who asked for his own.
            match serials.contains(&speaker.certificate.serial()) {
                true => Ok(Ok(PasswordSet { serials })),
                false => Err(odd("it is for other certificates")),
            }
        }
        (200, None) => Err(odd("no JSON")),
        (status, said) => {
            let text = |name| said.as_ref().and_then(|said| said[name].as_str()).map(|text| printable(text, 300));
            match (text("error"), text("reason")) {
                (Some(rule), Some(text)) => Ok(Err((rule, text))),
                (_, text) => Err(CaError::Status { status, text: text.unwrap_or_default() }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_stands_in_what_is_shown_of_it() {
        static_assertions::assert_not_impl_any!(Speaker: std::fmt::Debug);
    }
}
