//! Objects of ISO/IEC 7816-15 (PKCS#15) as the profile uses them (§2): what every program that knows smart cards reads.
//!
//! Each entry is written in one form only; readers take what other writers of the same entries might put in (absent optional
//! fields, fields that are not used here), and nest as deep as the form has levels, never by what the card says.

mod certificate;
mod constant;
mod fields;
mod key;
mod label;

pub use certificate::CertificateEntry;
pub use constant::{PinEntry, TokenInfo, aodf, ef_dir, odf};
pub use fields::EntryError;
pub use key::{KeyUsage, PrivateKeyEntry, PublicKeyEntry};
pub use label::{Label, LabelError, SUPERSEDED_SUFFIX};

/// Longest identifier of an object in bytes.
pub const MAX_ID: usize = 20;

#[cfg(test)]
mod tests;
