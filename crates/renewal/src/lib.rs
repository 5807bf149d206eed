#![doc = include_str!("../README.md")]
//!
//! Read it in this order:
//! - [`CardView`]: a card at one moment; [`ParsedCertificate`]: a certificate, read once.
//! - [`Policy`] and [`current_pair`]: what a house asks, and which pair is due; [`Reason`]: why not.
//! - [`Plan`]: what will be done, with [`Ask`]s and [`Risk`], before anything is. [`Standing`]: whether old certificates are revoked. [`Wishes`]: what a CA makes of it.
//! - [`NoticeLink`]: the link of a mail by which a renewal begins.
//! - [`Process`]: the state machine; [`Action`] out, [`Event`] in, [`Record`]s to write down.
//! - [`RevocationRules`]: by what a service lets its holders end certificates.
//! - [`check_certificates`] and [`Refusal`]: what came back, measured against what was ordered.
//! - [`scan`], [`Completion`], [`match_loose`]: after a lost journal, and for mailed files.
//! - [`removable`], [`removals`] and [`keys_lost`]: the clean-up rule. [`Diagnosis`]: for the help desk.
//! - [`Order`], [`Prepared`], [`Message`], [`Answer`]: what passes to and from any CA.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod action;
mod by_role;
mod certificate;
mod chain;
mod check;
mod clean;
mod diagnosis;
mod eligibility;
mod event;
mod matching;
mod notice;
mod order;
mod pair;
mod plan;
mod policy;
mod process;
mod reason;
mod record;
mod recover;
mod refusal;
mod revocation;
mod room;
mod service;
mod standing;
mod uses;
mod view;
mod waiting;
mod wire;
mod wishes;

pub use action::{Action, Asked, Consent, PinNeed, Question, Summary};
pub use by_role::ByRole;
pub use certificate::{ParsedCertificate, UnreadableCertificate, serial_digits};
pub use chain::follow as follow_chain;
pub use check::{Expected, MAX_CERTIFICATES, check_certificates};
pub use clean::{Because, Guard, NotConfirmed, Removable, keys_lost, removable, removals};
pub use diagnosis::Diagnosis;
pub use eligibility::{chosen_pair, current_pair};
pub use event::Event;
pub use matching::{Loose, Matched, match_loose};
pub use notice::{LinkAnswer, LinkRefusal, NoticeLink};
pub use order::{Answer, Message, Order, OrderedRequest, PickUp, Prepared, Receipt, Terms, ToSign, Voucher, Vouching};
pub use pair::Pair;
pub use plan::{MANAGING_PASSWORD, NewKey, OldKey, Plan, PlannedCard, Risk};
pub use policy::{
    CertificateRules, Method, OneTimePasswords, PasswordRules, Policy, Protocol, QC_COMPLIANCE, QC_SSCD, WeakPassword,
};
pub use process::{Process, ProcessError, ReplayError, Stage};
pub use reason::{NotEligible, Reason, date};
pub use record::{Fact, Failure, Record, Source};
pub use recover::{Completion, Orphan, Prospect, scan};
pub use refusal::{ChainProblem, Oid, Refusal};
pub use revocation::{RevocationReason, RevocationRefusal, RevocationRules};
pub use service::{Service, ServiceError};
pub use standing::{AskStatus, Standing};
pub use uses::{Ask, Phase, PinUse};
pub use view::{CardView, CertificateView, SlotView};
pub use wishes::{Wanted, Wishes};
