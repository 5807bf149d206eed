use crate::TransportError;

/// A conversation with a card: the one method at the bottom of everything.
pub trait CardTransport: Send {
    /// Sends one command APDU; the response APDU, data and status word, replaces what is in `response`.
    ///
    /// # Errors
    /// [`TransportError`]: what became of the command is unknown, the card may have acted on it.
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError>;

    /// Speaks to the reader instead of the card, by one of its control codes (PC/SC: SCardControl). A way without a reader, or
    /// one that does not pass this on, leaves it as it is.
    ///
    /// # Errors
    /// [`TransportError::NoControl`] where there is no such channel.
    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        let _ = (code, data);
        Err(TransportError::NoControl)
    }
}

impl<T: CardTransport + ?Sized> CardTransport for &mut T {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        (**self).transmit(command, response)
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        (**self).control(code, data)
    }
}

impl<T: CardTransport + ?Sized> CardTransport for Box<T> {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        (**self).transmit(command, response)
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        (**self).control(code, data)
    }
}

/// Where conversations with one card come from.
pub trait CardConnection: Send {
    /// Begins a conversation that no other program can break into (a PC/SC transaction). Keep it short: never hold one
    /// across a prompt or a network wait. When it is dropped the card's security status is reset, so that nothing that a
    /// PIN opened is inherited by the next program.
    ///
    /// # Errors
    /// [`TransportError`]: no card, another program has it, the service is gone.
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError>;

    /// Where the card is, for people: a reader's name, "in process".
    fn description(&self) -> String;

    /// The card's answer to reset (ISO 7816-3), as last seen.
    fn atr(&self) -> Vec<u8>;
}

/// So that something may borrow a connection for a while, and its owner has it again afterwards.
impl<C: CardConnection + ?Sized> CardConnection for &mut C {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        (**self).begin()
    }

    fn description(&self) -> String {
        (**self).description()
    }

    fn atr(&self) -> Vec<u8> {
        (**self).atr()
    }
}

impl<C: CardConnection + ?Sized> CardConnection for Box<C> {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        (**self).begin()
    }

    fn description(&self) -> String {
        (**self).description()
    }

    fn atr(&self) -> Vec<u8> {
        (**self).atr()
    }
}
