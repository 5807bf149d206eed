use core::fmt;

use thiserror::Error;

use super::{Command, LengthForm};
use crate::Class;

/// A command APDU read from bytes, without copying (ISO 7816-4:2013 §5.1, cases 1 to 4, short and extended).
///
/// The encoding rules are taken strictly: every byte belongs to a field, or parsing fails. Shown and compared as a [`Command`].
///
/// ```
/// use obnova_apdu::{CommandView, LengthForm};
///
/// let view = CommandView::parse(&[0x00, 0xB0, 0x00, 0x00, 0x00, 0x01, 0x00])?;
/// assert_eq!((view.ne(), view.form()), (256, LengthForm::Extended));
/// # Ok::<(), obnova_apdu::CommandError>(())
/// ```
#[derive(Clone, Copy)]
pub struct CommandView<'a> {
    header: [u8; 4],
    data: &'a [u8],
    ne: u32,
    form: LengthForm,
}

impl<'a> CommandView<'a> {
    /// Reads one command APDU that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`CommandError`] says which length does not add up.
    #[inline]
    pub const fn parse(bytes: &'a [u8]) -> Result<Self, CommandError> {
        let Some((header, body)) = bytes.split_first_chunk::<4>() else {
            return Err(CommandError::HeaderTruncated { len: bytes.len() });
        };
        if header[0] == 0xFF {
            return Err(CommandError::InvalidClass);
        }
        let [first, rest @ ..] = body else {
            return Ok(Self { header: *header, data: &[], ne: 0, form: LengthForm::Short });
        };
        let (data, ne, form): (&[u8], u32, LengthForm) = if rest.is_empty() {
            (&[], short_ne(*first), LengthForm::Short)
        } else if *first == 0 {
            match split_extended(rest) {
                Ok((data, ne)) => (data, ne, LengthForm::Extended),
                Err(error) => return Err(error),
            }
        } else {
            let lc = *first as usize;
            match rest.split_at_checked(lc) {
                Some((data, [])) => (data, 0, LengthForm::Short),
                Some((data, [le])) => (data, short_ne(*le), LengthForm::Short),
                Some((_, le)) => return Err(CommandError::TrailingBytes { extra: le.len() - 1 }),
                None => return Err(CommandError::DataTruncated { announced: lc, found: rest.len() }),
            }
        };
        Ok(Self { header: *header, data, ne, form })
    }

    /// The class byte, explained.
    #[inline]
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::new(self.header[0])
    }

    /// Class byte, CLA.
    #[inline]
    #[must_use]
    pub const fn cla(&self) -> u8 {
        self.header[0]
    }

    /// Instruction byte, INS.
    #[inline]
    #[must_use]
    pub const fn ins(&self) -> u8 {
        self.header[1]
    }

    /// First parameter byte.
    #[inline]
    #[must_use]
    pub const fn p1(&self) -> u8 {
        self.header[2]
    }

    /// Second parameter byte.
    #[inline]
    #[must_use]
    pub const fn p2(&self) -> u8 {
        self.header[3]
    }

    /// P1 and P2 as one number: a file identifier, an offset, a tag.
    #[inline]
    #[must_use]
    pub const fn p1p2(&self) -> u16 {
        u16::from_be_bytes([self.header[2], self.header[3]])
    }

    /// Command data; empty when there is none.
    #[inline]
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// N<sub>e</sub>, 0 to 65,536; `00` reads as 256 and `0000` as 65,536.
    #[inline]
    #[must_use]
    pub const fn ne(&self) -> u32 {
        self.ne
    }

    /// The form of the length fields; [`LengthForm::Short`] when there are none.
    #[inline]
    #[must_use]
    pub const fn form(&self) -> LengthForm {
        self.form
    }

    /// The same command as a representation that can be changed and encoded again.
    #[inline]
    #[must_use]
    pub const fn to_command(&self) -> Command<'a> {
        let [cla, ins, p1, p2] = self.header;
        Command { cla, ins, p1, p2, data: self.data, ne: self.ne }
    }
}

/// Why bytes are no command APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// Fewer than the four header bytes.
    #[error("command APDU has {len} bytes; a header alone has 4")]
    HeaderTruncated {
        /// Bytes found.
        len: usize,
    },
    /// The class byte is `FF`.
    #[error("class byte FF is invalid")]
    InvalidClass,
    /// A first length byte `00` announces extended lengths, and too few bytes follow.
    #[error("extended length field is cut short")]
    LengthFieldTruncated,
    /// An extended L<sub>c</sub> of zero with bytes after it.
    #[error("extended Lc is 0 but {found} bytes follow")]
    ZeroLc {
        /// Bytes found after the field.
        found: usize,
    },
    /// Fewer data bytes than L<sub>c</sub> announces.
    #[error("Lc announces {announced} data bytes, {found} are there")]
    DataTruncated {
        /// Bytes announced.
        announced: usize,
        /// Bytes found.
        found: usize,
    },
    /// Extended data is followed by one byte, half of an L<sub>e</sub>.
    #[error("extended Le is cut short")]
    LeTruncated,
    /// Bytes remain that belong to no field.
    #[error("{extra} bytes after the end of the command APDU")]
    TrailingBytes {
        /// Bytes too many.
        extra: usize,
    },
}

/// What stands behind the `00` that announces extended length fields.
#[inline]
const fn split_extended(body: &[u8]) -> Result<(&[u8], u32), CommandError> {
    let [hi, lo, rest @ ..] = body else {
        return Err(CommandError::LengthFieldTruncated);
    };
    if rest.is_empty() {
        return Ok((&[], extended_ne(*hi, *lo)));
    }
    let lc = u16::from_be_bytes([*hi, *lo]) as usize;
    if lc == 0 {
        return Err(CommandError::ZeroLc { found: rest.len() });
    }
    match rest.split_at_checked(lc) {
        Some((data, [])) => Ok((data, 0)),
        Some((data, [hi, lo])) => Ok((data, extended_ne(*hi, *lo))),
        Some((_, [_])) => Err(CommandError::LeTruncated),
        Some((_, le)) => Err(CommandError::TrailingBytes { extra: le.len() - 2 }),
        None => Err(CommandError::DataTruncated { announced: lc, found: rest.len() }),
    }
}

const fn short_ne(le: u8) -> u32 {
    if le == 0 { Command::NE_SHORT_MAX } else { le as u32 }
}

const fn extended_ne(hi: u8, lo: u8) -> u32 {
    match u16::from_be_bytes([hi, lo]) {
        0 => Command::NE_EXTENDED_MAX,
        ne => ne as u32,
    }
}

impl<'a> TryFrom<&'a [u8]> for CommandView<'a> {
    type Error = CommandError;

    fn try_from(bytes: &'a [u8]) -> Result<Self, CommandError> {
        Self::parse(bytes)
    }
}

impl<'a> From<CommandView<'a>> for Command<'a> {
    fn from(view: CommandView<'a>) -> Self {
        view.to_command()
    }
}

impl PartialEq for CommandView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form && self.to_command() == other.to_command()
    }
}

impl Eq for CommandView<'_> {}

impl fmt::Debug for CommandView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandView({:?}, {:?})", self.to_command(), self.form)
    }
}
