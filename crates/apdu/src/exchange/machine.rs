use core::fmt;

use subtle::ConstantTimeEq;

use super::{ExchangeError, Limits};
use crate::{Class, ClassRange, Command, LengthForm, Response, StatusWord, ins};

/// The machine that carries one logical command. See [the module](super) for the rules and an example.
///
/// It borrows the command's data and keeps neither commands nor responses, so there is nothing in it to wipe.
#[derive(Debug)]
pub struct Exchange<'c> {
    command: Command<'c>,
    limits: Limits,
    form: LengthForm,
    state: State,
    /// How much of the command's data went out in chained commands that the card accepted.
    sent: usize,
    /// Which command of the chain is next, from 0.
    index: u32,
    /// The Ne that the card asked for by 6Cxx, for the APDU to be sent again.
    corrected: Option<u32>,
    /// Response data bytes so far.
    received: usize,
    counts: Counts,
}

/// What to do next. `Debug` shows the length of an APDU, never the bytes, and those of one length are compared in constant time.
#[derive(Clone, Copy)]
pub enum Step<'b> {
    /// Send these bytes to the card, hand its answer to [`Exchange::receive`].
    ///
    /// They may hold a PIN: wipe the buffer when the exchange is over.
    Send(&'b [u8]),
    /// The command is done, and this is what the card says of it. It may be an error: of the last APDU, or of an earlier
    /// one that ended the chain.
    Done(StatusWord),
}

impl PartialEq for Step<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Send(one), Self::Send(another)) => one.ct_eq(another).into(),
            (Self::Done(one), Self::Done(another)) => one == another,
            _ => false,
        }
    }
}

impl Eq for Step<'_> {}

impl fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(apdu) => write!(f, "Send({} bytes)", apdu.len()),
            Self::Done(status) => write!(f, "Done({status})"),
        }
    }
}

/// How much went over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Command APDUs handed out.
    pub apdus: u32,
    /// Bytes of command APDUs.
    pub bytes_out: u64,
    /// Bytes of response APDUs, status words included.
    pub bytes_in: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `apdu` is to be sent.
    Ready(Apdu),
    /// `apdu` was handed out; `asked` is its Ne.
    Waiting {
        apdu: Apdu,
        asked: u32,
    },
    Done(StatusWord),
    Failed(ExchangeError),
}

/// The physical APDUs that a logical command is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Apdu {
    /// The next command of the chain, or the only one.
    Command,
    /// GET RESPONSE with this Ne.
    GetResponse(u32),
}

impl<'c> Exchange<'c> {
    /// Plans the exchange of `command` with a card that has these limits.
    ///
    /// # Errors
    /// [`ExchangeError::DataTooLong`], [`ExchangeError::NotChainable`] or [`ExchangeError::Encode`] when no sequence of
    /// APDUs can carry the command.
    pub fn new(command: Command<'c>, limits: Limits) -> Result<Self, ExchangeError> {
        command.with_data(&[]).encoded_len(LengthForm::Extended)?;
        let (len, max) = (command.data.len(), limits.data_per_apdu());
        if len > max {
            if !limits.chaining {
                return Err(ExchangeError::DataTooLong { len, max });
            }
            if command.class().is_chained() || command.class().chained().range() == ClassRange::Invalid {
                return Err(ExchangeError::NotChainable { cla: command.cla });
            }
        }
        let needs_extended = len.min(max) > 255 || command.ne.min(limits.ne_per_apdu()) > Command::NE_SHORT_MAX;
        let form = if needs_extended { LengthForm::Extended } else { LengthForm::Short };
        Ok(Self {
            command,
            limits,
            form,
            state: State::Ready(Apdu::Command),
            sent: 0,
            index: 0,
            corrected: None,
            received: 0,
            counts: Counts::default(),
        })
    }

    /// The length of the buffer that [`step`](Self::step) needs for this command.
    #[must_use]
    pub fn buffer_len(&self) -> usize {
        let data = self.command.data.len().min(self.limits.data_per_apdu());
        match self.form {
            LengthForm::Short => 4 + 1 + data + 1,
            LengthForm::Extended => 4 + 3 + data + 2,
        }
    }

    /// What to do next. Called again before the answer was received, it hands out the same APDU.
    ///
    /// # Errors
    /// [`ExchangeError::Encode`] when `buffer` is too small: call again with one of [`buffer_len`](Self::buffer_len).
    /// [`ExchangeError::TooManyApdus`], or the error that ended the exchange.
    pub fn step<'b>(&mut self, buffer: &'b mut [u8]) -> Result<Step<'b>, ExchangeError> {
        let (apdu, first_time) = match self.state {
            State::Ready(apdu) => (apdu, true),
            State::Waiting { apdu, .. } => (apdu, false),
            State::Done(status) => return Ok(Step::Done(status)),
            State::Failed(error) => return Err(error),
        };
        if first_time && self.counts.apdus >= self.limits.max_apdus {
            return self.fail(ExchangeError::TooManyApdus { max: self.limits.max_apdus });
        }
        let (command, form) = self.physical(apdu);
        let bytes = command.encode(buffer, form)?;
        if first_time {
            self.counts.apdus += 1;
            self.counts.bytes_out += bytes.len() as u64;
            self.state = State::Waiting { apdu, asked: command.ne };
        }
        Ok(Step::Send(bytes))
    }

    /// Takes the card's answer and returns the response data in it, to be appended to what came before.
    ///
    /// # Errors
    /// [`ExchangeError`] says how the card broke the rules; the exchange is over then.
    pub fn receive<'r>(&mut self, response: &'r [u8]) -> Result<&'r [u8], ExchangeError> {
        let State::Waiting { apdu, asked } = self.state else {
            return Err(ExchangeError::NotExpected);
        };
        self.counts.bytes_in += response.len() as u64;
        let Response { data, status } = match Response::parse(response) {
            Ok(response) => response,
            Err(error) => return self.fail(error.into()),
        };
        match self.judge(apdu, asked, data, status) {
            Ok(next) => {
                self.state = next;
                self.received += data.len();
                Ok(data)
            }
            Err(error) => self.fail(error),
        }
    }

    /// How much went over the wire so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// How many response data bytes came so far.
    #[must_use]
    pub const fn received(&self) -> usize {
        self.received
    }

    /// What the answer to `apdu` leads to.
    fn judge(&mut self, apdu: Apdu, asked: u32, data: &[u8], status: StatusWord) -> Result<State, ExchangeError> {
        let got = data.len();
        if got > asked as usize {
            return Err(ExchangeError::TooMuchData { asked, got });
        }
        if self.received.saturating_add(got) > self.limits.max_response {
            return Err(ExchangeError::ResponseTooLong { max: self.limits.max_response });
        }
        if apdu == Apdu::Command && self.more_follow() {
            return self.judge_in_chain(status);
        }
        let low = u32::from(status.sw2());
        let available = if low == 0 { Command::NE_SHORT_MAX } else { low };
        match status.sw1() {
            0x6C if asked > 0 => {
                if got > 0 {
                    return Err(ExchangeError::DataBesideWrongLe { got, status });
                }
                if self.corrected.replace(available).is_some() {
                    return Err(ExchangeError::WrongLeAgain { status });
                }
                Ok(State::Ready(apdu))
            }
            0x61 if self.command.ne > 0 => {
                if got == 0 && apdu != Apdu::Command {
                    return Err(ExchangeError::NoProgress);
                }
                self.corrected = None;
                Ok(State::Ready(Apdu::GetResponse(available)))
            }
            _ => Ok(State::Done(status)),
        }
    }

    /// What the answer to a command that is not the last of its chain leads to: it has no Le, so no data came with it.
    fn judge_in_chain(&mut self, status: StatusWord) -> Result<State, ExchangeError> {
        if status.is_success() {
            self.sent += self.limits.data_per_apdu();
            self.index += 1;
            return Ok(State::Ready(Apdu::Command));
        }
        if status.is_error() && status.sw1() != 0x6C {
            return Ok(State::Done(status));
        }
        Err(ExchangeError::UnexpectedInChain { index: self.index, status })
    }

    /// Whether the next command of the chain is not the last one.
    fn more_follow(&self) -> bool {
        self.command.data.len() - self.sent > self.limits.data_per_apdu()
    }

    /// The physical APDU to send, and its form.
    fn physical(&self, apdu: Apdu) -> (Command<'c>, LengthForm) {
        match apdu {
            Apdu::GetResponse(available) => {
                let ne = self.corrected.unwrap_or(available);
                (Command::new(self.get_response_cla(), ins::GET_RESPONSE, 0, 0).with_ne(ne), LengthForm::Short)
            }
            Apdu::Command if self.more_follow() => {
                let data = &self.command.data[self.sent..self.sent + self.limits.data_per_apdu()];
                let chained = self.command.with_class(self.command.class().chained()).with_ne(0).with_data(data);
                (chained, self.form)
            }
            Apdu::Command => {
                let data = &self.command.data[self.sent..];
                let omit_le = self.limits.omit_le_after_data && self.form == LengthForm::Short && !data.is_empty();
                let ne = match self.corrected {
                    _ if omit_le => 0,
                    Some(ne) => ne,
                    None => self.command.ne.min(self.limits.ne_per_apdu()),
                };
                (self.command.with_data(data).with_ne(ne), self.form)
            }
        }
    }

    fn get_response_cla(&self) -> u8 {
        if let Some(cla) = self.limits.get_response_cla {
            return cla;
        }
        let class = self.command.class();
        match (class.range(), class.channel().and_then(Class::on_channel)) {
            (ClassRange::FirstInterindustry | ClassRange::FurtherInterindustry, Some(class)) => class.byte(),
            _ => Class::INTERINDUSTRY.byte(),
        }
    }

    fn fail<T>(&mut self, error: ExchangeError) -> Result<T, ExchangeError> {
        self.state = State::Failed(error);
        Err(error)
    }
}
