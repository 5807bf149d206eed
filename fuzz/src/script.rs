//! A conversation with a card: commands, right and wrong, and what happens to them on their way.

use arbitrary::{Arbitrary, Result, Unstructured};
use obnova_apdu::tlv::{Tag, Tlv, VecWriter};
use obnova_apdu::{CommandApdu, LengthForm, ins};
use obnova_profile::application;

use crate::cards::{Kind, VALUES};
use crate::form::{Form, all, byte, bytes, double, word, write_bytes};
use crate::model::Model;

/// Which card, and what is said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// How the card begins.
    pub kind: Kind,
    /// Its state is in a file, and the card is opened from there again at the end.
    pub kept: bool,
    /// What is said, in order.
    pub steps: Vec<Step>,
}

/// How the two actions begin that take long: by their instruction, and not by what libFuzzer likes to write.
const READ_FAR: u8 = ins::READ_BINARY_TLV;
const PUT_LONG: u8 = ins::PUT_DATA_TLV;

/// Steps of the longest conversation.
pub const MOST_STEPS: usize = 64;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How it gets to the card.
    pub manner: Manner,
    /// What is asked for.
    pub action: Action,
}

/// How a command gets to the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// In one APDU of extended length.
    Extended,
    /// In short APDUs, chained where it is too long.
    Short,
    /// In a chain of pieces of so many bytes.
    Chained(u8),
    /// With this byte at this place changed by these bits.
    Bent(u8, u8),
    /// Without so many bytes at its end.
    Cut(u8),
    /// The card loses power before it acts on it.
    TornBefore,
    /// The card loses power after its first write to memory.
    TornInside,
    /// The card loses power before it answers.
    TornAfter,
}

/// A password's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The one that it has now.
    Right,
    /// One of [`VALUES`].
    Named(u8),
    /// Any other.
    Literal(Vec<u8>),
}

/// A command in its own words. Numbers of slots, files and passwords are what goes over the wire, existing or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// SELECT by so many bytes of a name of the application.
    SelectName { own: bool, length: u8 },
    /// SELECT by identifier or path: P1, P2, data.
    SelectFile { p1: u8, p2: u8, path: Vec<u8> },
    /// VERIFY.
    Verify { password: u8, value: Value },
    /// VERIFY without data.
    PasswordStatus { password: u8 },
    /// CHANGE REFERENCE DATA with old and new value.
    Change { password: u8, old: Value, new: Value },
    /// CHANGE REFERENCE DATA with the new value only.
    Set { password: u8, new: Value },
    /// RESET RETRY COUNTER.
    Unblock { password: u8, puk: Value, new: Value },
    /// ACTIVATE FILE.
    Activate,
    /// GENERATE ASYMMETRIC KEY PAIR: template, algorithm, slot.
    Generate { template: u8, algorithm: u8, slot: u8 },
    /// The same, reading.
    PublicKey { slot: u8 },
    /// MANAGE SECURITY ENVIRONMENT by slot.
    Environment { algorithm: u8, slot: u8 },
    /// MANAGE SECURITY ENVIRONMENT by file, as MyEID cards take it.
    EnvironmentByFile { algorithm: u8, file: u16 },
    /// PERFORM SECURITY OPERATION over so many bytes of this value.
    Sign { length: u16, value: u8 },
    /// READ BINARY: P1, P2, Ne.
    Read { p1: u8, p2: u8, ne: u16 },
    /// READ BINARY of the selected file from an offset in so many bytes of a data object, and N<sub>e</sub>.
    ReadFar { offset: u32, digits: u8, ne: u16 },
    /// UPDATE BINARY: P1, P2, data.
    Update { p1: u8, p2: u8, data: Vec<u8> },
    /// PUT DATA of a certificate.
    Put { slot: u8, certificate: Vec<u8> },
    /// PUT DATA of something like a certificate, of so many bytes and those of its header.
    PutLong { slot: u8, length: u16, filling: u8 },
    /// DELETE FILE.
    Delete { file: u16 },
    /// GET DATA.
    GetData { tag: u16 },
    /// GET CHALLENGE.
    Challenge { ne: u16 },
    /// GET RESPONSE.
    GetResponse { ne: u16 },
    /// No command: the card is reset.
    Reset,
    /// Any bytes.
    Raw(Vec<u8>),
}

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        Self::read(from)
    }
}

impl Form for Script {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        let start = byte(from)?;
        let kind = Kind::from_number(start & 0x1F);
        Ok(Self { kind, kept: start >= 0xE0, steps: all(from, MOST_STEPS)? })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.push(self.kind as u8 | if self.kept { 0xE0 } else { 0 });
        for step in &self.steps {
            step.write(to);
        }
    }
}

impl Form for Step {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self { manner: Manner::read(from)?, action: Action::read(from)? })
    }

    fn write(&self, to: &mut Vec<u8>) {
        self.manner.write(to);
        self.action.write(to);
    }
}

impl Form for Manner {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match byte(from)? % 16 {
            1 | 8 => Self::Short,
            2 => Self::Chained(byte(from)?),
            3 => Self::Bent(byte(from)?, byte(from)?),
            4 => Self::Cut(byte(from)?),
            5 => Self::TornBefore,
            6 => Self::TornInside,
            7 => Self::TornAfter,
            _ => Self::Extended,
        })
    }

    fn write(&self, to: &mut Vec<u8>) {
        match *self {
            Self::Extended => to.push(0),
            Self::Short => to.push(1),
            Self::Chained(piece) => to.extend([2, piece]),
            Self::Bent(at, bits) => to.extend([3, at, bits]),
            Self::Cut(bytes) => to.extend([4, bytes]),
            Self::TornBefore => to.push(5),
            Self::TornInside => to.push(6),
            Self::TornAfter => to.push(7),
        }
    }
}

impl Form for Value {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        let choice = byte(from)?;
        Ok(match choice {
            0 => Self::Right,
            0xFF => Self::Literal(bytes(from)?),
            _ => Self::Named((choice - 1) % VALUES.len() as u8),
        })
    }

    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Right => to.push(0),
            Self::Named(number) => to.push(1 + number),
            Self::Literal(value) => {
                to.push(0xFF);
                write_bytes(value, to);
            }
        }
    }
}

impl Value {
    /// The bytes, for a password with this value.
    fn bytes<'v>(&'v self, right: &'v [u8]) -> &'v [u8] {
        match self {
            Self::Right => right,
            Self::Named(number) => VALUES[usize::from(*number)],
            Self::Literal(value) => value,
        }
    }
}

impl Form for Action {
    fn read(from: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match byte(from)? {
            READ_FAR => Self::ReadFar { offset: double(from)?, digits: byte(from)?, ne: word(from)? },
            PUT_LONG => Self::PutLong { slot: byte(from)?, length: word(from)?, filling: byte(from)? },
            choice => Self::usual(choice % 22, from)?,
        })
    }

    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::SelectName { own, length } => to.extend([0, u8::from(!own), *length]),
            Self::SelectFile { p1, p2, path } => {
                to.extend([1, *p1, *p2]);
                write_bytes(path, to);
            }
            Self::Verify { password, value } => {
                to.extend([2, *password]);
                value.write(to);
            }
            Self::PasswordStatus { password } => to.extend([3, *password]),
            Self::Change { password, old, new } => {
                to.extend([4, *password]);
                old.write(to);
                new.write(to);
            }
            Self::Set { password, new } => {
                to.extend([5, *password]);
                new.write(to);
            }
            Self::Unblock { password, puk, new } => {
                to.extend([6, *password]);
                puk.write(to);
                new.write(to);
            }
            Self::Activate => to.push(7),
            Self::Generate { template, algorithm, slot } => to.extend([8, *template, *algorithm, *slot]),
            Self::PublicKey { slot } => to.extend([9, *slot]),
            Self::Environment { algorithm, slot } => to.extend([10, *algorithm, *slot]),
            Self::EnvironmentByFile { algorithm, file } => {
                to.extend([11, *algorithm]);
                to.extend(file.to_be_bytes());
            }
            Self::Sign { length, value } => {
                to.push(12);
                to.extend(length.to_be_bytes());
                to.push(*value);
            }
            Self::Read { p1, p2, ne } => {
                to.extend([13, *p1, *p2]);
                to.extend(ne.to_be_bytes());
            }
            Self::ReadFar { offset, digits, ne } => {
                to.push(READ_FAR);
                to.extend(offset.to_be_bytes());
                to.push(*digits);
                to.extend(ne.to_be_bytes());
            }
            Self::Update { p1, p2, data } => {
                to.extend([14, *p1, *p2]);
                write_bytes(data, to);
            }
            Self::Put { slot, certificate } => {
                to.extend([15, *slot]);
                write_bytes(certificate, to);
            }
            Self::PutLong { slot, length, filling } => {
                to.extend([PUT_LONG, *slot]);
                to.extend(length.to_be_bytes());
                to.push(*filling);
            }
            Self::Delete { file } => write_word(16, *file, to),
            Self::GetData { tag } => write_word(17, *tag, to),
            Self::Challenge { ne } => write_word(18, *ne, to),
            Self::GetResponse { ne } => write_word(19, *ne, to),
            Self::Reset => to.push(20),
            Self::Raw(bytes) => {
                to.push(21);
                write_bytes(bytes, to);
            }
        }
    }
}

fn write_word(choice: u8, word: u16, to: &mut Vec<u8>) {
    to.push(choice);
    to.extend(word.to_be_bytes());
}

impl Step {
    /// The APDUs that go to a card of which this is known; none for a reset.
    pub fn apdus(&self, model: &Model) -> Vec<Vec<u8>> {
        let command = match &self.action {
            Action::Reset => return Vec::new(),
            Action::Raw(bytes) => return vec![self.spoil(bytes.clone())],
            action => action.command(model),
        };
        let whole = |form| command.encode(form).ok().map(|apdu| apdu.to_vec());
        let apdus = match self.manner {
            Manner::Short if command.data().len() > 255 => chain(&command, 255),
            Manner::Short => whole(LengthForm::Short).into_iter().collect(),
            Manner::Chained(piece) => chain(&command, piece),
            // The largest certificate with its header fits into one APDU, and nothing beyond.
            _ if command.data().len() > 0xFFFF => chain(&command, 255),
            _ => whole(LengthForm::Extended).into_iter().collect(),
        };
        apdus.into_iter().map(|apdu| self.spoil(apdu)).collect()
    }

    fn spoil(&self, mut apdu: Vec<u8>) -> Vec<u8> {
        match self.manner {
            Manner::Bent(at, bits) => {
                if let Some(byte) = apdu.get_mut(usize::from(at)) {
                    *byte ^= bits;
                }
            }
            Manner::Cut(bytes) => apdu.truncate(apdu.len().saturating_sub(bytes.into())),
            _ => {}
        }
        apdu
    }
}

/// The command in short APDUs with so much data in each, or more where they would be too many.
fn chain(command: &CommandApdu, piece: u8) -> Vec<Vec<u8>> {
    const MOST_PIECES: usize = 512;
    const NOT_THE_LAST: u8 = 0x10;
    let short = |command: CommandApdu| command.encode(LengthForm::Short).expect("the piece is short").to_vec();
    let header = |cla: u8| CommandApdu::new(cla, command.ins, command.p1, command.p2);
    let piece = usize::from(piece).max(command.data().len().div_ceil(MOST_PIECES)).max(1);
    let mut pieces: Vec<&[u8]> = command.data().chunks(piece).collect();
    let last = pieces.pop().unwrap_or_default();
    let chained = |piece: &&[u8]| short(header(command.cla | NOT_THE_LAST).with_data(*piece));
    let mut apdus: Vec<_> = pieces.iter().map(chained).collect();
    apdus.push(short(header(command.cla).with_data(last).with_ne(command.ne.min(256))));
    apdus
}

impl Action {
    fn usual(choice: u8, from: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match choice {
            0 => Self::SelectName { own: byte(from)? & 1 == 0, length: byte(from)? },
            1 => Self::SelectFile { p1: byte(from)?, p2: byte(from)?, path: bytes(from)? },
            2 => Self::Verify { password: byte(from)?, value: Value::read(from)? },
            3 => Self::PasswordStatus { password: byte(from)? },
            4 => Self::Change { password: byte(from)?, old: Value::read(from)?, new: Value::read(from)? },
            5 => Self::Set { password: byte(from)?, new: Value::read(from)? },
            6 => Self::Unblock { password: byte(from)?, puk: Value::read(from)?, new: Value::read(from)? },
            7 => Self::Activate,
            8 => Self::Generate { template: byte(from)?, algorithm: byte(from)?, slot: byte(from)? },
            9 => Self::PublicKey { slot: byte(from)? },
            10 => Self::Environment { algorithm: byte(from)?, slot: byte(from)? },
            11 => Self::EnvironmentByFile { algorithm: byte(from)?, file: word(from)? },
            12 => Self::Sign { length: word(from)?, value: byte(from)? },
            13 => Self::Read { p1: byte(from)?, p2: byte(from)?, ne: word(from)? },
            14 => Self::Update { p1: byte(from)?, p2: byte(from)?, data: bytes(from)? },
            15 => Self::Put { slot: byte(from)?, certificate: bytes(from)? },
            16 => Self::Delete { file: word(from)? },
            17 => Self::GetData { tag: word(from)? },
            18 => Self::Challenge { ne: word(from)? },
            19 => Self::GetResponse { ne: word(from)? },
            20 => Self::Reset,
            _ => Self::Raw(bytes(from)?),
        })
    }

    /// The command.
    fn command(&self, model: &Model) -> CommandApdu {
        const ALL: u32 = 0x1_0000;
        let new = |ins, p1, p2| CommandApdu::new(0x00, ins, p1, p2);
        let right = |password: u8| model.value(password);
        match self {
            Self::SelectName { own, length } => {
                let name: &[u8] = if *own { &application::AID } else { &application::PKCS15_AID };
                let length = if *length == 0 { name.len() } else { name.len().min(usize::from(*length)) };
                new(ins::SELECT, 0x04, 0x00).with_data(&name[..length]).with_ne(ALL)
            }
            Self::SelectFile { p1, p2, path } => new(ins::SELECT, *p1, *p2).with_data(path.clone()).with_ne(ALL),
            Self::Verify { password, value } => {
                new(ins::VERIFY, 0x00, *password).with_data(value.bytes(right(*password)))
            }
            Self::PasswordStatus { password } => new(ins::VERIFY, 0x00, *password),
            Self::Change { password, old, new: next } => {
                let data = [old.bytes(model.old_value(*password)), next.bytes(right(*password))].concat();
                new(ins::CHANGE_REFERENCE_DATA, 0x00, *password).with_data(data)
            }
            Self::Set { password, new: next } => {
                new(ins::CHANGE_REFERENCE_DATA, 0x01, *password).with_data(next.bytes(right(*password)))
            }
            Self::Unblock { password, puk, new: next } => {
                let data = [puk.bytes(right(3)), next.bytes(right(*password))].concat();
                new(ins::RESET_RETRY_COUNTER, 0x00, *password).with_data(data)
            }
            Self::Activate => new(ins::ACTIVATE_FILE, 0x00, 0x00),
            Self::Generate { template, algorithm, slot } => {
                let data = [*template, 6, 0x80, 1, *algorithm, 0x84, 1, *slot];
                new(ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, 0x80, 0x00).with_data(data).with_ne(ALL)
            }
            Self::PublicKey { slot } => {
                let data = [0xB6, 3, 0x84, 1, *slot];
                new(ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, 0x81, 0x00).with_data(data).with_ne(ALL)
            }
            Self::Environment { algorithm, slot } => {
                let data = [0x80, 1, *algorithm, 0x84, 1, *slot];
                new(ins::MANAGE_SECURITY_ENVIRONMENT, 0x41, 0xB6).with_data(data)
            }
            Self::EnvironmentByFile { algorithm, file } => {
                let [high, low] = file.to_be_bytes();
                let data = [0x80, 1, *algorithm, 0x81, 2, high, low, 0x84, 1, 0];
                new(ins::MANAGE_SECURITY_ENVIRONMENT, 0x41, 0xB6).with_data(data)
            }
            Self::Sign { length, value } => {
                let data = vec![*value; usize::from(length % 0x400)];
                new(ins::PERFORM_SECURITY_OPERATION, 0x9E, 0x9A).with_data(data).with_ne(ALL)
            }
            Self::Read { p1, p2, ne } => new(ins::READ_BINARY, *p1, *p2).with_ne(many(*ne)),
            Self::ReadFar { offset, digits, ne } => {
                let mut data = VecWriter::new();
                data.primitive(
                    Tag::new(0x54),
                    &[&[0], &offset.to_be_bytes()[..]].concat()[5 - usize::from(digits % 6)..],
                );
                new(ins::READ_BINARY_TLV, 0x00, 0x00).with_data(data.into_vec()).with_ne(many(*ne))
            }
            Self::Update { p1, p2, data } => new(ins::UPDATE_BINARY, *p1, *p2).with_data(data.clone()),
            Self::Put { slot, certificate } => put(*slot, certificate),
            Self::PutLong { slot, length, filling } => {
                let mut certificate = VecWriter::new();
                certificate.primitive(Tag::new(0x30), &vec![*filling; usize::from(*length)]);
                put(*slot, &certificate.into_vec())
            }
            Self::Delete { file } => new(ins::DELETE_FILE, 0x00, 0x00).with_data(file.to_be_bytes()),
            Self::GetData { tag } => {
                let [p1, p2] = tag.to_be_bytes();
                new(ins::GET_DATA, p1, p2).with_ne(ALL)
            }
            Self::Challenge { ne } => new(ins::GET_CHALLENGE, 0x00, 0x00).with_ne(many(*ne)),
            Self::GetResponse { ne } => new(ins::GET_RESPONSE, 0x00, 0x00).with_ne(many(*ne)),
            Self::Reset | Self::Raw(_) => unreachable!("these are no commands"),
        }
    }
}

fn put(slot: u8, certificate: &[u8]) -> CommandApdu {
    let mut data = VecWriter::new();
    data.primitive(Tag::new(0x53), certificate);
    CommandApdu::new(0x00, ins::PUT_DATA_TLV, 0x43, slot).with_data(data.into_vec())
}

/// N<sub>e</sub>; the largest number stands for one more than fits.
fn many(ne: u16) -> u32 {
    if ne == u16::MAX { 0x1_0000 } else { ne.into() }
}

/// The action that a recorded command was, as far as it is one.
impl From<&[u8]> for Action {
    fn from(apdu: &[u8]) -> Self {
        let raw = || Self::Raw(apdu.to_vec());
        let Ok(view) = obnova_apdu::CommandView::parse(apdu) else { return raw() };
        let (p1, p2, data) = (view.p1(), view.p2(), view.data());
        let ne = u16::try_from(view.ne()).unwrap_or(u16::MAX);
        let value = |bytes: &[u8]| match VALUES.iter().position(|value| *value == bytes) {
            Some(number) => Value::Named(number as u8),
            None => Value::Literal(bytes.to_vec()),
        };
        // Where two values meet only the card knows; here it is where both are known.
        let cut = (0..data.len()).find(|at| [&data[..*at], &data[*at..]].iter().all(|part| VALUES.contains(part)));
        match (view.cla(), view.ins(), p1) {
            (0, ins::SELECT, 0x04) if data == application::AID => Self::SelectName { own: true, length: 0 },
            (0, ins::SELECT, 0x04) if data == application::PKCS15_AID => Self::SelectName { own: false, length: 0 },
            (0, ins::SELECT, 0x00..=0x03 | 0x08 | 0x09) => Self::SelectFile { p1, p2, path: data.to_vec() },
            (0, ins::VERIFY, 0x00) if data.is_empty() => Self::PasswordStatus { password: p2 },
            (0, ins::VERIFY, 0x00) => Self::Verify { password: p2, value: value(data) },
            (0, ins::CHANGE_REFERENCE_DATA, 0x00) if cut.is_some() => {
                let (old, new) = data.split_at(cut.unwrap_or(0));
                Self::Change { password: p2, old: value(old), new: value(new) }
            }
            (0, ins::CHANGE_REFERENCE_DATA, 0x01) => Self::Set { password: p2, new: value(data) },
            (0, ins::RESET_RETRY_COUNTER, 0x00) if cut.is_some() => {
                let (puk, new) = data.split_at(cut.unwrap_or(0));
                Self::Unblock { password: p2, puk: value(puk), new: value(new) }
            }
            (0, ins::ACTIVATE_FILE, 0x00) => Self::Activate,
            (0, ins::READ_BINARY, _) => Self::Read { p1, p2, ne },
            (0, ins::READ_BINARY_TLV, 0x00) if p2 == 0 && matches!(data, [0x54, 1..=4, ..]) => {
                let offset = data[2..].iter().fold(0, |offset, byte| offset << 8 | u32::from(*byte));
                Self::ReadFar { offset, digits: data[1], ne }
            }
            (0, ins::UPDATE_BINARY, _) => Self::Update { p1, p2, data: data.to_vec() },
            (0, ins::PUT_DATA_TLV, 0x43) if Tlv::parse(data).is_ok() => {
                Self::Put { slot: p2, certificate: Tlv::parse(data).map_or(&[][..], |object| object.value).to_vec() }
            }
            (0, ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, 0x80) if data.len() == 8 => {
                Self::Generate { template: data[0], algorithm: data[4], slot: data[7] }
            }
            (0, ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, 0x81) if data.len() == 5 => Self::PublicKey { slot: data[4] },
            (0, ins::MANAGE_SECURITY_ENVIRONMENT, 0x41) if data.len() == 6 => {
                Self::Environment { algorithm: data[2], slot: data[5] }
            }
            (0, ins::MANAGE_SECURITY_ENVIRONMENT, 0x41) if data.len() == 10 => {
                Self::EnvironmentByFile { algorithm: data[2], file: u16::from_be_bytes([data[5], data[6]]) }
            }
            // What is signed is of no account, its length is.
            (0, ins::PERFORM_SECURITY_OPERATION, 0x9E) if data.len() < 64 => {
                Self::Sign { length: data.len() as u16, value: data.first().copied().unwrap_or(0) }
            }
            (0, ins::GET_DATA, _) => Self::GetData { tag: u16::from_be_bytes([p1, p2]) },
            (0, ins::GET_RESPONSE, _) => Self::GetResponse { ne },
            _ => raw(),
        }
    }
}
