//! What the holder's side is told of the service by the same file.

use serde::Deserialize;

use super::{
    PolicyError,
    wire::{field, one_of},
};

/// What a command of a holder's program has to name of a service, behind a space: the name of one that the program knows, or the file of
/// any other. Nothing where the CA's policy names none ([`Policy::service`](crate::Policy::service)).
#[must_use]
pub fn service_option(service: Option<&str>) -> String {
    match service {
        None => String::new(),
        Some(known @ ("twins" | "activation" | "partner")) => format!(" --service {known}"),
        Some(other) => format!(" --policy {other}.toml"),
    }
}

/// `[service]`, which a CA has no use for but to refuse what a holder's program would.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
    plays: Option<String>,
    transport_pin: Option<String>,
}

impl Service {
    /// The play that shows a pair.
    const OF_A_PAIR: &str = "twins";

    pub(super) fn check(&self, is_pair: bool) -> Result<(), PolicyError> {
        let plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-';
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err(field("service.name", "1 to 64 small letters, digits and -".into()));
        }
        if let Some(plays) = &self.plays {
            one_of("service.plays", plays, &[Self::OF_A_PAIR, "activation", "partner"])?;
            if plays == Self::OF_A_PAIR && !is_pair {
                let reason = "\"twins\" shows how a pair is renewed, and holder.certificates has one".into();
                return Err(field("service.plays", reason));
            }
        }
        if let Some(model) = &self.transport_pin {
            one_of(
                "service.transport_pin",
                model,
                &["separate", "in-place", "must-change", "single-use", "five-digits"],
            )?;
        }
        Ok(())
    }
}
