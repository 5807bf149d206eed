#![doc = include_str!("../README.md")]
//!
//! - [`Ca`]: policy, keys and memory together; [`Ca::answer`] is the door for clients, [`Ca::approve`] the operator's.
//! - [`Policy`]: what is issued, to whom, when; read from TOML, strictly.
//! - [`Issuer`] and [`CaKey`]: the CA's certificates and its private key.
//! - [`Order`] and [`Refusal`]: what a renewal must be like, and each rule by its name.
//! - [`FirstDesk`]: who has no certificate yet: one-time passwords, and revocation passwords.
//! - [`StatusDesk`]: who is revoked, by OCSP and CRL.
//! - [`AuditLog`]: what happened, and whether anybody changed that afterwards.
//! - [`Outbox`]: mails that are to go out, each once; [`LinkDesk`]: the signed, single-use links in them;
//!   [`NoticeDesk`]: who is told that certificates end.
//! - [`RevocationDesk`]: certificates that end because their holder or an operator says so.
//! - [`RetentionDesk`]: how long personal data is kept.
//! - [`ApplicantDesk`]: people who apply for a card, from the form to the hand-over.
//! - [`Store`] and [`SqliteStore`]: what is remembered, all of an order or nothing.
//! - [`PickUpToken`]: waiting without card and PIN.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod answer;
mod applicant;
mod audit;
mod ca;
mod certificate;
mod first;
mod issuer;
mod key;
mod key_hash;
mod lapse;
mod link;
mod mail;
mod notice;
mod order;
mod outbox;
mod pair;
mod policy;
mod qualified;
mod ready;
mod receipt;
mod recent;
mod refusal;
mod retention;
mod revocation;
mod sealed;
mod secret;
mod status;
pub mod store;
mod token;
mod transaction;

pub use answer::{AnswerError, Begun, Kept, Response, Slow, Unfinished};
pub use applicant::{
    ApplicantData, ApplicantDesk, ApplicantError, ApplicantId, CardCertificateError, DataError, Personalised,
    Registered, Stage, Step, StepRefused, TransportPin,
};
pub use audit::{
    AuditAnchors, AuditCheck, AuditComparison, AuditEvent, AuditFinding, AuditHead, AuditKey, AuditLog, AuditRecord,
    Recorded,
};
pub use ca::{Ca, CaError, Outcome};
pub use certificate::{IssueError, IssuedCertificate};
pub use first::{
    CredentialSecret, FirstDesk, FirstError, IssuedPassword, ReplacedRevocationPassword, RevocationPasswordError,
    RevocationPasswords, Subject,
};
pub use issuer::{Issuer, IssuerError};
pub use key::{CaKey, KeyFileError};
pub use key_hash::KeyHash;
pub use lapse::Lapse;
pub use link::{LinkDesk, LinkError, LinkId, LinkPurpose, LinkToken, OpenLink};
pub use mail::{AddressError, English, Letter, Mail, MailAddress, MailError, MailKind, MailLink, Text, Texts};
pub use notice::{NotDue, Notice, NoticeDesk, NoticesDone};
pub use order::Order;
pub use outbox::Outbox;
pub use pair::{FirstPair, Profile};
pub use policy::{
    Approval, FirstPolicy, GuessPolicy, NoticePolicy, Policy, PolicyError, ProfilePolicy, QualifiedPolicy,
    RegistrationPolicy, RetentionPolicy, RevocationPasswordPolicy, RevocationPolicy, service_option,
};
pub use refusal::Refusal;
pub use retention::RetentionDesk;
pub use revocation::{AskedPassword, AskedRevocation, RevocationDesk};
pub use status::{OcspResponse, StatusDesk, StatusError};
pub use store::{SqliteStore, Store, StoreError};
pub use token::{PickUpSecret, PickUpToken};
pub use transaction::{Transaction, TransactionError, to_hex};

pub use obnova_enroll::cmc::{CertificateId, ReceivedCertificate};
