use cryptoki::error::{Error, RvError};
use obnova_transport::TransportError;

use super::pin::PIN;
use crate::TokenError;

/// What a failed call means. For `map_err`: `session.sign(…).map_err(failed("C_Sign"))`.
pub(super) fn failed(call: &'static str) -> impl Fn(Error) -> TokenError {
    move |error| match &error {
        Error::Pkcs11(value, _) => match value {
            RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::TokenNotRecognized => {
                TokenError::Transport(TransportError::CardRemoved)
            }
            RvError::SessionHandleInvalid | RvError::SessionClosed => TokenError::Transport(TransportError::CardReset),
            RvError::DeviceMemory => TokenError::Full,
            RvError::UserNotLoggedIn => TokenError::NotGranted { command: call, password: PIN },
            RvError::TokenWriteProtected => {
                TokenError::Unsupported { what: "be written to: it is write protected".to_owned() }
            }
            value => TokenError::Module { call, problem: with_advice(&first_sentence(&value.to_string())) },
        },
        Error::LibraryLoading(problem) => TokenError::Module { call, problem: with_advice(&problem.to_string()) },
        error => TokenError::Module { call, problem: with_advice(&error.to_string()) },
    }
}

fn with_advice(problem: &str) -> String {
    format!("{problem}: take the token out and in again and try once more; if it stays, look into the module's own log")
}

/// cryptoki explains return values with whole paragraphs of the standard.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').trim().to_owned()
}
