use crate::card::{Card, Torn};

/// A card in software, whatever applet is on it: what [`SimulatorConnection`](crate::SimulatorConnection) and
/// [`vpcd`](crate::vpcd) take. [`Card`] is one; an applet of your own becomes one by these three methods. For applets that are
/// written against the crate `iso7816`, `obnova-apdu` has conversions both ways (feature `iso7816`).
///
/// ```
/// use obnova_simulator::{SimulatorConnection, Torn, VirtualCard};
///
/// /// Says what it was told.
/// struct Parrot;
///
/// impl VirtualCard for Parrot {
///     fn process(&mut self, command: &[u8]) -> Result<Vec<u8>, Torn> {
///         Ok([command, &[0x90, 0x00]].concat())
///     }
///
///     fn reset(&mut self) {}
///
///     fn atr(&self) -> Vec<u8> {
///         vec![0x3B, 0x00]
///     }
/// }
///
/// let reader = SimulatorConnection::new(Parrot);
/// ```
pub trait VirtualCard: Send {
    /// Takes one command APDU, which may be anything, and gives the response APDU.
    ///
    /// # Errors
    /// [`Torn`], when the card lost power.
    fn process(&mut self, command: &[u8]) -> Result<Vec<u8>, Torn>;

    /// Resets the card, or gives it power again: what was selected and verified is forgotten.
    fn reset(&mut self);

    /// Answer to reset (ISO/IEC 7816-3 §8).
    fn atr(&self) -> Vec<u8>;
}

impl VirtualCard for Card {
    fn process(&mut self, command: &[u8]) -> Result<Vec<u8>, Torn> {
        Card::process(self, command)
    }

    fn reset(&mut self) {
        Card::reset(self);
    }

    fn atr(&self) -> Vec<u8> {
        Card::atr(self)
    }
}
