use crate::{PasswordKind, Tries};

/// What it takes to activate a token that was never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Its transport PIN.
    TransportPin {
        /// Tries left.
        tries: Tries,
        /// It is used up when it is sent, right or wrong: check everything else first.
        single_use: bool,
        /// It is presented by a command of its own, and so can be entered at the reader's pad ([`Pin::at_pad`](crate::Pin::at_pad)).
        /// Where it is not, a new password goes along with it, which was chosen and checked here.
        at_pad: bool,
        /// Shortest length in bytes.
        minimum: usize,
        /// Longest length in bytes.
        maximum: usize,
    },
    /// Nothing but the token in hand: there is no transport PIN, or none that is a secret.
    Nothing,
    /// It was begun, and its transport PIN is used up: the password that was set then goes on with it.
    GoesOn {
        /// Which one.
        password: PasswordKind,
        /// Tries left.
        tries: Tries,
    },
    /// It can never be activated: a password that it takes has no try left.
    Finished {
        /// Which one.
        password: PasswordKind,
    },
}
