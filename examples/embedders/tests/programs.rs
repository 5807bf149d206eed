//! The programs do what they say, on the simulated card.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn sign_with_a_card() {
    let (success, output) = run(env!("CARGO_BIN_EXE_sign_with_a_card"), &[]);
    assert!(success, "{output}");
    assert!(output.contains("signature PIN to sign one text"), "{output}");
    assert!(output.contains("by the key in slot 2: 256 bytes, and they check out"), "{output}");
}

#[test]
fn tls_login_with_a_card() {
    let (success, output) = run(env!("CARGO_BIN_EXE_tls_login_with_a_card"), &[]);
    assert!(success, "{output}");
    assert!(output.contains("signed by the card: ECDSA_NISTP256_SHA256"), "{output}");
    assert!(output.contains("Jana Nov"), "the server says who it let in: {output}");
}

#[test]
fn a_login_without_a_place_to_go_says_what_is_missing() {
    let (success, output) = run(env!("CARGO_BIN_EXE_tls_login_with_a_card"), &["localhost:1"]);
    assert!(!success);
    assert!(output.contains("HOST:PORT ROOTS.pem"), "{output}");
}
