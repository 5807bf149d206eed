#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder registers the card, and a program that nobody here wrote finds its certificates and their issuer.

mod support;

use std::fs;

use support::{
    Desk,
    ca::House,
    peers::{InReader, inside, ok, run},
};

#[test]
fn nss_finds_the_cards_certificates_when_they_are_registered() {
    let Some(address) = inside("nss_finds_the_cards_certificates_when_they_are_registered") else { return };
    let desk = Desk::new();
    let house = House::open(&desk);
    desk.run(["simulator", "new", "card.state", "--house", "ca"]).ends_with(0);
    let _in_reader = InReader::serve(&desk, "card.state", address);
    let profile = desk.file(".pki/nssdb");
    fs::create_dir_all(&profile).unwrap();
    let database = format!("sql:{}", profile.display());
    ok("certutil", &["-N", "--empty-password", "-d", &database]);
    let seen = || {
        let listed = run("certutil", &["-L", "-h", "all", "-d", &database]);
        String::from_utf8_lossy(&listed.stdout).into_owned()
    };
    assert!(!seen().contains("Authentication"), "{}", seen());

    let said = desk.run([&["register"][..], &house.options()].concat()).ends_with(2);
    assert!(said.err.contains("beforehand: --yes"), "{}", said.err);
    assert!(!seen().contains("Authentication"), "nobody said yes");
    let said = desk.run([&["register", "--yes"][..], &house.options()].concat()).ends_with(0);
    said.says(&["opensc-pkcs11", "Root CA", "Issuing CA", "2 certificates of the issuer"]);
    // `u`: there is a key to it.
    let of_card = |listed: &str, name: &str| listed.lines().any(|line| line.contains(name) && line.contains("u,u,u"));
    let listed = seen();
    assert!(of_card(&listed, "Authentication") && of_card(&listed, "Signature"), "{listed}");
    assert!(listed.contains("Issuing CA"), "{listed}");
    desk.run([&["register", "--yes"][..], &house.options()].concat()).ends_with(0).says(&["everything is there"]);

    desk.run([&["register", "--remove", "--yes"][..], &house.options()].concat()).ends_with(0).says(&["removed"]);
    let listed = seen();
    assert!(!listed.contains("Authentication") && !listed.contains("Issuing CA"), "{listed}");
}

#[test]
fn what_cannot_be_registered_is_said() {
    let desk = Desk::new();
    desk.run(["register", "--yes", "--module", "nothing.so"]).ends_with(2);
    desk.run(["register", "--yes", "--nss", "."]).ends_with(2);
    desk.run(["register", "--yes", "--ca", "https://127.0.0.1:1"]).ends_with(2);
}
