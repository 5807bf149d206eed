use obnova_card::{PasswordKind, PasswordStatus, Pin, Token, TokenError, Tries};
use obnova_renewal::{Phase, PinNeed, Process};

use super::Runner;
use crate::{
    CaConnection, CaError, LoginError, LoginProof, PinRequest, RunError,
    look::lock,
    pins::{Asker, ask, at_pad, note_wrong, retry},
};

/// Passwords that were given for uses which are not over yet, and what is known of their tries.
#[derive(Default)]
pub(super) struct Pins {
    held: Vec<Held>,
    statuses: Option<Vec<PasswordStatus>>,
    /// They are entered at the reader, each time anew.
    pad: bool,
    /// A wrong one spent tries, or the last one was risked; a right one after it gave them back, so they are read again.
    spent: bool,
}

struct Held {
    phase: Phase,
    password: PasswordKind,
    pin: Pin,
}

impl Pins {
    /// Wipes what was given for uses that are over.
    pub(super) fn forget_unneeded(&mut self, process: &Process) {
        self.held.retain(|held| !process.uses_ahead(held.phase, held.password).is_empty());
    }

    /// Wipes everything that was given.
    pub(super) fn forget_all(&mut self) {
        self.held.clear();
    }
}

impl Runner<'_> {
    /// Does something that needs a password: the one that was given for it, or one that is asked for now.
    pub(super) fn with_pin<T>(
        &mut self,
        need: &PinNeed,
        mut act: impl FnMut(&mut dyn Token, &Pin) -> Result<T, TokenError>,
    ) -> Result<T, RunError> {
        let token = self.token()?;
        let mut asker = OfPhase { phase: phase(need)?, runner: self };
        retry(&mut asker, need.password, |_, pin| act(lock(&token).as_mut(), pin).map_err(RunError::from))
    }

    /// The same for what the CA is asked over a login.
    pub(super) fn with_pin_for_ca<T>(
        &mut self,
        need: &PinNeed,
        mut act: impl FnMut(&mut dyn CaConnection, &Pin) -> Result<T, CaError>,
    ) -> Result<T, RunError> {
        let mut asker = OfPhase { phase: phase(need)?, runner: self };
        retry(&mut asker, need.password, |asker, pin| {
            act(asker.runner.seams.ca, pin).map_err(|error| match error {
                CaError::Login(LoginError::Token(error)) => RunError::Token(error),
                CaError::Login(error) => RunError::Login(error),
                error => RunError::Ca(error),
            })
        })
    }

    /// The same for a login, where the password goes through the TLS handshake.
    pub(super) fn with_pin_for_login(
        &mut self,
        need: &PinNeed,
        mut act: impl FnMut(&mut dyn LoginProof, &Pin) -> Result<String, LoginError>,
    ) -> Result<String, RunError> {
        let mut asker = OfPhase { phase: phase(need)?, runner: self };
        retry(&mut asker, need.password, |asker, pin| {
            let proof = asker.runner.seams.login.as_deref_mut().ok_or(RunError::NoLogin)?;
            act(proof, pin).map_err(|error| match error {
                LoginError::Token(error) => RunError::Token(error),
                error => RunError::Login(error),
            })
        })
    }
}

fn phase(need: &PinNeed) -> Result<Phase, RunError> {
    need.uses.first().and_then(|one| one.phase()).ok_or(RunError::NothingToDo)
}

/// Brings the password that was given for a part of the renewal, or asks for it once for all that is ahead in that part.
struct OfPhase<'r, 'a> {
    phase: Phase,
    runner: &'r mut Runner<'a>,
}

impl Asker for OfPhase<'_, '_> {
    fn pin(&mut self, wrong: u32, password: PasswordKind) -> Result<Pin, RunError> {
        let runner = &mut *self.runner;
        let held = runner.pins.held.iter().find(|held| held.phase == self.phase && held.password == password);
        if let Some(held) = held {
            return Ok(held.pin.clone());
        }
        if runner.pins.statuses.is_none() || (runner.pins.spent && wrong == 0) {
            let token = runner.token()?;
            runner.pins.pad = at_pad(&token, runner.seams.prompt)?;
            let statuses = lock(&token).passwords()?;
            runner.pins.statuses = Some(statuses);
            runner.pins.spent = false;
        }
        let uses = runner.process.uses_ahead(self.phase, password);
        let card = runner.process.plan().card.label.clone();
        let request = PinRequest::new(card, password, Some(self.phase), uses);
        let token = runner.token()?;
        let statuses = runner.pins.statuses.as_deref().unwrap_or_default();
        let pin = ask(&token, runner.seams.prompt, statuses, request, wrong, runner.pins.pad)?;
        // If it was right, there are all tries again.
        runner.pins.spent |= pin.keep_tries == 0;
        if !pin.at_pad {
            runner.pins.held.push(Held { phase: self.phase, password, pin: pin.clone() });
        }
        Ok(pin)
    }

    fn wrong(&mut self, password: PasswordKind, tries: Tries) {
        let pins = &mut self.runner.pins;
        pins.held.retain(|held| held.password != password);
        pins.spent = true;
        note_wrong(pins.statuses.as_deref_mut().unwrap_or_default(), password, tries);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use static_assertions::assert_not_impl_any;

    use super::{Held, Pins};
    use crate::Runner;

    #[test]
    fn what_is_held_cannot_be_shown_copied_or_compared() {
        assert_not_impl_any!(Held: Debug, Display, Clone, PartialEq);
        assert_not_impl_any!(Pins: Debug, Display, Clone, PartialEq);
        assert_not_impl_any!(Runner<'static>: Debug, Display, Clone, PartialEq);
    }
}
