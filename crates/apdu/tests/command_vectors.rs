//! Command APDUs from the vector files: parse, encode, cut short, make longer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{bytes, lines};
use obnova_apdu::{Command, CommandApdu, CommandView, LengthForm};

const VALID: &str = include_str!("vectors/command.txt");
const INVALID: &str = include_str!("vectors/command-invalid.txt");

#[test]
fn vectors_parse_to_what_they_say_and_encode_to_the_same_bytes() {
    for line in lines(VALID) {
        let [apdu, header, data, ne, form, name] = line[..] else { panic!("six fields: {line:?}") };
        let (apdu, header, data) = (bytes(apdu), bytes(header), bytes(data));
        let form = match form {
            "short" => LengthForm::Short,
            "extended" => LengthForm::Extended,
            other => panic!("no form: {other}"),
        };
        let view = CommandView::parse(&apdu).expect(name);
        assert_eq!([view.cla(), view.ins(), view.p1(), view.p2()], header[..], "{name}");
        assert_eq!((view.data(), view.ne().to_string().as_str(), view.form()), (&data[..], ne, form), "{name}");

        let command = Command::new(header[0], header[1], header[2], header[3]).with_data(&data).with_ne(view.ne());
        assert_eq!(view.to_command(), command, "{name}");
        assert_eq!(command.encoded_len(form), Ok(apdu.len()), "{name}");
        let mut buffer = vec![0xEE; apdu.len() + 1];
        assert_eq!(command.encode(&mut buffer, form).unwrap(), apdu, "{name}");
        assert_eq!(buffer.last(), Some(&0xEE), "{name}: wrote beyond its end");

        let owned = CommandApdu::parse(&apdu).unwrap();
        assert_eq!(owned.as_command(), command, "{name}");
        assert_eq!(*owned.encode(form).unwrap(), apdu, "{name}");
    }
}

#[test]
fn what_is_no_command_is_refused_with_the_reason() {
    for line in lines(INVALID) {
        let [apdu, message, name] = line[..] else { panic!("three fields: {line:?}") };
        let error = CommandView::parse(&bytes(apdu)).expect_err(name);
        assert_eq!(error.to_string(), message, "{name}");
    }
}

/// The encoding is a bijection: whatever is accepted, encodes to exactly the bytes it was read from.
fn assert_refused_or_identical(apdu: &[u8]) {
    if let Ok(view) = CommandView::parse(apdu) {
        assert_eq!(*view.to_command().to_vec(view.form()).unwrap(), apdu);
    }
}

#[test]
fn every_prefix_of_every_vector_is_refused_or_a_command_of_its_own() {
    for line in lines(VALID) {
        let apdu = bytes(line[0]);
        // The longest vectors have 65,000 prefixes that differ in the data only: the ends are what matters.
        let lengths = (0..apdu.len()).filter(|len| *len < 600 || apdu.len() - len < 600);
        lengths.for_each(|len| assert_refused_or_identical(&apdu[..len]));
    }
}

#[test]
fn every_vector_with_bytes_appended_is_refused_or_a_command_of_its_own() {
    for line in lines(VALID) {
        let mut apdu = bytes(line[0]);
        for byte in [0x00, 0x01, 0xFF, 0x00, 0x00] {
            apdu.push(byte);
            assert_refused_or_identical(&apdu);
        }
    }
}

#[test]
fn a_command_beyond_any_length_is_refused() {
    let mut endless = bytes("00D60000 00 FFFF 65535*A5 0000");
    endless.resize(1 << 20, 0);
    assert_eq!(
        CommandView::parse(&endless).unwrap_err().to_string(),
        format!("{} bytes after the end of the command APDU", (1 << 20) - 7 - 65_535 - 2)
    );
}

#[test]
fn all_short_bodies_over_a_small_alphabet_are_refused_or_identical() {
    const ALPHABET: [u8; 5] = [0, 1, 2, 3, 0xFF];
    for len in 0..=7_u32 {
        for number in 0..ALPHABET.len().pow(len) {
            let mut apdu = vec![0x00, 0xB0, 0x00, 0x00];
            apdu.extend((0..len).map(|digit| ALPHABET[number / ALPHABET.len().pow(digit) % ALPHABET.len()]));
            assert_refused_or_identical(&apdu);
        }
    }
}
