//! The audit log: what happened, in the order in which it did, so that whoever changes it afterwards is found out.
//!
//! - [`AuditRecord`] and [`AuditEvent`]: one thing that happened, with no personal data in it.
//! - [`AuditAnchors`]: where the log ended, outside the database and under a key.
//! - [`AuditLog`]: reads and checks it, and notes what is not the store's own business.
//! - [`AuditFinding`]: what was done to it, with the number of the record; or to the tables that it speaks of.
//! - [`AuditComparison`]: whether the database has the certificates that the log saw, as it left them.

mod actor;
mod anchors;
mod check;
mod comparison;
mod log;
mod record;

pub use anchors::{AuditAnchors, AuditKey};
pub use check::{AuditCheck, AuditFinding};
pub use comparison::{AuditComparison, Recorded};
pub use log::AuditLog;
pub use record::{AuditEvent, AuditHead, AuditRecord};

pub(crate) use actor::this_process;
pub(crate) use anchors::Line as AuditLine;
pub(crate) use record::{Entry, hash as chained};
