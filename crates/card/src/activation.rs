use crate::{PasswordKind, PasswordState, PasswordStatus, Tries};

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

impl Activation {
    /// Of a token's passwords those that an activation set before it was torn, and that are compared with what is chosen now when it goes
    /// on: a wrong one costs a try of it, and before the token is active nothing sets it anew.
    ///
    /// Where a password of its own opens the activation, be it the transport PIN or the first one that was set, the others are set anew.
    #[must_use]
    pub fn compares(self, passwords: &[PasswordStatus]) -> Vec<PasswordStatus> {
        let is_compared = |kind| match self {
            Self::TransportPin { at_pad, single_use, .. } => !at_pad && !single_use,
            Self::Nothing => true,
            Self::GoesOn { password, .. } => kind == password,
            Self::Finished { .. } => false,
        };
        let was_set = |status: &&PasswordStatus| {
            status.kind != PasswordKind::TransportPin && matches!(status.state, PasswordState::Active(_))
        };
        passwords.iter().filter(was_set).filter(|status| is_compared(status.kind)).copied().collect()
    }
}
