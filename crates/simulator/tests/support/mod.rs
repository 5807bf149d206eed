//! What the tests of the card share: a host that sends the profile's commands.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use obnova_apdu::exchange::{self, Limits};
use obnova_apdu::{CommandApdu, ResponseApdu, StatusWord};
use obnova_profile::{CardStatus, SlotNumber, command};
use obnova_simulator::{Card, Personalisation, Torn};

pub const AUTHENTICATION: &[u8] = b"1234";
pub const SIGNATURE: &[u8] = b"567890";
pub const PUK: &[u8] = b"12345678";

pub fn personalisation() -> Personalisation {
    Personalisation::new("OBN00000001").label("Jana Nováková").active(AUTHENTICATION, SIGNATURE, PUK)
}

pub fn slot(number: u8) -> SlotNumber {
    SlotNumber::new(number).unwrap()
}

pub trait Host {
    fn try_send_with(&mut self, command: &CommandApdu, limits: Limits) -> Result<ResponseApdu, Torn>;

    fn try_send(&mut self, command: CommandApdu) -> Result<ResponseApdu, Torn> {
        self.try_send_with(&command, Limits::EXTENDED)
    }

    /// The answer, whatever its status.
    fn send(&mut self, command: CommandApdu) -> ResponseApdu {
        self.try_send(command).unwrap()
    }

    /// The data of an answer that must be a success.
    #[track_caller]
    fn ok(&mut self, command: CommandApdu) -> Vec<u8> {
        let name = format!("{command:?}");
        let response = self.send(command);
        assert_eq!(response.status, StatusWord::SUCCESS, "{name}");
        response.data
    }

    /// Checks that the answer is this status, and nothing else.
    #[track_caller]
    fn refused(&mut self, command: CommandApdu, status: u16) {
        let name = format!("{command:?}");
        let response = self.send(command);
        assert_eq!((response.status, response.data), (StatusWord(status), vec![]), "{name}");
    }

    fn select(&mut self) -> CardStatus {
        CardStatus::from_fci(&self.ok(command::select())).unwrap()
    }
}

impl Host for Card {
    fn try_send_with(&mut self, command: &CommandApdu, limits: Limits) -> Result<ResponseApdu, Torn> {
        let sent = exchange::run(command.as_command(), limits, |apdu, response| {
            *response = self.process(apdu)?;
            Ok(())
        });
        match sent {
            Ok(response) => Ok(response),
            Err(exchange::RunError::Transport(torn)) => Err(torn),
            Err(error) => panic!("{error}"),
        }
    }
}
