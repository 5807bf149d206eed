use obnova_card::{PasswordKind, PasswordState, PasswordStatus, Pin, Secret, Token, TokenError, Tries};
use obnova_renewal::{Phase, PinNeed, Process};

use super::{Runner, lock};
use crate::{LoginError, LoginProof, PinRequest, Question, RunError};

/// Passwords that were given for uses which are not over yet, and what is known of their tries.
#[derive(Default)]
pub(super) struct Pins {
    held: Vec<Held>,
    statuses: Option<Vec<PasswordStatus>>,
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

    pub(super) fn forget_all(&mut self) {
        self.held.clear();
    }

    fn get(&self, phase: Phase, password: PasswordKind) -> Option<Pin> {
        let held = self.held.iter().find(|held| held.phase == phase && held.password == password);
        held.map(|held| held.pin.clone())
    }

    fn status(&self, password: PasswordKind) -> Option<PasswordStatus> {
        self.statuses.as_ref()?.iter().find(|status| status.kind == password).copied()
    }

    fn wrong(&mut self, password: PasswordKind, tries: Tries) {
        self.held.retain(|held| held.password != password);
        let statuses = self.statuses.iter_mut().flatten();
        for status in statuses.filter(|status| status.kind == password) {
            status.state = PasswordState::Active(tries);
        }
    }
}

/// Wrong attempts in one step, where the card does not tell how many are left.
const BLIND_ATTEMPTS: u32 = 2;

impl Runner<'_> {
    /// Does something that needs a password: the one that was given for it, or one that is asked for now. A wrong one is
    /// asked for again for as long as tries are left, and never the last without a clear yes.
    pub(super) fn with_pin<T>(
        &mut self,
        need: &PinNeed,
        mut act: impl FnMut(&mut dyn Token, &Pin) -> Result<T, TokenError>,
    ) -> Result<T, RunError> {
        let token = self.token()?;
        self.with_tries(need, |_, pin| act(lock(&token).as_mut(), pin).map_err(RunError::from))
    }

    /// The same for a login, where the password goes through the TLS handshake.
    pub(super) fn with_pin_for_login(
        &mut self,
        need: &PinNeed,
        mut act: impl FnMut(&mut dyn LoginProof, &Pin) -> Result<String, LoginError>,
    ) -> Result<String, RunError> {
        self.with_tries(need, |runner, pin| {
            let proof = runner.seams.login.as_deref_mut().ok_or(RunError::NoLogin)?;
            act(proof, pin).map_err(|error| match error {
                LoginError::Token(error) => RunError::Token(error),
                error => RunError::Login(error),
            })
        })
    }

    fn with_tries<T>(
        &mut self,
        need: &PinNeed,
        mut act: impl FnMut(&mut Self, &Pin) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let mut wrong = 0;
        loop {
            let pin = self.pin(need, wrong > 0)?;
            match act(self, &pin) {
                Err(RunError::Token(TokenError::WrongSecret { password, tries })) if password == need.password => {
                    wrong += 1;
                    self.pins.wrong(password, tries);
                    let nothing_left = tries == Tries::Known(0);
                    if nothing_left || (matches!(tries, Tries::Unknown | Tries::Low) && wrong > BLIND_ATTEMPTS) {
                        return Err(TokenError::WrongSecret { password, tries }.into());
                    }
                }
                // The card knows of fewer tries than were read before: somebody else spent some.
                Err(RunError::Token(TokenError::TooFewTries { password, tries }))
                    if password == need.password && pin.keep_tries > 0 =>
                {
                    self.pins.wrong(password, tries);
                }
                outcome => return outcome,
            }
        }
    }

    fn pin(&mut self, need: &PinNeed, was_wrong: bool) -> Result<Pin, RunError> {
        let phase = need.uses.first().map(|one| one.phase()).ok_or(RunError::NothingToDo)?;
        if let Some(pin) = self.pins.get(phase, need.password) {
            return Ok(pin);
        }
        if self.pins.statuses.is_none() {
            self.pins.statuses = Some(self.passwords()?);
        }
        let status = self.pins.status(need.password);
        let tries = match status.map(|status| status.state) {
            Some(PasswordState::Active(tries)) => tries,
            Some(PasswordState::Blocked) => return Err(TokenError::Blocked { password: need.password }.into()),
            _ => Tries::Unknown,
        };
        if tries.may_be_last() && !self.seams.prompt.confirm(&Question::LastTry(need.password))? {
            return Err(RunError::LastTryKept { password: need.password });
        }
        let request = PinRequest {
            card: self.process.plan().card.label.clone(),
            password: need.password,
            phase: Some(phase),
            uses: self.process.uses_ahead(phase, need.password),
            tries,
            was_wrong,
            minimum: status.map_or(0, |status| status.minimum),
            maximum: status.map_or(usize::MAX, |status| status.maximum),
        };
        let secret: Secret = self.seams.prompt.pin(&request)?;
        let pin = if tries.may_be_last() { Pin::with_last_try(secret) } else { Pin::new(secret) };
        self.pins.held.push(Held { phase, password: need.password, pin: pin.clone() });
        Ok(pin)
    }
}
