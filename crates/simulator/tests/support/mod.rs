//! What the tests of the card share: a host that sends the profile's commands.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use obnova_apdu::exchange::{self, Limits};
use obnova_apdu::{CommandApdu, ResponseApdu, StatusWord};
use obnova_profile::{CardStatus, PasswordReference, SlotNumber, TransportPinModel, command};
use obnova_simulator::{Card, Personalisation, Torn};

pub const AUTHENTICATION: &[u8] = b"1234";
pub const SIGNATURE: &[u8] = b"567890";
pub const PUK: &[u8] = b"12345678";

pub fn personalisation() -> Personalisation {
    Personalisation::new("OBN00000001").label("Jana Nováková").active(AUTHENTICATION, SIGNATURE, PUK)
}

/// New values that every model takes.
pub const NEW: [(PasswordReference, &[u8]); 3] = [
    (PasswordReference::AuthenticationPin, b"111111"),
    (PasswordReference::SignaturePin, b"222222"),
    (PasswordReference::Puk, b"333333"),
];

/// What stands for the transport PIN in commands.
pub const fn transport(model: TransportPinModel) -> &'static [u8] {
    match model {
        TransportPinModel::FiveDigits => b"70070",
        TransportPinModel::Null => &TransportPinModel::NULL_PIN,
        TransportPinModel::Empty => b"",
        _ => b"700700",
    }
}

/// What a card has to be personalised with; the models without a secret have theirs by themselves.
pub const fn personalised(model: TransportPinModel) -> &'static [u8] {
    if model.is_secret() { transport(model) } else { b"" }
}

/// The commands that activate a card.
pub fn activation(model: TransportPinModel) -> Vec<CommandApdu> {
    let set = |(password, value): &(PasswordReference, &[u8])| command::set_password(*password, value);
    let change =
        |(password, value): &(PasswordReference, &[u8])| command::change_password(*password, transport(model), value);
    let mut commands = Vec::new();
    match model {
        TransportPinModel::Separate => {
            commands.push(command::verify(PasswordReference::TransportPin, transport(model)));
            commands.extend(NEW.iter().map(set));
            commands.push(command::activate());
        }
        TransportPinModel::SingleUse => {
            commands.push(change(&NEW[0]));
            commands.push(command::verify(PasswordReference::AuthenticationPin, NEW[0].1));
            commands.extend(NEW[1..].iter().map(set));
            commands.push(command::activate());
        }
        TransportPinModel::Empty => commands.extend(NEW.iter().map(set)),
        _ => commands.extend(NEW.iter().map(change)),
    }
    commands
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
