//! A PKCS#11 module that lies, and a token whose objects somebody wrote over: each lie is refused by its own name, in a bounded
//! number of calls; nothing is written and no PIN is sent after it was noticed; and the pair that works goes on working.
#![cfg(feature = "pkcs11")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod between;
#[path = "../common/mod.rs"]
mod common;
mod objects;

use std::panic::{AssertUnwindSafe, catch_unwind};

use between::{
    Between, FIND_OBJECTS, GENERATE_KEY_PAIR, GET_ATTRIBUTE_VALUE, GET_MECHANISM_LIST, GET_TOKEN_INFO, LOGIN, Lie,
    SIGN, body, error,
};
use common::{
    Refused, Setup, apart::Apart, by, certificate, digest, installation, order, pin, report::report,
    softhsm::with_somebody_between,
};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify};
use obnova_card::{
    KeyRole, PasswordKind, Pkcs11Token, Pkcs11Uri, Removal, SignDigest, Slot, SlotId, Token, TokenError,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes that a lie may make the driver hold, and the one who tells it.
const MOST_MEMORY: usize = 2 * 1024 * 1024;
const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);

type Operation = fn(&mut Pkcs11Token) -> Result<(), TokenError>;
type Row = common::Row<Pkcs11Token, Lie>;

fn row(
    name: &'static str,
    asked: Operation,
    lie: impl FnMut(u32, &[u8], &mut Vec<u8>) -> bool + Send + 'static,
    refused: Refused,
    most: u32,
) -> Row {
    Row { name, asked, lie: Box::new(lie), refused, most, seen_later: false }
}

/// To each call of this function: this.
fn says(function: u32, answer: Vec<u8>) -> impl FnMut(u32, &[u8], &mut Vec<u8>) -> bool + Send + 'static {
    turns(function, move |answered| answered.clone_from(&answer))
}

/// To each call of this function: what is made of the true answer.
fn turns(
    function: u32,
    mut turn: impl FnMut(&mut Vec<u8>) + Send + 'static,
) -> impl FnMut(u32, &[u8], &mut Vec<u8>) -> bool + Send + 'static {
    move |called, _, answer| {
        if called == function {
            turn(answer);
        }
        called == function
    }
}

/// Each signature, and not how long it will be, which is asked before it.
fn signs(
    turn: impl Fn(&mut Vec<u8>) + Send + 'static,
) -> impl FnMut(u32, &[u8], &mut Vec<u8>) -> bool + Send + 'static {
    move |function, asked, answer| {
        let told = function == SIGN && !asked.ends_with(&[0; 4]);
        if told {
            turn(answer);
        }
        told
    }
}

/// Of the two halves of a new key, one is an old object: the first of all that were found.
fn gives_an_old_half(public: bool) -> impl FnMut(u32, &[u8], &mut Vec<u8>) -> bool + Send + 'static {
    let mut old = None;
    move |function, _, answer| {
        if function == FIND_OBJECTS && old.is_none() {
            old = Some(answer[answer.len() - 8..].to_vec());
        }
        if function == GENERATE_KEY_PAIR {
            let at = answer.len() - if public { 16 } else { 8 };
            answer[at..at + 8].copy_from_slice(old.as_ref().unwrap());
        }
        function == GENERATE_KEY_PAIR
    }
}

/// An uncompressed point of P-256 as it is told: an OCTET STRING.
const POINT: [u8; 3] = [0x04, 0x41, 0x04];

/// In place of a key that was not there before: this one.
fn gives_the_key(other: Vec<u8>) -> impl FnMut(u32, &[u8], &mut Vec<u8>) -> bool + Send + 'static {
    let (mut old, mut is_made) = (Vec::new(), false);
    move |function, _, answer| {
        is_made |= function == GENERATE_KEY_PAIR;
        let point = (function == GET_ATTRIBUTE_VALUE)
            .then(|| answer.windows(3).position(|window| window == POINT).map(|at| at + 2..at + 67))
            .flatten();
        let Some(point) = point.filter(|point| point.end <= answer.len()) else { return false };
        if !is_made {
            old.push(answer[point].to_vec());
            return false;
        }
        let is_new = !old.contains(&answer[point.clone()].to_vec());
        if is_new {
            answer[point].copy_from_slice(&other);
        }
        is_new
    }
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) -> bool {
    let at = bytes.windows(old.len()).position(|window| window == old);
    at.map(|at| bytes[at..at + new.len()].copy_from_slice(new)).is_some()
}

fn slots(token: &mut Pkcs11Token) -> Result<(), TokenError> {
    token.slots().map(drop)
}

fn generate(token: &mut Pkcs11Token) -> Result<(), TokenError> {
    token.generate(&order(4, KeyRole::Signature, KeyAlgorithm::P256), &pin()).map(drop)
}

fn sign_in(token: &mut Pkcs11Token, slot: u32) -> Result<(), TokenError> {
    let job = SignDigest { slot: SlotId(slot), algorithm: P256, digest: digest(b"x") };
    token.sign(&[job], &pin()).map(drop)
}

fn sign(token: &mut Pkcs11Token) -> Result<(), TokenError> {
    sign_in(token, 2)
}

fn generate_and_sign(token: &mut Pkcs11Token) -> Result<(), TokenError> {
    generate(token)?;
    sign_in(token, 4)
}

fn install(token: &mut Pkcs11Token) -> Result<(), TokenError> {
    let key = token.slots()?.remove(2).key.unwrap().public_key.unwrap();
    token.install(&[installation(3, certificate("Jana", 3, &key, 10))], &[SlotId(1)], &pin())
}

/// After it was asked who it is.
fn then(token: &mut Pkcs11Token, act: Operation) -> Result<(), TokenError> {
    token.identity()?;
    act(token)
}

/// A length that no object has, where the length of a certificate stood.
fn huge(answer: &mut [u8]) -> bool {
    // CKA_VALUE, that it is there, and how long it is.
    let head = [0, 0, 0, 0x11, 1];
    let at = answer.windows(5).position(|window| window == head);
    at.map(|at| answer[at + 5..at + 9].copy_from_slice(&[0x7F, 0, 0, 0])).is_some()
}

fn table(serial: &str) -> Vec<Row> {
    let somebody_else = {
        let mut other = Setup::new();
        let key = other.token.generate(&order(1, KeyRole::Signature, KeyAlgorithm::P256), &pin()).unwrap();
        key.subject_public_key.raw_bytes().to_vec()
    };
    let mut other = serial.as_bytes().to_vec();
    other.reverse();
    let swapped = |name, asked: Operation, most| {
        let (serial, other, mut first) = (serial.as_bytes().to_vec(), other.clone(), true);
        let lie = move |function: u32, _: &[u8], answer: &mut Vec<u8>| {
            let told = function == GET_TOKEN_INFO && !std::mem::take(&mut first);
            told && replace(answer, &serial, &other)
        };
        row(name, asked, lie, by!(TokenError::OtherCard { .. }), most)
    };
    let mut handle = 100_u64;
    let endless = move |function: u32, asked: &[u8], answer: &mut Vec<u8>| {
        let told = function == FIND_OBJECTS;
        if told {
            let count = u32::from_be_bytes(asked[asked.len() - 4..].try_into().unwrap());
            let handles = (0..count).flat_map(|_| {
                handle += 1;
                handle.to_be_bytes()
            });
            let values: Vec<u8> = [1].into_iter().chain(count.to_be_bytes()).chain(handles).collect();
            *answer = body(FIND_OBJECTS, "au", &values);
        }
        told
    };
    let cut = |answer: &mut Vec<u8>| *answer = body(SIGN, "ay", &[1, 0, 0, 0, 2, 7, 7]);
    vec![
        row(
            "a signature with a wrong bit",
            sign,
            signs(|answer| *answer.last_mut().unwrap() ^= 1),
            by!(TokenError::WrongSignature { .. }),
            120,
        ),
        row("a signature of two bytes", sign, signs(cut), by!(TokenError::WrongSignature { .. }), 120),
        row(
            "zeros",
            sign,
            signs(|answer| *answer = body(SIGN, "ay", &[&[1, 0, 0, 0, 64][..], &[0; 64]].concat())),
            by!(TokenError::WrongSignature { .. }),
            120,
        ),
        row(
            "something else in place of a signature",
            sign,
            says(SIGN, vec![7; 9]),
            by!(TokenError::Module { call: "C_Sign", .. }),
            120,
        ),
        row(
            "a refusal without reason",
            sign,
            says(SIGN, error(5)),
            by!(TokenError::Module { call: "C_Sign", .. }),
            120,
        ),
        row(
            "a right PIN was not given",
            sign,
            says(SIGN, error(0x101)),
            by!(TokenError::NotGranted { password: PasswordKind::AuthenticationPin, .. }),
            120,
        ),
        row("a right PIN is wrong", sign, says(LOGIN, error(0xA0)), by!(TokenError::WrongSecret { .. }), 120),
        row("a right PIN is blocked", sign, says(LOGIN, error(0xA4)), by!(TokenError::Blocked { .. }), 120),
        row("objects without end", slots, endless, by!(TokenError::TooManyObjects { most: 1_024 }), 120),
        row(
            "a certificate that is longer than memory",
            slots,
            |function, _: &[u8], answer: &mut Vec<u8>| function == GET_ATTRIBUTE_VALUE && huge(answer),
            by!(TokenError::TooLongObject { length: 0x7F00_0000, .. }),
            120,
        ),
        row(
            "something else in place of objects",
            slots,
            says(FIND_OBJECTS, body(FIND_OBJECTS, "s", &[0; 4])),
            by!(TokenError::Module { call: "C_FindObjects", .. }),
            120,
        ),
        row(
            "it makes no keys after all",
            generate,
            says(GET_MECHANISM_LIST, body(GET_MECHANISM_LIST, "au", &[1, 0, 0, 0, 0])),
            by!(TokenError::Unsupported { .. }),
            120,
        ),
        row("the old key is the new one", generate, gives_an_old_half(true), by!(TokenError::KeyNotNew { .. }), 200),
        row(
            "a new key in two halves of which one is old",
            generate,
            gives_an_old_half(false),
            by!(TokenError::KeyNotNew { .. }),
            200,
        ),
        row(
            "a new key that is not there",
            generate,
            says(GENERATE_KEY_PAIR, body(GENERATE_KEY_PAIR, "uu", &[99; 16])),
            by!(TokenError::Slot { slot: SlotId(4), .. }),
            200,
        ),
        swapped("another token before its slots are read", |token| then(token, slots), 8),
        swapped("another token before a signature", |token| then(token, sign), 8),
        swapped("another token before a key is made", |token| then(token, generate), 16),
        swapped("another token before a certificate is written", install, 120),
        swapped(
            "another token before a PIN is changed",
            |token| {
                then(token, |token| token.change_password(PasswordKind::AuthenticationPin, &pin(), &"111111".into()))
            },
            8,
        ),
        Row {
            seen_later: true,
            ..row(
                "the key of somebody else",
                generate_and_sign,
                gives_the_key(somebody_else),
                by!(TokenError::WrongSignature { .. }),
                300,
            )
        },
    ]
}

#[test]
fn every_lie_of_a_module_is_refused_by_its_name_and_the_old_pair_works() {
    const NAME: &str = "every_lie_of_a_module_is_refused_by_its_name_and_the_old_pair_works";
    with_somebody_between(NAME, |at, truth| {
        let between = Between::start(at, truth);
        let uri: Pkcs11Uri =
            format!("pkcs11:token=a%20token?module-path={}", Apart::client().display()).parse().unwrap();
        let open = || Pkcs11Token::open(&uri).unwrap();
        let mut token = open();
        for (number, role) in [(1, KeyRole::Authentication), (2, KeyRole::Signature)] {
            let key = token.generate(&order(number, role, KeyAlgorithm::P256), &pin()).unwrap();
            token.install(&[installation(number, certificate("Jana", number as u8, &key, 10))], &[], &pin()).unwrap();
        }
        // A key that waits for its certificate.
        token.generate(&order(3, KeyRole::Authentication, KeyAlgorithm::P256), &pin()).unwrap();
        let old = token.slots().unwrap();
        let serial = token.identity().unwrap().serial;
        let (mut names, mut believed, mut most_calls, mut most_memory) = (Vec::new(), Vec::new(), 0, 0);
        for row in table(&serial) {
            let name = row.name;
            assert!(!names.contains(&name), "{name} stands there twice");
            names.push(name);
            match catch_unwind(AssertUnwindSafe(|| tell(row, &between, &mut open()))) {
                Ok((calls, memory)) => (most_calls, most_memory) = (most_calls.max(calls), most_memory.max(memory)),
                Err(_) => believed.push(name),
            }
            between.say(None);
            let mut token = open();
            assert_works(&mut token, &old[..2], name);
            // What the lie left is taken up, and goes.
            if token.slots().unwrap().iter().all(|slot| slot.id != SlotId(4) || slot.key.is_none()) {
                generate(&mut token).unwrap();
            }
            sign_in(&mut token, 4).unwrap();
            token.remove(&[Removal::Slot(SlotId(4))], &pin()).unwrap();
            assert_eq!(token.slots().unwrap(), old, "{name}");
        }
        assert!(
            believed.is_empty(),
            "{} of {} were not refused as they should be: {believed:#?}",
            believed.len(),
            names.len()
        );
        report(&format!(
            "{} lies of a module, each refused by its name: {most_calls} calls and {most_memory} bytes of memory at most",
            names.len()
        ));
    });
}

/// Tells one lie; returns what it took, in calls and in bytes of memory.
fn tell(row: Row, between: &Between, token: &mut Pkcs11Token) -> (u32, usize) {
    let Row { name, asked, lie, refused: (pattern, is), most, seen_later } = row;
    between.say(Some(lie));
    MEMORY.reset_peak_usage();
    let held = MEMORY.current_usage();
    let error = asked(token).expect_err(name);
    let memory = MEMORY.peak_usage().saturating_sub(held);
    let told = std::mem::take(&mut *between.lock());
    assert!(told.told, "{name}: the lie was never told");
    assert!(is(&error), "{name}: {error:?} is not {pattern}");
    assert!(error.to_string().contains([':', ';', '(']), "{name}: says not what to do: {error}");
    assert!(told.calls <= most, "{name}: {} calls", told.calls);
    assert!(memory < MOST_MEMORY, "{name}: {memory} bytes of memory");
    assert!(seen_later || told.after.is_empty(), "{name}: was called afterwards: {:?}", told.after);
    (told.calls, memory)
}

/// With a module that does not lie: the pair is what it was, and signs.
fn assert_works(token: &mut Pkcs11Token, pair: &[Slot], told: &str) {
    assert_eq!(&token.slots().unwrap()[..2], pair, "{told}");
    for slot in pair {
        let job = SignDigest { slot: slot.id, algorithm: P256, digest: digest(b"still") };
        let signature = token.sign(&[job], &pin()).unwrap().remove(0);
        verify(slot.key.as_ref().unwrap().public_key.as_ref().unwrap(), P256, b"still", &signature).unwrap();
    }
}
