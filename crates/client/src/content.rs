use obnova_card::{Removal, Repair};
use obnova_card_rustls::SharedToken;
use obnova_renewal::{CardView, Completion, MANAGING_PASSWORD, PinUse};

use crate::{Finish, Prompt, RunError, look::lock, pins::with_password};

/// Installs a pair of certificates for keys that waited on the card, without a journal, and reads them back. What is there
/// already is not written again, and takes no PIN. First ones are shown to the holder before, as in an order with a journal.
/// [`Finish`] does this, and what comes after it.
///
/// # Errors
/// [`RunError`]; [`RunError::NotOnCard`] when the card does not show what was written, [`RunError::Declined`] when the holder
/// does not agree to the certificates.
pub fn install_completion(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    completion: &Completion,
) -> Result<(), RunError> {
    Finish::new(token, prompt, &completion.certificates, &[]).install(completion)
}

/// The card as [`look`](crate::look) has it, and with it what interruptions left and the token [hides](obnova_card::Capabilities::hides):
/// for that the PIN is asked for, and for a token that hides nothing it is not. What is seen so can be [removed](remove).
///
/// # Errors
/// [`RunError`].
pub fn look_closely(token: &SharedToken, prompt: &mut dyn Prompt) -> Result<CardView, RunError> {
    let card = crate::look(lock(token).as_mut())?;
    if !card.capabilities.hides {
        return Ok(card);
    }
    let uses = [PinUse::SeeLeftOvers];
    let slots = with_password(token, prompt, MANAGING_PASSWORD, &uses, |token, pin| token.slots_with_pin(pin))?;
    Ok(CardView::new(card.identity, card.capabilities, card.passwords, slots))
}

/// Removes what [`removals`](obnova_renewal::removals) approved, in one go, and returns the card as it is then.
///
/// # Errors
/// [`RunError`].
pub fn remove(token: &SharedToken, prompt: &mut dyn Prompt, orders: &[Removal]) -> Result<CardView, RunError> {
    if !orders.is_empty() {
        with_password(token, prompt, MANAGING_PASSWORD, &[PinUse::Remove], |token, pin| token.remove(orders, pin))?;
    }
    Ok(crate::look(lock(token).as_mut())?)
}

/// Repairs the card's list of what it holds, and returns what was done: what [`Token::repairs`](obnova_card::Token::repairs)
/// told before, if the card is as it was. Where nothing is to be done no PIN is asked for.
///
/// # Errors
/// [`RunError`].
pub fn repair(token: &SharedToken, prompt: &mut dyn Prompt) -> Result<Vec<Repair>, RunError> {
    if lock(token).repairs()?.is_empty() {
        return Ok(Vec::new());
    }
    with_password(token, prompt, MANAGING_PASSWORD, &[PinUse::Repair], |token, pin| token.repair(pin))
}
