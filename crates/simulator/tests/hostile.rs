//! Commands that are cut, bent and made up: never a panic, never a key before activation, never a try that comes back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_apdu::{CommandView, LengthForm};
use obnova_profile::PasswordReference::{AuthenticationPin, Puk, SignaturePin, TransportPin};
use obnova_profile::{
    FileId, KeyRole, Label, LifeCycle, PasswordRecord, PasswordState, TransportPinModel, application, command,
};
use obnova_simulator::{Card, Personalisation};
use support::{AUTHENTICATION, PUK, SIGNATURE, personalisation, slot};

/// A conversation that touches every command, as bytes.
fn conversation(layout: obnova_profile::DirectoryLayout) -> Vec<Vec<u8>> {
    let commands = [
        command::select(),
        command::select_pkcs15(),
        command::select_file(FileId::ODF),
        command::read_selected(0, 256),
        command::read_status(),
        command::read_directory(layout),
        command::password_status(AuthenticationPin),
        command::verify(AuthenticationPin, AUTHENTICATION),
        command::generate(slot(2), KeyRole::Signature, KeyAlgorithm::P256).unwrap(),
        command::read_public_key(slot(2)),
        command::update_directory(vec![0; layout.length().into()]),
        command::put_certificate(slot(2), &[0x30, 2, 5, 0]),
        command::set_signature(slot(2), SignatureAlgorithm::Ecdsa(Digest::Sha256)),
        command::verify(SignaturePin, SIGNATURE),
        command::sign(&[7; 32]),
        command::change_password(AuthenticationPin, AUTHENTICATION, b"9999"),
        command::unblock_password(SignaturePin, PUK, b"8888"),
        command::set_password(AuthenticationPin, b"7777"),
        command::activate(),
        command::challenge(8),
        command::verify(AuthenticationPin, b"9999"),
        command::delete_certificate(slot(2)),
        command::delete_key(slot(2)),
    ];
    commands.into_iter().map(|command| command.encode(LengthForm::Extended).unwrap().to_vec()).collect()
}

fn card() -> Card {
    let mut card = personalisation().slots(6).finish().unwrap();
    card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &Label::new("Key").unwrap()).unwrap();
    card
}

#[test]
fn every_truncation_of_every_command_is_answered() {
    let layout = card().status().directory();
    let commands = conversation(layout);
    for (number, whole) in commands.iter().enumerate() {
        let mut card = card();
        for command in &commands[..number] {
            card.process(command).unwrap();
        }
        let files = |card: &Card| (card.status().slots, card.directory().unwrap());
        let before = files(&card);
        let data = CommandView::parse(whole).unwrap().data();
        for end in (0..whole.len()).step_by(if whole.len() > 300 { 97 } else { 1 }) {
            let cut = &whole[..end];
            // Without Le it is the same command.
            if !data.is_empty() && CommandView::parse(cut).is_ok_and(|view| view.data() == data) {
                continue;
            }
            assert!(card.process(cut).unwrap().len() >= 2);
        }
        assert_eq!(files(&card), before, "a command that is cut changes no content: {number}");
        card.process(whole).unwrap();
    }
}

#[test]
fn every_bent_byte_of_every_command_is_answered() {
    let layout = card().status().directory();
    let commands = conversation(layout);
    for (number, whole) in commands.iter().enumerate().filter(|(_, whole)| whole.len() < 300) {
        for at in 0..whole.len() {
            let mut card = card();
            for command in &commands[..number] {
                card.process(command).unwrap();
            }
            for value in [0x00, 0x01, 0x7F, 0x80, 0xFF, !whole[at]] {
                let mut bent = whole.clone();
                bent[at] = value;
                assert!(card.process(&bent).unwrap().len() >= 2);
            }
        }
    }
}

/// A generator that gives the same on every run (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Something that looks like a command of the profile.
    fn command(&mut self, pieces: &[Vec<u8>]) -> Vec<u8> {
        const HEADERS: [[u8; 3]; 26] = [
            [0x20, 0x00, 0x01],
            [0x20, 0x00, 0x02],
            [0x20, 0x00, 0x03],
            [0x20, 0x00, 0x04],
            [0x22, 0x41, 0xB6],
            [0x24, 0x00, 0x01],
            [0x24, 0x00, 0x03],
            [0x24, 0x01, 0x01],
            [0x24, 0x01, 0x02],
            [0x2A, 0x9E, 0x9A],
            [0x2C, 0x00, 0x01],
            [0x2C, 0x00, 0x02],
            [0x44, 0x00, 0x00],
            [0x47, 0x80, 0x00],
            [0x47, 0x81, 0x00],
            [0x84, 0x00, 0x00],
            [0xA4, 0x04, 0x00],
            [0xA4, 0x00, 0x00],
            [0xA4, 0x08, 0x0C],
            [0xB0, 0x81, 0x00],
            [0xB0, 0x00, 0x00],
            [0xC0, 0x00, 0x00],
            [0xCA, 0x01, 0xB0],
            [0xD6, 0x81, 0x00],
            [0xDB, 0x43, 0x01],
            [0xE4, 0x00, 0x00],
        ];
        const P: [u8; 14] = [0x00, 0x01, 0x02, 0x04, 0x08, 0x41, 0x43, 0x80, 0x91, 0x9E, 0xA0, 0xB8, 0x7F, 0xFF];
        let mut data = Vec::new();
        for _ in 0..self.below(3) {
            data.extend_from_slice(&pieces[self.below(pieces.len())]);
        }
        if self.below(8) == 0 {
            data.truncate(self.below(data.len() + 1));
        }
        let mut command = vec![self.pick(&[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x80])];
        command.extend(self.pick(&HEADERS));
        if self.below(4) == 0 {
            let at = 2 + self.below(2);
            command[at] = self.pick(&P);
        }
        if self.below(20) == 0 {
            command.extend(data);
        } else if !data.is_empty() {
            command.extend([0, (data.len() >> 8) as u8, data.len() as u8]);
            command.extend(data);
            if self.below(2) == 0 {
                command.extend([0, 0]);
            }
        } else if self.below(2) == 0 {
            command.push(0);
        }
        command
    }
}

/// What commands are made of: everything but the right passwords.
fn pieces() -> Vec<Vec<u8>> {
    let mut pieces = vec![
        application::AID.to_vec(),
        application::PKCS15_AID.to_vec(),
        vec![7; 32],
        vec![0; 256],
        b"0000".to_vec(),
        b"00000000".to_vec(),
        vec![0x53, 2, 0x30, 0],
        vec![0xB6, 6, 0x80, 1, 0x11, 0x84, 1, 3],
        vec![0xA4, 3, 0x84, 1, 1],
        vec![],
    ];
    for number in [1, 2] {
        pieces.push(FileId::key(slot(number)).to_bytes().to_vec());
        pieces.push(FileId::key(slot(number)).path().to_vec());
        pieces.push(vec![0x80, 1, 0x61, 0x84, 1, number]);
        pieces.push(vec![0x80, 1, 0x04, 0x81, 2, 0x4B, number, 0x84, 1, 0]);
    }
    pieces
}

/// Tries left, 0 for a password that is blocked.
fn left(record: &PasswordRecord) -> u8 {
    match record.state {
        PasswordState::Active { left } | PasswordState::Transport { left } => left,
        PasswordState::Blocked | PasswordState::TransportBlocked => 0,
        PasswordState::Unset => u8::MAX,
    }
}

fn attack(mut card: Card, seed: u64, life_cycle: LifeCycle) {
    let mut dice = Dice(seed);
    let pieces = pieces();
    let slots = card.status().slots;
    let directory = card.directory().unwrap();
    for round in 0..20_000 {
        let before = card.status();
        let command = dice.command(&pieces);
        let answer = card.process(&command).unwrap();
        let after = card.status();
        assert_eq!(after.life_cycle, life_cycle);
        assert_eq!(after.slots, slots, "content changed without a password: {command:02X?}");
        for (before, after) in before.passwords.iter().zip(&after.passwords) {
            assert!(left(after) <= left(before), "a try came back: {command:02X?}");
        }
        let signs = command[1] == 0x2A && answer.ends_with(&[0x90, 0x00]);
        assert!(!signs || command[0] & 0x10 != 0, "a key was used: {command:02X?}");
        if round % 97 == 0 {
            card.reset();
        }
    }
    assert_eq!(card.directory().unwrap(), directory);
}

#[test]
fn nothing_made_up_uses_a_key_of_an_inactive_card() {
    // In the other models whoever has the card may activate it.
    for model in TransportPinModel::ALL.into_iter().filter(|model| model.is_secret()) {
        let transport = if model == TransportPinModel::FiveDigits { &b"70070"[..] } else { b"700700" };
        let mut card = Personalisation::new("OBN1")
            .tries(TransportPin, 15)
            .tries(AuthenticationPin, 15)
            .inactive(model, transport)
            .finish()
            .unwrap();
        let label = Label::new("Key").unwrap();
        card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label).unwrap();
        card.personalise_key(slot(2), KeyRole::Signature, KeyAlgorithm::P256, &label).unwrap();
        attack(card, 0x0BD0_FA11, LifeCycle::Inactive);
    }
}

#[test]
fn nothing_made_up_uses_a_key_of_an_active_card_without_its_pin() {
    for seed in [1, 0xC0FF_EE00, u64::MAX] {
        let mut card =
            personalisation().tries(AuthenticationPin, 15).tries(SignaturePin, 15).tries(Puk, 15).finish().unwrap();
        let label = Label::new("Key").unwrap();
        card.personalise_key(slot(1), KeyRole::Authentication, KeyAlgorithm::P256, &label).unwrap();
        card.personalise_key(slot(2), KeyRole::Signature, KeyAlgorithm::P256, &label).unwrap();
        attack(card, seed, LifeCycle::Active);
    }
}

/// The attacks above would pass on a card that refuses everything.
#[test]
fn the_dice_reach_what_they_are_thrown_at() {
    let mut card = card();
    let mut dice = Dice(7);
    let pieces = pieces();
    let mut answered = std::collections::BTreeSet::new();
    for round in 0..20_000 {
        if round % 50 == 0 {
            card = self::card();
            card.process(b"\x00\x20\x00\x01\x041234").unwrap();
        }
        let command = dice.command(&pieces);
        if card.process(&command).unwrap().ends_with(&[0x90, 0x00]) && command[0] == 0 {
            answered.insert(command[1]);
        }
    }
    for ins in [0x20, 0x22, 0x2A, 0x47, 0x84, 0xA4, 0xB0, 0xCA, 0xD6, 0xDB, 0xE4] {
        assert!(answered.contains(&ins), "{ins:02X} never succeeded: {answered:02X?}");
    }
}
