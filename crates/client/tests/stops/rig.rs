use std::path::Path;

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{PasswordKind, Secret};
use obnova_client::SharedToken;
use obnova_renewal::Pair;

use crate::mortal::Mortal;

/// A kind of card to be stopped with. Its whole state is in a folder, which is copied for each stop.
pub trait Rig: Sized {
    /// Name, for what is printed.
    const NAME: &'static str;

    /// Makes a card in `folder` with a key of each role, and puts the certificates on it that `certify` gives for them.
    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>);

    /// Puts the card in `folder` into a reader. One is there at a time.
    fn insert(folder: &Path) -> Self;

    /// The card, as a process of this life reaches it: each of its effects on the card passes `life`.
    fn token(&self, life: &Mortal) -> SharedToken;

    /// What the holder knows.
    fn pin(password: PasswordKind) -> Secret;
}
