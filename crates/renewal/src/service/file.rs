//! The file of a service as it is written. Values are checked where they are read, so that errors know the line.

use std::{ops::RangeInclusive, time::Duration};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::KeyRole;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny},
};
use toml::Spanned;

use super::{Service, ServiceError};
use crate::{
    AskStatus, ByRole, CertificateRules, Method, OneTimePasswords, Pair, PasswordRules, Policy, Protocol,
    RevocationReason, RevocationRules, policy::CLOCK_TOLERANCE, wire,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(deserialize_with = "one", rename = "version")]
    _version: u64,
    service: Head,
    #[serde(default)]
    holder: Holder,
    revocation_password: Option<RevocationPassword>,
    #[serde(default)]
    authentication: Certified,
    #[serde(default)]
    signature: Certified,
    revocation: Option<Revocation>,
    /// From here on the CA's side, which has this table always.
    renewal: Option<IgnoredAny>,
    #[serde(default, rename = "notices")]
    _notices: IgnoredAny,
    #[serde(default, rename = "retention")]
    _retention: IgnoredAny,
    #[serde(default, rename = "registration")]
    _registration: IgnoredAny,
    #[serde(default, rename = "first")]
    _first: IgnoredAny,
}

/// What the holder's side reads of the tables of the certificates; the rest of them is for the CA.
#[derive(Default, Deserialize)]
struct Certified {
    #[serde(default, deserialize_with = "keys")]
    keys: Option<Vec<KeyAlgorithm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(deserialize_with = "label")]
    name: String,
    #[serde(default, deserialize_with = "play")]
    plays: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "transport_pin")]
    transport_pin: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Holder {
    #[serde(deserialize_with = "roles")]
    certificates: Vec<KeyRole>,
    qualified: bool,
    method: Method,
    protocol: Option<Spanned<Protocol>>,
    #[serde(deserialize_with = "days")]
    due_before_days: u64,
    confirm_first: bool,
    one_time_password: OneTimePasswords,
    #[serde(deserialize_with = "a_day")]
    clock_tolerance_seconds: u64,
    ask_status: AskStatus,
    prove_login: bool,
    prove_signature: bool,
}

impl Default for Holder {
    /// What a file means that says nothing.
    fn default() -> Self {
        Self {
            certificates: Pair::ROLES.into(),
            qualified: false,
            method: Method::ReKey,
            protocol: None,
            due_before_days: 30,
            confirm_first: true,
            one_time_password: OneTimePasswords::Checked,
            clock_tolerance_seconds: CLOCK_TOLERANCE.as_secs(),
            ask_status: AskStatus::default(),
            prove_login: true,
            prove_signature: true,
        }
    }
}

/// The table that both sides read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RevocationPassword {
    required: bool,
    later: bool,
    #[serde(deserialize_with = "characters")]
    minimum: u64,
    distinct: Option<Spanned<u64>>,
}

impl Default for RevocationPassword {
    fn default() -> Self {
        Self { required: false, later: false, minimum: 8, distinct: None }
    }
}

/// How many different characters there are at least where the file says nothing.
const DISTINCT: u64 = 5;

impl RevocationPassword {
    fn rules(&self) -> PasswordRules {
        let whole = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let distinct = self.distinct.as_ref().map_or(DISTINCT, |distinct| *distinct.get_ref());
        PasswordRules { minimum: whole(self.minimum), distinct: whole(distinct) }
    }
}

/// The other one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Revocation {
    password_alone: bool,
    own_key_alone: bool,
    #[serde(deserialize_with = "reasons")]
    holder_reasons: Vec<RevocationReason>,
}

impl Default for Revocation {
    fn default() -> Self {
        let RevocationRules { password_alone, own_key_alone, holder_reasons } = RevocationRules::default();
        Self { password_alone, own_key_alone, holder_reasons }
    }
}

impl From<Revocation> for RevocationRules {
    fn from(table: Revocation) -> Self {
        let Revocation { password_alone, own_key_alone, holder_reasons } = table;
        Self { password_alone, own_key_alone, holder_reasons }
    }
}

impl File {
    /// The service, where its fields fit to each other.
    pub(super) fn check(self, text: &str) -> Result<Service, ServiceError> {
        let wrong = |at: usize, problem: String| {
            let line = text.get(..at).map_or(0, |before| before.matches('\n').count() + 1);
            Err(ServiceError::Syntax(format!("line {line}: {problem}")))
        };
        if let Some(plays) = &self.service.plays
            && plays.get_ref() == PLAYS[0]
            && self.holder.certificates.len() != Pair::ROLES.len()
        {
            let problem = "service.plays: \"twins\" shows how a pair is renewed, and holder.certificates has one";
            return wrong(plays.span().start, problem.to_owned());
        }
        if let Some(protocol) = &self.holder.protocol
            && *protocol.get_ref() == Protocol::Est
            && !self.holder.certificates.contains(&KeyRole::Authentication)
        {
            let problem = "holder.protocol: plain EST renews over a login, which the signature certificate is not for \
                           (holder.certificates)";
            return wrong(protocol.span().start, problem.to_owned());
        }
        if let Some(RevocationPassword { minimum, distinct: Some(distinct), .. }) = &self.revocation_password
            && !(1..=*minimum).contains(distinct.get_ref())
        {
            let problem = format!(
                "revocation_password.distinct: {} is out of range: 1 to minimum, {minimum}",
                distinct.get_ref()
            );
            return wrong(distinct.span().start, problem);
        }
        Ok(self.into())
    }
}

impl From<File> for Service {
    fn from(file: File) -> Self {
        let File { service, holder, revocation_password, authentication, signature: signatures, .. } = file;
        let revocation = file.revocation.map(RevocationRules::from);
        let revocation = revocation.or_else(|| file.renewal.map(|_| RevocationRules::default()));
        let Head { name, plays, transport_pin } = service;
        let signature =
            if holder.qualified { CertificateRules::qualified_signature() } else { CertificateRules::signature() };
        let asked = |role, rules| holder.certificates.contains(&role).then_some(rules);
        let policy = Policy {
            method: holder.method,
            protocol: holder.protocol.map(Spanned::into_inner).unwrap_or_default(),
            due_before: Duration::from_secs(holder.due_before_days * 24 * 3600),
            algorithms: Pair::default(),
            keys: ByRole { authentication: authentication.keys, signature: signatures.keys },
            rules: ByRole {
                authentication: asked(KeyRole::Authentication, CertificateRules::authentication()),
                signature: asked(KeyRole::Signature, signature),
            },
            confirm_first: holder.confirm_first,
            one_time_password: holder.one_time_password,
            revocation_password: revocation_password.as_ref().map(RevocationPassword::rules),
            revocation_password_optional: revocation_password.as_ref().is_some_and(|asked| !asked.required),
            revocation_password_at_once: revocation_password.is_some_and(|asked| asked.required && !asked.later),
            clock_tolerance: Duration::from_secs(holder.clock_tolerance_seconds),
            ask_status: holder.ask_status,
            prove_login: holder.prove_login,
            prove_signature: holder.prove_signature,
        };
        Self { name, plays: plays.map(Spanned::into_inner), transport_pin, policy, revocation }
    }
}

fn within<'de, D: Deserializer<'de>>(deserializer: D, range: RangeInclusive<u64>) -> Result<u64, D::Error> {
    let value = u64::deserialize(deserializer)?;
    if range.contains(&value) {
        return Ok(value);
    }
    Err(D::Error::custom(format!("{value} is out of range: {} to {}", range.start(), range.end())))
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    within(deserializer, 1..=3660)
}

fn a_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    within(deserializer, 0..=86_400)
}

fn characters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    within(deserializer, 6..=64)
}

fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        1 => Ok(1),
        other => Err(D::Error::custom(format!("{other} is not known: this program reads version 1"))),
    }
}

fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text);
    }
    Err(D::Error::custom("1 to 64 small letters, digits and -"))
}

/// Plays that show a service; the first is of a pair.
const PLAYS: [&str; 3] = ["twins", "activation", "partner"];
/// Transport PINs that something is to hand over of.
const TRANSPORT_PINS: [&str; 5] = ["separate", "in-place", "must-change", "single-use", "five-digits"];

fn play<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<String>>, D::Error> {
    let text = Spanned::<String>::deserialize(deserializer)?;
    one_of(text.get_ref(), &PLAYS)?;
    Ok(Some(text))
}

fn transport_pin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    one_of(&text, &TRANSPORT_PINS)?;
    Ok(Some(text))
}

fn one_of<E: Error>(text: &str, known: &[&str]) -> Result<(), E> {
    if known.contains(&text) {
        return Ok(());
    }
    let known: Vec<_> = known.iter().map(|one| format!("{one:?}")).collect();
    Err(E::custom(format!("{text:?} is not one of {}", known.join(", "))))
}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<KeyAlgorithm>>, D::Error> {
    #[derive(Deserialize)]
    struct Key(#[serde(with = "wire::key_algorithm")] KeyAlgorithm);

    let keys: Vec<_> = Vec::<Key>::deserialize(deserializer)?.into_iter().map(|key| key.0).collect();
    if keys.is_empty() || keys.iter().enumerate().any(|(at, key)| keys[..at].contains(key)) {
        return Err(D::Error::custom("name one kind of key or more, each once"));
    }
    Ok(Some(keys))
}

fn roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<KeyRole>, D::Error> {
    #[derive(Deserialize)]
    struct Role(#[serde(with = "wire::role")] KeyRole);

    let roles: Vec<_> = Vec::<Role>::deserialize(deserializer)?.into_iter().map(|role| role.0).collect();
    let count = |role| roles.iter().filter(|one| **one == role).count();
    if roles.is_empty() || Pair::ROLES.into_iter().any(|role| count(role) > 1) {
        return Err(D::Error::custom("name \"authentication\", \"signature\", or both, each once"));
    }
    Ok(roles)
}

fn reasons<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RevocationReason>, D::Error> {
    let reasons = Vec::<RevocationReason>::deserialize(deserializer)?;
    let is_twice = reasons.iter().enumerate().any(|(at, reason)| reasons[..at].contains(reason));
    if is_twice || !reasons.contains(&RevocationReason::KeyCompromise) {
        return Err(D::Error::custom("name \"key-compromise\", and what else holders may give, each once"));
    }
    Ok(reasons)
}
