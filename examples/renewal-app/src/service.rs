//! A service as data: one file for the CA's side and the holder's (`policies/README.md`).

use std::path::Path;

use obnova_ca::{Policy as CaPolicy, Profile};
use obnova_renewal::Policy;
use serde::Deserialize;

use crate::{
    cli::Scenario,
    failure::{Failure, Kind, internal},
    files,
    texts::t,
};

/// A service.
pub struct Service {
    /// What it is called.
    pub name: String,
    /// What shows it.
    pub plays: Scenario,
    /// What the holder's side asks.
    pub policy: Policy,
    /// What the rules of its play expect in numbers.
    pub expects: Expects,
    /// The file, as a CA reads it.
    ca: toml::Table,
}

/// Numbers that the rules of a play hold what they see against.
pub struct Expects {
    /// How long a certificate is valid, in days.
    pub days: u64,
    /// How many days before the end notices go out, the first first.
    pub notices: Vec<u64>,
}

#[derive(Deserialize)]
struct File {
    service: Head,
    holder: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    plays: Scenario,
}

impl Service {
    /// One of those that exist. What its rules expect is what is known of that service, whatever its file says.
    pub fn known(scenario: Scenario) -> Result<Self, Failure> {
        Self::known_as(text_of(scenario)).map_err(internal)
    }

    fn known_as(text: &str) -> Result<Self, String> {
        Ok(Self { expects: Expects { days: 365, notices: vec![21, 7] }, ..Self::parse(text)? })
    }

    /// Any other, from its file; its rules expect what the file says.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let unreadable = |problem: String| {
            Failure::new(Kind::Usage, t!("error-file", file = path.display().to_string(), problem = problem))
        };
        let bytes = files::read(path, CaPolicy::MAX_SIZE as u64 + 1).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(&text).map_err(unreadable)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let of_ca = CaPolicy::from_toml(text).map_err(|error| error.to_string())?;
        let File { service, holder } = toml::from_str(text).map_err(|error| error.to_string())?;
        let plain = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
        if service.name.is_empty() || service.name.len() > 64 || !service.name.chars().all(plain) {
            return Err("service.name: 1 to 64 small letters, digits and -".to_owned());
        }
        let expects = Expects {
            days: of_ca.profile(Profile::Authentication).validity.as_secs() / 86_400,
            notices: of_ca.notices.days().iter().rev().map(|days| u64::from(*days)).collect(),
        };
        let ca = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        Ok(Self { name: service.name, plays: service.plays, policy: holder, expects, ca })
    }

    /// The CA's policy, but for how long a client waits: nobody watches a play for a minute.
    pub fn for_play(&self) -> Result<String, Failure> {
        let mut table = self.ca.clone();
        if let Some(toml::Value::Table(renewal)) = table.get_mut("renewal") {
            renewal.insert("retry_after_seconds".to_owned(), toml::Value::Integer(1));
        }
        toml::to_string(&table).map_err(internal)
    }
}

const fn text_of(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::Twins => include_str!("../../../policies/twins.toml"),
        Scenario::Activation => include_str!("../../../policies/activation.toml"),
        Scenario::Partner => include_str!("../../../policies/partner.toml"),
    }
}

#[cfg(test)]
impl Service {
    /// One of those that exist with another text in its file; its rules expect what they always do.
    pub fn but(scenario: Scenario, replaced: &str, by: &str) -> Self {
        let text = text_of(scenario);
        assert!(text.contains(replaced), "{replaced}");
        Self::known_as(&text.replace(replaced, by)).unwrap()
    }
}
