use obnova_card::{Token, TokenError};
use obnova_renewal::CardView;

/// Asks a token the four questions that a plan is made from. No PIN is needed and no try is spent.
///
/// # Errors
/// As the token.
pub fn look(token: &mut dyn Token) -> Result<CardView, TokenError> {
    Ok(CardView::new(token.identity()?, token.capabilities()?, token.passwords()?, token.slots()?))
}
