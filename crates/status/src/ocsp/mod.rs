//! OCSP (RFC 6960): questions about single certificates, and signed answers.
//!
//! - A client asks with a [`Question`], which also checks the answer.
//! - A CA answers with a [`Responder`]: his own table as a closure, his own key behind [`ResponseToSign`].
//! - [`responder_extensions`]: what stands in the certificate of a responder that the CA delegates to.
//! - [`Request`] and [`CertId`]: what is asked, as it travels. [`http`]: how it travels.
//!
//! Written to the light profile of RFC 5019 where it says something: one certificate a question, SHA-1 certIDs unless told
//! otherwise, byKey responder identifiers, nextUpdate always there. The nonce (RFC 8954, RFC 9654) is what it leaves out: it is
//! asked for and given here.

mod answer;
mod cert_id;
mod check;
mod delegate;
mod error_status;
mod nonce;
mod question;
mod request;
mod responder;
mod response;
mod syntax;

pub mod http;

pub use answer::{AnswerError, ResponseToSign};
pub use cert_id::{CertId, IdDigest};
pub use check::{OcspError, Verdict};
pub use delegate::{DelegateError, responder_extensions};
pub use error_status::ErrorStatus;
pub use nonce::{Nonce, NonceLength};
pub use question::{Question, QuestionError};
pub use request::{Request, RequestError};
pub use responder::{Answer, CertStatus, Responder, ResponderError, Unavailable};
