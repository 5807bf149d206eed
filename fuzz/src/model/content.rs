//! Files, keys and certificates (PROFILE.md §2, §5.1 to §5.6).

use std::borrow::Cow;
use std::collections::BTreeMap;

use obnova_apdu::StatusWord;
use obnova_apdu::tlv::{Reader, Tlv};
use obnova_profile::{CardStatus, reference};
use obnova_simulator::Card;

use super::{Command, Key, Model, is_refusal, refused};
use crate::cards::{public_key, public_key_file};

const APPLICATION: u16 = 0x5015;
const MASTER: u16 = 0x3F00;
const DIRECTORY: u16 = 0x4402;

/// The keys of a card as it tells them now.
pub(super) fn keys(card: &mut Card, status: &CardStatus) -> BTreeMap<u8, Key> {
    let mut keys = BTreeMap::new();
    for record in &status.slots {
        let (slot, Some(key)) = (record.slot.get(), record.key) else { continue };
        let ask = [0x00, 0x47, 0x81, 0x00, 0, 0, 5, 0xB6, 3, 0x84, 1, slot, 0, 0];
        let answer = card.process(&ask).expect("it has power");
        let template = answer.strip_suffix(&[0x90, 0x00]).expect("there is a key");
        let algorithm = reference::key(key.algorithm).expect("the card makes such keys");
        keys.insert(slot, Key { algorithm, signs: key.role.code() == 2, public: public_key(template) });
    }
    keys
}

impl Model {
    pub(super) fn select(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        if !status.is_success() {
            return refused(data, status);
        }
        assert_eq!(data.is_empty(), command.p2 == 0x0C, "file control information that was not asked for");
        if command.p1 == 0x04 {
            self.reset();
            self.file = Some(APPLICATION);
            return;
        }
        let in_application = !matches!(self.file, None | Some(MASTER | APPLICATION | 0x2F00));
        let file = match command.data[..] {
            [.., high, low] => u16::from_be_bytes([high, low]),
            _ if command.p1 == 0x03 && in_application => APPLICATION,
            _ => MASTER,
        };
        assert!(self.exists(file), "a file that is not there was selected");
        self.file = Some(file);
    }

    pub(super) fn get_data(&self, command: &Command, data: &[u8], status: StatusWord) {
        if !status.is_success() {
            return refused(data, status);
        }
        match (command.p1, command.p2) {
            (0x01, 0xB0) => self.is_like(&CardStatus::from_template(data).expect("a status of the profile")),
            // The version of another card, the serial number, and how often something changed.
            (0x01, 0xA0) => assert!(data.len() == 20 && data.starts_with(&[0, 0, 0, 0, 0, 4, 5, 5])),
            (0x01, 0xAA) => assert_eq!(data, [0x01, 0x00, 0x1F, 0x10, 0x00, 0x01, 0x00, 0x01, 0x00, 0x02, 0x09]),
            (p1, p2) => panic!("there is no data object {p1:02X}{p2:02X}"),
        }
    }

    pub(super) fn read(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        let (file, offset) = if command.data.is_empty() { self.place(command) } else { (None, 0) };
        if !matches!(status.0, 0x9000 | 0x6282) {
            let right_length = data.is_empty() && status.sw1() == 0x6C;
            assert!(right_length || is_refusal(data, status), "{status}");
            return;
        }
        let file = file.expect("something was read without a file");
        let content = self.content(file).unwrap_or_else(|| panic!("file {file:04X} was read"));
        let rest = &content[offset..];
        assert_eq!(data, &rest[..rest.len().min(command.ne)], "file {file:04X}");
        assert!(status.is_success() || rest.len() < command.ne);
    }

    /// With the offset in a data object.
    pub(super) fn read_far(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        if !status.is_success() {
            return refused(data, status);
        }
        let asked = Tlv::parse(&command.data).expect("the card took it");
        assert_eq!((asked.tag.number(), command.p1, command.p2), (0x54, 0, 0));
        let offset = asked.value.iter().fold(0, |offset, byte| offset << 8 | usize::from(*byte));
        let read = Tlv::parse(data).expect("what was read is a data object");
        assert!(read.tag.number() == 0x53 && data.len() <= command.ne);
        let file = self.file.expect("something was read without a file");
        let content = self.content(file).unwrap_or_else(|| panic!("file {file:04X} was read"));
        let rest = &content[offset..];
        assert!(rest.starts_with(read.value), "file {file:04X}");
        assert!(read.value.len() == rest.len() || data.len() + 2 > command.ne, "less came than there is");
    }

    pub(super) fn update(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        let (file, offset) = self.place(command);
        if !status.is_success() {
            return refused(data, status);
        }
        assert!(self.may_write(), "content was changed without a password");
        assert_eq!((data.len(), file), (0, Some(DIRECTORY)));
        self.directory[offset..][..command.data.len()].copy_from_slice(&command.data);
        self.told |= self.tells(&self.directory);
    }

    pub(super) fn put(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        if !status.is_success() {
            return refused(data, status);
        }
        assert!(self.may_write() && data.is_empty(), "a certificate was written without a password");
        assert!(command.p1 == 0x43 && self.keys.contains_key(&(command.p2 & 0x0F)), "a certificate without a key");
        assert!(command.p2 >> 4 < 8, "a ninth certificate");
        let object = Tlv::parse(&command.data).expect("the card took it");
        assert!(object.tag.number() == 0x53 && object.value.len() <= self.largest_certificate.into());
        self.told |= self.tells(object.value);
        self.certificates.insert(command.p2, object.value.to_vec());
    }

    pub(super) fn delete(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        if !status.is_success() {
            return refused(data, status);
        }
        assert!(self.may_write() && data.is_empty(), "content was removed without a password");
        let [series, slot] = command.data[..] else { panic!("a file of {} bytes was removed", command.data.len()) };
        match series {
            0x43 => assert!(self.certificates.remove(&slot).is_some(), "a certificate that was not there"),
            0x4B => {
                self.certificates.retain(|file, _| file & 0x0F != slot);
                assert!(self.keys.remove(&slot).is_some(), "a key that was not there");
                self.environment = None;
            }
            _ => panic!("file {series:02X}{slot:02X} was removed"),
        }
    }

    pub(super) fn key_pair(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        if !status.is_success() {
            return refused(data, status);
        }
        let template = Tlv::parse(&command.data).expect("the card took it");
        let named = |tag| {
            let objects = Reader::new(template.value).map(|object| object.expect("the card took it"));
            objects.filter(|object| object.tag.number() == tag).last().map(|object| object.value)
        };
        let Some(&[slot]) = named(0x84) else { panic!("a key in no slot") };
        let public = public_key(data);
        if command.p1 == 0x81 {
            assert_eq!(Some(&public), self.keys.get(&slot).map(|key| &key.public), "the key in slot {slot}");
            return;
        }
        assert!(self.may_write(), "a key was made without a password");
        let Some(&[algorithm]) = named(0x80) else { panic!("a key of no kind") };
        let signs = template.tag.number() == 0xB6;
        assert!((1..=self.slots).contains(&slot));
        let taken = self.keys.insert(slot, Key { algorithm, signs, public });
        assert!(taken.is_none(), "a key was made over another");
        self.made = Some(slot);
    }

    /// The file that P1-P2 name, and the offset in it. A file named short is the selected one from then on.
    fn place(&mut self, command: &Command) -> (Option<u16>, usize) {
        if command.p1 & 0x80 == 0 {
            return (self.file, u16::from_be_bytes([command.p1, command.p2]).into());
        }
        let file = match command.p1 {
            0x81 => DIRECTORY,
            0x82 => 0x5031,
            0x83 => 0x5032,
            0x84 => 0x4401,
            0x91..=0x9E => 0x4300 | u16::from(command.p1 & 0x0F),
            _ => return (None, 0),
        };
        if self.content(file).is_none() {
            return (None, 0);
        }
        self.file = Some(file);
        (Some(file), command.p2.into())
    }

    /// What may be read; `None` for what may not, or is not there.
    fn content(&self, file: u16) -> Option<Cow<'_, [u8]>> {
        match file.to_be_bytes() {
            [0x43, slot] => self.certificates.get(&slot).map(Cow::from),
            [0x4D, slot] => self.keys.get(&slot).map(|key| public_key_file(&key.public).into()),
            _ if file == DIRECTORY => Some(Cow::from(&self.directory)),
            _ => self.constant.get(&file).map(Cow::from),
        }
    }

    fn exists(&self, file: u16) -> bool {
        let [series, slot] = file.to_be_bytes();
        matches!(file, MASTER | APPLICATION)
            || self.content(file).is_some()
            || (series == 0x4B && self.keys.contains_key(&slot))
    }
}
