//! New passwords of a card: by which rules they are chosen, and how one is set by another.

use obnova_card::{
    BrokenRule, NewPasswords, PasswordKind, PasswordPolicy, PasswordStatus, PasswordStep, Pin, Secret, Token,
    TokenError,
};

/// Where new passwords are collected, by the rules that hold wherever one is set: at the activation, by the old one, by the PUK.
pub fn new_passwords(passwords: &[PasswordStatus]) -> NewPasswords {
    NewPasswords::new(passwords, PasswordPolicy::CAREFUL)
}

/// One that is set by another: chosen first, and only then sent.
pub struct NewPassword {
    step: PasswordStep,
    status: PasswordStatus,
    /// Of the card's other passwords, as they were given.
    others: Vec<(PasswordKind, Secret)>,
    chosen: Option<Secret>,
}

impl NewPassword {
    /// The one that a step sets, beside what is known of the others.
    pub fn new(
        step: PasswordStep,
        status: PasswordStatus,
        others: impl IntoIterator<Item = (PasswordKind, Secret)>,
    ) -> Self {
        Self { step, status, others: others.into_iter().collect(), chosen: None }
    }

    /// Has it chosen, once: it stays, however often the one that allows it is typed. But where it is the PUK that was typed last, another
    /// one is chosen; `take` is told why.
    pub fn choose<E>(
        &mut self,
        by: &Pin,
        take: impl FnOnce(&mut NewPasswords, Option<BrokenRule>) -> Result<(), E>,
    ) -> Result<(), E> {
        // What is entered at the pad is known to nobody here, and no new one is chosen here then.
        let by = match self.step {
            PasswordStep::Unblock(_) => Some((PasswordKind::Puk, by.secret.clone())),
            PasswordStep::Change(_) | PasswordStep::Activate => None,
        };
        let mut wanted = new_passwords(&[self.status]).beside(self.others.iter().cloned().chain(by));
        let broken = match self.chosen.take() {
            None => None,
            Some(chosen) => match wanted.check(&chosen) {
                Ok(()) => {
                    self.chosen = Some(chosen);
                    return Ok(());
                }
                Err(broken) => Some(broken),
            },
        };
        take(&mut wanted, broken)?;
        self.chosen = wanted.finish().into_iter().flatten().map(|(_, new)| new).next();
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
