//! What a holder's program does with a card, operation by operation.

use arbitrary::{Arbitrary, Result, Unstructured};
use obnova_card::{PasswordKind, Pin, Secret};

use crate::cards::{Kind, VALUES};
use crate::form::{Form, all, byte};
use crate::liar::Lie;

/// A card, what is done with it, and the lies that are told meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Play {
    /// How the card begins.
    pub kind: Kind,
    /// The driver sends short APDUs only.
    pub short_only: bool,
    /// What is done, in order.
    pub operations: Vec<Operation>,
    /// What is not true.
    pub lies: Vec<Lie>,
}

/// Operations of the longest play.
pub const MOST_OPERATIONS: usize = 6;
/// Lies in the longest play.
pub const MOST_LIES: usize = 24;

/// One operation of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which one.
    pub what: Task,
    /// A slot, or a password.
    pub slot: u8,
    /// Which value is given for the password, and whether its last try may be spent.
    pub secret: u8,
    /// Whatever else there is to choose.
    pub detail: u8,
}

/// What the driver is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Overview,
    Sign,
    Generate,
    Install,
    Remove,
    Change,
    Unblock,
    Activate,
    Repair,
    Passwords,
    /// Written as no other number was that seeds have.
    Compare = COMPARE as isize,
}

const COMPARE: u8 = 0xFE;

const TASKS: [Task; 10] = [
    Task::Overview,
    Task::Sign,
    Task::Generate,
    Task::Install,
    Task::Remove,
    Task::Change,
    Task::Unblock,
    Task::Activate,
    Task::Repair,
    Task::Passwords,
];

/// In [`Operation::secret`]: the last try may be spent.
pub const LAST_TRY: u8 = 0x80;

impl Operation {
    /// The right value of a password of such a card (0 in `secret`), or one of [`VALUES`].
    pub fn pin(&self, card: Kind, kind: PasswordKind) -> Pin {
        let choice = usize::from(self.secret & !LAST_TRY);
        let secret = match choice {
            0 => secret(right(card, kind)),
            choice => secret(VALUES[(choice - 1) % VALUES.len()]),
        };
        if self.secret & LAST_TRY == 0 { Pin::new(secret) } else { Pin::with_last_try(secret) }
    }
}

/// The value that a password of such a card has when it is active, and its transport PIN before that.
pub fn right(card: Kind, kind: PasswordKind) -> &'static [u8] {
    let [authentication, signature, puk] = card.lasting();
    match kind {
        PasswordKind::AuthenticationPin => authentication,
        PasswordKind::SignaturePin => signature,
        PasswordKind::Puk => puk,
        PasswordKind::TransportPin => card.transport(),
    }
}

/// A value as the driver takes it.
pub fn secret(value: &[u8]) -> Secret {
    Secret::from(std::str::from_utf8(value).expect("they are digits"))
}

impl<'a> Arbitrary<'a> for Play {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        Self::read(from)
    }
}

impl Form for Play {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        let start = byte(from)?;
        let kind = Kind::from_number(start & 0x7F);
        let count = usize::from(byte(from)?) % MOST_OPERATIONS + 1;
        let operations = (0..count).map(|_| Operation::read(from)).collect::<Result<_>>()?;
        Ok(Self { kind, short_only: start & 0x80 != 0, operations, lies: all(from, MOST_LIES)? })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.push(self.kind as u8 | if self.short_only { 0x80 } else { 0 });
        to.push(self.operations.len() as u8 - 1);
        for operation in &self.operations {
            operation.write(to);
        }
        for lie in &self.lies {
            lie.write(to);
        }
    }
}

impl Form for Operation {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        let what = match byte(from)? {
            COMPARE => Task::Compare,
            choice => TASKS[usize::from(choice) % TASKS.len()],
        };
        Ok(Self { what, slot: byte(from)?, secret: byte(from)?, detail: byte(from)? })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend([self.what as u8, self.slot, self.secret, self.detail]);
    }
}
