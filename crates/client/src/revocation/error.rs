use obnova_card::TokenError;

use crate::{CaError, RunError};

/// Why a certificate was not revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The CA says no, with its signature. Nothing changed.
    #[error("the issuer did not revoke it: {text} ({rule})")]
    Refused {
        /// The name of the rule that is broken.
        rule: String,
        /// In its words, fit to be shown.
        text: String,
    },
    /// The CA says no, with its signature, and everybody who asks is told that it does not know the certificate: it never issued it, or came
    /// back from a backup that was made before. Nothing changed.
    #[error(
        "the issuer did not revoke it: {text} ({rule}); it does not know the certificate, as everybody is told who asks ({place}): look at the number again, or call the issuer, whose operator can revoke what it has issued by the certificate's file"
    )]
    NotKnown {
        /// Where that is told.
        place: String,
        /// The name of the rule that is broken.
        rule: String,
        /// In its words, fit to be shown.
        text: String,
    },
    /// The CA has not decided.
    #[error("the issuer has not decided yet whether it revokes it: ask again later, or ask the issuer")]
    Undecided,
    /// The CA says that it is revoked, and everybody who asks is told something else.
    #[error(
        "the issuer says that it is revoked, and everybody who asks is told that it is {instead} ({place}): do not rely on it, ask again, and if it stays, call the issuer"
    )]
    Contradicted {
        /// Where.
        place: String,
        /// What is told there.
        instead: &'static str,
    },
    /// There is no key to speak with.
    #[error("no key on the card can speak for it: without a card the revocation password alone may be enough")]
    NoSigner,
    /// Its own key does not speak, and the revocation password is not there.
    #[error("no key on this card is known to be its own: the revocation password is needed")]
    PasswordNeeded,
    /// The CA wants the revocation password from the certificate's own key too: the same again, with it. Nothing changed, and nothing
    /// was guessed.
    #[error("its own key is not enough: this issuer wants the revocation password too")]
    PasswordToo,
    /// This is no serial number.
    #[error("this is no serial number: 1 to 40 hexadecimal digits")]
    Serial,
    /// The issuer's own certificate cannot be worked with.
    #[error("the issuer's certificate cannot be used: {0}")]
    Issuer(String),
    /// The certificate with this number, on the card or given, is not one of this issuer's.
    #[error("the certificate with this number is not one of this issuer's")]
    NotOfIssuer,
    /// The card, or its holder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The CA could not be asked, or what came is not believed.
    #[error(transparent)]
    Ca(#[from] CaError),
}

impl From<TokenError> for RevocationError {
    fn from(error: TokenError) -> Self {
        Self::Run(error.into())
    }
}
