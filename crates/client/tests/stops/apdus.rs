use obnova_transport::{CardTransport, Decorator, TransportError};

use crate::mortal::Mortal;

/// What the name of a VERIFY ends with that does not only ask for the tries.
pub const WITH_A_PIN: &str = ", a PIN";

/// Stops before and after each APDU.
pub struct Apdus(pub Mortal);

impl Decorator for Apdus {
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        // The header only: what follows may be a PIN.
        let header: Vec<_> = command.iter().take(4).map(|byte| format!("{byte:02X}")).collect();
        let sends_a_pin = command.get(1) == Some(&0x20) && command.len() > 5;
        let name = format!("APDU {}{}", header.join(" "), if sends_a_pin { WITH_A_PIN } else { "" });
        let outcome = self.0.effect(&name, || card.transmit(command, response));
        // The counter of tries in the answer: the card takes back what is only asked for.
        let is_wrong = sends_a_pin && response.starts_with(&[0x63]);
        assert!(!(is_wrong && matches!(outcome, Ok(Ok(())))), "a try was spent: {name}");
        outcome.unwrap_or(Err(TransportError::CardRemoved))
    }
}
