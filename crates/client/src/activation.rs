use obnova_card::{Activation, PasswordKind, Pin, Secret, TokenError};
use obnova_card_rustls::SharedToken;

use crate::{
    Prompt, RunError,
    look::lock,
    pins::{Once, retry, sure_of_last},
};

/// A new password for each that stays, as [`NewPasswords`](obnova_card::NewPasswords) hands them out.
type New = [(PasswordKind, Secret)];

/// Activates a token with new passwords that were [collected](obnova_card::NewPasswords) and checked before. The transport PIN
/// is asked for where there is one, at the reader's pad where [it can be](Activation) and the face takes it, again when it was wrong and tries are left; the last one is never spent without a clear
/// yes, which a transport PIN that works once always takes. When it was torn, do it again with the same new passwords.
///
/// # Errors
/// [`RunError::Token`], in particular [`TokenError::Finished`]; [`RunError::Prompt`]; [`RunError::LastTryKept`].
pub fn activate(token: &SharedToken, prompt: &mut dyn Prompt, new: &New) -> Result<(), RunError> {
    let needed = lock(token).capabilities()?.activation;
    let Some(Activation::TransportPin { at_pad, .. }) = needed else {
        // What is wrong with its state the token says itself.
        return once_sure(token, prompt, &Pin::new(Secret::new(Vec::new())), new);
    };
    let asker = Once::new(token, prompt, &[])?;
    // A new password that was collected here goes along with it, and the reader takes no two of different kinds.
    let mut asker = if at_pad { asker } else { asker.at_keyboard() };
    retry(&mut asker, PasswordKind::TransportPin, |asker, pin| once_sure(token, asker.prompt, pin, new))
}

/// A password that was set before a tear is sent too, and may have one try left.
fn once_sure(token: &SharedToken, prompt: &mut dyn Prompt, transport: &Pin, new: &New) -> Result<(), RunError> {
    let outcome = lock(token).activate(transport, new);
    match outcome {
        Err(TokenError::TooFewTries { password, tries })
            if password != PasswordKind::TransportPin && transport.keep_tries > 0 =>
        {
            sure_of_last(token, prompt, password, tries, false)?;
            Ok(lock(token).activate(&Pin { keep_tries: 0, ..transport.clone() }, new)?)
        }
        outcome => Ok(outcome?),
    }
}
