//! Conversions to and from the types of the crate `iso7816` (feature `iso7816`).
//!
//! That crate is what applets on the card's side are written against, so these are the door by which they plug into a host
//! or a simulator built on this one. What does not fit is an error or is said here:
//!
//! * its `Status` loses two from the counts of `6202`–`6280` and `6402`–`6480` when it becomes a number; the conversions here
//!   do not;
//! * its `Response` is data *or* a status, ours is both;
//! * its views can only be made by parsing, so that [`Command::encode_iso7816`] needs a buffer.

use ::iso7816::command::class::InvalidClass;
use ::iso7816::command::{CommandBuilder, CommandView as IsoView, ExpectedLen, FromSliceError};
use ::iso7816::{Aid, Instruction, Response as IsoResponse, Status as IsoStatus};
use thiserror::Error;

use crate::{Class, Command, CommandView, EncodeError, LengthForm, Response, Status, StatusWord, ins};

impl From<StatusWord> for IsoStatus {
    fn from(word: StatusWord) -> Self {
        Self::from_u16(word.0)
    }
}

impl From<IsoStatus> for StatusWord {
    fn from(status: IsoStatus) -> Self {
        Self(match status {
            IsoStatus::WarningTriggering(count) => 0x6200 | u16::from(count),
            IsoStatus::ErrorTriggering(count) => 0x6400 | u16::from(count),
            other => other.to_u16(),
        })
    }
}

impl From<Status> for IsoStatus {
    fn from(status: Status) -> Self {
        status.to_word().into()
    }
}

impl From<IsoStatus> for Status {
    fn from(status: IsoStatus) -> Self {
        StatusWord::from(status).meaning()
    }
}

impl TryFrom<Class> for ::iso7816::command::class::Class {
    type Error = InvalidClass;

    fn try_from(class: Class) -> Result<Self, InvalidClass> {
        Self::from_byte(class.byte())
    }
}

impl From<::iso7816::command::class::Class> for Class {
    fn from(class: ::iso7816::command::class::Class) -> Self {
        Self::new(class.into_inner())
    }
}

impl<'a> From<IsoView<'a>> for Command<'a> {
    fn from(view: IsoView<'a>) -> Self {
        Self::new(view.class().into_inner(), view.instruction().into(), view.p1, view.p2)
            .with_data(view.data())
            .with_ne(u32::try_from(view.expected()).unwrap_or(u32::MAX))
    }
}

impl<'a, const S: usize> From<&'a ::iso7816::Command<S>> for Command<'a> {
    fn from(command: &'a ::iso7816::Command<S>) -> Self {
        command.as_view().into()
    }
}

impl<'a, const S: usize> From<&'a IsoResponse<S>> for Response<'a> {
    /// Data becomes a response with `9000`, a status one without data.
    fn from(response: &'a IsoResponse<S>) -> Self {
        match response {
            IsoResponse::Data(data) => Self { data, status: StatusWord::SUCCESS },
            IsoResponse::Status(status) => Self { data: &[], status: (*status).into() },
        }
    }
}

impl CommandView<'_> {
    /// The instruction in the vocabulary of the crate `iso7816`.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        self.ins().into()
    }

    /// A copy of the command that owns its data, with room for `S` bytes of it.
    ///
    /// # Errors
    /// [`IsoCommandError::Parse`] when there are more than `S`, [`IsoCommandError::Encode`] when `buffer` is too small.
    pub fn to_iso7816<const S: usize>(&self, buffer: &mut [u8]) -> Result<::iso7816::Command<S>, IsoCommandError> {
        self.to_command().encode_iso7816(buffer, self.form())?.to_owned().map_err(IsoCommandError::Parse)
    }
}

impl<'a> Command<'a> {
    /// SELECT of an application by its identifier, asking for its file control information (ISO 7816-4:2013 §11.1.1).
    #[must_use]
    pub fn select(aid: &'a Aid) -> Self {
        Self::new(0x00, ins::SELECT, 0x04, 0x00).with_data(aid.as_bytes()).with_ne(Self::NE_SHORT_MAX)
    }

    /// Writes the command into `buffer` and reads it as a view of the crate `iso7816`.
    ///
    /// # Errors
    /// [`IsoCommandError::Encode`] when the command does not fit the form or the buffer, [`IsoCommandError::Parse`] when the
    /// other crate refuses it.
    pub fn encode_iso7816<'b>(&self, buffer: &'b mut [u8], form: LengthForm) -> Result<IsoView<'b>, IsoCommandError> {
        IsoView::try_from(self.encode(buffer, form)?).map_err(IsoCommandError::Parse)
    }

    /// The command as a builder of the crate `iso7816`.
    ///
    /// # Errors
    /// [`IsoCommandError::Encode`] when no extended APDU can hold the command.
    pub fn to_iso7816_builder(&self) -> Result<CommandBuilder<&'a [u8]>, IsoCommandError> {
        self.encoded_len(LengthForm::Extended)?;
        let class = self.class().try_into().map_err(|error: InvalidClass| IsoCommandError::Parse(error.into()))?;
        let le = u16::try_from(self.ne).map_or(ExpectedLen::Max, ExpectedLen::Ne);
        Ok(CommandBuilder::new(class, self.ins.into(), self.p1, self.p2, self.data, le))
    }
}

/// Why a command does not become one of the crate `iso7816`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IsoCommandError {
    /// The command cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The other crate refuses it.
    #[error("the crate iso7816 refuses the command: {0:?}")]
    Parse(FromSliceError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_word_goes_there_and_back() {
        for number in 0..=u16::MAX {
            let word = StatusWord(number);
            assert_eq!(StatusWord::from(IsoStatus::from(word)), word);
            assert_eq!(Status::from(IsoStatus::from(word.meaning())), word.meaning());
        }
    }

    #[test]
    fn every_class_byte_but_ff_goes_there_and_back() {
        for byte in 0..=255 {
            let class = ::iso7816::command::class::Class::try_from(Class::new(byte));
            assert_eq!(class.map(|class| Class::from(class).byte()).ok(), (byte != 0xFF).then_some(byte));
        }
    }

    #[test]
    fn commands_go_there_and_back() {
        let command = Command::new(0x01, ins::PUT_DATA_TLV, 0x3F, 0xFF).with_data(&[1, 2, 3]).with_ne(256);
        for form in [LengthForm::Short, LengthForm::Extended] {
            let mut buffer = [0; 32];
            let view = command.encode_iso7816(&mut buffer, form).unwrap();
            assert_eq!(view.instruction(), Instruction::PutData);
            assert_eq!(Command::from(view), command);
        }
        assert!(
            command.to_iso7816_builder().unwrap() == {
                let mut buffer = [0; 32];
                let bytes = command.encode(&mut buffer, LengthForm::Short).unwrap().to_vec();
                IsoView::try_from(std::boxed::Box::leak(bytes.into_boxed_slice()) as &[u8]).unwrap()
            }
        );
        let mut buffer = [0; 32];
        let view = CommandView::parse(&[0x00, 0xB0, 0x00, 0x00, 0x02, 0xAA, 0xBB]).unwrap();
        assert_eq!(Command::from(&view.to_iso7816::<2>(&mut buffer).unwrap()), view.to_command());
        let too_long = view.to_iso7816::<1>(&mut buffer).unwrap_err();
        assert_eq!(too_long, IsoCommandError::Parse(FromSliceError::TooLong));
        let invalid_class = Command::new(0xFF, 0, 0, 0).to_iso7816_builder();
        assert!(matches!(invalid_class, Err(IsoCommandError::Encode(EncodeError::InvalidClass))));
        let data = [0; 65_536];
        let too_long = Command::new(0, 0, 0, 0).with_data(&data).to_iso7816_builder();
        assert!(matches!(too_long, Err(IsoCommandError::Encode(_))));
    }

    #[test]
    fn responses_and_application_identifiers_come_over() {
        let data = IsoResponse::<4>::Data(::iso7816::Data::from_slice(&[1, 2]).unwrap());
        assert_eq!(Response::from(&data), Response { data: &[1, 2], status: StatusWord::SUCCESS });
        let status = IsoResponse::<4>::Status(IsoStatus::NotFound);
        assert_eq!(Response::from(&status), Response { data: &[], status: StatusWord::FILE_NOT_FOUND });
        let aid = Aid::new(&[0xA0, 0, 0, 0, 0x63]);
        assert_eq!(Command::select(&aid).data, [0xA0, 0, 0, 0, 0x63]);
    }
}
