use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use obnova_transport::{CardConnection, CardTransport, TransportError};

use crate::VirtualCard;
use crate::card::{Card, Torn};

/// A card and the reader it is in, inside the process. Clones are programs that use the same reader: one conversation at a
/// time, as over PC/SC.
#[derive(Debug)]
pub struct SimulatorConnection<C = Card> {
    reader: Arc<Mutex<Reader<C>>>,
}

#[derive(Debug)]
struct Reader<C> {
    card: C,
    busy: bool,
}

impl<C> Clone for SimulatorConnection<C> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone() }
    }
}

impl<C> SimulatorConnection<C> {
    /// Puts the card into a reader.
    #[must_use]
    pub fn new(card: C) -> Self {
        Self { reader: Arc::new(Mutex::new(Reader { card, busy: false })) }
    }

    /// Looks at the card, or plans faults for it, from outside.
    pub fn with_card<T>(&self, look: impl FnOnce(&mut C) -> T) -> T {
        look(&mut self.reader().card)
    }

    fn reader(&self) -> MutexGuard<'_, Reader<C>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: VirtualCard> CardConnection for SimulatorConnection<C> {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        let mut reader = self.reader();
        if reader.busy {
            return Err(TransportError::Sharing);
        }
        reader.busy = true;
        reader.card.reset();
        drop(reader);
        Ok(Box::new(Conversation { connection: self }))
    }

    fn description(&self) -> String {
        "in process".to_owned()
    }

    fn atr(&self) -> Vec<u8> {
        self.reader().card.atr()
    }
}

/// One conversation; the card is reset when it ends.
struct Conversation<'c, C: VirtualCard> {
    connection: &'c SimulatorConnection<C>,
}

impl<C: VirtualCard> CardTransport for Conversation<'_, C> {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        response.clear();
        let answer = self.connection.reader().card.process(command);
        *response = answer.map_err(|Torn| TransportError::CardRemoved)?;
        Ok(())
    }
}

impl<C: VirtualCard> Drop for Conversation<'_, C> {
    fn drop(&mut self) {
        let mut reader = self.connection.reader();
        reader.busy = false;
        reader.card.reset();
    }
}
