use obnova_apdu::{
    CommandApdu, ResponseApdu, Status, StatusWord,
    exchange::{self, Limits, RunError},
    ins,
};
use obnova_profile::{CardStatus, LifeCycle, PasswordRecord, PasswordReference, PasswordState, command};
use obnova_transport::{CardConnection, CardTransport};

use super::names;
use crate::{Pin, Secret, TokenError, Tries};

/// A conversation with a card of the profile; it begins with the card's status.
pub(super) struct Conversation<'c> {
    card: Box<dyn CardTransport + 'c>,
    limits: Limits,
    pub(super) status: CardStatus,
}

impl<'c> Conversation<'c> {
    /// Selects the application.
    pub(super) fn begin(connection: &'c mut dyn CardConnection, short_only: bool) -> Result<Self, TokenError> {
        let place = connection.description();
        let mut card = connection.begin()?;
        // What the card takes is in the answer, so the question is short; an answer too long for it is fetched in parts.
        let answer = send(card.as_mut(), Limits::SHORT, &command::select())?;
        let fci = match answer.status.meaning() {
            Status::Success => answer.data,
            Status::FileNotFound | Status::ReferencedDataNotFound | Status::InstructionNotSupported => {
                return Err(TokenError::UnknownCard { place });
            }
            _ => return Err(refused(&command::select(), answer.status)),
        };
        let status = CardStatus::from_fci(&fci)
            .map_err(|error| TokenError::Malformed { command: "SELECT", problem: error.to_string() })?;
        let form = if short_only || !status.limits.extended_length { Limits::SHORT } else { Limits::EXTENDED };
        let limits = form
            .with_chaining(status.limits.chaining)
            .with_max_command_data(status.limits.command.try_into().unwrap_or(usize::MAX))
            .with_max_ne(status.limits.response);
        Ok(Self { card, limits, status })
    }

    /// Refuses what only an active card does.
    pub(super) fn must_be_active(&self) -> Result<(), TokenError> {
        match self.status.life_cycle {
            LifeCycle::Active => Ok(()),
            LifeCycle::Inactive => Err(TokenError::NotActive),
        }
    }

    /// The answer, error status or not.
    pub(super) fn send(&mut self, command: &CommandApdu) -> Result<ResponseApdu, TokenError> {
        send(self.card.as_mut(), self.limits, command)
    }

    /// The data of an answer that must be a success.
    pub(super) fn ask(&mut self, command: &CommandApdu) -> Result<Vec<u8>, TokenError> {
        let answer = self.send(command)?;
        if answer.status.is_success() { Ok(answer.data) } else { Err(refused(command, answer.status)) }
    }

    /// Reads a file whole: `first` reads it from its start and makes it the current file, and what does not fit into one
    /// answer (of 256 bytes, where lengths are short) is read from where it stopped. Shorter than `length` when the card
    /// has no more.
    pub(super) fn read_whole(&mut self, first: &CommandApdu, length: u16) -> Result<ResponseApdu, TokenError> {
        /// READ BINARY cannot name an offset behind this.
        const LAST_OFFSET: usize = 0x7FFF;
        let length = usize::from(length);
        let mut whole = self.send(first)?;
        while whole.status.is_success() && whole.data.len() < length.min(LAST_OFFSET) {
            let missing = (length - whole.data.len()) as u32;
            let next = self.send(&command::read_selected(whole.data.len() as u16, missing))?;
            if !next.status.is_success() || next.data.is_empty() {
                break;
            }
            whole.data.extend(next.data);
        }
        if whole.data.len() > length {
            return Err(malformed(first, "there is more in the file than its length says"));
        }
        Ok(whole)
    }

    /// Sends a PIN, if enough tries are left and it has the right form.
    pub(super) fn verify(&mut self, reference: PasswordReference, pin: &Pin) -> Result<(), TokenError> {
        self.check_before_sending(reference, pin)?;
        self.present(reference, &command::verify(reference, pin.secret.expose()))
    }

    /// Sends a command that presents the password, and says what became of it.
    pub(super) fn present(&mut self, reference: PasswordReference, command: &CommandApdu) -> Result<(), TokenError> {
        let password = names::password(reference);
        let status = self.send(command)?.status;
        match status.meaning() {
            Status::Success => Ok(()),
            Status::TriesLeft(0) | Status::Blocked => Err(TokenError::Blocked { password }),
            Status::TriesLeft(left) => Err(TokenError::WrongSecret { password, tries: Tries::Known(left) }),
            Status::VerificationFailed => Err(TokenError::WrongSecret { password, tries: Tries::Unknown }),
            Status::ReferenceDataNotUsable => Err(TokenError::NotActive),
            _ => Err(refused(command, status)),
        }
    }

    /// What is known before a secret is sent: whether it may be, and has the right form.
    pub(super) fn check_before_sending(&self, reference: PasswordReference, pin: &Pin) -> Result<(), TokenError> {
        self.check_tries(reference, pin)?;
        self.check_form(reference, &pin.secret)
    }

    /// Whether the tries that are left allow it to be sent.
    pub(super) fn check_tries(&self, reference: PasswordReference, pin: &Pin) -> Result<(), TokenError> {
        let password = names::password(reference);
        let record = self.password(reference)?;
        let (PasswordState::Active { left } | PasswordState::Transport { left }) = record.state else {
            return Err(match record.state {
                PasswordState::Blocked => TokenError::Blocked { password },
                _ => TokenError::NotActive,
            });
        };
        if !pin.may_be_sent(Tries::Known(left)) {
            return Err(TokenError::TooFewTries { password, tries: Tries::Known(left) });
        }
        Ok(())
    }

    /// Whether a secret has the form the card asks for.
    pub(super) fn check_form(&self, reference: PasswordReference, secret: &Secret) -> Result<(), TokenError> {
        let record = self.password(reference)?;
        let (minimum, maximum) = (usize::from(record.minimum), usize::from(record.maximum));
        if (minimum..=maximum).contains(&secret.len()) {
            return Ok(());
        }
        Err(TokenError::SecretForm { password: names::password(reference), minimum, maximum })
    }

    /// A password that the card must have.
    pub(super) fn password(&self, reference: PasswordReference) -> Result<PasswordRecord, TokenError> {
        self.status
            .password(reference)
            .copied()
            .ok_or(TokenError::Unsupported { what: format!("use the {}: it has none", names::password(reference)) })
    }
}

fn send(card: &mut dyn CardTransport, limits: Limits, command: &CommandApdu) -> Result<ResponseApdu, TokenError> {
    let transmit = |apdu: &[u8], response: &mut Vec<u8>| card.transmit(apdu, response);
    exchange::run(command.as_command(), limits, transmit).map_err(|error| match error {
        RunError::Transport(error) => TokenError::Transport(error),
        error => malformed(command, error),
    })
}

/// The card refused a command, for a reason that has no name of its own.
pub(super) fn refused(command: &CommandApdu, status: StatusWord) -> TokenError {
    match status.meaning() {
        Status::NotEnoughSpace => TokenError::Full,
        _ => TokenError::Refused { command: name(command), status },
    }
}

/// The card's answer to a command does not make sense.
pub(super) fn malformed(command: &CommandApdu, problem: impl std::fmt::Display) -> TokenError {
    TokenError::Malformed { command: name(command), problem: problem.to_string() }
}

fn name(command: &CommandApdu) -> &'static str {
    ins::name(command.ins).unwrap_or("a command")
}
