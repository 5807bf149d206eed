//! What OpenSC says: unmodified, over a real PC/SC service.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use obnova_fuzz::cards::{AUTHENTICATION, Kind, PUK, SIGNATURE, VALUES, place};
use obnova_simulator::vpcd;

use crate::recorder::Conversation;

/// What is done with its tools: name, card, program and arguments.
type Task = (&'static str, Kind, &'static str, Vec<String>);

/// Each task of OpenSC's tools that our card supports.
pub fn conversations(address: SocketAddr) -> Vec<Conversation> {
    let message = place("message");
    std::fs::write(&message, [7; 32]).expect("there is room for it");
    let signature = place("signature");
    let tasks = tasks(message.to_str().expect("it is ASCII"), signature.to_str().expect("it is ASCII"));
    let conversations = tasks.into_iter().map(|(name, kind, program, arguments)| {
        let conversation = Conversation::record(name, kind, |card| {
            let attached = vpcd::Attached::new(card, address).expect("a thread can be started");
            while !run("opensc-tool", &["--atr".to_owned()]) {
                std::thread::sleep(Duration::from_millis(20));
            }
            run(program, &arguments);
            attached.detach();
            while run("opensc-tool", &["--atr".to_owned()]) {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Conversation { place: "Virtual PCD 00 00".to_owned(), ..conversation }
    });
    let conversations = conversations.collect();
    for file in [message, signature] {
        _ = std::fs::remove_file(file);
    }
    conversations
}

fn tasks(message: &str, signature: &str) -> Vec<Task> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("digits");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let pins = |pin: &[u8], rest: &[&str]| [words(rest), vec!["--pin".to_owned(), text(pin)]].concat();
    let sign = |slot: &str, pin: &[u8], mechanism: &str| {
        let files = ["--sign", "--input-file", message, "--output-file", signature];
        [pins(pin, &["--slot", slot, "--login", "--mechanism", mechanism]), words(&files)].concat()
    };
    let change = |kind: &[&str], new: &[u8]| [words(kind), vec!["--new-pin".to_owned(), text(new)]].concat();
    let (tool15, tool11) = ("pkcs15-tool", "pkcs11-tool");
    vec![
        ("opensc-list", Kind::Active, tool15, words(&["--dump"])),
        ("opensc-list-inactive", Kind::Separate, tool15, words(&["--dump"])),
        ("opensc-certificate", Kind::Active, tool15, words(&["--read-certificate", "1"])),
        ("opensc-objects", Kind::Active, tool11, words(&["--list-objects", "--slot", "0"])),
        ("opensc-sign", Kind::Active, tool11, sign("0", AUTHENTICATION, "ECDSA")),
        ("opensc-sign-qualified", Kind::Active, tool11, sign("1", SIGNATURE, "ECDSA")),
        ("opensc-sign-wrong", Kind::Active, tool11, sign("1", VALUES[5], "ECDSA")),
        ("opensc-sign-rsa", Kind::Rsa, tool11, sign("0", AUTHENTICATION, "SHA256-RSA-PKCS")),
        (
            "opensc-change",
            Kind::Active,
            tool15,
            change(&["--change-pin", "--auth-id", "01", "--pin", &text(AUTHENTICATION)], VALUES[4]),
        ),
        (
            "opensc-unblock",
            Kind::Active,
            tool15,
            change(&["--unblock-pin", "--auth-id", "02", "--puk", &text(PUK)], VALUES[5]),
        ),
        ("opensc-apdu", Kind::Active, "opensc-tool", words(&["--send-apdu", "00:84:00:00:08", "--list-files"])),
    ]
}

fn run(program: &str, arguments: &[String]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}")).status.success()
}
