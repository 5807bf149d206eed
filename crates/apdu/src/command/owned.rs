use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{Command, CommandError, CommandView, EncodeError, LengthForm};

/// A command that owns its data, wipes it when dropped, and compares it in constant time: it may hold a PIN.
///
/// `Debug` shows the header and the lengths, never the data.
///
/// ```
/// use obnova_apdu::{CommandApdu, LengthForm};
///
/// let command = CommandApdu::new(0x00, 0x20, 0x00, 0x01).with_data(b"1234".to_vec());
/// assert_eq!(*command.encode(LengthForm::Short)?, [0x00, 0x20, 0x00, 0x01, 0x04, 0x31, 0x32, 0x33, 0x34]);
/// assert!(!format!("{command:?}").contains("1234"));
/// # Ok::<(), obnova_apdu::EncodeError>(())
/// ```
#[derive(Clone)]
pub struct CommandApdu {
    /// Class byte, CLA.
    pub cla: u8,
    /// Instruction byte, INS.
    pub ins: u8,
    /// First parameter byte.
    pub p1: u8,
    /// Second parameter byte.
    pub p2: u8,
    /// N<sub>e</sub>, as in [`Command::ne`].
    pub ne: u32,
    data: Zeroizing<Vec<u8>>,
}

impl CommandApdu {
    /// A command with neither data nor expected response.
    #[must_use]
    pub fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, ne: 0, data: Zeroizing::default() }
    }

    /// The same command with this data; data that it had is wiped.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = Zeroizing::new(data.into());
        self
    }

    /// The same command, expecting at most `ne` response bytes.
    #[must_use]
    pub fn with_ne(mut self, ne: u32) -> Self {
        self.ne = ne;
        self
    }

    /// Reads one command APDU that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`CommandError`] says which length does not add up.
    pub fn parse(bytes: &[u8]) -> Result<Self, CommandError> {
        CommandView::parse(bytes).map(Self::from)
    }

    /// Command data; empty when there is none.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The command as a borrowed representation.
    #[must_use]
    pub fn as_command(&self) -> Command<'_> {
        Command { cla: self.cla, ins: self.ins, p1: self.p1, p2: self.p2, data: &self.data, ne: self.ne }
    }

    /// The command as one APDU, in a buffer that is wiped when dropped.
    ///
    /// # Errors
    /// [`EncodeError::DataTooLong`] and [`EncodeError::NeTooLarge`] when the form cannot hold the command.
    pub fn encode(&self, form: LengthForm) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
        self.as_command().to_vec(form)
    }
}

impl Command<'_> {
    /// The command as one APDU, in a buffer that is wiped when dropped.
    ///
    /// # Errors
    /// [`EncodeError::DataTooLong`] and [`EncodeError::NeTooLarge`] when the form cannot hold the command.
    pub fn to_vec(&self, form: LengthForm) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
        let mut out = Zeroizing::new(vec![0; self.encoded_len(form)?]);
        self.encode(&mut out, form)?;
        Ok(out)
    }
}

impl From<Command<'_>> for CommandApdu {
    fn from(command: Command<'_>) -> Self {
        let Command { cla, ins, p1, p2, data, ne } = command;
        Self { cla, ins, p1, p2, ne, data: Zeroizing::new(data.to_vec()) }
    }
}

impl From<CommandView<'_>> for CommandApdu {
    fn from(view: CommandView<'_>) -> Self {
        view.to_command().into()
    }
}

impl PartialEq for CommandApdu {
    fn eq(&self, other: &Self) -> bool {
        self.as_command() == other.as_command()
    }
}

impl Eq for CommandApdu {}

impl ZeroizeOnDrop for CommandApdu {}

impl fmt::Debug for CommandApdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_command().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_held_in_what_wipes_them() {
        fn wiped(_: &impl ZeroizeOnDrop) {}
        static_assertions::assert_impl_all!(CommandApdu: ZeroizeOnDrop);
        let command = CommandApdu::new(0x00, crate::ins::VERIFY, 0, 1).with_data(b"1234".to_vec());
        wiped(&command.data);
        wiped(&command.encode(LengthForm::Short).unwrap());
        assert!(command != command.clone().with_data(b"1235".to_vec()) && command == command.clone());
    }
}
