//! New passwords of a card: by which rules they are chosen, and how one is set by another.

use obnova_card::{NewPasswords, PasswordPolicy, PasswordStatus, PasswordStep, Pin, Secret, Token, TokenError};

/// Where new passwords are collected, by the rules that hold wherever one is set: at the activation, by the old one, by the PUK.
pub fn new_passwords(passwords: &[PasswordStatus]) -> NewPasswords {
    NewPasswords::new(passwords, PasswordPolicy::CAREFUL)
}

/// One that is set by another: chosen first, and only then sent.
pub struct NewPassword {
    step: PasswordStep,
    status: PasswordStatus,
    wanted: NewPasswords,
    chosen: Option<Secret>,
}

impl NewPassword {
    /// The one that a step sets.
    pub fn new(step: PasswordStep, status: PasswordStatus) -> Self {
        Self { step, status, wanted: new_passwords(&[status]), chosen: None }
    }

    /// Has it chosen, once: it stays, however often the one that allows it is typed.
    pub fn choose<E>(&mut self, take: impl FnOnce(&mut NewPasswords) -> Result<(), E>) -> Result<(), E> {
        if self.wanted.wanted().is_some() {
            take(&mut self.wanted)?;
            let chosen = std::mem::replace(&mut self.wanted, new_passwords(&[])).finish();
            self.chosen = chosen.into_iter().flatten().map(|(_, new)| new).next();
        }
        Ok(())
    }

    /// Sets it by the one that allows it. Nothing is sent while none is chosen, but to a reader's pad, where it is entered too.
    pub fn set(&self, token: &mut dyn Token, by: &Pin) -> Result<(), TokenError> {
        let PasswordStatus { kind, minimum, maximum, .. } = self.status;
        let at_pad = Secret::new(Vec::new());
        let new = match &self.chosen {
            _ if by.at_pad => &at_pad,
            Some(new) => new,
            None => return Err(TokenError::SecretForm { password: kind, minimum, maximum }),
        };
        match self.step {
            PasswordStep::Change(kind) => token.change_password(kind, by, new),
            PasswordStep::Unblock(kind) => token.unblock_password(kind, by, new),
            PasswordStep::Activate => Err(TokenError::NotActive),
        }
    }
}
