use obnova_apdu::StatusWord;
use obnova_profile::PasswordReference::{self, AuthenticationPin, Puk, TransportPin};
use obnova_profile::{PasswordState, TransportPinModel, command};

use super::{Card, Outcome, Refusal, Request, done};

/// The status words by which gematik's cards tell that a transport PIN stands in a password's place, or nothing does.
const TRANSPORT: StatusWord = StatusWord(0x62C1);
const EMPTY: StatusWord = StatusWord(0x62C7);

impl Card {
    /// VERIFY (§3.1).
    pub(super) fn verify(&mut self, request: &Request<'_>) -> Outcome {
        if request.p2 & command::FOR_NEW_VALUE != 0 {
            return self.verify_for_new_value(request);
        }
        let reference = self.password(request, 0x00)?;
        if request.data.is_empty() {
            return Err(self.tell(reference).into());
        }
        self.verify_access(reference)?;
        self.check_length(reference, request.data.len())?;
        self.session.set_verified(reference, false);
        self.attempt(reference, request.data)?;
        self.commit()?;
        self.session.set_verified(reference, self.opens(reference));
        done()
    }

    /// VERIFY for the command right behind it (§3.1).
    fn verify_for_new_value(&mut self, request: &Request<'_>) -> Outcome {
        let reference = self.password(&Request { p2: request.p2 & !command::FOR_NEW_VALUE, ..*request }, 0x00)?;
        if !self.state.is_active() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        self.check_length(reference, request.data.len())?;
        self.session.set_verified(reference, false);
        self.attempt(reference, request.data)?;
        self.commit()?;
        self.session.compared = Some(reference);
        done()
    }

    /// The PUK opens nothing by itself, and before activation only that does which opens it.
    fn opens(&self, reference: PasswordReference) -> bool {
        match self.state.is_active() {
            true => reference.is_pin(),
            false => self.state.model().opener() == Some(reference),
        }
    }

    /// Compared is also what opens nothing: the PUK, and what was set before a card is active that no password of its own activates.
    fn verify_access(&self, reference: PasswordReference) -> Result<(), Refusal> {
        let is_set = || self.password_state(reference) != PasswordState::Unset && !self.is_in_place(reference);
        let compares = self.state.is_active() || (self.state.model().ends_by_itself() && is_set());
        if compares || self.opens(reference) {
            return Ok(());
        }
        let must_change = self.state.model() == TransportPinModel::MustChange && self.is_in_place(reference);
        Err(if must_change { StatusWord::REFERENCE_DATA_NOT_USABLE } else { StatusWord::CONDITIONS_NOT_SATISFIED }
            .into())
    }

    /// CHANGE REFERENCE DATA (§3.2).
    pub(super) fn change_password(&mut self, request: &Request<'_>) -> Outcome {
        match request.p1 {
            0x00 => self.replace_password(request),
            0x01 => self.set_password(request),
            _ => Err(StatusWord::INCORRECT_P1_P2.into()),
        }
    }

    fn replace_password(&mut self, request: &Request<'_>) -> Outcome {
        let reference = self.password(request, 0x00)?;
        if reference == TransportPin {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        if !self.state.is_active() {
            match self.state.model() {
                TransportPinModel::Separate => return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into()),
                TransportPinModel::SingleUse => return self.redeem(reference, request.data),
                _ => {}
            }
        }
        let in_place = self.is_in_place(reference);
        let new = self.attempt_with_new(reference, reference, request.data)?;
        if in_place && request.data[..request.data.len() - new.len()] == *new {
            // The old value was right, so it is no secret from the caller that the new one is the transport PIN.
            self.commit()?;
            return Err(StatusWord::INCORRECT_DATA.into());
        }
        self.set(reference, new);
        self.end_of_activation();
        self.commit()?;
        self.session.set_verified(reference, false);
        done()
    }

    /// A transport PIN that works once becomes the authentication PIN. What it was used up by is in memory before the value
    /// is compared.
    fn redeem(&mut self, reference: PasswordReference, data: &[u8]) -> Outcome {
        if reference != AuthenticationPin || self.password_state(reference) != PasswordState::Unset {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        let new = self.attempt_with_new(TransportPin, reference, data)?;
        if let Some(transport) = self.state.password_mut(TransportPin) {
            transport.use_up();
        }
        self.set(reference, new);
        self.commit()?;
        done()
    }

    fn set_password(&mut self, request: &Request<'_>) -> Outcome {
        let reference = self.password(request, 0x01)?;
        if self.state.is_active() {
            return self.set_behind(reference, reference, request);
        }
        match self.state.model() {
            TransportPinModel::Empty if self.password_state(reference) != PasswordState::Unset => {
                return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
            }
            TransportPinModel::Empty => {}
            model => {
                self.activation_access()?;
                if reference == TransportPin || model.opener() == Some(reference) {
                    return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
                }
            }
        }
        self.check_length(reference, request.data.len())?;
        self.set(reference, request.data);
        self.end_of_activation();
        self.commit()?;
        done()
    }

    /// Sets a new value alone, where what allows it was compared right before.
    fn set_behind(
        &mut self,
        reference: PasswordReference,
        allows: PasswordReference,
        request: &Request<'_>,
    ) -> Outcome {
        if request.compared != Some(allows) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
        }
        self.check_length(reference, request.data.len())?;
        self.set(reference, request.data);
        self.commit()?;
        self.session.set_verified(reference, false);
        done()
    }

    /// RESET RETRY COUNTER (§3.3).
    pub(super) fn unblock_password(&mut self, request: &Request<'_>) -> Outcome {
        let alone = request.p1 == 0x02;
        let reference = self.password(request, if alone { 0x02 } else { 0x00 })?;
        if !reference.is_pin() {
            return Err(StatusWord::INCORRECT_P1_P2.into());
        }
        if !self.state.is_active() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        if alone {
            return self.set_behind(reference, Puk, request);
        }
        let new = self.attempt_with_new(Puk, reference, request.data)?;
        self.set(reference, new);
        self.commit()?;
        self.session.set_verified(reference, false);
        done()
    }

    /// ACTIVATE FILE (§6).
    pub(super) fn activate(&mut self, request: &Request<'_>) -> Outcome {
        request.expect(0x00, 0x00)?;
        self.activation_access()?;
        if !self.all_set() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        self.state.activate();
        self.commit()?;
        // What opened the activation opens nothing else.
        for reference in PasswordReference::ALL {
            self.session.set_verified(reference, false);
        }
        done()
    }

    /// In most models it is the last password that activates the card.
    fn end_of_activation(&mut self) {
        if !self.state.is_active() && self.state.model().ends_by_itself() && self.all_set() {
            self.state.activate();
        }
    }

    fn activation_access(&self) -> Result<(), Refusal> {
        let opener = self.state.model().opener().filter(|_| !self.state.is_active());
        let opener = opener.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        if !self.session.is_verified(opener) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
        }
        Ok(())
    }

    /// The password that P2 names, when P1 is this.
    fn password(&self, request: &Request<'_>, p1: u8) -> Result<PasswordReference, Refusal> {
        if request.p1 != p1 {
            return Err(StatusWord::INCORRECT_P1_P2.into());
        }
        let reference = PasswordReference::from_code(request.p2);
        let reference = reference.filter(|reference| self.password_record(*reference).is_some());
        Ok(reference.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?)
    }

    fn password_state(&self, reference: PasswordReference) -> PasswordState {
        self.state.password(reference).map_or(PasswordState::Unset, |password| password.state())
    }

    /// What an empty VERIFY answers.
    fn tell(&self, reference: PasswordReference) -> StatusWord {
        match self.password_state(reference) {
            _ if self.session.is_verified(reference) => StatusWord::SUCCESS,
            PasswordState::Unset if self.state.model() == TransportPinModel::Empty => EMPTY,
            PasswordState::Unset => StatusWord::REFERENCE_DATA_NOT_USABLE,
            PasswordState::Transport { left } => match self.state.model() {
                TransportPinModel::Null => StatusWord::CONDITIONS_NOT_SATISFIED,
                TransportPinModel::MustChange => StatusWord::REFERENCE_DATA_NOT_USABLE,
                TransportPinModel::FiveDigits => StatusWord::tries_left(left),
                _ => TRANSPORT,
            },
            PasswordState::Active { left } => StatusWord::tries_left(left),
            PasswordState::Blocked | PasswordState::TransportBlocked => StatusWord::AUTHENTICATION_BLOCKED,
        }
    }

    /// Spends a try, writes that down, and compares. After a match the counter is full again in what is not yet written:
    /// the caller commits that together with what the password was for.
    fn attempt(&mut self, reference: PasswordReference, value: &[u8]) -> Result<(), Refusal> {
        let password = self.usable(reference)?;
        password.spend();
        self.commit()?;
        let password = self.usable_or_blocked(reference)?;
        if password.matches(value) {
            password.restore();
            return Ok(());
        }
        Err(StatusWord::tries_left(password.left()).into())
    }

    /// Like [`attempt`](Self::attempt), with the value of `reference` at the front of `data` and a new value of `target`
    /// behind it, which the card cuts by the length of the one that it keeps. What is left over and can be no new value counts as a
    /// wrong old one, lest the length of that be found out for nothing; but the length of a transport PIN is told to everybody.
    fn attempt_with_new<'d>(
        &mut self,
        reference: PasswordReference,
        target: PasswordReference,
        data: &'d [u8],
    ) -> Result<&'d [u8], Refusal> {
        let old = self.state.lengths(if self.is_in_place(reference) { TransportPin } else { reference });
        let new = self.state.lengths(target);
        if !(usize::from(old.0 + new.0)..=usize::from(old.1 + new.1)).contains(&data.len()) {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        let (old, new) = data.split_at_checked(self.usable(reference)?.length()).unwrap_or((data, &[]));
        let new_fits = self.check_length(target, new.len()).is_ok();
        self.attempt(reference, if new_fits { old } else { &[] })?;
        Ok(new)
    }

    fn usable(&mut self, reference: PasswordReference) -> Result<&mut crate::password::StoredPassword, Refusal> {
        match self.password_state(reference) {
            PasswordState::Unset => Err(StatusWord::REFERENCE_DATA_NOT_USABLE.into()),
            PasswordState::Blocked | PasswordState::TransportBlocked => Err(StatusWord::AUTHENTICATION_BLOCKED.into()),
            PasswordState::Transport { .. } | PasswordState::Active { .. } => self.usable_or_blocked(reference),
        }
    }

    fn usable_or_blocked(
        &mut self,
        reference: PasswordReference,
    ) -> Result<&mut crate::password::StoredPassword, Refusal> {
        Ok(self.state.password_mut(reference).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?)
    }

    fn set(&mut self, reference: PasswordReference, value: &[u8]) {
        if let Some(password) = self.state.password_mut(reference) {
            password.set(value, false);
        }
    }

    /// Whether each lasting password has a value that is not the transport PIN, and tries left: one that is blocked before the
    /// card is active finishes the card.
    fn all_set(&self) -> bool {
        let is_set = |reference| matches!(self.password_state(reference), PasswordState::Active { .. });
        PasswordReference::LASTING.into_iter().all(is_set)
    }

    /// Whether a transport PIN stands in a password's place.
    fn is_in_place(&self, reference: PasswordReference) -> bool {
        self.state.password(reference).is_some_and(crate::password::StoredPassword::is_transport)
    }

    fn check_length(&self, reference: PasswordReference, length: usize) -> Result<(), Refusal> {
        let (minimum, maximum) = self.state.lengths(reference);
        let fits = (usize::from(minimum)..=usize::from(maximum)).contains(&length);
        if fits { Ok(()) } else { Err(StatusWord::WRONG_LENGTH.into()) }
    }
}
