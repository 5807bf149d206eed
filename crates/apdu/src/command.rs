//! Commands: written as a [`Command`], read as a [`CommandView`], kept as a [`CommandApdu`].

mod encode;
#[cfg(feature = "alloc")]
mod owned;
mod view;

pub use encode::EncodeError;
#[cfg(feature = "alloc")]
pub use owned::CommandApdu;
pub use view::{CommandError, CommandView};

use core::fmt;

use subtle::ConstantTimeEq;

use crate::Class;

/// One logical command: a header, data to send and the number of bytes wanted back (ISO 7816-4:2013 §5.1).
///
/// It is free of any encoding: [`encode`](Self::encode) writes it as one physical APDU, [`exchange`](crate::exchange)
/// carries it over as many as the card needs. The data may be longer than one APDU holds.
///
/// `Debug` shows the header and the lengths, never the data, which may hold a PIN; of an instruction that carries one not even
/// the length. Data of one length are compared in constant time.
///
/// ```
/// use obnova_apdu::{Command, ins};
///
/// const READ: Command<'_> = Command::new(0x00, ins::READ_BINARY, 0x81, 0x00).with_ne(256);
/// assert_eq!(READ.ne, 256);
/// ```
#[derive(Clone, Copy)]
pub struct Command<'a> {
    /// Class byte, CLA.
    pub cla: u8,
    /// Instruction byte, INS.
    pub ins: u8,
    /// First parameter byte.
    pub p1: u8,
    /// Second parameter byte.
    pub p2: u8,
    /// Command data; empty when there is none.
    pub data: &'a [u8],
    /// N<sub>e</sub>: the largest number of response bytes wanted, 0 to 65,536. 0 wants none; 256 (short) and 65,536
    /// (extended) want all there are.
    pub ne: u32,
}

impl<'a> Command<'a> {
    /// The largest N<sub>e</sub> of a short APDU; it is encoded as `00` and asks for all there is.
    pub const NE_SHORT_MAX: u32 = 256;
    /// The largest N<sub>e</sub> of an extended APDU; it is encoded as `0000` and asks for all there is.
    pub const NE_EXTENDED_MAX: u32 = 65_536;

    /// A command with neither data nor expected response.
    #[must_use]
    pub const fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: &[], ne: 0 }
    }

    /// The same command with this data.
    #[must_use]
    pub const fn with_data<'b>(self, data: &'b [u8]) -> Command<'b> {
        Command { cla: self.cla, ins: self.ins, p1: self.p1, p2: self.p2, data, ne: self.ne }
    }

    /// The same command, expecting at most `ne` response bytes.
    #[must_use]
    pub const fn with_ne(mut self, ne: u32) -> Self {
        self.ne = ne;
        self
    }

    /// The class byte, explained.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::new(self.cla)
    }

    /// The same command in another class, say on another logical channel.
    #[must_use]
    pub const fn with_class(mut self, class: Class) -> Self {
        self.cla = class.byte();
        self
    }

    /// The shortest form that can hold the command: extended when the data exceeds 255 bytes or N<sub>e</sub> exceeds 256.
    #[must_use]
    pub const fn shortest_form(&self) -> LengthForm {
        if self.data.len() > 255 || self.ne > Self::NE_SHORT_MAX { LengthForm::Extended } else { LengthForm::Short }
    }

    /// A copy that owns its data.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_owned(&self) -> CommandApdu {
        CommandApdu::from(*self)
    }
}

impl PartialEq for Command<'_> {
    fn eq(&self, other: &Self) -> bool {
        let header = |one: &Self| (one.cla, one.ins, one.p1, one.p2, one.ne);
        header(self) == header(other) && bool::from(self.data.ct_eq(other.data))
    }
}

impl Eq for Command<'_> {}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cla, ins, p1, p2, data, ne } = self;
        write!(f, "Command({cla:02X} {ins:02X} {p1:02X} {p2:02X}, ")?;
        match data.len() {
            // How long a PIN is helps whoever wants to guess it.
            1.. if crate::ins::carries_secret(*ins) => f.write_str("a secret")?,
            len => write!(f, "{len} bytes of data")?,
        }
        write!(f, ", Ne {ne})")
    }
}

/// How the length fields L<sub>c</sub> and L<sub>e</sub> are written (ISO 7816-4:2013 §5.1). A command with neither is the
/// same in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LengthForm {
    /// One byte each: at most 255 bytes of data and 256 of response.
    Short,
    /// Two or three bytes: at most 65,535 bytes of data and 65,536 of response.
    Extended,
}
