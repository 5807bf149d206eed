#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod activation;
mod check;
mod error;
mod in_place;
mod location;
mod new_password;
mod password_steps;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod pkcs11_uri;
mod profile;
mod token;

pub use activation::Activation;
pub use error::TokenError;
pub use in_place::InPlaceOnly;
pub use location::{Location, LocationError};
pub use new_password::{Alphabet, BrokenRule, NewPasswords, PasswordPolicy, PasswordRules};
pub use obnova_algorithm::Secret;
pub use password_steps::{Dead, Offer, PasswordStep, PasswordSteps};
#[cfg(feature = "pkcs11")]
pub use pkcs11::{Pkcs11Call, Pkcs11Count, Pkcs11Observer, Pkcs11Options, Pkcs11Token, Pkcs11Trace};
pub use pkcs11_uri::{Pkcs11Uri, Pkcs11UriError};
pub use profile::{ProfileToken, Repair};
pub use token::{
    Capabilities, CertificateDirectory, CertificateEntry, GenerateKey, Identity, InstallCertificate, KeyEntry, KeyRole,
    Overview, PasswordKind, PasswordState, PasswordStatus, Pin, Removal, SignDigest, Slot, SlotId, Token, Tries,
};
