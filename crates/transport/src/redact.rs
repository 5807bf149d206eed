use std::fmt;

use obnova_apdu::ins;

/// Decides, command by command, what may be written down. The data of a command is hidden
///
/// - when the instruction carries a secret: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER in both forms, ENABLE and
///   DISABLE VERIFICATION REQUIREMENT (ISO 7816-4 §11.5), ACTIVATE, ENVELOPE (which can carry any of them), and PUT DATA
///   `01xx`, with which MyEID cards set PINs;
/// - in every part of a command chain that began with one of these.
///
/// The length is hidden with the data: how long a PIN is helps whoever wants to guess it. The header stays, and so does a
/// command without data (an empty VERIFY asks how the password stands and carries nothing).
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    in_secret_chain: bool,
}

impl Redactor {
    /// For the first command of a conversation.
    #[must_use]
    pub const fn new() -> Self {
        Self { in_secret_chain: false }
    }

    /// What may be shown of the next command.
    pub fn show<'a>(&mut self, command: &'a [u8]) -> Shown<'a> {
        const CHAIN: u8 = 0x10;
        let secret = self.in_secret_chain || carries_secret(command);
        // Bit 5 says "not the last of a chain" in the first interindustry classes only (ISO 7816-4 §5.4.1); elsewhere the
        // doubt goes to hiding.
        self.in_secret_chain = secret && command.first().is_some_and(|class| class & CHAIN != 0);
        match command {
            [header @ .., _] if secret && command.len() > LONGEST_WITHOUT_DATA => {
                Shown { bytes: header.get(..HEADER).unwrap_or_default(), redacted: true }
            }
            _ => Shown { bytes: command, redacted: false },
        }
    }
}

const HEADER: usize = 4;
const LONGEST_WITHOUT_DATA: usize = 5;

fn carries_secret(command: &[u8]) -> bool {
    const ENVELOPE: u8 = 0xC2;
    const ENVELOPE_TLV: u8 = 0xC3;
    match *command {
        [_, ins::ACTIVATE_FILE | ENVELOPE | ENVELOPE_TLV, ..] => true,
        [_, ins::PUT_DATA | ins::PUT_DATA_TLV, 0x01, ..] => true,
        [_, instruction, ..] => ins::carries_secret(instruction),
        _ => false,
    }
}

/// What may be shown of a command: all of it, or its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The command, or its first four bytes.
    pub bytes: &'a [u8],
    /// Whether data was left out.
    pub redacted: bool,
}

impl fmt::Display for Shown<'_> {
    /// Hexadecimal, a space between bytes; ` [redacted]` for what was left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(self.bytes))?;
        if self.redacted { f.write_str(" [redacted]") } else { Ok(()) }
    }
}

/// Bytes as `00 A4 04 00`.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(commands: &[&[u8]]) -> Vec<String> {
        let mut redactor = Redactor::new();
        commands.iter().map(|command| redactor.show(command).to_string()).collect()
    }

    #[test]
    fn secrets_are_hidden_by_instruction_whatever_the_class() {
        for class in [0x00, 0x0C, 0x80, 0xFF] {
            for instruction in [0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x44, 0xC2, 0xC3] {
                let command = [class, instruction, 0, 1, 4, 0xDE, 0xAD, 0xBE, 0xEF];
                assert_eq!(shown(&[&command]), [format!("{class:02X} {instruction:02X} 00 01 [redacted]")]);
            }
        }
    }

    #[test]
    fn data_that_sets_a_pin_is_hidden_and_a_certificate_is_not() {
        assert_eq!(shown(&[&[0, 0xDA, 0x01, 1, 2, 0xDE, 0xAD]]), ["00 DA 01 01 [redacted]"]);
        assert_eq!(shown(&[&[0, 0xDB, 0x43, 1, 2, 0x53, 0x00]]), ["00 DB 43 01 02 53 00"]);
    }

    #[test]
    fn a_question_without_data_is_shown() {
        assert_eq!(shown(&[&[0, 0x20, 0, 1], &[0, 0x20, 0, 1, 0]]), ["00 20 00 01", "00 20 00 01 00"]);
    }

    #[test]
    fn every_part_of_a_secret_chain_is_hidden() {
        let lines = shown(&[
            &[0x10, 0x24, 0, 1, 2, 0xDE, 0xAD],
            &[0x10, 0xA4, 0, 0, 2, 0xDE, 0xAD],
            &[0x00, 0xA4, 0, 0, 2, 0xDE, 0xAD],
            &[0x00, 0xA4, 0, 0, 2, 0x3F, 0x00],
        ]);
        assert_eq!(
            lines,
            ["10 24 00 01 [redacted]", "10 A4 00 00 [redacted]", "00 A4 00 00 [redacted]", "00 A4 00 00 02 3F 00"]
        );
    }

    #[test]
    fn broken_commands_do_not_break_it() {
        for length in 0..8 {
            let text = shown(&[&[0x20; 8][..length]]).remove(0);
            assert_eq!(text.contains("redacted"), length > 5);
        }
    }

    #[test]
    fn an_extended_length_is_hidden_with_its_data() {
        assert_eq!(shown(&[&[0, 0x20, 0, 1, 0, 0, 2, 0xDE, 0xAD]]), ["00 20 00 01 [redacted]"]);
    }
}
