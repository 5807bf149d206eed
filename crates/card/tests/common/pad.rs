//! A reader with a pad (PC/SC part 10) in this process, at the level of control codes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use obnova_simulator::SimulatorConnection;
use obnova_transport::{CardConnection, CardTransport, TransportError, pin_pad::GET_FEATURE_REQUEST};

pub const VERIFY: u32 = 0x4233_0006;
pub const MODIFY: u32 = 0x4233_0007;

/// What somebody does at the pad when it asks.
#[derive(Clone)]
pub enum Enters {
    /// These, in the order in which they are asked for.
    Digits(Vec<&'static str>),
    Nothing,
    Cancel,
}

#[derive(Default)]
pub struct Desk {
    pub enters: VecDeque<Enters>,
    /// Somebody who knows each password, once the others have entered theirs: by its reference.
    pub knows: Option<fn(u8) -> &'static str>,
    /// Messages that the display showed, by their number: 0 the PIN or the old one, 1 the new one, 2 again.
    pub shown: Vec<u8>,
    /// Control codes that were asked for.
    pub asked: Vec<u32>,
}

/// A reader with a pad, as the standard has it: it reads the structures by its own offsets.
#[derive(Clone)]
pub struct PadReader {
    pub card: SimulatorConnection,
    pub features: Vec<u8>,
    pub desk: Arc<Mutex<Desk>>,
}

struct PadTransport<'c> {
    card: Box<dyn CardTransport + 'c>,
    features: &'c [u8],
    desk: &'c Mutex<Desk>,
}

impl CardConnection for PadReader {
    fn begin(&mut self) -> Result<Box<dyn CardTransport + '_>, TransportError> {
        Ok(Box::new(PadTransport { card: self.card.begin()?, features: &self.features, desk: &self.desk }))
    }

    fn description(&self) -> String {
        "a reader with a pad".to_owned()
    }

    fn atr(&self) -> Vec<u8> {
        self.card.atr()
    }
}

impl CardTransport for PadTransport<'_> {
    fn transmit(&mut self, command: &[u8], response: &mut Vec<u8>) -> Result<(), TransportError> {
        self.card.transmit(command, response)
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut desk = self.desk.lock().unwrap();
        desk.asked.push(code);
        // Where numbers, the flags and the command stand.
        let (lengths, confirm, message, length) = match code {
            GET_FEATURE_REQUEST => return Ok(self.features.to_vec()),
            VERIFY => (5, None, 11, 15),
            MODIFY => (7, Some(9), 14, 20),
            _ => return Err(TransportError::Io("no such feature".to_owned())),
        };
        assert_eq!(&data[2..5], [0x82, 0, 0], "ASCII from the first byte on, without block and length");
        assert_eq!(data[message - 4], 0x02, "until the validation key");
        let word = |at: usize| u16::from_ne_bytes(data[at..at + 2].try_into().unwrap()).to_be_bytes();
        let [fewest, most] = word(lengths);
        let command = &data[length + 4..];
        assert_eq!(u32::from_ne_bytes(data[length..length + 4].try_into().unwrap()) as usize, command.len());
        let &[class, instruction, p1, p2, 0] = command else { panic!("{command:02X?}") };
        let prompts: &[u8] = match confirm.map(|at: usize| data[at]) {
            None => &data[message..=message],
            Some(0x03) => &data[message..message + 3],
            // The new one alone.
            Some(0x01) => &data[message..message + 2],
            Some(flags) => panic!("{flags:02X}"),
        };
        let known = desk.knows.map(|knows| Enters::Digits(vec![knows(p2 & 0x7F)]));
        let digits = match desk.enters.pop_front().or(known).expect("nobody should be asked now") {
            Enters::Nothing => return Ok(vec![0x64, 0x00]),
            Enters::Cancel => return Ok(vec![0x64, 0x01]),
            Enters::Digits(digits) => digits,
        };
        desk.shown.extend(prompts);
        assert_eq!(digits.len(), prompts.len());
        if digits.iter().any(|one| !(usize::from(fewest)..=usize::from(most)).contains(&one.len())) {
            return Ok(vec![0x64, 0x03]);
        }
        if let [.., new, again] = digits[..]
            && new != again
        {
            return Ok(vec![0x64, 0x02]);
        }
        let once = digits.len() - usize::from(digits.len() > 1);
        let entered: String = digits.iter().take(once).copied().collect();
        let mut apdu = vec![class, instruction, p1, p2, entered.len() as u8];
        apdu.extend(entered.bytes());
        let mut answer = Vec::new();
        self.card.transmit(&apdu, &mut answer)?;
        Ok(answer)
    }
}

/// What the reader says that it can do.
pub fn features(codes: &[(u8, u32)]) -> Vec<u8> {
    codes.iter().flat_map(|(tag, code)| [&[*tag, 4][..], &code.to_be_bytes()].concat()).collect()
}

pub fn digits(digits: &[&'static str]) -> Enters {
    Enters::Digits(digits.to_vec())
}
