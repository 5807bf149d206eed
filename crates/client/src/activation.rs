use obnova_card::{Activation, PasswordKind, Pin, Secret, TokenError, Tries};
use obnova_card_rustls::SharedToken;

use crate::{
    Prompt, RunError,
    look::lock,
    pins::{Once, retry, retry_after, sure_of_last},
};

/// A new password for each that stays, as [`NewPasswords`](obnova_card::NewPasswords) hands them out.
type New = [(PasswordKind, Secret)];

/// Activates a token with new passwords that were [collected](obnova_card::NewPasswords) and checked before. The transport PIN
/// is asked for where there is one, at the reader's pad where [it can be](Activation) and the face takes it, again when it was wrong and tries are left; the last one is never spent without a clear
/// yes, which a transport PIN that works once always takes.
///
/// When it was torn, do it again with the same new passwords. What was set before the tear is [compared](Activation::compares): where another
/// one was collected now, the one that was set is asked for like any PIN that was wrong, and what else was collected stays.
///
/// # Errors
/// [`RunError::Token`], in particular [`TokenError::Finished`]; [`RunError::Prompt`]; [`RunError::LastTryKept`].
pub fn activate(token: &SharedToken, prompt: &mut dyn Prompt, new: &New) -> Result<(), RunError> {
    let needed = lock(token).capabilities()?.activation;
    let mut new = new.to_vec();
    let Some(Activation::TransportPin { at_pad, .. }) = needed else {
        // What is wrong with its state the token says itself.
        return go_on(token, prompt, &Pin::new(Secret::new(Vec::new())), &mut new);
    };
    let asker = Once::new(token, prompt, &[])?;
    // A new password that was collected here goes along with it, and the reader takes no two of different kinds.
    let mut asker = if at_pad { asker } else { asker.at_keyboard() };
    retry(&mut asker, PasswordKind::TransportPin, |asker, pin| go_on(token, asker.prompt, pin, &mut new))
}

/// Until each password that was set before a tear is the one that was set.
fn go_on(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    transport: &Pin,
    new: &mut [(PasswordKind, Secret)],
) -> Result<(), RunError> {
    let mut outcome = once_sure(token, prompt, transport, new);
    while let Err(RunError::Token(TokenError::WrongSecret { password, tries })) = outcome
        && password != PasswordKind::TransportPin
        && tries != Tries::Known(0)
    {
        let mut asker = Once::new(token, prompt, &[])?.at_keyboard();
        outcome = retry_after(1, &mut asker, password, |asker, pin| {
            for (_, chosen) in new.iter_mut().filter(|(kind, _)| *kind == password) {
                chosen.clone_from(&pin.secret);
            }
            let transport = Pin { keep_tries: transport.keep_tries.min(pin.keep_tries), ..transport.clone() };
            let is_active = lock(token).capabilities()?.activation.is_none();
            if is_active {
                compare(token, transport.keep_tries, new)
            } else {
                once_sure(token, asker.prompt, &transport, new)
            }
        });
    }
    outcome
}

/// A card of version 1.0 of the profile is active before it compares what was set, and compares PINs alone.
fn compare(token: &SharedToken, keep_tries: u8, new: &New) -> Result<(), RunError> {
    new.iter().filter(|(kind, _)| *kind != PasswordKind::Puk).try_for_each(|(kind, chosen)| {
        let chosen = Pin { keep_tries, ..Pin::new(chosen.clone()) };
        Ok(lock(token).compare_password(*kind, &chosen)?)
    })
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
