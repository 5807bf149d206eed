//! Mails on their way: out of the CA's outbox, into a folder or to a relay.

mod carrier;
mod config;
mod message;
mod postman;

pub use carrier::{Carrier, NotCarried, Relay};
pub use config::{MailConfig, MailConfigError, SmtpConfig, TlsMode};
pub use postman::{Delivered, Delivery, Postman, PostmanError, Rounds};
