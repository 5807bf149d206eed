//! A card that lies, line by line: each lie is refused by its own name, in a bounded number of commands and bytes; nothing is
//! written and no secret is sent to the card after it; and the pair that works goes on working.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{
    AUTHENTICATION, PUK, Refused, SIGNATURE, Setup, by, certificate, digest, installation,
    liar::{Liar, Lie, Lied, is_generate, says, turns},
    order, pin,
    report::report,
};
use obnova_algorithm::{Digest, KeyAlgorithm, KeyError, SignatureAlgorithm, verify};
use obnova_apdu::{
    ResponseError, StatusWord,
    exchange::ExchangeError,
    ins,
    tlv::{Tag, TlvError},
};
use obnova_card::{KeyRole, PasswordKind, Pin, Repair, Secret, SignDigest, Slot, SlotId, Token, TokenError};
use obnova_profile::{
    CardStatus, Directory, DirectoryError, PasswordState, PublicKeyTemplate, SlotNumber, StatusError, TemplateError,
    pkcs15::EntryError,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes that a lie may make the driver hold; the longest answer of a card, what holds it while it grows, and what the tests
/// beside this one hold.
const MOST_MEMORY: usize = 4 * 1024 * 1024;
const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

// What the refusals name.
const OTHER: Tag = Tag::new(0x62);
const PASSWORD: Tag = Tag::new(0x86);
const SLOT: Tag = Tag::new(0x87);
const NO_REASON: StatusWord = StatusWord(0x6F00);
const TAKEN: &str = "there is a key in it already: take an empty one, or remove the key first";
const EMPTY: &str = "there is no key in it, so no certificate belongs there: take the slot of its key";

type Operation = fn(&mut Lied) -> Result<(), TokenError>;

type Row = common::Row<Lied, Lie>;

fn row(
    name: &'static str,
    asked: Operation,
    lie: impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static,
    refused: Refused,
    most: u32,
) -> Row {
    Row { name, asked, lie: Box::new(lie), refused, most, seen_later: false }
}

/// A status that is not the card's, from this SELECT on.
fn claims(
    from: u32,
    change: impl Fn(&mut CardStatus) + Send + 'static,
) -> impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static {
    let mut selected = 0;
    move |command, response| {
        if command[1] != ins::SELECT {
            return false;
        }
        selected += 1;
        if selected < from {
            return false;
        }
        let mut status = CardStatus::from_fci(&response[..response.len() - 2]).unwrap();
        change(&mut status);
        *response = [status.to_fci(), vec![0x90, 0x00]].concat();
        true
    }
}

/// A directory that is not the card's.
fn lists(change: impl Fn(&mut Vec<u8>) + Send + 'static) -> impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static {
    let mut first = true;
    move |command, response| {
        if command[1] != ins::READ_BINARY || !std::mem::take(&mut first) {
            return false;
        }
        let mut file = response[..response.len() - 2].to_vec();
        change(&mut file);
        *response = [file, vec![0x90, 0x00]].concat();
        true
    }
}

/// The directory with other entries in it.
fn enters(
    change: impl Fn(&mut Directory) + Send + 'static,
) -> impl FnMut(&[u8], &mut Vec<u8>) -> bool + Send + 'static {
    lists(move |file| {
        let layout = card().simulator.with_card(|card| card.status().directory());
        let mut directory = Directory::decode(file, layout).unwrap();
        change(&mut directory);
        *file = directory.encode(layout).unwrap();
    })
}

fn identity(token: &mut Lied) -> Result<(), TokenError> {
    token.identity().map(drop)
}

fn slots(token: &mut Lied) -> Result<(), TokenError> {
    token.slots().map(drop)
}

fn generate(token: &mut Lied) -> Result<(), TokenError> {
    token.generate(&order(4, KeyRole::Signature, KeyAlgorithm::P256), &pin()).map(drop)
}

fn generate_with_a_wrong_pin(token: &mut Lied) -> Result<(), TokenError> {
    let wrong = Pin::new(Secret::from("000000"));
    token.generate(&order(4, KeyRole::Signature, KeyAlgorithm::P256), &wrong).map(drop)
}

fn sign(token: &mut Lied) -> Result<(), TokenError> {
    sign_in(token, 2)
}

fn sign_in(token: &mut Lied, slot: u32) -> Result<(), TokenError> {
    let job = SignDigest { slot: SlotId(slot), algorithm: P256, digest: digest(b"x") };
    token.sign(&[job], &Pin::new(Secret::from(SIGNATURE))).map(drop)
}

fn generate_and_sign(token: &mut Lied) -> Result<(), TokenError> {
    generate(token)?;
    sign_in(token, 4)
}

fn install(token: &mut Lied) -> Result<(), TokenError> {
    let key = token.slots()?.remove(2).key.unwrap().public_key.unwrap();
    token.install(&[installation(3, certificate("Jana", 3, &key, 300))], &[SlotId(1)], &pin())
}

/// A working pair, and a key that waits for its certificate in slot 3.
fn card() -> Setup {
    let mut card = Setup::with_pairs(&[1, 2]);
    card.token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
    card
}

fn table() -> Vec<Row> {
    [lengths(), statuses(), directories(), keys(), signatures(), secrets(), swaps()].into_iter().flatten().collect()
}

/// How answers are carried.
fn lengths() -> Vec<Row> {
    let more = |data: usize, left: u8| [vec![0x55; data], vec![0x61, left]].concat();
    let mut length = 5;
    let ping_pong = move |_: &[u8], response: &mut Vec<u8>| {
        length = 11 - length;
        *response = vec![0x6C, length];
        true
    };
    let endless = move |_: &[u8], response: &mut Vec<u8>| {
        *response = more(1, 0);
        true
    };
    let empty = move |_: &[u8], response: &mut Vec<u8>| {
        *response = more(0, 0);
        true
    };
    let full = move |_: &[u8], response: &mut Vec<u8>| {
        *response = more(256, 0);
        true
    };
    let mut rest = 0;
    let ten_more = move |command: &[u8], response: &mut Vec<u8>| {
        match command[1] {
            ins::READ_BINARY => rest = response.len() - 2 + 10,
            ins::GET_RESPONSE => {}
            _ => return false,
        }
        let part = rest.min(256);
        rest -= part;
        *response = [vec![0x55; part], if rest > 0 { vec![0x61, 0] } else { vec![0x90, 0] }].concat();
        true
    };
    vec![
        row(
            "more is announced without end",
            identity,
            full,
            by!(TokenError::Exchange { problem: ExchangeError::ResponseTooLong { .. }, .. }),
            258,
        ),
        row(
            "more is announced without end, a byte at a time",
            identity,
            endless,
            by!(TokenError::Exchange { problem: ExchangeError::TooManyApdus { .. }, .. }),
            8_192,
        ),
        row(
            "more is announced, and nothing comes",
            identity,
            empty,
            by!(TokenError::Exchange { problem: ExchangeError::NoProgress, .. }),
            2,
        ),
        row(
            "another length is asked for, and another",
            identity,
            ping_pong,
            by!(TokenError::Exchange { problem: ExchangeError::WrongLeAgain { .. }, .. }),
            2,
        ),
        row(
            "another length is asked for, with data",
            identity,
            says(ins::SELECT, [1, 2, 0x6C, 2]),
            by!(TokenError::Exchange { problem: ExchangeError::DataBesideWrongLe { .. }, .. }),
            1,
        ),
        row(
            "more than was asked for",
            identity,
            says(ins::SELECT, [vec![7; 300], vec![0x90, 0]].concat()),
            by!(TokenError::Exchange { problem: ExchangeError::TooMuchData { .. }, .. }),
            1,
        ),
        row(
            "no status word",
            identity,
            says(ins::SELECT, [0x90]),
            by!(TokenError::Exchange { problem: ExchangeError::Response(ResponseError::Truncated { len: 1 }), .. }),
            1,
        ),
        row(
            "nothing at all",
            slots,
            says(ins::READ_BINARY, []),
            by!(TokenError::Exchange { problem: ExchangeError::Response(ResponseError::Truncated { len: 0 }), .. }),
            2,
        ),
        row(
            "a file that goes on behind its end",
            slots,
            |command: &[u8], response: &mut Vec<u8>| {
                match command[1] {
                    ins::READ_BINARY => response.truncate(256),
                    ins::GET_RESPONSE => *response = vec![0x55; 256],
                    _ => return false,
                }
                response.extend([0x61, 0x00]);
                true
            },
            by!(TokenError::Exchange { problem: ExchangeError::ResponseTooLong { .. }, .. }),
            300,
        ),
        row("a file with ten bytes more than it has", slots, ten_more, by!(TokenError::MoreThanSaid { .. }), 20),
        row(
            "a huge certificate, a byte at a time",
            slots,
            |command: &[u8], response: &mut Vec<u8>| match command[1] {
                ins::SELECT => {
                    let mut status = CardStatus::from_fci(&response[..response.len() - 2]).unwrap();
                    status.slots[0].certificates[0].length = u16::MAX;
                    *response = [status.to_fci(), vec![0x90, 0]].concat();
                    false
                }
                // The first certificate's short file identifier is not the directory's.
                ins::READ_BINARY if command[2] != 0x81 => {
                    *response = vec![0x30, 0x90, 0];
                    true
                }
                _ => false,
            },
            by!(TokenError::Exchange { problem: ExchangeError::TooManyApdus { .. }, .. }),
            8_192,
        ),
    ]
}

/// What the card says of itself.
fn statuses() -> Vec<Row> {
    let said = |name, answer: Vec<u8>, refused| {
        row(name, identity, says(ins::SELECT, [answer, vec![0x90, 0]].concat()), refused, 1)
    };
    let claimed = |name, change: fn(&mut CardStatus), refused| row(name, identity, claims(1, change), refused, 1);
    fn left(status: &mut CardStatus, left: u8) {
        status.passwords[0].state = PasswordState::Active { left };
    }
    vec![
        said("no status", vec![], by!(TokenError::Status(StatusError::Tlv(TlvError::TagTruncated { offset: 0 })))),
        said(
            "a status that ends early",
            card().simulator.with_card(|card| card.status().to_fci())[..40].to_vec(),
            by!(TokenError::Status(StatusError::Tlv(TlvError::ValueTruncated { offset: 0, .. }))),
        ),
        said(
            "a status with more behind it",
            [card().simulator.with_card(|card| card.status().to_fci()), vec![1]].concat(),
            by!(TokenError::Status(StatusError::Tlv(TlvError::TrailingBytes { .. }))),
        ),
        said(
            "a length behind the end",
            vec![0x6F, 0x7F, 0xA5, 0x00],
            by!(TokenError::Status(StatusError::Tlv(TlvError::ValueTruncated { offset: 0, length: 127, .. }))),
        ),
        said(
            "a length without end",
            vec![0x6F, 0x80, 0xA5, 0x00, 0, 0],
            by!(TokenError::Status(StatusError::Tlv(TlvError::IndefiniteLength { offset: 0 }))),
        ),
        said(
            "a length of five bytes",
            vec![0x6F, 0x85, 1, 2, 3, 4, 5],
            by!(TokenError::Status(StatusError::Tlv(TlvError::LengthTooLong { offset: 0 }))),
        ),
        said(
            "a tag without end",
            [vec![0x6F, 0x78], vec![0xFF; 120]].concat(),
            by!(TokenError::Status(StatusError::Tlv(TlvError::TagTooLong { offset: 0 }))),
        ),
        said(
            "tags nested without end",
            nested(0x6F, 120),
            by!(TokenError::Status(StatusError::Tlv(TlvError::TooDeep { .. }))),
        ),
        said(
            "another object",
            vec![0x62, 0],
            by!(TokenError::Status(StatusError::NotFileControlInformation { tag: OTHER })),
        ),
        claimed(
            "no try left, and not blocked",
            |status| left(status, 0),
            by!(TokenError::Status(StatusError::Malformed { tag: PASSWORD })),
        ),
        claimed(
            "more tries than there are",
            |status| left(status, 9),
            by!(TokenError::Status(StatusError::Malformed { tag: PASSWORD })),
        ),
        claimed(
            "no PIN",
            |status| {
                status.passwords.remove(0);
            },
            by!(TokenError::Status(StatusError::Missing { what: "one of the passwords" })),
        ),
        claimed(
            "one PIN twice",
            |status| status.passwords.insert(1, status.passwords[0]),
            by!(TokenError::Status(StatusError::OutOfOrder { tag: PASSWORD })),
        ),
        claimed(
            "one slot twice",
            |status| status.slots.insert(1, status.slots[0].clone()),
            by!(TokenError::Status(StatusError::OutOfOrder { tag: SLOT })),
        ),
        claimed(
            "no slots",
            |status| status.slots.clear(),
            by!(TokenError::Status(StatusError::Missing { what: "slots" })),
        ),
        claimed(
            "a profile of the future",
            |status| status.version.major = 9,
            by!(TokenError::Status(StatusError::UnsupportedVersion { .. })),
        ),
        row(
            "a card of another kind",
            identity,
            says(ins::SELECT, [0x6A, 0x82]),
            by!(TokenError::UnknownCard { .. }),
            1,
        ),
    ]
}

/// Objects within each other in so many bytes, each as long as what is left.
fn nested(outermost: u8, length: u8) -> Vec<u8> {
    let inner = (1..length / 2).flat_map(|depth| [0x30, length - 2 * depth - 2]);
    [outermost, length - 2].into_iter().chain(inner).collect()
}

/// What the card says it holds.
fn directories() -> Vec<Row> {
    let listed = |name, change: fn(&mut Vec<u8>), refused| row(name, slots, lists(change), refused, 16);
    let entered = |name, change: fn(&mut Directory), refused| row(name, slots, enters(change), refused, 2);
    vec![
        row(
            "a directory that ends early",
            slots,
            turns(ins::READ_BINARY, |response| *response = vec![0x90, 0x00]),
            by!(TokenError::Directory(DirectoryError::Length { found: 0, .. })),
            3,
        ),
        listed(
            "an entry of nothing known",
            |file| file[0] = 0x31,
            by!(TokenError::Directory(DirectoryError::Entry {
                source: EntryError::Field { field: "kind of key" },
                ..
            })),
        ),
        listed(
            "an entry that is longer than the file",
            |file| file[1..4].copy_from_slice(&[0x82, 0xFF, 0xFF]),
            by!(TokenError::Directory(DirectoryError::Entry {
                source: EntryError::Tlv(TlvError::ValueTruncated { offset: 0, length: 0xFFFF, .. }),
                ..
            })),
        ),
        listed(
            "an entry without end",
            |file| file[1] = 0x80,
            by!(TokenError::Directory(DirectoryError::Entry {
                source: EntryError::Tlv(TlvError::IndefiniteLength { offset: 0 }),
                ..
            })),
        ),
        listed(
            "entries nested without end",
            |file| file[..120].copy_from_slice(&nested(0x30, 120)),
            by!(TokenError::Directory(DirectoryError::Entry { source: EntryError::Tlv(TlvError::TooDeep { .. }), .. })),
        ),
        listed(
            "a path that leads to the directory itself",
            |file| {
                // 4402 is the directory, where the file of the key belongs.
                let path = file.windows(3).position(|three| three == [0x50, 0x15, 0x4B]).unwrap();
                file[path + 2..path + 4].copy_from_slice(&[0x44, 0x02]);
            },
            by!(TokenError::Directory(DirectoryError::Entry { source: EntryError::Path, .. })),
        ),
        entered(
            "two keys in one slot",
            |directory| directory.private_keys.push(directory.private_keys[0].clone()),
            by!(TokenError::EnteredTwice { slot: SlotId(1) }),
        ),
        entered(
            "two public keys in one slot",
            |directory| directory.public_keys.push(directory.public_keys[1].clone()),
            by!(TokenError::EnteredTwice { slot: SlotId(2) }),
        ),
        entered(
            "a key in a slot that is none",
            |directory| directory.private_keys[0].slot = SlotNumber::new(14).unwrap(),
            by!(TokenError::EnteredBeyond { slot: SlotId(14) }),
        ),
    ]
}

/// Public keys.
fn keys() -> Vec<Row> {
    let key = |template: PublicKeyTemplate| [template.encode(), vec![0x90, 0]].concat();
    let rsa = key(PublicKeyTemplate::Rsa { modulus: vec![0xC1; 256], exponent: vec![1, 0, 1] });
    let weak = key(PublicKeyTemplate::Rsa { modulus: vec![0xC1; 64], exponent: vec![1, 0, 1] });
    let p384 = key(PublicKeyTemplate::Point([&[4][..], &[7; 96]].concat()));
    let compressed = key(PublicKeyTemplate::Point([&[2][..], &[7; 32]].concat()));
    let another = {
        let mut other = Setup::new();
        let made = other.token.generate(&order(1, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
        key(PublicKeyTemplate::from_spki(&made).unwrap())
    };
    let made = |name, answer: Vec<u8>, refused| {
        row(name, generate, says(ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, answer), refused, 4)
    };
    let mut old = None;
    let given_again = move |command: &[u8], response: &mut Vec<u8>| {
        if command[1] == ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV && !is_generate(command) {
            old.get_or_insert_with(|| response.clone());
        }
        if is_generate(command) {
            response.clone_from(old.as_ref().unwrap());
        }
        is_generate(command)
    };
    vec![
        row(
            "a key that is on the card already",
            |token| slots(token).and_then(|()| generate(token)),
            given_again,
            by!(TokenError::KeyNotNew { .. }),
            16,
        ),
        made(
            "an RSA key in place of one on a curve",
            rsa,
            by!(TokenError::OtherKind { wanted: KeyAlgorithm::P256, found: KeyAlgorithm::Rsa2048, .. }),
        ),
        made(
            "a key on another curve",
            p384.clone(),
            by!(TokenError::OtherKind { wanted: KeyAlgorithm::P256, found: KeyAlgorithm::P384, .. }),
        ),
        made(
            "a key that anybody breaks",
            weak,
            by!(TokenError::PublicKey { problem: TemplateError::Key(KeyError::RsaSize { bits: 512 }), .. }),
        ),
        made(
            "a point in a form that is not used",
            compressed,
            by!(TokenError::PublicKey { problem: TemplateError::Key(KeyError::Malformed), .. }),
        ),
        made(
            "no key",
            vec![0x90, 0],
            by!(TokenError::PublicKey { problem: TemplateError::Tlv(TlvError::TagTruncated { offset: 0 }), .. }),
        ),
        made(
            "a key that ends early",
            another[..30].iter().copied().chain([0x90, 0]).collect(),
            by!(TokenError::PublicKey { problem: TemplateError::Tlv(TlvError::ValueTruncated { .. }), .. }),
        ),
        made(
            "something else",
            vec![0x30, 0, 0x90, 0],
            by!(TokenError::PublicKey { problem: TemplateError::Unexpected, .. }),
        ),
        row(
            "a slot's key that is of another kind than its status",
            slots,
            says(ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, p384),
            by!(TokenError::OtherKind { wanted: KeyAlgorithm::P256, found: KeyAlgorithm::P384, .. }),
            5,
        ),
        Row {
            seen_later: true,
            ..row(
                "the key of somebody else",
                generate_and_sign,
                says(ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV, another),
                by!(TokenError::WrongSignature { .. }),
                12,
            )
        },
    ]
}

fn signatures() -> Vec<Row> {
    const SIGN: u8 = ins::PERFORM_SECURITY_OPERATION;
    let of_another_message = {
        // By the key of another card, which signs well.
        let mut other = card();
        let job = SignDigest { slot: SlotId(2), algorithm: P256, digest: digest(b"y") };
        let signature = other.token.sign(&[job], &Pin::new(Secret::from(SIGNATURE))).unwrap().remove(0);
        [signature, vec![0x90, 0]].concat()
    };
    let signed =
        |name, turn: fn(&mut Vec<u8>)| row(name, sign, turns(SIGN, turn), by!(TokenError::WrongSignature { .. }), 8);
    vec![
        signed("a signature with a wrong bit", |response| response[10] ^= 1),
        signed("a signature that ends early", |response| {
            response.truncate(20);
            response.extend([0x90, 0]);
        }),
        signed("a signature with more behind it", |response| response.insert(0, 0)),
        signed("no signature", |response| *response = vec![0x90, 0]),
        signed("zeros", |response| *response = vec![0x30, 6, 2, 1, 0, 2, 1, 0, 0x90, 0]),
        row(
            "a signature of another key",
            sign,
            says(SIGN, of_another_message),
            by!(TokenError::WrongSignature { .. }),
            8,
        ),
        row(
            "a refusal without reason",
            sign,
            says(SIGN, [0x6F, 0]),
            by!(TokenError::Refused { command: "PERFORM SECURITY OPERATION", status: NO_REASON }),
            8,
        ),
    ]
}

/// What becomes of a PIN.
fn secrets() -> Vec<Row> {
    let wrong =
        |name, answer: [u8; 2], refused| row(name, generate_with_a_wrong_pin, says(ins::VERIFY, answer), refused, 4);
    vec![
        wrong(
            "a wrong PIN gives tries",
            [0x63, 0xC5],
            by!(TokenError::TriesWentUp { password: PasswordKind::AuthenticationPin, before: 3, after: 5 }),
        ),
        wrong("a wrong PIN costs nothing", [0x63, 0xC3], by!(TokenError::TriesWentUp { before: 3, after: 3, .. })),
        Row {
            seen_later: true,
            ..wrong(
                "a wrong PIN is right",
                [0x90, 0],
                by!(TokenError::NotGranted { password: PasswordKind::AuthenticationPin, .. }),
            )
        },
        row(
            "a right PIN was not given",
            sign,
            says(ins::PERFORM_SECURITY_OPERATION, [0x69, 0x82]),
            by!(TokenError::NotGranted { password: PasswordKind::SignaturePin, .. }),
            8,
        ),
        row(
            "a right PIN is wrong, and the last",
            generate,
            says(ins::VERIFY, [0x63, 0xC0]),
            by!(TokenError::Blocked { password: PasswordKind::AuthenticationPin }),
            4,
        ),
        row("a PIN that was there is not", generate, says(ins::VERIFY, [0x69, 0x84]), by!(TokenError::NotActive), 4),
        row(
            "a PIN is blocked, says the status",
            generate,
            claims(1, |status| status.passwords[0].state = PasswordState::Blocked),
            by!(TokenError::Blocked { password: PasswordKind::AuthenticationPin }),
            2,
        ),
    ]
}

/// Another card, or another story, the second time.
fn swaps() -> Vec<Row> {
    fn other(status: &mut CardStatus) {
        status.serial = "OBN2".into();
    }
    fn then(token: &mut Lied, act: Operation) -> Result<(), TokenError> {
        token.identity()?;
        act(token)
    }
    let swapped = |name, asked| row(name, asked, claims(2, other), by!(TokenError::OtherCard { .. }), 2);
    vec![
        swapped("another card before a key is made", |token| then(token, generate)),
        swapped("another card before a signature", |token| then(token, sign)),
        swapped("another card before its slots are read", |token| then(token, slots)),
        row(
            "another card between the look and the certificate",
            install,
            claims(2, other),
            by!(TokenError::OtherCard { .. }),
            8,
        ),
        swapped("another card before a password is changed", |token| {
            then(token, |token| token.change_password(PasswordKind::AuthenticationPin, &pin(), &Secret::from("111111")))
        }),
        swapped("another card before a PIN is unblocked", |token| {
            then(token, |token| {
                token.unblock_password(PasswordKind::SignaturePin, &Pin::new(Secret::from(PUK)), &Secret::from("1111"))
            })
        }),
        row(
            "a slot that was empty is not",
            |token| then(token, generate),
            claims(2, |status| status.slots[3] = SlotRecordOf::taken(status)),
            by!(TokenError::Slot { slot: SlotId(4), problem: TAKEN }),
            2,
        ),
        row(
            "a key that was there is not",
            install,
            claims(2, |status| status.slots[2].key = None),
            by!(TokenError::Slot { slot: SlotId(3), problem: EMPTY }),
            8,
        ),
    ]
}

/// Slot 4 as if there was what is in slot 3.
struct SlotRecordOf;

impl SlotRecordOf {
    fn taken(status: &CardStatus) -> obnova_profile::SlotRecord {
        obnova_profile::SlotRecord { slot: status.slots[3].slot, ..status.slots[2].clone() }
    }
}

#[test]
fn every_lie_is_refused_by_its_name_and_the_old_pair_works() {
    let mut names = std::collections::BTreeSet::new();
    let (mut most_memory, mut believed) = (0, Vec::new());
    for row in table() {
        let name = row.name;
        assert!(names.insert(name), "{name} stands there twice");
        match catch_unwind(AssertUnwindSafe(|| tell(row))) {
            Ok(memory) => most_memory = most_memory.max(memory),
            Err(_) => believed.push(name),
        }
    }
    assert!(
        believed.is_empty(),
        "{} of {} were not refused as they should be: {believed:#?}",
        believed.len(),
        names.len()
    );
    report(&format!("{} lies of a card, each refused by its name: {most_memory} bytes of memory at most", names.len()));
}

fn tell(row: Row) -> usize {
    let Row { name, asked, lie, refused: (pattern, is), most, seen_later } = row;
    let mut setup = card();
    let before = setup.token.slots().unwrap();
    let (liar, written) = (Liar::new(lie), directory(&setup));
    let log = liar.log();
    let mut token = liar.between(&setup.simulator);
    MEMORY.reset_peak_usage();
    let held = MEMORY.current_usage();
    let error = asked(&mut token).expect_err(name);
    let memory = MEMORY.peak_usage().saturating_sub(held);
    let log = log.lock().unwrap();
    assert!(log.told, "{name}: the lie was never told");
    assert!(is(&error), "{name}: {error:?} is not {pattern}");
    assert!(error.to_string().contains([':', ';', '(']), "{name}: says not what to do: {error}");
    assert!(log.apdus <= most, "{name}: {} commands", log.apdus);
    assert!(memory < MOST_MEMORY, "{name}: {memory} bytes of memory");
    if !seen_later {
        assert!(log.after.is_empty(), "{name}: was sent afterwards: {:02X?}", log.after);
        assert_eq!(directory(&setup), written, "{name}: the directory was written");
    }
    assert_works(&setup, &before[..2], name);
    memory
}

fn directory(setup: &Setup) -> Directory {
    setup.simulator.with_card(|card| card.directory().unwrap())
}

/// With a driver that nobody lies to: the pair is what it was, and signs.
fn assert_works(setup: &Setup, pair: &[Slot], told: &str) {
    let slots = setup.again().slots().unwrap();
    assert_eq!(&slots[..2], pair, "{told}");
    for (slot, secret) in pair.iter().zip([AUTHENTICATION, SIGNATURE]) {
        let job = SignDigest { slot: slot.id, algorithm: P256, digest: digest(b"still") };
        let signature = setup.again().sign(&[job], &Pin::new(Secret::from(secret))).unwrap().remove(0);
        verify(slot.key.as_ref().unwrap().public_key.as_ref().unwrap(), P256, b"still", &signature).unwrap();
    }
}

#[test]
fn another_card_is_spoken_to_once_it_was_asked_who_it_is() {
    let setup = card();
    let other = claims(2, |status| status.serial = "OBN2".into());
    let mut token = Liar::new(other).between(&setup.simulator);
    assert_eq!(token.identity().unwrap().serial, "OBN1");
    let error = token.slots().unwrap_err();
    assert!(
        matches!(&error, TokenError::OtherCard { wanted, found } if wanted == "OBN1" && found == "OBN2"),
        "{error}"
    );
    assert!(matches!(token.slots(), Err(TokenError::OtherCard { .. })), "and it is not got used to");
    assert_eq!(token.identity().unwrap().serial, "OBN2");
    token.slots().unwrap();
}

#[test]
fn a_certificate_of_another_key_does_not_pass_for_the_keys() {
    let mut setup = card();
    let (first, second) = {
        let slots = setup.token.slots().unwrap();
        (slots[0].clone(), slots[1].clone())
    };
    let (own, others) = (first.certificates[0].der.clone(), second.certificates[0].der.clone());
    assert_eq!(own.len(), others.len());
    let swap = move |_: &[u8], response: &mut Vec<u8>| {
        let told = response.starts_with(&own);
        if told {
            *response = [&others[..], &[0x90, 0]].concat();
        }
        told
    };
    let liar = Liar::new(swap);
    let log = liar.log();
    let mut token = liar.between(&setup.simulator);
    let slots = token.slots().unwrap();
    assert!(log.lock().unwrap().told);
    assert_eq!(slots[0].certificates[0].der, second.certificates[0].der, "what is there is shown");
    assert_eq!(slots[0].key, first.key, "and is not the key");
}

#[test]
fn tries_that_go_up_between_two_reads_make_nobody_enter_anything_again() {
    let setup = card();
    // However many there were said to be: one PIN that is given is one that is sent.
    let rising = claims(1, |status| status.passwords[0].state = PasswordState::Active { left: 3 });
    let liar = Liar::new(rising);
    let log = liar.log();
    let mut token = liar.between(&setup.simulator);
    for left in (1..3).rev() {
        let error = generate_with_a_wrong_pin(&mut token).unwrap_err();
        let TokenError::WrongSecret { tries: obnova_card::Tries::Known(told), .. } = error else { panic!("{error}") };
        assert_eq!(told, left, "the answer to the PIN is what counts");
    }
    assert!(matches!(generate_with_a_wrong_pin(&mut token), Err(TokenError::Blocked { .. })));
    let sent = log.lock().unwrap().after.iter().filter(|instruction| **instruction == ins::VERIFY).count();
    assert_eq!(sent, 3);
}

#[test]
fn what_is_entered_twice_or_beyond_the_card_is_repaired() {
    let setup = card();
    let twice = enters(|directory| directory.private_keys.push(directory.private_keys[0].clone()));
    let mut token = Liar::new(twice).between(&setup.simulator);
    assert_eq!(token.repair(&pin()).unwrap(), [Repair::EntriesDropped(SlotId(1))]);
    assert_eq!(directory(&setup).private_keys.len(), 3);

    let beyond = enters(|directory| directory.private_keys[0].slot = SlotNumber::new(14).unwrap());
    let mut token = Liar::new(beyond).between(&setup.simulator);
    assert!(token.repair(&pin()).unwrap().contains(&Repair::EntriesDropped(SlotId(14))));
    setup.again().slots().unwrap();
}
