//! An applet that knows the crate `iso7816` and nothing of ours, in a reader of ours.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use iso7816::{Command, Instruction, Status};
use obnova_apdu::exchange::{self, Limits};
use obnova_apdu::{CommandView, ResponseApdu, StatusWord, ins};
use obnova_simulator::{SimulatorConnection, Torn, VirtualCard};
use obnova_transport::CardConnection;

/// Keeps a note that PUT DATA gives it, and reads it back.
#[derive(Default)]
struct Notepad {
    note: Vec<u8>,
}

impl Notepad {
    fn call(&mut self, command: &Command<1024>) -> Result<Vec<u8>, Status> {
        match command.instruction() {
            Instruction::PutData => {
                self.note = command.data().to_vec();
                Ok(Vec::new())
            }
            Instruction::GetData => Ok(self.note.clone()),
            _ => Err(Status::InstructionNotSupportedOrInvalid),
        }
    }
}

struct NotepadCard(Notepad);

impl VirtualCard for NotepadCard {
    fn process(&mut self, command: &[u8]) -> Result<Vec<u8>, Torn> {
        let mut buffer = vec![0; command.len() + 8];
        let command = CommandView::parse(command).map(|view| view.to_iso7816::<1024>(&mut buffer));
        let response = match command {
            Ok(Ok(command)) => match self.0.call(&command) {
                Ok(data) => ResponseApdu::new(data, StatusWord::SUCCESS),
                Err(status) => StatusWord::from(status).into(),
            },
            Ok(Err(_)) | Err(_) => StatusWord::WRONG_LENGTH.into(),
        };
        Ok(response.encode())
    }

    fn reset(&mut self) {}

    fn atr(&self) -> Vec<u8> {
        vec![0x3B, 0x80, 0x01, 0x81]
    }
}

#[test]
fn an_applet_for_iso7816_answers_in_our_reader() {
    let mut connection = SimulatorConnection::new(NotepadCard(Notepad::default()));
    assert_eq!(connection.atr(), [0x3B, 0x80, 0x01, 0x81]);
    let mut conversation = connection.begin().unwrap();
    let mut send = |command: obnova_apdu::Command<'_>| {
        exchange::run(command, Limits::EXTENDED, |apdu, response| conversation.transmit(apdu, response)).unwrap()
    };
    let note = vec![7; 600];
    let put = obnova_apdu::Command::new(0x00, ins::PUT_DATA_TLV, 0x3F, 0xFF).with_data(&note);
    assert_eq!(send(put).status, StatusWord::SUCCESS);
    let get = obnova_apdu::Command::new(0x00, ins::GET_DATA_TLV, 0x3F, 0xFF).with_ne(65_536);
    assert_eq!(send(get).data, note);
    assert_eq!(send(obnova_apdu::Command::new(0x00, ins::SELECT, 0x04, 0x00)).status, StatusWord(0x6D00));
    drop(conversation);
    connection.with_card(|card| assert_eq!(card.0.note, note));
}
