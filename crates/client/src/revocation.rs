//! Certificates that end before their time.
//!
//! There is one road, CMC revokeRequest (RFC 5272 §6.11) over EST, and three who may speak on it: the certificate's own key, which some
//! CAs want the revocation password with; another
//! key of the same holder, with the revocation password; and that password alone, where the CA's policy has it so. The answer has to
//! be signed by the CA, for this message. Then the CA is asked what it tells everybody ([`Confirmation`]).

use std::time::SystemTime;

use obnova_card::{Secret, SignDigest};
use obnova_card_rustls::SharedToken;
use obnova_enroll::cmc::{FailInfo, Signer, ToSign};
use obnova_renewal::PinUse;
use x509_cert::ext::pkix::CrlReason;

use crate::{EstConnection, HttpExchange, NotConfirmed, Prompt, StatusExchange, est::Said, with_password};

mod confirm;
mod error;
mod password;
mod plan;
mod subject;

pub use confirm::{Confirmation, Told};
pub use error::RevocationError;
pub use obnova_renewal::RevocationReason;
pub use password::{PasswordSet, PasswordWanted, SetPasswordError, set_revocation_password};
pub use plan::RevocationPlan;

pub(crate) use subject::Subject;

/// That a certificate is to end, for good. Like all that holds a secret it has no `Debug`.
pub struct Revocation<'a> {
    /// Its serial number in hexadecimal digits.
    pub serial: &'a str,
    /// Why.
    pub reason: RevocationReason,
    /// The revocation password, which was set when it was ordered. It is sent whenever it is there, sealed for the CA. Where the
    /// certificate's own key speaks ([`RevocationPlan::wants_password`]) most CAs need none; those that do say so
    /// ([`RevocationError::PasswordToo`]).
    pub password: Option<&'a Secret>,
}

/// As the CA is told.
const fn code(reason: RevocationReason) -> CrlReason {
    match reason {
        RevocationReason::KeyCompromise => CrlReason::KeyCompromise,
        RevocationReason::Superseded => CrlReason::Superseded,
        RevocationReason::AffiliationChanged => CrlReason::AffiliationChanged,
        RevocationReason::CessationOfOperation => CrlReason::CessationOfOperation,
        RevocationReason::Unspecified => CrlReason::Unspecified,
    }
}

/// A certificate that is revoked: the CA has signed that it is, or everybody is told so.
#[derive(Debug)]
#[must_use]
pub struct Revoked {
    /// It was so before it was asked for: by the same request, whose answer was lost, or by somebody else.
    pub already: bool,
    /// That whoever asks is told so; or why nobody knows whether he is. Then the same may be asked again, which changes nothing. Whether
    /// he is told all of what was asked for, [`Confirmation::covers`] says.
    pub confirmation: Result<Confirmation, NotConfirmed>,
    /// What is told of the others on the card with the same key ([`RevocationPlan::same_key`]), where the reason is one of the
    /// [key](RevocationReason::ends_key). The answer itself names none of them.
    pub same_key: Vec<OnSameKey>,
}

/// Another certificate on the card with the key of one that ended.
#[derive(Debug)]
pub struct OnSameKey {
    /// Its serial number, in the shape of [`ParsedCertificate::serial`](obnova_renewal::ParsedCertificate::serial).
    pub serial: String,
    /// What whoever asks is told of it.
    pub told: Told,
}

/// Ends a certificate as planned, with a signature of the card. One that had ended for another reason is sent too where the reason is one
/// of the [key](RevocationReason::ends_key), which may have other certificates. After whatever stop and whatever error it may be asked again: a
/// certificate ends once.
///
/// `servers` are asked for the confirmation, where their addresses stand in the certificate.
///
/// # Errors
/// [`RevocationError`]. After [`RevocationError::Ca`] nobody knows whether it was done.
pub fn revoke_with_card<H: HttpExchange>(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    ca: &mut EstConnection<H>,
    servers: &dyn StatusExchange,
    plan: &RevocationPlan,
    wanted: &Revocation<'_>,
) -> Result<Revoked, RevocationError> {
    if plan.wants_password() && wanted.password.is_none() {
        return Err(RevocationError::PasswordNeeded);
    }
    let (speaker, issuer) = plan.speaker(ca)?;
    let subject = Subject::new(wanted.serial, plan.revoked(), &issuer)?;
    let algorithm = *speaker.key.signs.first().ok_or(RevocationError::NoSigner)?;
    let signer = Signer { certificate: speaker.certificate.certificate().clone(), algorithm };
    let mut sign = |to_sign: &ToSign| {
        let job = SignDigest { slot: speaker.slot, algorithm, digest: to_sign.digest };
        let uses = [PinUse::Revoke];
        let sign = |token: &mut dyn obnova_card::Token, pin: &_| token.sign(std::slice::from_ref(&job), pin);
        let signatures = with_password(token, prompt, speaker.key.password, &uses, sign)?;
        Ok(signatures.into_iter().next().unwrap_or_default())
    };
    let said = ca.revoke(subject.id(), code(wanted.reason), wanted.password, Some((signer, &mut sign)))?;
    let mut revoked = outcome(said, wanted.reason, &subject, ca, servers)?;
    if wanted.reason.ends_key() {
        for other in plan.same_key() {
            let subject = Subject::new(&other.serial(), Some(other), &issuer)?;
            let told = confirm::ask(&subject, ca.https(), servers, SystemTime::now());
            revoked.same_key.push(OnSameKey { serial: other.serial(), told });
        }
    }
    Ok(revoked)
}

/// Ends a certificate by its revocation password alone, for a holder whose card is lost; the CA's policy says whether that is enough.
///
/// # Errors
/// As [`revoke_with_card`].
pub fn revoke_by_password<H: HttpExchange>(
    ca: &mut EstConnection<H>,
    servers: &dyn StatusExchange,
    wanted: &Revocation<'_>,
) -> Result<Revoked, RevocationError> {
    let password = wanted.password.ok_or(RevocationError::PasswordNeeded)?;
    let issuer = ca.only_issuer()?;
    let subject = Subject::new(wanted.serial, None, &issuer)?;
    let said = ca.revoke(subject.id(), code(wanted.reason), Some(password), None)?;
    outcome(said, wanted.reason, &subject, ca, servers)
}

/// What the CA said, held against what it tells everybody.
fn outcome<H: HttpExchange>(
    said: Said,
    reason: RevocationReason,
    subject: &Subject,
    ca: &EstConnection<H>,
    servers: &dyn StatusExchange,
) -> Result<Revoked, RevocationError> {
    let told = confirm::ask(subject, ca.https(), servers, SystemTime::now());
    let revoked = |already, confirmation| Revoked { already, confirmation, same_key: Vec::new() };
    match (said, told) {
        (Said::Done, told) => Ok(revoked(false, told.revoked()?)),
        // Why it refuses is of no account where there is nothing left to say of the certificate.
        (Said::No { .. } | Said::Undecided, Told::Revoked(confirmation)) if confirmation.covers(reason) => {
            Ok(revoked(true, Ok(confirmation)))
        }
        (Said::No { reason, text }, told) => match rule(&reason, text) {
            (rule, _) if rule == ALREADY => Ok(revoked(true, told.revoked()?)),
            (rule, _) if rule == OWN_KEY_ALONE => Err(RevocationError::PasswordToo),
            // The CA itself says the same of a wrong password and of what it does not know.
            (rule, text) => Err(match told.not_known_at() {
                Some(place) => RevocationError::NotKnown { place: place.to_owned(), rule, text },
                None => RevocationError::Refused { rule, text },
            }),
        },
        (Said::Undecided, _) => Err(RevocationError::Undecided),
    }
}

/// How our CAs call it that a certificate is revoked already.
const ALREADY: &str = "revoked-already";

/// And that its own key needs the revocation password beside it.
const OWN_KEY_ALONE: &str = "own-key-alone";

/// The name of a rule that stands before the text, where it does; else the reason as RFC 5272 names it.
fn rule(reason: &FailInfo, text: String) -> (String, String) {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    match text.split_once(": ") {
        Some((name, text)) if is_name(name) => (name.to_owned(), text.to_owned()),
        _ => (reason.name(), text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_is_not_shown() {
        static_assertions::assert_not_impl_any!(Revocation<'static>: std::fmt::Debug, std::fmt::Display, PartialEq, Clone);
    }

    #[test]
    fn the_rule_stands_before_the_text() {
        let of = |text: &str| rule(&FailInfo::BadRequest, text.to_owned());
        assert_eq!(of("revoked-already: since yesterday"), (ALREADY.into(), "since yesterday".into()));
        for text in ["", "no", "No: not today", ": what", "a b: c", "revoked-already"] {
            assert_eq!(of(text), ("badRequest".into(), text.into()));
        }
    }
}
