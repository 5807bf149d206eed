use crate::{Policy, RevocationRules};

mod file;

/// A service as its file has it (`policies/README.md`): the holder's side. Tables for the CA alone are passed over, so that both sides may
/// read one file, and a front end may bring one without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub name: String,
    /// Which play of `obnova scenario` shows it.
    pub plays: Option<String>,
    /// How its cards wait for their holders, where they are handed over inactive: the name of a transport PIN model.
    pub transport_pin: Option<String>,
    /// What the holder's side asks.
    pub policy: Policy,
    /// By what holders end certificates, as the CA's side has it; `None` where the file says nothing of that side.
    pub revocation: Option<RevocationRules>,
}

impl Service {
    /// The longest file that is read, in bytes.
    pub const MAX_SIZE: usize = 64 * 1024;

    /// `policies/twins.toml`: a pair, renewed in one go.
    pub const TWINS: &str = include_str!("../../../policies/twins.toml");
    /// `policies/activation.toml`: a card that arrives inactive.
    pub const ACTIVATION: &str = include_str!("../../../policies/activation.toml");
    /// `policies/partner.toml`: one certificate, from a one-time password on.
    pub const PARTNER: &str = include_str!("../../../policies/partner.toml");

    /// Reads a service. Strict: a name that is not known and a value out of its range are errors that name line and field.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn from_toml(text: &str) -> Result<Self, ServiceError> {
        if text.len() > Self::MAX_SIZE {
            return Err(ServiceError::TooLong { size: text.len() });
        }
        let file: file::File = toml::from_str(text).map_err(|error| ServiceError::Syntax(error.to_string()))?;
        file.check(text)
    }

    /// The service of [`TWINS`](Self::TWINS).
    #[must_use]
    pub fn twins() -> Self {
        known(Self::TWINS)
    }

    /// The service of [`ACTIVATION`](Self::ACTIVATION).
    #[must_use]
    pub fn activation() -> Self {
        known(Self::ACTIVATION)
    }

    /// The service of [`PARTNER`](Self::PARTNER).
    #[must_use]
    pub fn partner() -> Self {
        known(Self::PARTNER)
    }
}

#[expect(clippy::expect_used, reason = "the text is built in, and a test reads it")]
fn known(text: &str) -> Service {
    Service::from_toml(text).expect("the file of a known service can be read")
}

impl std::str::FromStr for Service {
    type Err = ServiceError;

    fn from_str(text: &str) -> Result<Self, ServiceError> {
        Self::from_toml(text)
    }
}

/// What is wrong with the file of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// Longer than [`Service::MAX_SIZE`].
    #[error("the file of a service has {size} bytes: at most {max} are read", max = Service::MAX_SIZE)]
    TooLong {
        /// Its length.
        size: usize,
    },
    /// Not TOML, a field that is unknown or missing, or a value that makes no sense; the text names line and field, and what may
    /// stand there.
    #[error("the file of the service cannot be read: {0}")]
    Syntax(String),
}

#[cfg(test)]
mod tests;
