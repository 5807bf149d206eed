#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The programs are killed, as by `kill -9` or a power cut, and started again: at random moments, and at each write of a renewal.

mod support;

use std::{
    fs,
    sync::{Mutex, PoisonError},
};

use obnova_card::ProfileToken;
use obnova_simulator::{Card, SimulatorConnection};
use support::{
    Desk,
    ca::{self, House},
    killing::{
        GUESS_PAUSE, Target,
        life::{Service, lives},
        rounds, rounds_by_link, rounds_with_the_same_keys,
        writes::{at_every_write, at_every_write_with_a_receipt},
    },
};

/// Whoever looks at a card does so alone: a program that another test begins to start holds for a moment what is open here.
static ALONE: Mutex<()> = Mutex::new(());

/// Of a length that every model of card takes.
const PINS: [&str; 2] = ["482915", "730264"];

#[test]
fn a_renewal_comes_to_its_end_however_often_its_programs_are_killed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    pins(&desk);
    let mut renew_card = |round| with_a_pair(&desk, "OBN2", round);
    with_target(&desk, &mut renew_card, |target| rounds(&desk, &mut house, target, 24));
}

/// With its journal, and with its journal lost. The CA issues at once, so that one run has all writes in it.
#[test]
fn a_renewal_comes_to_its_end_at_whichever_of_its_writes_its_program_is_killed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    house.change_policy(|policy| at_once(&policy));
    pins(&desk);
    let mut renew_card = |round| with_a_pair(&desk, "OBN6", round);
    with_target(&desk, &mut renew_card, |target| at_every_write(&desk, &mut house, target));
}

/// What is owed of it is a file more.
#[test]
fn a_renewal_with_a_receipt_comes_to_its_end_at_whichever_of_its_writes_its_program_is_killed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    let policy = at_once(&with_a_receipt());
    house.change_policy(|_| policy.clone());
    desk.write("house.toml", &policy);
    pins(&desk);
    let mut renew_card = |round| {
        let _ = fs::remove_file(desk.file("card.state"));
        let serial = format!("OBN7{round:07}");
        let new = ["simulator", "new", "card.state", "--empty", "--serial", &serial];
        desk.run([&new[..], &["--pin-file", "pin", "--signature-pin-file", "pin2"]].concat()).ends_with(0);
    };
    with_target(&desk, &mut renew_card, |target| at_every_write_with_a_receipt(&desk, &mut house, target));
}

fn at_once(policy: &str) -> String {
    policy.replace("approval = \"manual\"", "approval = \"automatic\"")
}

#[test]
fn a_renewal_that_a_link_begins_comes_to_its_end_however_often_its_programs_are_killed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    pins(&desk);
    let mut renew_card = |round| with_a_pair(&desk, "OBN5", round);
    with_target(&desk, &mut renew_card, |target| rounds_by_link(&desk, &mut house, target, 12));
}

#[test]
fn a_renewal_with_the_same_keys_comes_to_its_end_however_often_its_programs_are_killed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    let same_key = |policy: &str| policy.replace("same_key = false", "same_key = true");
    house.change_policy(|policy| same_key(&policy));
    desk.write("service.toml", &same_key(include_str!("../../../policies/twins.toml")));
    pins(&desk);
    let mut renew_card = |round| with_a_pair(&desk, "OBN4", round);
    with_target(&desk, &mut renew_card, |target| rounds_with_the_same_keys(&desk, &mut house, target, 8));
}

/// A card with a pair on it that ends soon.
fn with_a_pair(desk: &Desk, kind: &str, round: usize) {
    let _ = fs::remove_file(desk.file("card.state"));
    let serial = format!("{kind}{round:07}");
    let kinds = ["--authentication-key", "p-256", "--signature-key", "p-256", "--serial", &serial];
    let files = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
    desk.run([&["simulator", "new", "card.state", "--house", "ca"], &kinds[..], &files].concat()).ends_with(0);
}

/// Models of transport PINs, and what the holder is given.
const MODELS: [(&str, &str); 7] = [
    ("separate", "135790"),
    ("single-use", "135790"),
    ("in-place", "135790"),
    ("null", ""),
    ("must-change", "135790"),
    ("empty", ""),
    ("five-digits", "13579"),
];

#[test]
fn cards_with_one_certificate_are_activated_certified_and_revoked_however_often_the_programs_are_killed() {
    let policy = include_str!("../../../policies/partner.toml");
    assert!(policy.contains("password_alone = true"));
    live(Service { name: "partner", begins: &["--service", "partner"], ..BY_CMC }, |_| policy.to_owned(), 7);
}

const BY_CMC: Service = Service { name: "", certificates: 1, begins: &[], plain: false };

#[test]
fn cards_with_plain_est_are_activated_certified_renewed_and_revoked_however_often_the_programs_are_killed() {
    let begins = &["--service", "partner", "--plain"];
    live(Service { name: "partner", certificates: 1, begins, plain: true }, |_| soon(), 4);
}

/// Whose holder's program makes no login, and signs a receipt.
#[test]
fn cards_with_plain_est_and_no_login_are_certified_renewed_and_revoked_however_often_the_programs_are_killed() {
    let policy = with_a_receipt();
    let begins = &["--policy", "house.toml"];
    live(Service { name: "partner without a login", certificates: 1, begins, plain: true }, |_| policy, 4);
}

/// That, by plain EST and without a login.
fn with_a_receipt() -> String {
    let policy = soon().replace("prove_login = true", "prove_login = false");
    let policy = policy.replace("protocol = \"cmc\"", "protocol = \"est\"");
    assert!(policy.contains("prove_login = false") && policy.contains("protocol = \"est\""));
    policy
}

/// That of the partner, with a first certificate that is due at once.
fn soon() -> String {
    include_str!("../../../policies/partner.toml").replacen("validity_days = 365", "validity_days = 20", 1)
}

#[test]
fn cards_with_a_pair_are_activated_certified_and_revoked_however_often_the_programs_are_killed() {
    let policy = |policy: String| {
        let policy = policy.replace("required = false", "required = true");
        policy.replace("password_alone = false", "password_alone = true")
    };
    live(Service { name: "twins", certificates: 2, begins: &["--service", "twins"], plain: false }, policy, 4);
}

fn live(service: Service, policy: impl FnOnce(String) -> String, count: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    house.change_policy(|before| {
        let policy = slowed_at_once(&policy(before));
        desk.write("house.toml", &policy);
        policy
    });
    pins(&desk);
    desk.write("new", &format!("{}\n{}\n91827364\n", PINS[0], PINS[1]));
    desk.write("revocation", "the plums are in the cellar");
    let mut renew_card = |round| {
        let _ = fs::remove_file(desk.file("card.state"));
        let (model, transport) = MODELS[round % MODELS.len()];
        desk.write("model", model);
        desk.write("transport", transport);
        let serial = format!("OBN3{round:07}");
        let new = ["simulator", "new", "card.state", "--empty", "--inactive", model, "--serial", &serial];
        let given: &[&str] = if transport.is_empty() { &[] } else { &["--transport-pin-file", "transport"] };
        desk.run([&new[..], given].concat()).ends_with(0);
    };
    with_target(&desk, &mut renew_card, |target| lives(&desk, &mut house, target, service, count));
}

/// With no guess of a password that is free after the first, so that who was killed while one was compared has to wait.
fn slowed_at_once(policy: &str) -> String {
    let seconds = format!("guess_pause_seconds = {}", GUESS_PAUSE.as_secs());
    let slowed = policy.replace("free_guesses = 3", "free_guesses = 1").replace("guess_pause_seconds = 30", &seconds);
    assert!(slowed.contains("free_guesses = 1\n") && slowed.contains(&seconds));
    slowed
}

fn pins(desk: &Desk) {
    desk.write("pin", PINS[0]);
    desk.write("pin2", PINS[1]);
}

fn with_target(desk: &Desk, renew_card: &mut dyn FnMut(usize), act: impl FnOnce(&mut Target<'_>)) {
    let open = || Card::open(desk.file("card.state")).unwrap();
    act(&mut Target {
        name: "profile",
        token: "sim:card.state",
        pins: PINS,
        renew_card,
        open: &mut || Box::new(ProfileToken::new(SimulatorConnection::new(open()))),
        copy: &mut || Box::new(ProfileToken::new(SimulatorConnection::new(open().fork()))),
        journals_are_lost: true,
    });
}

#[test]
fn a_program_that_is_older_than_what_it_is_made_of_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let [program, source, list] = ["obnova-ca", "a source.rs", "obnova-ca.d"].map(|name| folder.path().join(name));
    let write = |path: &std::path::Path, text: &str| fs::write(path, text).unwrap();
    let set = |path: &std::path::Path, seconds: u64| {
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    };
    assert!(!ca::is_up_to_date(&program), "there is none");
    write(&program, "");
    assert!(!ca::is_up_to_date(&program), "nobody knows what it was made of");
    write(&source, "");
    let escaped = source.to_str().unwrap().replace(' ', "\\ ");
    write(&list, &format!("{}: {escaped}\n", program.display()));
    set(&source, 10);
    set(&program, 11);
    assert!(ca::is_up_to_date(&program));
    set(&source, 12);
    assert!(!ca::is_up_to_date(&program), "it is older");
    fs::remove_file(&source).unwrap();
    assert!(!ca::is_up_to_date(&program), "a part is gone");
}
