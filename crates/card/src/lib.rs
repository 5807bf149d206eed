#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod error;
mod secret;
mod token;

pub use error::TokenError;
pub use secret::Secret;
pub use token::{
    Capabilities, CertificateEntry, GenerateKey, Identity, InstallCertificate, KeyEntry, KeyRole, PasswordKind,
    PasswordState, PasswordStatus, Pin, Removal, SignDigest, Slot, SlotId, Token, Tries,
};
