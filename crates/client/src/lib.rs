#![doc = include_str!("../README.md")]
//!
//! - [`Runner`]: does what a [`Process`](obnova_renewal::Process) says, one step at a time, with the five [`Seams`].
//! - [`Prompt`]: the holder. [`CaConnection`]: the CA, whatever it speaks. [`Journal`] and [`FileJournal`]: the memory;
//!   [`journal_format`]: what stands in its file.
//! - [`Credentials`]: what speaks for who asks for first certificates, and how they are asked for.
//! - [`Foreseen`]: what will be asked for, and which tries are low, before a key is made.
//! - [`EstConnection`] over [`Https`], or any [`HttpExchange`]: CMC over EST. [`TlsLogin`]: a login with the card as the proof.
//! - [`look`]: reads a card for a plan. [`check_up`]: the computer check. [`read_mailed`],
//!   [`follow_link`]: certificates that came as files, or by a link.
//! - [`Finish`]: certificates that came without a journal are put on the card, the issuer is told so ([`PickUpLink`]), and they are
//!   proven.
//! - [`activate`], [`install_completion`], [`remove`], [`with_password`]: what is done on a card outside of a renewal.
//! - [`revoke_with_card`], [`revoke_by_password`]: certificates that end before their time, and are asked about afterwards;
//!   [`set_revocation_password`]: the password for that, of a holder who is logged in.
//! - [`programs`]: where other programs look for certificates.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod activation;
mod ca;
mod content;
mod credentials;
mod doctor;
mod error;
mod est;
mod finish;
mod foreseen;
mod https;
mod journal;
mod link;
mod login;
mod look;
mod mailed;
mod pins;
pub mod programs;
mod prompt;
mod revocation;
mod runner;
mod standing;

pub use activation::activate;
pub use ca::{CaConnection, CaError};
pub use content::{install_completion, look_closely, remove, repair};
pub use credentials::{Credential, CredentialProblem, CredentialRequest, Credentials};
pub use doctor::{Check, Checkup, Outcome, Problem, Subject, check_up, is_ready};
pub use error::RunError;
pub use est::{EstConnection, SimpleEstConnection};
pub use finish::{Finish, ReceiptError};
pub use foreseen::{Foreseen, Wanted};
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use https::exchange_over;
pub use https::{HttpExchange, Https, Patience, PlainHttp, tls_config};
pub use journal::{FileJournal, Journal, JournalError, MemoryJournal, format as journal_format};
pub use link::{LinkError, PickUpLink, RenewalLink, follow_link, is_link};
pub use login::{Login, LoginError, LoginExchange, LoginProof, TlsLogin};
pub use look::look;
pub use mailed::{MailedError, read_mailed};
pub use pins::with_password;
pub use prompt::{PinRequest, Progress, Prompt, PromptError, Question};
pub use revocation::{
    Confirmation, OnSameKey, PasswordSet, PasswordWanted, Revocation, RevocationError, RevocationPlan,
    RevocationReason, Revoked, SetPasswordError, Told, revoke_by_password, revoke_with_card, set_revocation_password,
};
pub use runner::{Pause, Runner, Seams, Turn};
pub use standing::{ConfirmedBy, NotConfirmed, StatusExchange, StatusProblem};

pub use obnova_card as card;
pub use obnova_card_rustls::{SharedToken, share};
pub use obnova_enroll as enroll;
pub use obnova_renewal as renewal;
pub use obnova_status as status;
