//! How people may apply for a card.

use std::time::Duration;

use serde::Deserialize;

use super::PolicyError;

/// How people may apply for a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// Whether anybody may register over the network.
    pub open: bool,
    /// The most registrations in an hour, of all together.
    pub per_hour: u32,
    /// The most registrations in an hour from one address of the network; an IPv6 network of 64 bits is one.
    pub per_peer: u32,
    /// The most mails to one address in a day that ask to confirm it.
    pub per_address: u32,
    /// How long the link is good that confirms the address.
    pub confirm: Duration,
    /// How long the link is good that shows the transport PIN.
    pub transport_pin: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Registration {
    open: bool,
    per_hour: u32,
    per_peer: u32,
    per_address: u32,
    confirm_days: u32,
    transport_pin_days: u32,
}

impl Default for Registration {
    fn default() -> Self {
        Self { open: false, per_hour: 60, per_peer: 10, per_address: 3, confirm_days: 7, transport_pin_days: 21 }
    }
}

impl Registration {
    pub(super) fn check(self) -> Result<RegistrationPolicy, PolicyError> {
        let within = |field, value: u32, most: u32| {
            let reason = format!("{value} is out of range: 1 to {most}");
            if (1..=most).contains(&value) { Ok(value) } else { Err(super::wire::field(field, reason)) }
        };
        let days = |field, value| Ok(Duration::from_secs(24 * 60 * 60) * within(field, value, 365)?);
        Ok(RegistrationPolicy {
            open: self.open,
            per_hour: within("registration.per_hour", self.per_hour, 100_000)?,
            per_peer: within("registration.per_peer", self.per_peer, 100_000)?,
            per_address: within("registration.per_address", self.per_address, 100)?,
            confirm: days("registration.confirm_days", self.confirm_days)?,
            transport_pin: days("registration.transport_pin_days", self.transport_pin_days)?,
        })
    }
}
