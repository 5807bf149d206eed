use std::io;

use obnova_ca::{CaError, IssueError, IssuerError, KeyFileError, PolicyError, StoreError};
use obnova_client::{card::KeyRole, renewal::UnreadableCertificate};

use crate::OrderError;

/// Why the office does not even enter an order.
#[derive(Debug, thiserror::Error)]
pub enum Objection {
    /// It is no order.
    #[error("the order cannot be read: {0}")]
    Unreadable(#[from] OrderError),
    /// What lies in the folder is not even a parcel.
    #[error("the order cannot be read: {0}")]
    Parcel(String),
    /// The statement is about something else.
    #[error("the statement is not about these requests under this number: sign it again")]
    Statement,
    /// The old certificate is not one of this house.
    #[error("the old {0} certificate is not in the register of this house")]
    UnknownCertificate(KeyRole),
    /// Somebody did not sign.
    #[error("the signature of the old {0} key under the statement is missing: both old keys sign it")]
    MissingSignature(KeyRole),
    /// Somebody else signed.
    #[error("the signature under the statement was not made by the old {0} key")]
    ForeignSignature(KeyRole),
}

impl Objection {
    /// Its name: the first line of the refusal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Parcel(_) => "unreadable-order",
            Self::Statement => "statement",
            Self::UnknownCertificate(_) => "unknown-certificate",
            Self::MissingSignature(_) => "missing-signature",
            Self::ForeignSignature(_) => "foreign-signature",
        }
    }
}

/// Why the office could not work.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// Nothing is wrong with the office: the order gets this as its answer.
    #[error(transparent)]
    Objection(#[from] Objection),
    /// The folder, or the office's own directory.
    #[error("the office's files: {0}")]
    Io(#[from] io::Error),
    /// The CA.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Its register.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Its policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Its certificate.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A certificate could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// Its root certificate cannot be read.
    #[error(transparent)]
    Root(#[from] UnreadableCertificate),
}
