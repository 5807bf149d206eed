#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The programs are killed at random moments, as by `kill -9` or a power cut, and started again.

mod support;

use std::fs;

use obnova_card::ProfileToken;
use obnova_simulator::{Card, SimulatorConnection};
use support::{
    Desk,
    ca::{self, House},
    killing::{Target, rounds},
};

#[test]
fn a_renewal_comes_to_its_end_however_often_its_programs_are_killed() {
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    let pins = ["80214957", "73159264"];
    desk.write("pin", pins[0]);
    desk.write("pin2", pins[1]);
    let mut renew_card = |round| {
        let _ = fs::remove_file(desk.file("card.state"));
        let serial = format!("OBN2{round:07}");
        let kinds = ["--authentication-key", "p-256", "--signature-key", "p-256", "--serial", &serial];
        let files = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
        desk.run([&["simulator", "new", "card.state", "--house", "ca"], &kinds[..], &files].concat()).ends_with(0);
    };
    let mut target = Target {
        name: "profile",
        token: "sim:card.state",
        pins,
        renew_card: &mut renew_card,
        open: &mut || {
            Box::new(ProfileToken::new(SimulatorConnection::new(Card::open(desk.file("card.state")).unwrap())))
        },
        journals_are_lost: true,
    };
    rounds(&desk, &mut house, &mut target, 24);
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
