//! A card that keeps what was said to it.

use std::sync::{Arc, Mutex};

use obnova_fuzz::cards::Kind;
use obnova_simulator::{Card, SimulatorConnection, Torn, VirtualCard};
use obnova_transport::CardConnection as _;

/// What was said to a card from its beginning.
pub struct Conversation {
    pub name: &'static str,
    pub kind: Kind,
    /// Where the card was.
    pub place: String,
    /// Its answer to reset.
    pub atr: Vec<u8>,
    pub said: Vec<Said>,
}

/// Something that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Reset,
    /// A command and its answer.
    Command(Vec<u8>, Vec<u8>),
}

impl Conversation {
    /// Has a card talked to, and keeps what was said.
    pub fn record(name: &'static str, kind: Kind, talk: impl FnOnce(&SimulatorConnection<Recorder>)) -> Self {
        let said = Arc::default();
        let connection = SimulatorConnection::new(Recorder { card: kind.card(), said: Arc::clone(&said) });
        talk(&connection);
        let said = said.lock().expect("nobody panicked").clone();
        Self { name, kind, place: connection.description(), atr: connection.atr(), said }
    }

    /// Whose program spoke: the first word of the name.
    pub fn speaker(&self) -> &'static str {
        self.name.split_once('-').map_or(self.name, |(speaker, _)| speaker)
    }

    /// Commands with their answers.
    pub fn commands(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        commands(&self.said)
    }

    /// The same from each reset to the next.
    pub fn parts(&self) -> impl Iterator<Item = impl Iterator<Item = (&[u8], &[u8])>> {
        self.said.split(|said| *said == Said::Reset).filter(|part| !part.is_empty()).map(commands)
    }
}

fn commands(said: &[Said]) -> impl Iterator<Item = (&[u8], &[u8])> {
    said.iter().filter_map(|said| match said {
        Said::Reset => None,
        Said::Command(command, answer) => Some((&command[..], &answer[..])),
    })
}

/// The card.
pub struct Recorder {
    card: Card,
    said: Arc<Mutex<Vec<Said>>>,
}

impl VirtualCard for Recorder {
    fn process(&mut self, command: &[u8]) -> Result<Vec<u8>, Torn> {
        let answer = self.card.process(command)?;
        self.said.lock().expect("nobody panicked").push(Said::Command(command.to_vec(), answer.clone()));
        Ok(answer)
    }

    fn reset(&mut self) {
        self.card.reset();
        let mut said = self.said.lock().expect("nobody panicked");
        if said.last().is_some_and(|last| *last != Said::Reset) {
            said.push(Said::Reset);
        }
    }

    fn atr(&self) -> Vec<u8> {
        self.card.atr()
    }
}
