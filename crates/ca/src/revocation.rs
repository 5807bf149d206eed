//! Certificates that end before their time: because their holder says so, or an operator.

mod asked;
mod desk;

pub use asked::AskedRevocation;
pub use desk::RevocationDesk;
