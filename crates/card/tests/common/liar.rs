//! One who stands in the place of the card, and lies.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use obnova_apdu::ins;
use obnova_card::ProfileToken;
use obnova_profile::{CardStatus, LifeCycle};
use obnova_simulator::SimulatorConnection;
use obnova_transport::{CardTransport, Decorated, Decorator, TransportError};

/// Makes of a true answer a false one; says whether it did.
pub type Lie = Box<dyn FnMut(&[u8], &mut Vec<u8>) -> bool + Send>;
pub type Lied = ProfileToken<Decorated<SimulatorConnection, Liar>>;

/// Stands in the place of the card, and notes what is sent.
pub struct Liar {
    lie: Lie,
    deaf_to: Option<u8>,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
pub struct Log {
    pub apdus: u32,
    pub told: bool,
    /// Instructions that change the card or carry a secret, sent after the lie was told.
    pub after: Vec<u8>,
}

impl Liar {
    /// Tells this lie wherever it can.
    pub fn new(lie: impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static) -> Self {
        Self { lie: Box::new(lie), deaf_to: None, log: Arc::default() }
    }

    /// Says yes to commands of this instruction too, and does not carry them out.
    pub fn deaf_to(self, instruction: u8) -> Self {
        Self { deaf_to: Some(instruction), ..self }
    }

    pub fn log(&self) -> Arc<Mutex<Log>> {
        self.log.clone()
    }

    /// A driver of this card that is lied to.
    pub fn between(self, card: &SimulatorConnection) -> Lied {
        ProfileToken::new(Decorated::new(card.clone(), self))
    }
}

impl Decorator for Liar {
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        let mut log = self.log.lock().unwrap();
        log.apdus += 1;
        if log.told && changes_or_reveals(command) {
            log.after.push(command[1]);
        }
        if self.deaf_to == Some(command[1]) {
            log.told = true;
            *response = vec![0x90, 0x00];
            return Ok(());
        }
        card.transmit(command, response)?;
        log.told |= (self.lie)(command, response);
        Ok(())
    }
}

fn changes_or_reveals(command: &[u8]) -> bool {
    match command[1] {
        ins::READ_BINARY | ins::SELECT | ins::GET_RESPONSE | ins::MANAGE_SECURITY_ENVIRONMENT => false,
        ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV => is_generate(command),
        _ => true,
    }
}

/// The same instruction reads public keys too (ISO/IEC 7816-8 §5.2: bit 1 of P1).
pub fn is_generate(command: &[u8]) -> bool {
    command[1] == ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV && command[2] & 1 == 0
}

/// To each command of this instruction: this.
pub fn says(instruction: u8, answer: impl Into<Vec<u8>>) -> impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static {
    let answer = answer.into();
    turns(instruction, move |response| response.clone_from(&answer))
}

/// To each command of this instruction: what is made of the true answer.
pub fn turns(
    instruction: u8,
    mut turn: impl FnMut(&mut Vec<u8>) + Send + 'static,
) -> impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static {
    move |command, response| {
        let told = command[1] == instruction;
        if told {
            turn(response);
        }
        told
    }
}

/// To each command of this instruction, SELECT or GET DATA: another status.
pub fn says_of_itself(
    instruction: u8,
    mut change: impl FnMut(&mut CardStatus) + Send + 'static,
) -> impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static {
    turns(instruction, move |response| {
        let body = &response[..response.len() - 2];
        let begins = instruction == ins::SELECT;
        let status = if begins { CardStatus::from_fci(body) } else { CardStatus::from_template(body) };
        let mut status = status.unwrap();
        change(&mut status);
        let body = if begins { status.to_fci() } else { status.to_template() };
        *response = [body, vec![0x90, 0x00]].concat();
    })
}

/// No liar, but a card as it was in version 1.0 of the profile: before it is active it compares nothing alone.
pub fn of_version_1_0() -> Liar {
    let active = Arc::new(AtomicBool::new(false));
    let [mut begins, mut ends] = [ins::SELECT, ins::GET_DATA].map(|instruction| {
        let active = active.clone();
        says_of_itself(instruction, move |status| {
            active.store(status.life_cycle == LifeCycle::Active, Ordering::Relaxed);
            status.version.minor = 0;
        })
    });
    Liar::new(move |command, response| {
        let is_refused = command[1] == ins::VERIFY && !active.load(Ordering::Relaxed);
        if is_refused {
            *response = vec![0x69, 0x85];
        }
        is_refused || begins(command, response) || ends(command, response)
    })
}
