//! The policy file as it is written, before its values are checked.

use std::time::Duration;

use const_oid::ObjectIdentifier;
use obnova_algorithm::KeyAlgorithm;
use serde::Deserialize;

use super::{
    Approval, PolicyError, ProfilePolicy, QualifiedPolicy,
    first::First,
    holder::{Asked, Holder},
    notices::Notices,
    registration::Registration,
    retention::Retention,
    revocation::Revocation,
    revocation_password::RevocationPassword,
    service::Service,
};

pub(super) const DAY: u64 = 24 * 60 * 60;
/// The most entries a list may have.
const MAX_LIST: usize = 16;
const MAX_URL: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    version: u32,
    renewal: Renewal,
    authentication: Profile,
    signature: Profile,
    /// For the holder's side.
    service: Option<Service>,
    holder: Option<Holder>,
    #[serde(default)]
    notices: Notices,
    #[serde(default)]
    retention: Retention,
    #[serde(default)]
    revocation: Revocation,
    #[serde(default)]
    first: First,
    #[serde(default)]
    revocation_password: RevocationPassword,
    #[serde(default)]
    registration: Registration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renewal {
    approval: WireApproval,
    window_days: u64,
    same_key: bool,
    retry_after_seconds: u64,
    #[serde(default = "five_minutes")]
    backdate_seconds: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WireApproval {
    Manual,
    Automatic,
}

impl From<WireApproval> for Approval {
    fn from(approval: WireApproval) -> Self {
        match approval {
            WireApproval::Manual => Self::Manual,
            WireApproval::Automatic => Self::Automatic,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    validity_days: u64,
    keys: Vec<Key>,
    certificate_policies: Vec<String>,
    ca_issuers: Option<String>,
    ocsp: Option<String>,
    crl: Option<String>,
    qualified: Option<Qualified>,
}

#[derive(Clone, Copy, Deserialize)]
enum Key {
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    #[serde(rename = "p-256")]
    P256,
    #[serde(rename = "p-384")]
    P384,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Qualified {
    compliance: bool,
    sscd: bool,
    esign: bool,
    disclosure: Option<Disclosure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disclosure {
    url: String,
    language: String,
}

impl Policy {
    pub(super) fn check(self) -> Result<super::Policy, PolicyError> {
        if self.version != 1 {
            return Err(field("version", format!("{} is not known: this program reads version 1", self.version)));
        }
        let renewal = self.renewal;
        let approval = renewal.approval.into();
        let service = self.service.as_ref().map(|service| service.name.clone());
        let asked = holders_side(self.service, self.holder)?;
        let policy = super::Policy {
            service,
            approval,
            renewal_window: Duration::from_secs(range("renewal.window_days", renewal.window_days, 1, 3660)? * DAY),
            same_key: renewal.same_key,
            retry_after: Duration::from_secs(range(
                "renewal.retry_after_seconds",
                renewal.retry_after_seconds,
                1,
                7 * DAY,
            )?),
            backdate: Duration::from_secs(range("renewal.backdate_seconds", renewal.backdate_seconds, 0, DAY)?),
            notices: self.notices.check()?,
            retention: self.retention.check()?,
            revocation: self.revocation.check()?,
            registration: self.registration.check()?,
            authentication: self.authentication.check(&AUTHENTICATION)?,
            signature: self.signature.check(&SIGNATURE)?,
            first: self.first.check(approval, self.revocation_password.check()?)?,
        };
        asked.map_or(Ok(()), |asked| asked.agrees_with(&policy))?;
        Ok(policy)
    }
}

/// What the holder's side asks, where the file has that side: a holder's program has to be able to read it too.
fn holders_side(service: Option<Service>, holder: Option<Holder>) -> Result<Option<Asked>, PolicyError> {
    let Some(service) = service else {
        let reason = "holders need a name beside it: service.name".into();
        return holder.map_or(Ok(None), |_| Err(field("holder", reason)));
    };
    let asked = holder.unwrap_or_default().check()?;
    service.check(asked.is_pair())?;
    Ok(Some(asked))
}

/// What clocks may differ by where the file says nothing.
const fn five_minutes() -> u64 {
    5 * 60
}

/// Names of one profile's fields, for errors.
struct Names {
    validity_days: &'static str,
    keys: &'static str,
    certificate_policies: &'static str,
    ca_issuers: &'static str,
    ocsp: &'static str,
    crl: &'static str,
    qualified: &'static str,
    url: &'static str,
    language: &'static str,
}

macro_rules! names {
    ($profile:literal) => {
        Names {
            validity_days: concat!($profile, ".validity_days"),
            keys: concat!($profile, ".keys"),
            certificate_policies: concat!($profile, ".certificate_policies"),
            ca_issuers: concat!($profile, ".ca_issuers"),
            ocsp: concat!($profile, ".ocsp"),
            crl: concat!($profile, ".crl"),
            qualified: concat!($profile, ".qualified"),
            url: concat!($profile, ".qualified.disclosure.url"),
            language: concat!($profile, ".qualified.disclosure.language"),
        }
    };
}

const AUTHENTICATION: Names = names!("authentication");
const SIGNATURE: Names = names!("signature");

impl Profile {
    fn check(self, names: &Names) -> Result<ProfilePolicy, PolicyError> {
        let days = range(names.validity_days, self.validity_days, 1, 3660)?;
        Ok(ProfilePolicy {
            validity: Duration::from_secs(days * DAY),
            keys: keys(names.keys, &self.keys)?,
            certificate_policies: policies(names.certificate_policies, &self.certificate_policies)?,
            ca_issuers: self.ca_issuers.map(|url| check_url(names.ca_issuers, url)).transpose()?,
            ocsp: self.ocsp.map(|url| check_url(names.ocsp, url)).transpose()?,
            crl: self.crl.map(|url| check_url(names.crl, url)).transpose()?,
            qualified: self.qualified.map(|qualified| qualified.check(names)).transpose()?,
        })
    }
}

impl Qualified {
    fn check(self, names: &Names) -> Result<QualifiedPolicy, PolicyError> {
        if !self.compliance && (self.sscd || self.esign || self.disclosure.is_some()) {
            return Err(field(names.qualified, "the other statements mean nothing without compliance = true".into()));
        }
        let disclosure = self.disclosure.map(|disclosure| {
            let language = disclosure.language;
            if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
                return Err(field(names.language, format!("{language:?} is not a language code of two letters")));
            }
            Ok((check_url(names.url, disclosure.url)?, language))
        });
        Ok(QualifiedPolicy {
            compliance: self.compliance,
            sscd: self.sscd,
            esign: self.esign,
            disclosure: disclosure.transpose()?,
        })
    }
}

fn keys(name: &'static str, keys: &[Key]) -> Result<Vec<KeyAlgorithm>, PolicyError> {
    let keys = keys.iter().map(|key| match key {
        Key::Rsa2048 => KeyAlgorithm::Rsa2048,
        Key::Rsa3072 => KeyAlgorithm::Rsa3072,
        Key::Rsa4096 => KeyAlgorithm::Rsa4096,
        Key::P256 => KeyAlgorithm::P256,
        Key::P384 => KeyAlgorithm::P384,
    });
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() {
        return Err(field(name, "is empty: name at least one kind of key".into()));
    }
    no_duplicates(name, &keys)?;
    Ok(keys)
}

fn policies(name: &'static str, texts: &[String]) -> Result<Vec<ObjectIdentifier>, PolicyError> {
    if texts.len() > MAX_LIST {
        return Err(field(name, format!("has {} entries: at most {MAX_LIST}", texts.len())));
    }
    let read = |text: &String| {
        ObjectIdentifier::new(text).map_err(|_| field(name, format!("{text:?} is not an object identifier")))
    };
    let identifiers = texts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    no_duplicates(name, &identifiers)?;
    Ok(identifiers)
}

pub(super) fn no_duplicates<T: PartialEq + std::fmt::Display>(
    name: &'static str,
    list: &[T],
) -> Result<(), PolicyError> {
    for (index, entry) in list.iter().enumerate() {
        if list[..index].contains(entry) {
            return Err(field(name, format!("{entry} stands there twice")));
        }
    }
    Ok(())
}

fn check_url(name: &'static str, url: String) -> Result<String, PolicyError> {
    let sound = (url.starts_with("http://") || url.starts_with("https://"))
        && url.len() <= MAX_URL
        && url.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { Ok(url) } else { Err(field(name, format!("{url:?} is not an http or https address"))) }
}

pub(super) fn range(name: &'static str, value: u64, least: u64, most: u64) -> Result<u64, PolicyError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(field(name, format!("{value} is out of range: {least} to {most}")))
}

pub(super) fn one_of(name: &'static str, value: &str, known: &[&str]) -> Result<(), PolicyError> {
    if known.contains(&value) {
        return Ok(());
    }
    let known: Vec<_> = known.iter().map(|one| format!("{one:?}")).collect();
    Err(field(name, format!("{value:?} is not one of {}", known.join(", "))))
}

pub(super) fn field(field: &'static str, reason: String) -> PolicyError {
    PolicyError::Field { field, line: None, reason }
}
