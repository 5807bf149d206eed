//! Passwords that a card has, and that what the holder chose is compared with.

use obnova_card::{PasswordKind, PasswordStatus};
use obnova_client::{Prompt, RunError, SharedToken, with_password};
use obnova_renewal::CardView;

/// What was set before a tear, and costs a try when it is not what is chosen now.
pub fn compared(card: &CardView) -> Vec<PasswordStatus> {
    card.capabilities.activation.map_or_else(Vec::new, |activation| activation.compares(&card.passwords))
}

/// Compares each password of an active card that it compares, until one is wrong.
pub fn compare_all(token: &SharedToken, prompt: &mut dyn Prompt, card: &CardView) -> Result<(), RunError> {
    comparable(card).try_for_each(|PasswordStatus { kind, .. }| {
        with_password(token, prompt, *kind, &[], |token, typed| token.compare_password(*kind, typed))
    })
}

/// The passwords of an active card that it compares alone.
pub fn comparable(card: &CardView) -> impl Iterator<Item = &PasswordStatus> {
    card.passwords.iter().filter(|status| status.kind != PasswordKind::Puk || card.capabilities.takes_puk)
}
