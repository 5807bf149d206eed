//! The state file of a simulated card, any bytes or the parts of a true one mixed: refused by an error that tells no secret,
//! neither a PIN nor a private key that stands in the file; or a card whose status is within the profile, that answers whatever
//! it is asked, gives no private key away and for a public key that very key, and that is the same card when it is opened again.
#![no_main]

use std::{path::PathBuf, sync::LazyLock};

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_algorithm::{Digest, SignatureAlgorithm};
use obnova_apdu::CommandApdu;
use obnova_fuzz::{
    cards::{
        AUTHENTICATION, Kind, PLANTED, SIGNATURE, hexadecimal, place, private_numbers, public_key, public_key_file,
    },
    json::inside,
    model::{contains, read},
};
use obnova_profile::{CardStatus, FileId, LifeCycle, PasswordReference, PasswordState, SlotNumber, command};
use obnova_simulator::{Card, StateFileError};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let bent = bytes.strip_prefix(b"S").and_then(|rest| Bent::arbitrary_take_rest(Unstructured::new(rest)).ok());
    let content = bent.map_or_else(|| bytes.to_vec(), |bent| bent.file());
    let file = KeptFile::new(&content);
    let keys = private_numbers(&content);
    let keys = keys.iter().map(Vec::as_slice);
    let mut card = match Card::open(&file.0) {
        Ok(card) => card,
        Err(error) => {
            assert!(!matches!(error, StateFileError::Io { .. } | StateFileError::InUse { .. }), "{error}");
            let mut text = format!("{error} {error:?}");
            if let StateFileError::Version { version, .. } = error {
                text = text.replace(&version.to_string(), "");
            }
            return tells_nothing(&text, &PLANTED.into_iter().chain(keys).collect::<Vec<_>>());
        }
    };
    is_within_bounds(&card.status());
    // What the card is called may be like a PIN.
    let pins = PLANTED.into_iter().filter(|pin| !contains(&content, pin));
    let secrets: Vec<_> = pins.chain(keys).collect();
    tells_nothing(&format!("{card:?}"), &secrets);
    use_it(&mut card, &secrets);
    let status = card.status();
    is_within_bounds(&status);
    drop(card);
    let again = Card::open(&file.0).expect("a card wrote it");
    assert_eq!(again.status(), status);
});

/// A true file, and what is changed in it.
#[derive(Debug, Arbitrary)]
struct Bent {
    kind: u8,
    changes: Vec<(u16, Change)>,
}

/// What becomes of one part of a file.
#[derive(Debug, Arbitrary)]
enum Change {
    Number(u64),
    Null,
    True,
    Text(String),
    /// A byte of hexadecimal digits.
    Byte(u16, u8),
    /// The digits end here.
    Cut(u16),
    /// What stands at another place.
    Copy(u16),
    /// The last one of a list, once more or not at all.
    Longer,
    Shorter,
    Gone,
}

/// Files of cards with keys on elliptic curves: RSA keys take long to read.
static FILES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Rsa);
    kinds.map(|kind| serde_json::from_slice(kind.file()).expect("it is JSON")).collect()
});

impl Bent {
    fn file(&self) -> Vec<u8> {
        let mut file = FILES[usize::from(self.kind) % FILES.len()].clone();
        for (at, change) in self.changes.iter().take(8) {
            let copied = if let Change::Copy(from) = change { inside(&mut file, *from).clone() } else { Value::Null };
            let part = inside(&mut file, *at);
            match change {
                Change::Number(number) => *part = (*number).into(),
                Change::Null => *part = Value::Null,
                Change::True => *part = Value::Bool(true),
                Change::Text(text) => *part = Value::String(text.clone()),
                Change::Copy(_) => *part = copied,
                Change::Byte(..) | Change::Cut(_) => digits(part, change),
                Change::Longer | Change::Shorter => list(part, matches!(change, Change::Longer)),
                Change::Gone => {
                    drop(part.as_object_mut().and_then(|map| map.keys().next().cloned().map(|key| map.remove(&key))))
                }
            }
        }
        serde_json::to_vec(&file).expect("it can be written")
    }
}

fn digits(part: &mut Value, change: &Change) {
    let Value::String(text) = part else { return };
    let mut bytes = text.clone().into_bytes();
    match change {
        Change::Byte(at, by) if !bytes.is_empty() => {
            let at = usize::from(*at) % bytes.len();
            bytes[at] = b"0123456789abcdef"[usize::from(by % 16)];
        }
        Change::Cut(at) => bytes.truncate(usize::from(*at) % (bytes.len() + 1)),
        _ => {}
    }
    *text = String::from_utf8(bytes).unwrap_or_default();
}

fn list(part: &mut Value, longer: bool) {
    let Some(list) = part.as_array_mut() else { return };
    let last = list.pop();
    if longer {
        list.extend(last.clone());
        list.extend(last);
    }
}

/// What a card tells of itself is what the profile lets it tell, and is read as the same.
fn is_within_bounds(status: &CardStatus) {
    assert!((SlotNumber::FEWEST..=SlotNumber::MOST).contains(&(status.slots.len() as u8)));
    for record in &status.passwords {
        match record.state {
            PasswordState::Active { left } | PasswordState::Transport { left } => assert!(left > 0),
            PasswordState::Unset | PasswordState::Blocked | PasswordState::TransportBlocked => {}
        }
        let transport = matches!(record.state, PasswordState::Transport { .. } | PasswordState::TransportBlocked);
        assert!(!transport || status.life_cycle == LifeCycle::Inactive);
        assert!(record.reference != PasswordReference::TransportPin || status.transport_pin.is_own_password());
    }
}

/// No secret, be it as it is, in hexadecimal digits, or as Rust shows bytes.
fn tells_nothing(text: &str, secrets: &[&[u8]]) {
    let lower = text.to_lowercase();
    for secret in secrets {
        let shown = format!("{secret:?}");
        let told = contains(text.as_bytes(), secret)
            || lower.contains(&hexadecimal(secret))
            || lower.contains(shown.trim_matches(['[', ']']));
        assert!(!told, "a secret is told");
    }
}

/// Everything that a host can do, and every answer is one.
fn use_it(card: &mut Card, secrets: &[&[u8]]) {
    let send = |card: &mut Card, command: &CommandApdu| send(card, command, secrets);
    let told = send(card, &command::select());
    assert_eq!(CardStatus::from_fci(&told).expect("it is written as it is read"), card.status());
    for file in [0x3F00, 0x2F00, 0x5031, 0x5032, 0x4401, 0x4402] {
        send(card, &command::select_file(FileId(file)));
        send(card, &command::read_selected(0, 256));
    }
    for (password, value) in
        [(PasswordReference::AuthenticationPin, AUTHENTICATION), (PasswordReference::SignaturePin, SIGNATURE)]
    {
        send(card, &command::password_status(password));
        send(card, &command::verify(password, value));
        for slot in SlotNumber::first(SlotNumber::MOST) {
            let template = send(card, &command::read_public_key(slot));
            let public = (!template.is_empty()).then(|| public_key_file(&public_key(&template)));
            let file = |series: u16| series | u16::from(slot.get());
            assert_eq!(read(card, file(0x4B00)), None, "the private key in slot {slot} was read");
            assert_eq!(read(card, file(0x4D00)), public, "the public key in slot {slot}");
            send(card, &command::set_signature(slot, SignatureAlgorithm::Ecdsa(Digest::Sha256)));
            send(card, &command::sign(Digest::Sha256.of(b"").as_bytes()));
        }
    }
    let slot = SlotNumber::first(1).next().expect("it is there");
    send(card, &command::put_certificate(slot, &[0x30, 1, 5]));
    send(card, &command::verify(PasswordReference::Puk, b"000000"));
}

fn send(card: &mut Card, command: &CommandApdu, secrets: &[&[u8]]) -> Vec<u8> {
    let apdu = command.encode(command.as_command().shortest_form()).expect("it fits");
    let mut answer = card.process(&apdu).expect("it has power");
    assert!(answer.len() >= 2);
    answer.truncate(answer.len() - 2);
    assert!(!secrets.iter().any(|secret| contains(&answer, secret)), "a secret was read");
    answer
}

/// The file, gone at the end.
struct KeptFile(PathBuf);

impl KeptFile {
    fn new(content: &[u8]) -> Self {
        let path = place("state.json");
        std::fs::write(&path, content).expect("there is room for it");
        Self(path)
    }
}

impl Drop for KeptFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}
