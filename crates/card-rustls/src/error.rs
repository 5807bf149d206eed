use obnova_algorithm::VerifyError;
use obnova_card::{SlotId, TokenError};
use rustls::SignatureScheme;

use crate::PinUnavailable;

/// Why what a slot holds cannot be a TLS client key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The card could not be read.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no such slot, or no key in it.
    #[error("slot {slot} holds no key: choose another one")]
    NoKey {
        /// Which one.
        slot: SlotId,
    },
    /// The key has no certificate yet.
    #[error("the key in slot {slot} has no certificate: install it first")]
    NoCertificate {
        /// Which one.
        slot: SlotId,
    },
    /// What lies beside the key is not a certificate, or one for a key that is not supported.
    #[error("the certificate in slot {slot} cannot be used: {problem}")]
    BadCertificate {
        /// Which one.
        slot: SlotId,
        /// What is wrong with it.
        problem: String,
    },
    /// The certificate is for another key.
    #[error("the certificate is not for the key in slot {slot}: install the right one")]
    AnotherKey {
        /// Which one.
        slot: SlotId,
    },
    /// The card signs with this key in no way that TLS knows.
    #[error("the card makes no signature with the key in slot {slot} that TLS can use: choose another key")]
    NoScheme {
        /// Which one.
        slot: SlotId,
    },
}

/// Why a login did not happen with the card's key, although the handshake itself may have gone through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server did not ask for a certificate, or the handshake ended before it could.
    #[error(
        "the server did not ask for a certificate, so nobody is logged in: check the address, and whether login with a certificate is switched on there"
    )]
    NotAsked,
    /// The server asked, and takes no signature that the card can make: it got no certificate.
    #[error(
        "the server takes none of the signatures that the card can make ({}), so nobody is logged in: it offered {}",
        names(.card), names(.offered)
    )]
    NoCommonScheme {
        /// What the card can do.
        card: Vec<SignatureScheme>,
        /// What the server takes in the protocol version that was agreed on.
        offered: Vec<SignatureScheme>,
    },
    /// The handshake ended after the certificate was promised and before the key was used, for a reason that the
    /// connection's own error tells.
    #[error("the handshake ended before the card's key was used: see the error of the connection")]
    NotFinished,
    /// The connection failed, and not because of the card: the server's certificate, the network, a refusal.
    #[error("the connection failed: {0}")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No PIN was given.
    #[error(transparent)]
    Pin(#[from] PinUnavailable),
    /// The card did not sign.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The card's signature is wrong: it was not sent.
    #[error("the card's signature does not fit the certificate ({0}): the card is faulty, do not use it")]
    WrongSignature(VerifyError),
}

impl LoginError {
    /// What the card said, when it was the card.
    #[must_use]
    pub const fn token(&self) -> Option<&TokenError> {
        match self {
            Self::Token(error) => Some(error),
            _ => None,
        }
    }
}

impl LoginError {
    /// Whether this is what ended the handshake; otherwise the connection knows better.
    pub(crate) const fn is_from_the_card(&self) -> bool {
        matches!(self, Self::Pin(_) | Self::Token(_) | Self::WrongSignature(_))
    }
}

fn names(schemes: &[SignatureScheme]) -> String {
    let names: Vec<_> = schemes.iter().map(|scheme| format!("{scheme:?}")).collect();
    names.join(", ")
}
