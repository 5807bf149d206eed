use std::sync::{MutexGuard, PoisonError};

use obnova_card::{Overview, Token, TokenError};
use obnova_card_rustls::SharedToken;
use obnova_renewal::CardView;

/// Asks a token the four questions that a plan is made from. No PIN is needed and no try is spent.
///
/// # Errors
/// As the token.
pub fn look(token: &mut dyn Token) -> Result<CardView, TokenError> {
    let Overview { identity, capabilities, passwords, slots } = token.overview()?;
    Ok(CardView::new(identity, capabilities, passwords, slots))
}

/// A card whose user panicked is still a card: each of its operations begins anew.
pub(crate) fn lock(token: &SharedToken) -> MutexGuard<'_, Box<dyn Token>> {
    token.lock().unwrap_or_else(PoisonError::into_inner)
}
