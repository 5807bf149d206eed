use crate::{CardConnection, CardTransport, TransportError};

/// Something that stands around transmissions: it sees each command on its way to the card and each answer on its way
/// back, and may change, withhold or replace either.
///
/// ```
/// use obnova_transport::{CardTransport, Decorator, TransportError};
///
/// /// Sends everything twice, as a bad reader would.
/// struct Stutter;
///
/// impl Decorator for Stutter {
///     fn transmit(
///         &mut self,
///         card: &mut dyn CardTransport,
///         command: &[u8],
///         response: &mut Vec<u8>,
///     ) -> Result<(), TransportError> {
///         card.transmit(command, response)?;
///         card.transmit(command, response)
///     }
/// }
/// ```
pub trait Decorator: Send {
    /// A conversation begins, in the reader that `place` names (empty when nobody knows), with the card whose answer to
    /// reset was last seen to be `atr` (a connection that has not spoken to its card yet does not know it).
    fn began(&mut self, place: &str, atr: &[u8]) {
        let _ = (place, atr);
    }

    /// One transmission. Call `card` to let it through.
    ///
    /// # Errors
    /// Whatever `card` returns, or what the decorator makes up.
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError>;

    /// The conversation is over.
    fn ended(&mut self) {}
}

impl<D: Decorator + ?Sized> Decorator for &mut D {
    fn began(&mut self, place: &str, atr: &[u8]) {
        (**self).began(place, atr);
    }

    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        (**self).transmit(card, command, response)
    }

    fn ended(&mut self) {
        (**self).ended();
    }
}

impl<D: Decorator + ?Sized> Decorator for Box<D> {
    fn began(&mut self, place: &str, atr: &[u8]) {
        (**self).began(place, atr);
    }

    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        (**self).transmit(card, command, response)
    }

    fn ended(&mut self) {
        (**self).ended();
    }
}

/// A connection with a decorator around each of its conversations. They nest: the outermost sees a command first.
#[derive(Debug)]
pub struct Decorated<C, D> {
    connection: C,
    decorator: D,
}

impl<C: CardConnection, D: Decorator> Decorated<C, D> {
    /// Puts `decorator` around every conversation with the card behind `connection`.
    pub const fn new(connection: C, decorator: D) -> Self {
        Self { connection, decorator }
    }

    /// The connection and the decorator apart again.
    pub fn into_parts(self) -> (C, D) {
        (self.connection, self.decorator)
    }
}

impl<C: CardConnection, D: Decorator> CardConnection for Decorated<C, D> {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        let (place, atr) = (self.connection.description(), self.connection.atr());
        let transport = self.connection.begin()?;
        Ok(Box::new(Around::in_place(transport, &mut self.decorator, &place, &atr)))
    }

    fn description(&self) -> String {
        self.connection.description()
    }

    fn atr(&self) -> Vec<u8> {
        self.connection.atr()
    }
}

/// One conversation with a decorator around it.
#[derive(Debug)]
pub struct Around<T: CardTransport, D: Decorator> {
    transport: T,
    decorator: D,
}

impl<T: CardTransport, D: Decorator> Around<T, D> {
    /// Puts `decorator` around `transport`; the conversation ends when this is dropped.
    pub fn new(transport: T, decorator: D) -> Self {
        Self::in_place(transport, decorator, "", &[])
    }

    fn in_place(transport: T, mut decorator: D, place: &str, atr: &[u8]) -> Self {
        decorator.began(place, atr);
        Self { transport, decorator }
    }
}

impl<T: CardTransport, D: Decorator> CardTransport for Around<T, D> {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        self.decorator.transmit(&mut self.transport, command, response)
    }

    /// Goes past the decorator: what is said to the reader is no transmission.
    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.transport.control(code, data)
    }
}

impl<T: CardTransport, D: Decorator> Drop for Around<T, D> {
    fn drop(&mut self) {
        self.decorator.ended();
    }
}
