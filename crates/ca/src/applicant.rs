//! People who apply for a card, from the form to the hand-over.
//!
//! - [`ApplicantData`]: what they say of themselves, checked.
//! - [`Stage`] and [`Step`]: what has been done, and what may be done next.
//! - [`ApplicantDesk`]: does it, and remembers.

mod certificate;
mod data;
mod desk;
mod error;
mod stage;

pub use certificate::CardCertificateError;
pub use data::{ApplicantData, DataError};
pub(crate) use desk::hash_of;
pub use desk::{ApplicantDesk, ApplicantId, Personalised, Registered, TransportPin};
pub use error::ApplicantError;
pub use stage::{Stage, Step, StepRefused};
