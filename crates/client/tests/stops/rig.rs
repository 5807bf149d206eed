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

    /// Whether it is quick enough to go on from each point by itself. Otherwise it is gone on from those points only that
    /// leave other files behind than each point before them: a process that died leaves nothing but files.
    const EACH_POINT: bool;

    /// Makes a card in `folder` with nothing on it but the holder's PINs.
    fn blank(folder: &Path);

    /// Makes a card in `folder` with a key of each role, and puts the certificates on it that `certify` gives for them.
    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>);

    /// Puts the card in `folder` into a reader. One is there at a time.
    fn insert(folder: &Path) -> Self;

    /// The card, as a process of this life reaches it: each of its effects on the card passes `life`.
    fn token(&self, life: &Mortal) -> SharedToken;

    /// What the holder knows.
    fn pin(password: PasswordKind) -> Secret;

    /// The card, as somebody reaches it who does not take part: nothing that is planned for the program happens to him.
    fn witness(&self) -> SharedToken;
}

/// When a command is torn: the card has lost its power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    Before,
    /// After the first thing that the command writes, behind which it writes once more at most, at its end.
    Inside,
    After,
}

/// A card that can be torn out of the reader in the middle of a command.
pub trait Tearing: Rig {
    /// How its commands can be torn.
    const TEARS: &[Tear];

    /// Whether what a life passes is a command to the card, that can be torn.
    fn is_command(effect: &str) -> bool;

    /// Takes the power at a command, from 0, counted from here on.
    fn tear(&self, at: usize, tear: Tear);

    /// Whether that came about.
    fn is_torn(&self) -> bool;

    /// Tries of this password that are gone after this command was torn so: a sound card counts down before it compares.
    fn tries_gone(command: &str, tear: Tear, password: PasswordKind) -> u8;
}
