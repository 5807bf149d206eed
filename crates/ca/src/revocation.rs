//! Certificates that end before their time: because their holder says so, or an operator.

mod asked;
mod desk;
mod letters;
mod password;
mod taken_in;

pub use asked::AskedRevocation;
pub use desk::RevocationDesk;
pub(crate) use letters::ToHolders;
pub use password::AskedPassword;
