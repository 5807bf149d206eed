//! The examples of PROFILE.md, sent to a card.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::KeyAlgorithm;
use obnova_profile::pkcs15::PrivateKeyEntry;
use obnova_profile::{KeyRole, Label, TransportPinModel};
use obnova_simulator::{Card, Personalisation};
use support::{AUTHENTICATION, PUK, SIGNATURE, slot};

const DOCUMENT: &str = include_str!("../../profile/PROFILE.md");

/// The card that an example starts with: six slots, and a P-256 authentication key with a certificate in the first.
fn card(kind: &str) -> Card {
    let personalisation = Personalisation::new("OBN00000001").label("Jana").slots(6);
    let personalisation = match kind {
        "active" => personalisation.active(AUTHENTICATION, SIGNATURE, PUK),
        "inactive separate" => personalisation.inactive(TransportPinModel::Separate, b"700700"),
        "inactive in-place" => personalisation.inactive(TransportPinModel::InPlace, b"700700"),
        "inactive empty" => personalisation.inactive(TransportPinModel::Empty, b""),
        "inactive null" => personalisation.inactive(TransportPinModel::Null, b""),
        "inactive must-change" => personalisation.inactive(TransportPinModel::MustChange, b"700700"),
        "inactive single-use" => personalisation.inactive(TransportPinModel::SingleUse, b"700700"),
        "inactive five-digits" => personalisation.inactive(TransportPinModel::FiveDigits, b"70070"),
        other => panic!("no such card: {other}"),
    };
    let mut card = personalisation.finish().unwrap();
    let label = Label::new("Login").unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label).unwrap();
    card.personalise_certificate(slot(1), &[0x30, 3, 2, 1, 5], &label).unwrap();
    card
}

/// Bytes before and after what `..` leaves out; without it all stand before.
fn pattern(line: &str) -> (Vec<u8>, Option<Vec<u8>>) {
    match line.split_once("..") {
        Some((before, after)) => (bytes(before), Some(bytes(after))),
        None => (bytes(line), None),
    }
}

fn bytes(line: &str) -> Vec<u8> {
    let digits: Vec<u8> = line.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    assert!(rest.is_empty(), "half a byte: {line}");
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

fn blocks() -> impl Iterator<Item = &'static str> {
    DOCUMENT.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap())
}

#[test]
fn every_example_is_what_the_card_does() {
    let mut checked = 0;
    for block in blocks().filter(|block| block.contains("> ")) {
        let mut lines = block.lines();
        let mut card = card(lines.next().and_then(|line| line.strip_prefix("card ")).expect("a card comes first"));
        // A line that starts with a space goes on with the one before.
        let lines = lines.fold(Vec::<String>::new(), |mut lines, line| {
            match lines.last_mut().filter(|_| line.starts_with(' ')) {
                Some(last) => last.push_str(line),
                None => lines.push(line.to_owned()),
            }
            lines
        });
        for pair in lines.chunks(2) {
            let [command, answer] = pair else { panic!("a command without an answer: {pair:?}") };
            let command = command.strip_prefix("> ").expect("a command");
            let got = card.process(&bytes(command)).unwrap();
            let (before, after) = pattern(answer.strip_prefix("< ").expect("an answer"));
            let fits = match after {
                None => got == before,
                Some(after) => {
                    got.len() > before.len() + after.len() && got.starts_with(&before) && got.ends_with(&after)
                }
            };
            assert!(fits, "{command}\n  document: {answer}\n  card:     < {got:02X?}");
            checked += 1;
        }
    }
    assert!(checked >= 50, "only {checked} examples were found");
}

#[test]
fn the_directory_entry_in_the_document_is_the_one_that_is_written() {
    let block = blocks().find(|block| block.starts_with("A0 ")).unwrap();
    let label = Label::new("Signature").unwrap();
    let entry = PrivateKeyEntry::new(label, KeyRole::Signature, KeyAlgorithm::P256, slot(2), &[0x42; 20]).encode();
    assert_eq!(entry, bytes(block), "{entry:02X?}");
}
