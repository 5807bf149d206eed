use crate::{Activation, Capabilities, PasswordKind, PasswordState, PasswordStatus, Tries};

/// Something that a holder does about passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PasswordStep {
    /// Brings a token that was never used to life.
    Activate,
    /// Replaces a password by another, knowing it.
    Change(PasswordKind),
    /// Sets a new PIN with the PUK.
    Unblock(PasswordKind),
}

/// A step that can work now, and what it may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which one.
    pub step: PasswordStep,
    /// The password that it takes and the tries that this one has left; `None` when it takes nothing but the token.
    pub takes: Option<(PasswordKind, Tries)>,
}

/// What nothing helps against any more, but a new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dead {
    /// The token was never activated and cannot be: this password has no try left.
    Token(PasswordKind),
    /// The PUK is blocked: a PIN that is blocked, or ever will be, stays so.
    Puk,
    /// This PIN is blocked, and no PUK unblocks it.
    Pin(PasswordKind),
}

/// What can be done about a token's passwords as it stands, and what cannot be done any more. A front end offers the one, says
/// the other, and asks for no password that cannot help.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PasswordSteps {
    /// What can work.
    pub offers: Vec<Offer>,
    /// What is lost.
    pub dead: Vec<Dead>,
}

impl PasswordSteps {
    /// Reads them from what a token tells without a PIN: [`Token::capabilities`](crate::Token::capabilities) and
    /// [`Token::passwords`](crate::Token::passwords). Where a token [takes no PUK](Capabilities::takes_puk) that has tries left, what takes
    /// it is not offered, and is not lost either: another program may do it.
    #[must_use]
    pub fn of(capabilities: &Capabilities, passwords: &[PasswordStatus]) -> Self {
        match capabilities.activation {
            Some(Activation::Finished { password }) => Self { offers: Vec::new(), dead: vec![Dead::Token(password)] },
            Some(Activation::TransportPin { tries, .. }) => Self::activate(Some((PasswordKind::TransportPin, tries))),
            Some(Activation::GoesOn { password, tries }) => Self::activate(Some((password, tries))),
            Some(activation @ Activation::Nothing) => {
                let compared = activation.compares(passwords);
                let first = compared.iter().find_map(|status| match status.state {
                    PasswordState::Active(tries) => Some((status.kind, tries)),
                    _ => None,
                });
                Self::activate(first)
            }
            None => Self::of_active(capabilities.takes_puk, passwords),
        }
    }

    /// The offer of a step, if it can work.
    #[must_use]
    pub fn offer(&self, step: PasswordStep) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.step == step)
    }

    /// What sets a password anew where its holder is not sure of it, so that no try of it has to be spent: the PUK, for a PIN of a
    /// token that is active and takes one that is not blocked. Nothing else has such a way out: neither a PUK nor a transport PIN,
    /// nor a PIN that an activation goes on with.
    #[must_use]
    pub fn instead_of(&self, password: PasswordKind) -> Option<Offer> {
        self.offer(PasswordStep::Unblock(password)).copied()
    }

    fn activate(takes: Option<(PasswordKind, Tries)>) -> Self {
        Self { offers: vec![Offer { step: PasswordStep::Activate, takes }], dead: Vec::new() }
    }

    fn of_active(takes_puk: bool, passwords: &[PasswordStatus]) -> Self {
        let mut steps = Self::default();
        let puk = passwords.iter().find(|status| status.kind == PasswordKind::Puk).map(|status| status.state);
        for PasswordStatus { kind, state, .. } in passwords {
            let is_pin = matches!(kind, PasswordKind::AuthenticationPin | PasswordKind::SignaturePin);
            if let PasswordState::Active(tries) = state
                && (is_pin || (*kind == PasswordKind::Puk && takes_puk))
            {
                steps.offers.push(Offer { step: PasswordStep::Change(*kind), takes: Some((*kind, *tries)) });
            }
            if !is_pin || matches!(state, PasswordState::Disabled) {
                continue;
            }
            match (state, puk) {
                (_, Some(PasswordState::Active(tries))) => {
                    let takes = Some((PasswordKind::Puk, tries));
                    let unblock = Offer { step: PasswordStep::Unblock(*kind), takes };
                    steps.offers.extend(takes_puk.then_some(unblock));
                }
                (PasswordState::Blocked, _) => steps.dead.push(Dead::Pin(*kind)),
                _ => {}
            }
        }
        if puk == Some(PasswordState::Blocked) {
            steps.dead.push(Dead::Puk);
        }
        steps
    }
}

#[cfg(test)]
mod tests;
