//! Certificates that end before their time: because their holder says so, or an operator.

mod asked;
mod desk;
mod password;

pub use asked::AskedRevocation;
pub use desk::RevocationDesk;
pub use password::AskedPassword;
