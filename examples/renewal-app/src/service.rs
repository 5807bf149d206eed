//! A service as data: one file for the CA's side and the holder's (`policies/README.md`).

use std::{path::Path, time::Duration};

use clap::ValueEnum as _;
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{Approval, Policy as CaPolicy, Profile};
use obnova_profile::TransportPinModel;
use obnova_renewal::{Method, Pair, Policy, RevocationRules, Service as Holders};

use crate::{
    cli::{Model, Scenario, ServiceOptions},
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
    /// By what the holder's side ends certificates, as the file has it of the CA.
    pub revocation: Option<RevocationRules>,
    /// How its cards wait for their holders, where they are handed over inactive.
    pub transport_pin: TransportPinModel,
    /// What the rules of its play expect in numbers.
    pub expects: Expects,
    /// Its file as it should be, which the rules of `partner` hold what they see against.
    pub told: Told,
    /// The file, as a CA reads it.
    ca: toml::Table,
}

/// Numbers that the rules of a play hold what they see against: those of the service's file.
pub struct Expects {
    /// How long each certificate is valid, in days.
    pub days: Pair<u64>,
    /// How many days before the end notices go out, the first first.
    pub notices: Vec<u64>,
    /// How long before the end both sides renew.
    pub due: Duration,
    /// How long the link is good that confirms an applicant's address.
    pub confirm: Duration,
    /// How long the link is good that shows a transport PIN.
    pub transport_pin: Duration,
    /// Keys that are certified.
    keys: Pair<Vec<KeyAlgorithm>>,
}

impl Expects {
    /// How many days the certificate is valid that ends first.
    pub fn shortest_days(&self) -> u64 {
        self.days.authentication.min(self.days.signature)
    }

    /// Kinds of keys for one holder: this one where it is certified, else the first that is.
    pub fn keys(&self, wished: KeyAlgorithm) -> Pair<KeyAlgorithm> {
        self.keys_of(Pair { authentication: wished, signature: wished })
    }

    /// The same, where each of the two is wished for.
    pub fn keys_of(&self, wished: Pair<KeyAlgorithm>) -> Pair<KeyAlgorithm> {
        Pair::from_fn(|role| {
            let (keys, wished) = (self.keys.get(role), *wished.get(role));
            if keys.contains(&wished) { wished } else { keys.first().copied().unwrap_or(wished) }
        })
    }
}

/// What a file says to both sides.
#[derive(Clone)]
pub struct Told {
    pub ca: CaPolicy,
    pub holder: Policy,
}

impl Service {
    /// One of those that exist.
    pub fn known(scenario: Scenario) -> Result<Self, Failure> {
        Self::parse(text_of(scenario)).map_err(internal)
    }

    /// Any other, from its file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        read(path, |text| {
            CaPolicy::from_toml(text).map_err(|error| error.to_string())?;
            Self::parse(text)
        })
    }

    /// What the holder's side of the service asks that a command names. A file may come without the tables of its CA; where it has them
    /// the two sides have to agree.
    pub fn asked_for(options: &ServiceOptions) -> Result<Policy, Failure> {
        Ok(Self::sides(options)?.0.policy)
    }

    /// The same for a renewal that keeps the keys, whatever the holder's side says of it: where the file has the tables of the CA, they
    /// have to allow it.
    pub fn asked_for_same_key(options: &ServiceOptions) -> Result<Policy, Failure> {
        let (Holders { policy, .. }, ca) = Self::sides(options)?;
        if ca.is_some_and(|ca| !ca.same_key) {
            return Err(Failure::new(Kind::NotEligible, t!("error-no-same-key")));
        }
        Ok(Policy { method: Method::SameKey, ..policy })
    }

    /// By what holders end certificates, where a service is named and its file says so: which one it is else only the CA knows.
    pub fn revocation(options: &ServiceOptions) -> Result<Option<RevocationRules>, Failure> {
        let holders = if options.is_named() { Some(Self::sides(options)?.0) } else { None };
        Ok(holders.and_then(|holders| holders.revocation))
    }

    /// The holder's side of the service that a command names, and the CA's where the file has it.
    fn sides(options: &ServiceOptions) -> Result<(Holders, Option<CaPolicy>), Failure> {
        match &options.policy {
            Some(path) => read(path, both),
            None => both(text_of(options.service.unwrap_or_default())).map_err(internal),
        }
    }

    /// Each side by its own tables: a file may be made to disagree with itself, to see who notices.
    fn parse(text: &str) -> Result<Self, String> {
        let mut ca: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        ca.retain(|table, _| !matches!(table, "service" | "holder"));
        let of_ca = CaPolicy::from_toml(&ca.to_string()).map_err(|error| error.to_string())?;
        let Holders { name, plays, transport_pin, policy, revocation } =
            Holders::from_toml(text).map_err(|error| error.to_string())?;
        let plays = Scenario::from_str(plays.as_deref().unwrap_or_default(), false)
            .map_err(|_| "service.plays is missing: no play shows this service".to_owned())?;
        let model = transport_pin.map_or(Ok(Model::Separate), |model| Model::from_str(&model, false))?;
        let transport_pin = TransportPinModel::from(model);
        let expects = Expects {
            days: Pair {
                authentication: of_ca.authentication.validity.as_secs() / 86_400,
                signature: of_ca.signature.validity.as_secs() / 86_400,
            },
            notices: of_ca.notices.days().iter().rev().map(|days| u64::from(*days)).collect(),
            due: policy.due_before.min(of_ca.renewal_window),
            confirm: of_ca.registration.confirm,
            transport_pin: of_ca.registration.transport_pin,
            keys: Pair { authentication: of_ca.authentication.keys.clone(), signature: of_ca.signature.keys.clone() },
        };
        let told = Told { ca: of_ca, holder: policy.clone() };
        Ok(Self { name, plays, policy, revocation, transport_pin, expects, told, ca })
    }

    /// Whether orders wait for an operator of the CA.
    pub fn waits(&self) -> bool {
        self.told.ca.approval == Approval::Manual
    }

    /// How many days the certificate is valid that lives longest.
    pub fn longest_days(&self) -> Result<u32, Failure> {
        let policy = CaPolicy::from_toml(&self.for_play()?).map_err(internal)?;
        let days = Profile::ALL.map(|profile| policy.profile(profile).validity.as_secs() / 86_400);
        u32::try_from(days.into_iter().max().unwrap_or_default()).map_err(internal)
    }

    /// The CA's policy, but for how long a client waits, and how many may register: nobody watches a play for a minute, and all who
    /// register in it come from one place within that time.
    pub fn for_play(&self) -> Result<String, Failure> {
        let mut table = self.ca.clone();
        if let Some(toml::Value::Table(renewal)) = table.get_mut("renewal") {
            renewal.insert("retry_after_seconds".to_owned(), toml::Value::Integer(1));
        }
        if let Some(toml::Value::Table(registration)) = table.get_mut("registration") {
            for limit in ["per_hour", "per_peer"] {
                registration.insert(limit.to_owned(), toml::Value::Integer(1000));
            }
        }
        toml::to_string(&table).map_err(internal)
    }
}

fn both(text: &str) -> Result<(Holders, Option<CaPolicy>), String> {
    let holders = Holders::from_toml(text).map_err(|error| error.to_string())?;
    let has_ca = text.parse::<toml::Table>().is_ok_and(|file| !file.iter().all(|(name, table)| of_holder(name, table)));
    let ca = has_ca.then(|| CaPolicy::from_toml(text)).transpose().map_err(|error| error.to_string())?;
    Ok((holders, ca))
}

fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Failure> {
    let unreadable = |problem: String| {
        Failure::new(Kind::Usage, t!("error-service", file = path.display().to_string(), problem = problem))
    };
    let bytes = files::read(path, Holders::MAX_SIZE as u64).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
    parse(&text).map_err(unreadable)
}

/// Whether it is not for a CA alone: a table of one of the two certificates with their `keys` and nothing else is for both.
fn of_holder(name: &str, table: &toml::Value) -> bool {
    let keys_only =
        || table.as_table().is_some_and(|fields| !fields.is_empty() && fields.keys().all(|field| field == "keys"));
    HOLDERS.contains(&name) || (matches!(name, "authentication" | "signature") && keys_only())
}

/// What a file may have that is not for a CA alone.
const HOLDERS: [&str; 5] = ["version", "service", "holder", "revocation_password", "revocation"];

const fn text_of(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::Twins => Holders::TWINS,
        Scenario::Activation => Holders::ACTIVATION,
        Scenario::Partner => Holders::PARTNER,
    }
}

#[cfg(test)]
impl Service {
    /// One of those that exist, with a CA and a holder that go by another text than the rules: those expect what its file says.
    pub fn but(scenario: Scenario, replaced: &str, by: &str) -> Self {
        Self::but_all(scenario, &[(replaced, by)])
    }

    /// The same with more than one other text.
    pub fn but_all(scenario: Scenario, texts: &[(&str, &str)]) -> Self {
        Self::but_of(scenario, &[], texts)
    }

    /// The same of another service, whose file is that of one that exists but for the first texts.
    pub fn but_of(scenario: Scenario, base: &[(&str, &str)], texts: &[(&str, &str)]) -> Self {
        let Self { expects, told, .. } = Self::other(scenario, base);
        Self { expects, told, ..Self::other(scenario, &[base, texts].concat()) }
    }

    /// Another service, whose file is that of one that exists but for these texts.
    pub fn other(scenario: Scenario, texts: &[(&str, &str)]) -> Self {
        let text = texts.iter().fold(text_of(scenario).to_owned(), |text, (replaced, by)| {
            assert!(text.contains(replaced), "{replaced}");
            text.replace(replaced, by)
        });
        Self::parse(&text).unwrap()
    }

    /// A service of this file, by another play than it names, if it names one.
    pub fn played_by(text: &str, scenario: Scenario) -> Self {
        let mut file: toml::Table = text.parse().unwrap();
        let play = scenario.to_possible_value().unwrap().get_name().into();
        file["service"].as_table_mut().unwrap().insert("plays".into(), play);
        Self::parse(&file.to_string()).unwrap()
    }
}

#[cfg(test)]
mod tests;
