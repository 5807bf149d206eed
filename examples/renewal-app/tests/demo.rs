#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Somebody runs the demo.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use support::Desk;

#[test]
fn the_demo_shows_the_whole_renewal_and_leaves_nothing_behind() {
    let desk = Desk::new();
    let said = desk.run(["demo"]).ends_with(0);
    said.says(&[
        "The card",
        "expires in 20 days",
        "The notice",
        "Subject: Your certificates expire in 20 days",
        "The computer check",
        "The plan, before anything is done",
        "New keys on the card",
        "The authentication PIN, to put new keys on the card (3 tries left)",
        "make the new signature key",
        "The demo answers for the holder",
        "Two requests, one transaction",
        "PKCS#10 request for the authentication certificate",
        "PKCS#10 request for the signature certificate",
        "The key of the old authentication certificate vouches",
        "The key of the old signature certificate vouches",
        "One CMC transaction",
        "Accepted, pending",
        "The window is closed",
        "operator approves",
        "Resumed from the journal",
        "picked up without card or PIN, and checked",
        "read back; the old pair is marked as superseded",
        "TLS login with the new authentication certificate",
        "A signature by the new certificate's signature key was made and verified",
        "superseded",
        "Tidying up, a step of its own",
        "type its name",
        "Before and after",
        "expires in 20 days",
        "After:",
        "valid",
        "The whole renewal took",
    ]);
    assert_eq!(said.err, "");
    assert!(!said.out.contains('\u{1b}'), "no escape sequences in a pipe");
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_demo_that_is_interrupted_leaves_nothing_behind() {
    let desk = Desk::new();
    for signal in ["INT", "TERM"] {
        let mut demo = desk.command(["demo"]);
        let mut demo = demo.stdout(Stdio::piped()).spawn().unwrap();
        // The first line comes when the CA is there and serves.
        let mut line = String::new();
        let mut out = BufReader::new(demo.stdout.take().unwrap());
        while !line.contains("The card") {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "the demo ended before it began");
        }
        assert_ne!(fs::read_dir(desk.file("tmp")).unwrap().count(), 0);
        let pid = demo.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        std::io::copy(&mut out, &mut std::io::sink()).unwrap();
        assert_eq!(demo.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn kept_things_are_there_and_no_pin_is_among_them() {
    let desk = Desk::new();
    let said = desk.run(["demo", "--keep", "kept"]).ends_with(0);
    let kept = desk.file("kept");
    for file in [
        "README.md",
        "requests/authentication.pem",
        "requests/signature.pem",
        "certificates/old-authentication.pem",
        "certificates/new-signature.pem",
        "certificates/ca.pem",
        "journal/twins.journal",
        "card.trace",
        "card.state",
        "ca/ca.db",
    ] {
        assert!(fs::metadata(kept.join(file)).is_ok_and(|file| file.len() > 0), "{file}");
    }
    let readme = fs::read_to_string(kept.join("README.md")).unwrap();
    let names = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in names.filter(|name| name != "README.md") {
        assert!(readme.contains(&name), "the README says nothing of {name}");
    }
    // PINs of the demo as they would go to the card, as text and as bytes of a trace. The README tells them on purpose.
    for file in desk.files().iter().filter(|file| !file.ends_with("README.md")) {
        let content = fs::read(desk.file(file.to_str().unwrap())).unwrap();
        let text = String::from_utf8_lossy(&content);
        for secret in ["567890", "35 36 37 38 39 30", "353637383930", "31 32 33 34 35 36 37 38", "00 20 00 01 04"] {
            assert!(!text.contains(secret), "{secret} is in {}", file.display());
        }
    }
    let trace = fs::read_to_string(kept.join("card.trace")).unwrap();
    assert!(trace.contains("# generate"), "{trace}");
    assert!(!said.out.contains("567890") && !said.err.contains("567890"));
    // The card goes on living in its file.
    let listed = desk.run(["card", "list", "--token", "sim:kept/card.state"]).ends_with(0);
    listed.says(&["authentication", "valid", "signature", "valid", "6 slots are free"]);
}

#[test]
fn nothing_is_mixed_with_what_is_in_a_folder_already() {
    let desk = Desk::new();
    fs::create_dir(desk.file("mine")).unwrap();
    desk.write("mine/letter", "dear");
    let said = desk.run(["demo", "--keep", "mine"]).ends_with(2);
    assert!(said.err.contains("not empty"), "{}", said.err);
    assert_eq!(desk.files(), [std::path::PathBuf::from("mine/letter")]);
}
