use obnova_apdu::{
    CommandApdu, ResponseApdu, Status, StatusWord,
    exchange::{self, ExchangeError, Limits, RunError},
    ins,
    tlv::Tlv,
};
use obnova_profile::{
    CardStatus, LifeCycle, PasswordRecord, PasswordReference, PasswordState, ProfileVersion, command,
};
use obnova_transport::{
    CardConnection, CardTransport, PinPad, PinPadError,
    pin_pad::{Entered, PinEntry},
};

use super::names;
use crate::{Pin, Secret, TokenError, Tries};

/// A conversation with a card of the profile; it begins with the card's status.
pub(super) struct Conversation<'c> {
    card: Box<dyn CardTransport + 'c>,
    limits: Limits,
    /// APDUs that may still be sent.
    left: u32,
    /// The password that the card took last.
    granted: Option<PasswordReference>,
    pad: &'c mut Pad,
    pub(super) status: CardStatus,
}

/// What is known of the reader's pad.
#[derive(Clone, Copy, Default)]
pub(super) enum Pad {
    /// Nobody has asked yet.
    #[default]
    Unknown,
    /// What the reader said.
    Known(Option<PinPad>),
    /// It is not to be used.
    Off,
}

/// APDUs of one conversation. A card full of certificates of 64 KB, in short APDUs, is listed with half of them; a card that
/// answers byte by byte is left.
const MOST_APDUS: u32 = 8_192;

impl<'c> Conversation<'c> {
    /// Selects the application.
    pub(super) fn begin(
        connection: &'c mut dyn CardConnection,
        short_only: bool,
        pad: &'c mut Pad,
    ) -> Result<Self, TokenError> {
        let place = connection.description();
        let mut card = connection.begin()?;
        // What the card takes is in the answer, so the question is short; an answer too long for it is fetched in parts.
        let mut left = MOST_APDUS;
        let answer = send(card.as_mut(), Limits::SHORT, &mut left, &command::select())?;
        let fci = match answer.status.meaning() {
            Status::Success => answer.data,
            Status::FileNotFound | Status::ReferencedDataNotFound | Status::InstructionNotSupported => {
                return Err(TokenError::UnknownCard { place });
            }
            _ => return Err(refused(&command::select(), answer.status)),
        };
        let status = CardStatus::from_fci(&fci)?;
        let form = if short_only || !status.limits.extended_length { Limits::SHORT } else { Limits::EXTENDED };
        let limits = form
            .with_chaining(status.limits.chaining)
            .with_max_command_data(status.limits.command.try_into().unwrap_or(usize::MAX))
            .with_max_ne(status.limits.response);
        Ok(Self { card, limits, left, granted: None, pad, status })
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
        send(self.card.as_mut(), self.limits, &mut self.left, command)
    }

    /// The data of an answer that must be a success.
    pub(super) fn ask(&mut self, command: &CommandApdu) -> Result<Vec<u8>, TokenError> {
        let answer = self.send(command)?;
        if answer.status.is_success() { Ok(answer.data) } else { Err(self.refused(command, answer.status)) }
    }

    /// The card refused a command, for a reason that has no name of its own.
    pub(super) fn refused(&self, command: &CommandApdu, status: StatusWord) -> TokenError {
        match (status.meaning(), self.granted) {
            (Status::SecurityStatusNotSatisfied, Some(password)) => {
                TokenError::NotGranted { command: name(command), password: names::password(password) }
            }
            _ => refused(command, status),
        }
    }

    /// Reads a file whole: `first` reads it from its start and makes it the current file, and what does not fit into one
    /// answer (of 256 bytes, where lengths are short) is read from where it stopped. Shorter than `length` when the card
    /// has no more.
    pub(super) fn read_whole(&mut self, first: &CommandApdu, length: u16) -> Result<ResponseApdu, TokenError> {
        /// P1-P2 of READ BINARY cannot name an offset behind this.
        const LAST_OFFSET: u16 = 0x7FFF;
        /// Of the data object around what is read there.
        const HEADER: u32 = 4;
        let length = usize::from(length);
        let mut whole = self.send(first)?;
        while whole.status.is_success() && whole.data.len() < length {
            // Both fit: the length does.
            let (offset, missing) = (whole.data.len() as u16, (length - whole.data.len()) as u32);
            let far = offset > LAST_OFFSET;
            let read = match far {
                false => command::read_selected(offset, missing),
                true => command::read_selected_far(offset, missing + HEADER),
            };
            let next = self.send(&read)?;
            if !next.status.is_success() {
                break;
            }
            let part = match far {
                false => &next.data[..],
                true => match Tlv::parse(&next.data).map_err(|error| malformed(&read, error))? {
                    object if object.tag == command::DISCRETIONARY_DATA => object.value,
                    _ => return Err(malformed(&read, "what was read is not in the data object where it belongs")),
                },
            };
            if part.is_empty() {
                break;
            }
            whole.data.extend_from_slice(part);
        }
        if whole.data.len() > length {
            return Err(TokenError::MoreThanSaid { said: length });
        }
        Ok(whole)
    }

    /// Sends a PIN, if enough tries are left and it has the right form.
    pub(super) fn verify(&mut self, reference: PasswordReference, pin: &Pin) -> Result<(), TokenError> {
        if pin.at_pad {
            self.check_tries(reference, pin)?;
            let verify = command::password_status(reference);
            return self.present_at_pad(reference, reference, &verify);
        }
        self.check_before_sending(reference, pin)?;
        self.present(reference, &command::verify(reference, pin.secret.expose()))
    }

    /// Has a password compared whole. Where it goes before a new value in one data field the card cuts it by the length that it keeps: a
    /// digit too many would be the first one of a new value that nobody chose. A wrong one costs the try that it would cost there.
    ///
    /// A card of version 1.0 compares alone only what opens something.
    pub(super) fn compare(&mut self, reference: PasswordReference, pin: &Pin) -> Result<(), TokenError> {
        let opens = reference.is_pin() && self.status.life_cycle == LifeCycle::Active;
        if !opens && !self.compares_what_opens_nothing() {
            let ProfileVersion { major, minor } = self.status.version;
            let password = names::password(reference);
            let what =
                format!("have its {password} compared by itself: it follows version {major}.{minor} of its profile");
            return Err(TokenError::Unsupported { what });
        }
        self.check_before_sending(reference, pin)?;
        self.present(reference, &command::verify(reference, pin.secret.expose()))
    }

    /// Whether it compares what opens nothing: since version 1.1.
    pub(super) fn compares_what_opens_nothing(&self) -> bool {
        self.status.version.minor > 0
    }

    /// Sends a command that presents the password, and says what became of it.
    pub(super) fn present(&mut self, reference: PasswordReference, command: &CommandApdu) -> Result<(), TokenError> {
        let status = self.send(command)?.status;
        self.presented(reference, command, status)
    }

    /// The same where the reader's pad fills in what is secret: one password, or an old and a new one.
    pub(super) fn present_at_pad(
        &mut self,
        reference: PasswordReference,
        target: PasswordReference,
        command: &CommandApdu,
    ) -> Result<(), TokenError> {
        let (allows, set) = (self.password(reference)?, self.password(target)?);
        // One range is all that a pad takes. What is outside of either password's would reach the card as a wrong value.
        let (minimum, maximum) = (allows.minimum.max(set.minimum), allows.maximum);
        if set.maximum != maximum {
            return Err(TokenError::Unsupported {
                what: "have both entered at the reader, where one may be longer than the other: enter them here"
                    .to_owned(),
            });
        }
        let status = self.at_pad(command, Entered::OldAndNew, minimum, maximum)?;
        self.presented(reference, command, status)
    }

    /// Has the pad fill in what a command lacks: one password for VERIFY, and what is `entered` for others.
    fn at_pad(
        &mut self,
        command: &CommandApdu,
        entered: Entered,
        minimum: u8,
        maximum: u8,
    ) -> Result<StatusWord, TokenError> {
        let pad = self.pad()?.ok_or_else(|| TokenError::Unsupported {
            what: "have a PIN entered at its reader: there is no pad, or it is switched off".to_owned(),
        })?;
        let entry = PinEntry { minimum, maximum, timeout: 0 };
        let header = [0x00, command.ins, command.p1, command.p2];
        Ok(match command.ins {
            ins::VERIFY => pad.verify(self.card.as_mut(), header, entry)?,
            _ => pad.modify(self.card.as_mut(), header, entry, entered)?,
        })
    }

    /// Has a new value of `target` set that is entered at the pad, by `allows`, which is entered there too: alone, where the card compares it
    /// for that (since version 1.2), and else in one data field with the new one, where a digit too many is not noticed.
    pub(super) fn set_at_pad(
        &mut self,
        allows: PasswordReference,
        target: PasswordReference,
    ) -> Result<(), TokenError> {
        let own = allows == target;
        if self.status.version.minor < 2 {
            let joined = if own { command::change_password } else { command::unblock_password };
            return self.present_at_pad(allows, target, &joined(target, &[], &[]));
        }
        // Nothing is entered for nothing.
        if self.pad()?.is_some_and(|pad| !pad.can_change()) {
            return Err(PinPadError::CannotChange.into());
        }
        self.present_at_pad(allows, allows, &command::verify_for_new_value(allows, &[]))?;
        let set = if own { command::set_password(target, &[]) } else { command::unblock_verified(target, &[]) };
        let record = self.password(target)?;
        let status = self.at_pad(&set, Entered::New, record.minimum, record.maximum)?;
        if status.is_success() { Ok(()) } else { Err(self.refused(&set, status)) }
    }

    /// The pad of the reader, which is asked once.
    pub(super) fn pad(&mut self) -> Result<Option<PinPad>, TokenError> {
        if let Pad::Unknown = self.pad {
            *self.pad = Pad::Known(PinPad::detect(self.card.as_mut())?);
        }
        match *self.pad {
            Pad::Known(pad) => Ok(pad),
            Pad::Unknown | Pad::Off => Ok(None),
        }
    }

    /// What became of a password that was presented.
    fn presented(
        &mut self,
        reference: PasswordReference,
        command: &CommandApdu,
        status: StatusWord,
    ) -> Result<(), TokenError> {
        let password = names::password(reference);
        match status.meaning() {
            Status::Success => {
                self.granted = Some(reference);
                Ok(())
            }
            Status::TriesLeft(0) | Status::Blocked => Err(TokenError::Blocked { password }),
            Status::TriesLeft(after) => Err(match self.tries_before(reference) {
                Some(before) if after >= before => TokenError::TriesWentUp { password, before, after },
                _ => TokenError::WrongSecret { password, tries: Tries::Known(after) },
            }),
            Status::VerificationFailed => Err(TokenError::WrongSecret { password, tries: Tries::Unknown }),
            Status::ReferenceDataNotUsable => Err(TokenError::NotActive),
            _ => Err(refused(command, status)),
        }
    }

    /// Tries that were left when the last secret was sent: those that the conversation began with, or all of them when the
    /// card took one since.
    fn tries_before(&self, reference: PasswordReference) -> Option<u8> {
        let record = self.status.password(reference)?;
        match record.state {
            PasswordState::Active { .. } | PasswordState::Transport { .. } if self.granted == Some(reference) => {
                Some(record.tries)
            }
            PasswordState::Active { left } | PasswordState::Transport { left } => Some(left),
            _ => None,
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
                PasswordState::Blocked | PasswordState::TransportBlocked => TokenError::Blocked { password },
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

fn send(
    card: &mut dyn CardTransport,
    limits: Limits,
    left: &mut u32,
    command: &CommandApdu,
) -> Result<ResponseApdu, TokenError> {
    let transmit = |apdu: &[u8], response: &mut Vec<u8>| card.transmit(apdu, response);
    let limits = limits.with_max_apdus(limits.max_apdus.min(*left));
    match exchange::run_counted(command.as_command(), limits, transmit) {
        Ok((answer, counts)) => {
            *left = left.saturating_sub(counts.apdus);
            Ok(answer)
        }
        Err(RunError::Transport(error)) => Err(TokenError::Transport(error)),
        Err(RunError::Exchange(ExchangeError::TooManyApdus { .. })) => {
            let problem = ExchangeError::TooManyApdus { max: MOST_APDUS };
            Err(TokenError::Exchange { command: name(command), problem })
        }
        Err(RunError::Exchange(problem)) => Err(TokenError::Exchange { command: name(command), problem }),
        Err(error @ RunError::ResponseBuffer { .. }) => Err(malformed(command, error)),
    }
}

/// The card refused a command before it took any secret.
fn refused(command: &CommandApdu, status: StatusWord) -> TokenError {
    match status.meaning() {
        Status::NotEnoughSpace => TokenError::Full,
        _ => TokenError::Refused { command: name(command), status },
    }
}

/// The card's answer to a command does not make sense.
pub(super) fn malformed(command: &CommandApdu, problem: impl std::fmt::Display) -> TokenError {
    TokenError::Malformed { command: name(command), problem: problem.to_string() }
}

pub(super) fn name(command: &CommandApdu) -> &'static str {
    ins::name(command.ins).unwrap_or("a command")
}
