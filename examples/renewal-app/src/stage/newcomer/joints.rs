use std::time::SystemTime;

use obnova_ca::{English, FirstDesk, RevocationPasswords, store::SubjectRecord};
use obnova_card::Secret;
use obnova_client::{
    CaConnection as _, Credential, Https, LinkError, Login, LoginError, LoginProof as _, PasswordWanted, PickUpLink,
    Prompt, SetPasswordError, set_revocation_password, tls_config,
};
use obnova_enroll::{
    OneTimePassword,
    est::{Client, Credentials, Site},
};
use obnova_pkcs10::CertificationRequest;
use obnova_reference_ca::house::HandedOver;
use obnova_renewal::{
    Answer, CardView, Message, ParsedCertificate, PasswordRules, Plan, Policy, RevocationRules, Wishes,
};
use x509_cert::ext::pkix::CrlReason;

use super::{
    Certified, MODULE, Newcomer, Order, Stage, connection,
    ending::{Ending, end, end_by_key, end_for, foresee_end},
    face::{Asked, Face, Types},
    pin,
};
use crate::{
    authority::Authority,
    stage::{
        held,
        rules::{Broken, there, twins},
    },
};

/// The name of the rule by which something was refused, if it was.
pub type Heard = Result<Option<String>, Broken>;

/// Where the world of a newcomer can be bent: each of these does what is really done, unless a test puts another in its place.
#[derive(Clone, Copy)]
pub struct Joints {
    /// Sends an order to a module of the CA.
    pub send: fn(&Stage, &str, &Order) -> Heard,
    /// What shows the holder everything, and asks.
    pub prompt: for<'p> fn(Box<dyn Prompt + 'p>) -> Box<dyn Prompt + 'p>,
    /// The CA's desk, which issues one-time passwords.
    pub issue: fn(&FirstDesk, SubjectRecord, SystemTime) -> Result<OneTimePassword, Broken>,
    /// The CA's operator, who hands a one-time password over.
    pub hand_over: fn(&Stage, SubjectRecord, SystemTime) -> Result<HandedOver, Broken>,
    /// The CA's operator, who ends a certificate.
    pub revoke: fn(&Stage, &ParsedCertificate) -> Result<(), Broken>,
    /// The holder's client, which does.
    pub end: fn(&Ending<'_, '_>) -> Heard,
    /// The same by a key on the card: the certificate's own, or another and the password.
    pub end_by_key: fn(&Ending<'_, '_>) -> Heard,
    /// The same by a client that lies: by the certificate's own key and its password, for whatever reason.
    pub end_for: fn(&Certified<'_>, CrlReason) -> Heard,
    /// The holder's client before it asks for anything: the name by which it refuses a revocation for a reason, as it is typed, with a card
    /// or without.
    pub foresee_end: fn(&RevocationRules, &str, bool) -> Option<String>,
    /// The post: mails to an address that went out until now.
    pub mails: fn(&Stage, &str) -> Result<Vec<String>, Broken>,
    /// The server that one logs in to: whom it saw.
    pub login: fn(&Newcomer<'_>, &ParsedCertificate) -> Result<String, Broken>,
    /// Whether a link that was mailed opens something still.
    pub is_open: fn(&Stage, &str) -> Result<bool, Broken>,
    /// The CA's operator, who hands another revocation password out.
    pub replace: fn(&RevocationPasswords<'_>, &[u8]) -> Result<String, Broken>,
    /// The holder's client, which sets a revocation password over a login: picked by these rules, in the place of another.
    pub set_password: fn(&Newcomer<'_>, &str, Option<&str>, PasswordRules) -> Heard,
    /// The same, which sends a request by plain EST for another certificate over a login.
    pub reenroll: fn(&Certified<'_>, &CertificationRequest) -> Heard,
    /// The holder's client, which plans a first order by what the CA wants.
    pub plan: fn(&Wishes, &CardView, &Policy, SystemTime) -> Result<Plan, Broken>,
    /// What tells other programs of the certificates.
    pub register: twins::Register,
    /// The clock of the holder's computer.
    pub clock: fn() -> SystemTime,
}

impl Default for Joints {
    fn default() -> Self {
        Self {
            send,
            prompt: |face| face,
            issue: |desk, subject, now| Ok(desk.issue(subject, now)?.password),
            hand_over: |stage, subject, now| Ok(stage.house().hand_over(subject, now)?),
            revoke: |stage, certificate| Ok(stage.revoke(certificate)?),
            end,
            end_by_key,
            end_for,
            foresee_end,
            mails: |stage, address| Ok(stage.mails_to(address, SystemTime::now())?),
            login,
            is_open,
            replace: |passwords, serial| {
                Ok(passwords.replace(serial, &English, SystemTime::now())?.password.to_text().to_string())
            },
            set_password,
            reenroll,
            plan,
            register: twins::as_the_client_does,
            clock: SystemTime::now,
        }
    }
}

fn plan(wishes: &Wishes, card: &CardView, policy: &Policy, now: SystemTime) -> Result<Plan, Broken> {
    Ok(wishes.plan(card, policy, |policy| Plan::first(card, policy, now))?)
}

/// The same by a client that does not look whether there is a place for the revocation password.
pub fn regardless(wishes: &Wishes, card: &CardView, policy: &Policy, now: SystemTime) -> Result<Plan, Broken> {
    plan(wishes, card, &Policy { revocation_password_at_once: false, ..policy.clone() }, now)
}

/// Over the wire, where the server's log has the name of the rule.
fn send(stage: &Stage, module: &str, order: &Order) -> Heard {
    let refused = match order {
        Order::Message(message) => {
            let answer = connection(&stage.authority, module)?.send(&Message(message.clone()))?;
            matches!(answer, Answer::Refused { .. })
        }
        Order::Plain { request, user, password } => {
            let Authority { url, anchors, .. } = &stage.authority;
            let site = Site::parse(url)?;
            let who = Credentials::new(user.clone(), password.clone())?;
            let http = Client::new().label(module).basic(&site, who).simpleenroll_request(request);
            let answer = Https::new(url, tls_config(anchors)?)?.exchange(&http)?;
            !matches!(answer.status, 200 | 202)
        }
    };
    Ok(refused.then(|| rule(stage, order.operation())))
}

/// The name of the rule by which the last one that asked this was refused.
pub(super) fn rule(stage: &Stage, operation: &str) -> String {
    let wire = stage.wire();
    let asked = wire.iter().rev().find(|access| access.path.rsplit('/').next() == Some(operation));
    asked.and_then(|access| access.refused).unwrap_or_default().to_owned()
}

/// As `obnova revocation-password` does.
fn set_password(who: &Newcomer<'_>, new: &str, old: Option<&str>, rules: PasswordRules) -> Heard {
    let (mut ca, login) = (who.authority.connection()?, who.authority.login());
    let (mut asked, mut steps) = (Vec::new(), Vec::new());
    let mut face = Face {
        user: who.user.clone(),
        password: None,
        revocation: new,
        minimum: 0,
        types: Types::Right,
        asked: &mut asked,
        steps: &mut steps,
    };
    let old = old.map(Secret::from);
    // Who knows of none, and is asked for one, has none to give.
    let wanted = PasswordWanted { rules, old: old.as_ref() };
    let seams = (&mut ca, &login as _);
    match set_revocation_password(&who.token, &mut face, seams, &who.view()?, &wanted, who.now()) {
        Ok(_) => Ok(None),
        Err(SetPasswordError::Refused { rule, .. }) => Ok(Some(rule)),
        Err(_) if asked.iter().any(|one| is_for(one, Credential::OldRevocationPassword)) => {
            Ok(Some("revocation-password-stands".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

fn is_for(asked: &Asked, what: Credential) -> bool {
    matches!(asked, Asked::Credential(one) if one.what == what)
}

/// Whatever the holder's own client would say of it.
fn reenroll(holder: &Certified<'_>, request: &CertificationRequest) -> Heard {
    let own = there(holder.certificates.authentication.as_ref(), "certificate to log in with")?;
    let http = Client::new().label(MODULE).simplereenroll_request(request);
    let who = &holder.who;
    let answer = logged_in(who, own, |login| who.authority.login().exchange(login, &http))?;
    if matches!(answer.status, 200 | 202) {
        return Ok(None);
    }
    Ok(Some(rule(who.stage, "simplereenroll")))
}

/// By the TLS client certificate.
fn login(who: &Newcomer<'_>, certificate: &ParsedCertificate) -> Result<String, Broken> {
    logged_in(who, certificate, |login| who.authority.login().login(login))
}

fn is_open(stage: &Stage, link: &str) -> Result<bool, Broken> {
    match PickUpLink::open(link, &stage.authority.anchors) {
        Ok(_) => Ok(true),
        Err(LinkError::Spent) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Does something with a certificate that is on the card, and its key.
pub(super) fn logged_in<T>(
    who: &Newcomer<'_>,
    certificate: &ParsedCertificate,
    act: impl FnOnce(&Login<'_>) -> Result<T, LoginError>,
) -> Result<T, Broken> {
    let card = who.view()?;
    let (slot, key) = held::key_of(&card, certificate)?;
    Ok(act(&Login { token: &who.token, slot, key, certificate, pin: pin(key.password) })?)
}

impl Joints {
    /// Sends an order to the module that it is for.
    pub fn sent(&self, stage: &Stage, order: &Order) -> Heard {
        (self.send)(stage, MODULE, order)
    }
}
