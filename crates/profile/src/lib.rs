#![doc = include_str!("../README.md")]
//!
//! The document of record is [`PROFILE.md`](document). What it says in words stands here as types and constants, and the
//! section numbers in the comments are its:
//!
//! - [`application`]: names of the application, the ATR, what the face for other middleware answers (§1).
//! - [`FileId`], [`ShortFileId`], [`SlotNumber`]: where things are (§2, §4).
//! - [`PasswordReference`], [`PasswordRecord`], [`LifeCycle`], [`TransportPinModel`]: passwords (§3) and activation (§6).
//! - [`SlotRecord`], [`KeyRole`], [`mod@reference`]: keys, and how algorithms are named on the wire (§4).
//! - [`CardStatus`]: the one answer that tells everything but the directories (§5.1). The card encodes it, the host
//!   decodes it.
//! - [`DirectoryLayout`], [`Directory`] and the [`pkcs15`] codecs: what stands in the files (§2.2).
//! - [`command`]: a function for every command of the profile (§5).
//! - [`PublicKeyTemplate`]: the answer of GENERATE ASYMMETRIC KEY PAIR (§5.6).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod application;
pub mod command;
mod directory;
mod file;
mod life_cycle;
mod limits;
mod nesting;
mod password;
pub mod pkcs15;
mod public_key;
pub mod reference;
mod slot;
mod status;
mod transport_pin;

pub use directory::{Directory, DirectoryError, DirectoryLayout, Region};
pub use file::{FileId, ShortFileId};
pub use life_cycle::LifeCycle;
pub use limits::Limits;
pub use password::{PasswordRecord, PasswordReference, PasswordState};
pub use pkcs15::{Label, LabelError, SUPERSEDED_SUFFIX};
pub use public_key::{PublicKeyTemplate, TemplateError};
pub use slot::{CertificateFile, KeyRecord, KeyRole, SlotNumber, SlotRecord};
pub use status::{CardStatus, ProfileVersion, StatusError};
pub use transport_pin::TransportPinModel;

/// The profile, in words: the document of record.
#[doc = include_str!("../PROFILE.md")]
pub mod document {}
