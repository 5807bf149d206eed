use std::{convert::Infallible, path::PathBuf};

use clap::{Args, ValueEnum};
use obnova_algorithm::KeyAlgorithm;
use obnova_profile::TransportPinModel;
use obnova_renewal::serial_digits;

use super::Scenario;

// No doc comments: clap would print them.

// Options that mean the same for every command; they may stand before or after it.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    #[arg(long, global = true, display_order = 900, value_name = "TOKEN")]
    pub token: Option<String>,
    #[arg(long, global = true, display_order = 901, value_name = "URL")]
    pub ca: Option<String>,
    #[arg(long, global = true, display_order = 902, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    #[arg(long, global = true, display_order = 903, value_name = "DIR")]
    pub journal: Option<PathBuf>,
    #[arg(long, global = true, display_order = 904, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    #[arg(long, global = true, display_order = 905)]
    pub no_pad: bool,
}

// Where passwords come from when nobody is there to be asked. Never an argument, never the environment: both are seen by
// other programs.
#[derive(Args, Clone, Debug, Default)]
pub struct PinOptions {
    #[arg(long, value_name = "N", conflicts_with = "pin_file")]
    pub pin_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub pin_file: Option<PathBuf>,
    #[arg(long, value_name = "N", conflicts_with = "signature_pin_file")]
    pub signature_pin_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub signature_pin_file: Option<PathBuf>,
    #[arg(long)]
    pub spend_last_try: bool,
}

// The PUK, where it is set or used.
#[derive(Args, Clone, Debug, Default)]
pub struct PukOptions {
    #[arg(long, value_name = "N", conflicts_with = "puk_file")]
    pub puk_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub puk_file: Option<PathBuf>,
}

// Where a password is set by another: the new one, and the PUK that may set it.
#[derive(Args, Clone, Debug, Default)]
pub struct NewPasswordOptions {
    #[command(flatten)]
    pub puk: PukOptions,
    #[arg(long, value_name = "N", conflicts_with = "new_pin_file")]
    pub new_pin_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub new_pin_file: Option<PathBuf>,
}

// The transport PIN, where a card may have one.
#[derive(Args, Clone, Debug, Default)]
pub struct TransportOptions {
    #[arg(long, value_name = "N", conflicts_with = "transport_pin_file")]
    pub transport_pin_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub transport_pin_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug, Default)]
pub struct ActivateOptions {
    #[command(flatten)]
    pub transport: TransportOptions,
    #[command(flatten)]
    pub pins: PinOptions,
    #[command(flatten)]
    pub puk: PukOptions,
}

#[derive(Args, Clone, Debug, Default)]
pub struct RenewOptions {
    #[arg(long, value_name = "LINK", conflicts_with_all = ["resume", "ca"])]
    pub link: Option<String>,
    // What was begun goes on as it was planned.
    #[arg(long, conflicts_with_all = ["service", "policy", "same_key"])]
    pub resume: bool,
    #[arg(long)]
    pub yes: bool,
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub service: ServiceOptions,
    #[arg(long)]
    pub same_key: bool,
    #[arg(long)]
    pub plain: bool,
    #[command(flatten)]
    pub pins: PinOptions,
}

#[derive(Args, Clone, Debug, Default)]
pub struct RegisterOptions {
    #[arg(long, value_name = "DIR")]
    pub nss: Vec<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub module: Option<PathBuf>,
    #[arg(long)]
    pub remove: bool,
    #[arg(long)]
    pub yes: bool,
}

// Ending a certificate.
#[derive(Args, Clone, Debug)]
pub struct RevokeOptions {
    #[arg(value_parser = ending, value_name = "SERIAL|FILE")]
    pub revoked: Ending,
    #[arg(long, value_enum, default_value = "unspecified", value_name = "REASON")]
    pub why: Why,
    #[arg(long)]
    pub without_card: bool,
    #[command(flatten)]
    pub service: ServiceOptions,
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub pins: PinOptions,
    #[arg(long, value_name = "N", conflicts_with = "revocation_password_file")]
    pub revocation_password_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub revocation_password_file: Option<PathBuf>,
}

// The password that ends certificates, set by who is logged in.
#[derive(Args, Clone, Debug, Default)]
pub struct RevocationPasswordOptions {
    #[arg(long, value_name = "N", conflicts_with = "revocation_password_file")]
    pub revocation_password_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub revocation_password_file: Option<PathBuf>,
    #[arg(long, value_name = "N", conflicts_with = "old_revocation_password_file")]
    pub old_revocation_password_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub old_revocation_password_file: Option<PathBuf>,
    #[command(flatten)]
    pub service: ServiceOptions,
    #[command(flatten)]
    pub pins: PinOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Why {
    KeyCompromise,
    Superseded,
    AffiliationChanged,
    CessationOfOperation,
    Unspecified,
}

/// A certificate that is to end, as it is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Serial(String),
    File(PathBuf),
}

// A serial number as `card show` prints it, and OpenSSL; whatever else it is, it is a file.
fn ending(text: &str) -> Result<Ending, Infallible> {
    Ok(serial_digits(text).map_or_else(|| Ending::File(text.into()), Ending::Serial))
}

// The passwords of a first order, when nobody is there to be asked.
#[derive(Args, Clone, Debug, Default)]
pub struct CredentialOptions {
    #[arg(long, value_name = "N", conflicts_with = "one_time_password_file")]
    pub one_time_password_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub one_time_password_file: Option<PathBuf>,
    #[arg(long, value_name = "N", conflicts_with = "revocation_password_file")]
    pub revocation_password_fd: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub revocation_password_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug, Default)]
pub struct FirstOptions {
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    #[arg(long, conflicts_with_all = ["service", "policy"])]
    pub resume: bool,
    #[arg(long)]
    pub yes: bool,
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub service: ServiceOptions,
    #[arg(long = "module", value_name = "MODULE", value_parser = module)]
    pub of_module: Option<String>,
    #[arg(long)]
    pub plain: bool,
    #[command(flatten)]
    pub credentials: CredentialOptions,
    #[command(flatten)]
    pub pins: PinOptions,
}

// As it may stand in a path.
fn module(text: &str) -> Result<String, String> {
    let label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let sound = (1..=32).contains(&text.len()) && text.bytes().all(label);
    if sound { Ok(text.to_owned()) } else { Err("1-32 x A-Z a-z 0-9 -".into()) }
}

// Which service: one that is built in, or any other from its file.
#[derive(Args, Clone, Debug, Default)]
pub struct ServiceOptions {
    #[arg(long, value_enum, value_name = "SERVICE", conflicts_with = "policy")]
    pub service: Option<Scenario>,
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

impl ServiceOptions {
    /// Whether the service was named; else it is `twins`.
    pub const fn is_named(&self) -> bool {
        self.service.is_some() || self.policy.is_some()
    }
}

#[derive(Args, Clone, Debug)]
pub struct NewCard {
    #[arg(value_name = "FILE")]
    pub state: PathBuf,
    #[arg(long, value_name = "DIR")]
    pub house: Option<PathBuf>,
    #[arg(long, value_name = "ID", requires = "house", conflicts_with = "empty")]
    pub applicant: Option<String>,
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
    #[arg(long)]
    pub empty: bool,
    #[arg(long, value_enum, value_name = "MODEL")]
    pub inactive: Option<Model>,
    #[command(flatten)]
    pub transport: TransportOptions,
    #[arg(long, value_name = "TEXT")]
    pub serial: Option<String>,
    #[arg(long, value_enum, value_name = "KIND", default_value_t = KeyKind::Rsa2048)]
    pub authentication_key: KeyKind,
    #[arg(long, value_enum, value_name = "KIND", default_value_t = KeyKind::P256)]
    pub signature_key: KeyKind,
    #[command(flatten)]
    pub pins: PinOptions,
    #[command(flatten)]
    pub puk: PukOptions,
}

impl NewCard {
    /// The model of an inactive card. What is made for an applicant is one: it is handed over with its transport PIN.
    pub fn model(&self) -> Option<Model> {
        self.inactive.or_else(|| self.applicant.as_ref().map(|_| Model::Separate))
    }
}

/// A transport PIN model, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    Separate,
    InPlace,
    Empty,
    Null,
    MustChange,
    SingleUse,
    FiveDigits,
}

impl From<Model> for TransportPinModel {
    fn from(model: Model) -> Self {
        match model {
            Model::Separate => Self::Separate,
            Model::InPlace => Self::InPlace,
            Model::Empty => Self::Empty,
            Model::Null => Self::Null,
            Model::MustChange => Self::MustChange,
            Model::SingleUse => Self::SingleUse,
            Model::FiveDigits => Self::FiveDigits,
        }
    }
}

/// A kind of key, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    #[value(name = "rsa-2048")]
    Rsa2048,
    #[value(name = "rsa-3072")]
    Rsa3072,
    #[value(name = "p-256")]
    P256,
    #[value(name = "p-384")]
    P384,
}

impl From<KeyKind> for KeyAlgorithm {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa2048 => Self::Rsa2048,
            KeyKind::Rsa3072 => Self::Rsa3072,
            KeyKind::P256 => Self::P256,
            KeyKind::P384 => Self::P384,
        }
    }
}
