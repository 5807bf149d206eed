//! A card that is sound, and a wire on which its answers are turned into lies.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use arbitrary::{Result, Unstructured};
use obnova_profile::{CardStatus, CertificateFile, FileId, PasswordState, application};
use obnova_simulator::Card;
use obnova_transport::{CardConnection, CardTransport, TransportError};

use crate::form::{Form, byte, bytes, word, write_bytes};

/// What becomes of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// So many answers before it, after the last lie, are true.
    pub after: u8,
    /// What is said instead.
    pub what: What,
}

/// A lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The byte at this place has these bits turned.
    Flip(u16, u8),
    /// Only so many bytes come.
    Truncate(u16),
    /// These bytes stand before the status word.
    Extend(Vec<u8>),
    /// These bytes stand at this place.
    Insert(u16, Vec<u8>),
    /// Another status word.
    Status(u16),
    /// Another status word, and no data.
    Refuse(u16),
    /// An earlier answer once more.
    Replay(u8),
    /// Any answer.
    Answer(Vec<u8>),
    /// The card never gets the command, and these bytes are the answer.
    Swallow(Vec<u8>),
    /// The card is gone before the command, or after it.
    Gone { acted: bool },
    /// From here to the end of the conversation these two answers, turn by turn.
    Endless(Vec<u8>, Vec<u8>),
    /// A status that is well formed, with another number in one of its fields.
    Tell(u8, u8, u16),
}

impl Form for Lie {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        let after = byte(from)?;
        let what = match byte(from)? % 12 {
            0 => What::Flip(word(from)?, byte(from)?),
            1 => What::Truncate(word(from)?),
            2 => What::Extend(bytes(from)?),
            3 => What::Insert(word(from)?, bytes(from)?),
            4 => What::Status(word(from)?),
            5 => What::Refuse(word(from)?),
            6 => What::Replay(byte(from)?),
            7 => What::Answer(bytes(from)?),
            8 => What::Swallow(bytes(from)?),
            9 => What::Gone { acted: byte(from)? & 1 == 1 },
            10 => What::Endless(bytes(from)?, bytes(from)?),
            _ => What::Tell(byte(from)?, byte(from)?, word(from)?),
        };
        Ok(Self { after, what })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.push(self.after);
        match &self.what {
            What::Flip(at, bits) => {
                write_word(0, *at, to);
                to.push(*bits);
            }
            What::Truncate(length) => write_word(1, *length, to),
            What::Extend(bytes) => write_all(2, &[bytes], to),
            What::Insert(at, bytes) => {
                write_word(3, *at, to);
                write_bytes(bytes, to);
            }
            What::Status(status) => write_word(4, *status, to),
            What::Refuse(status) => write_word(5, *status, to),
            What::Replay(number) => to.extend([6, *number]),
            What::Answer(bytes) => write_all(7, &[bytes], to),
            What::Swallow(bytes) => write_all(8, &[bytes], to),
            What::Gone { acted } => to.extend([9, u8::from(*acted)]),
            What::Endless(one, other) => write_all(10, &[one, other], to),
            What::Tell(field, index, value) => {
                to.extend([11, *field, *index]);
                to.extend(value.to_be_bytes());
            }
        }
    }
}

fn write_word(choice: u8, word: u16, to: &mut Vec<u8>) {
    to.push(choice);
    to.extend(word.to_be_bytes());
}

fn write_all(choice: u8, all: &[&Vec<u8>], to: &mut Vec<u8>) {
    to.push(choice);
    for bytes in all {
        write_bytes(bytes, to);
    }
}

/// A command, and the answer that its sender saw; `None` when there was none.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was sent.
    pub command: Vec<u8>,
    /// What came.
    pub answer: Option<Vec<u8>>,
}

/// The card and its wire. Clones are the same.
#[derive(Clone)]
pub struct Liar(Arc<Mutex<Stage>>);

struct Stage {
    card: Card,
    lies: VecDeque<Lie>,
    endless: Option<[Vec<u8>; 2]>,
    /// Of the conversation that is held, or was held last.
    said: Vec<Exchange>,
    conversations: usize,
    /// Every answer, as it was given.
    answers: Vec<Vec<u8>>,
    lied: bool,
    /// More commands than this in one conversation are a defect.
    most: usize,
}

impl Liar {
    /// This card, about whose answers these lies are told. It panics when more commands come in one conversation.
    pub fn new(card: Card, lies: Vec<Lie>, most: usize) -> Self {
        Self(Arc::new(Mutex::new(Stage {
            card,
            lies: lies.into(),
            endless: None,
            said: Vec::new(),
            conversations: 0,
            answers: Vec::new(),
            lied: false,
            most,
        })))
    }

    /// What was said since this was asked last, as the caller saw it; whether any of it was a lie; and conversations.
    pub fn take(&self) -> (Vec<Exchange>, bool, usize) {
        let mut stage = self.stage();
        let stage = &mut *stage;
        (std::mem::take(&mut stage.said), std::mem::take(&mut stage.lied), std::mem::take(&mut stage.conversations))
    }

    /// The card as it is.
    pub fn card(&self) -> Card {
        self.stage().card.fork()
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl CardConnection for Liar {
    fn begin(&mut self) -> std::result::Result<Box<dyn CardTransport + '_>, TransportError> {
        let mut stage = self.stage();
        stage.card.reset();
        stage.endless = None;
        stage.conversations += 1;
        drop(stage);
        Ok(Box::new(Wire(self.clone())))
    }

    fn description(&self) -> String {
        "a wire".to_owned()
    }

    fn atr(&self) -> Vec<u8> {
        application::ATR.to_vec()
    }
}

struct Wire(Liar);

impl CardTransport for Wire {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> std::result::Result<(), TransportError> {
        let mut stage = self.0.stage();
        assert!(stage.said.len() < stage.most, "the conversation has no end");
        let answer = stage.answer(command);
        stage.said.push(Exchange { command: command.to_vec(), answer: answer.clone() });
        match answer {
            None => Err(TransportError::CardRemoved),
            Some(answer) => {
                response.extend_from_slice(&answer);
                // Only few are worth replaying, and an endless conversation has many.
                if stage.answers.len() < 256 {
                    stage.answers.push(answer);
                }
                Ok(())
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.stage().card.reset();
    }
}

impl Stage {
    fn answer(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        if let Some(answers) = &self.endless {
            self.lied = true;
            return Some(answers[self.said.len() % 2].clone());
        }
        let lie = match self.lies.front_mut() {
            Some(lie) if lie.after == 0 => self.lies.pop_front().map(|lie| lie.what),
            Some(lie) => {
                lie.after -= 1;
                None
            }
            None => None,
        };
        self.lied |= lie.is_some();
        match &lie {
            Some(What::Swallow(answer)) => return Some(answer.clone()),
            Some(What::Gone { acted: false }) => return None,
            _ => {}
        }
        let mut answer = self.card.process(command).expect("it has power");
        let length = answer.len();
        match lie {
            None | Some(What::Swallow(_)) => {}
            Some(What::Flip(at, bits)) => answer[usize::from(at) % length] ^= bits,
            Some(What::Truncate(length)) => answer.truncate(length.into()),
            Some(What::Extend(bytes)) => insert(&mut answer, length - 2, &bytes),
            Some(What::Insert(at, bytes)) => insert(&mut answer, usize::from(at) % length, &bytes),
            Some(What::Status(status)) => answer[length - 2..].copy_from_slice(&status.to_be_bytes()),
            Some(What::Refuse(status)) => answer = status.to_be_bytes().to_vec(),
            Some(What::Replay(number)) => {
                if let Some(earlier) = self.answers.get(usize::from(number)) {
                    answer.clone_from(earlier);
                }
            }
            Some(What::Answer(other)) => answer = other,
            Some(What::Gone { .. }) => return None,
            Some(What::Endless(one, other)) => {
                answer.clone_from(&one);
                self.endless = Some([one, other]);
            }
            Some(What::Tell(field, index, value)) => answer = told(self.card.status(), field, index, value),
        }
        Some(answer)
    }
}

fn insert(answer: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    answer.splice(at..at, bytes.iter().copied());
}

/// The answer to SELECT with one thing in it that is not so.
fn told(mut status: CardStatus, field: u8, index: u8, value: u16) -> Vec<u8> {
    let [high, low] = value.to_be_bytes();
    let count = status.passwords.len();
    let password = &mut status.passwords[usize::from(index) % count];
    let count = status.slots.len();
    let slot = &mut status.slots[usize::from(index) % count];
    match field % 8 {
        0 => password.state = PasswordState::Active { left: low },
        1 => password.state = PasswordState::Transport { left: low },
        2 => (password.minimum, password.maximum) = (high, low),
        3 => slot.certificates.push(CertificateFile { file: FileId(0x4300 | u16::from(index)), length: value }),
        4 => slot.certificates.iter_mut().for_each(|certificate| certificate.length = value),
        5 => status.limits.command = value.into(),
        6 => status.limits.response = value.into(),
        _ => status.limits.extended_length = value & 1 == 1,
    }
    [&status.to_fci()[..], &[0x90, 0x00]].concat()
}
