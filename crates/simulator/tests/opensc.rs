//! Unmodified, unconfigured OpenSC uses the card over a real PC/SC service, and OpenSSL checks what comes out.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/peers.rs"]
mod peers;
mod support;

use obnova_algorithm::{KeyAlgorithm, key_id};
use obnova_profile::{KeyRole, Label, LifeCycle, PasswordReference, PasswordState, TransportPinModel};
use obnova_simulator::{Card, Personalisation, SimulatorConnection};
use peers::{Desk, attach, detach, fails, inside, ok};
use support::{Host, NEW, activation, personalisation, personalised, slot, transport};

/// A key on the card, as OpenSC knows it.
struct Key {
    label: &'static str,
    role: KeyRole,
    id: String,
    certificate: String,
}

impl Key {
    /// Token label's part, PIN.
    fn pin(&self) -> &'static str {
        match self.role {
            KeyRole::Authentication => "1234",
            KeyRole::Signature => "567890",
        }
    }

    /// OpenSC shows one PKCS#11 slot for each PIN.
    fn pkcs11_slot(&self) -> &'static str {
        match self.role {
            KeyRole::Authentication => "0",
            KeyRole::Signature => "1",
        }
    }
}

/// Puts a pair of keys of one kind, with certificates, on a card.
fn pair(card: &mut Card, desk: &Desk, algorithm: KeyAlgorithm) -> Vec<Key> {
    let mut keys = Vec::new();
    for (number, role, label) in [(1, KeyRole::Authentication, "Login"), (2, KeyRole::Signature, "Signature")] {
        let place = slot(number);
        let name = Label::new(label).unwrap();
        let key = card.personalise_key(place, role, algorithm, &name).unwrap();
        let certificate = desk.issue(label, &key);
        card.personalise_certificate(place, &certificate, &name).unwrap();
        let id = key_id(&key).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        let certificate = desk.write(&format!("{label}.der"), &certificate);
        let public = desk.path(&format!("{label}.pem"));
        ok("openssl", &["x509", "-inform", "DER", "-in", &certificate, "-pubkey", "-noout", "-out", &public]);
        keys.push(Key { label, role, id, certificate });
    }
    keys
}

/// Signs a file with a key of the card, as a user would.
fn sign(key: &Key, pin: &str, mechanism: &[&str], input: &str, output: &str) -> Vec<String> {
    let fixed = ["--slot", key.pkcs11_slot(), "--login", "--pin", pin, "--sign", "--id", &key.id];
    let files = ["--input-file", input, "--output-file", output, "--signature-format", "openssl"];
    [&fixed[..], mechanism, &files].concat().into_iter().map(str::to_owned).collect()
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn opensc_lists_the_pair_with_matching_identifiers() {
    let Some(address) = inside("opensc_lists_the_pair_with_matching_identifiers") else { return };
    let desk = Desk::new();
    let mut card = personalisation().finish().unwrap();
    let keys = pair(&mut card, &desk, KeyAlgorithm::Rsa2048);
    let attached = attach(&SimulatorConnection::new(card), address);

    let dump = ok("pkcs15-tool", &["-D"]);
    let objects = ok("pkcs11-tool", &["-O", "--slot", "0"]) + &ok("pkcs11-tool", &["-O", "--slot", "1"]);
    for key in &keys {
        for kind in ["Private RSA Key", "Public RSA Key", "X.509 Certificate"] {
            let entry = dump.split("\n\n").find(|entry| entry.contains(&format!("{kind} [{}]", key.label)));
            assert!(entry.unwrap().contains(&key.id), "{kind} {}\n{dump}", key.label);
        }
        assert_eq!(objects.matches(&key.id).count(), 2, "certificate and public key\n{objects}");
        let read = desk.path("read.pem");
        ok("pkcs15-tool", &["--read-certificate", &key.id, "--output", &read]);
        let der = desk.path("read.der");
        ok("openssl", &["x509", "-in", &read, "-outform", "DER", "-out", &der]);
        assert_eq!(desk.read("read.der"), std::fs::read(&key.certificate).unwrap());
    }
    for pin in ["PIN [Authentication PIN]", "PIN [Signature PIN]", "PIN [PUK]"] {
        assert!(dump.contains(pin), "{pin}\n{dump}");
    }
    detach(attached);
}

#[test]
fn opensc_signs_with_both_rsa_keys_under_their_two_pins() {
    let Some(address) = inside("opensc_signs_with_both_rsa_keys_under_their_two_pins") else { return };
    signs_with_rsa(KeyAlgorithm::Rsa2048, address);
}

#[test]
fn opensc_signs_with_both_larger_rsa_keys() {
    let Some(address) = inside("opensc_signs_with_both_larger_rsa_keys") else { return };
    signs_with_rsa(KeyAlgorithm::Rsa3072, address);
}

fn signs_with_rsa(algorithm: KeyAlgorithm, address: std::net::SocketAddr) {
    let desk = Desk::new();
    let mut card = personalisation().finish().unwrap();
    let keys = pair(&mut card, &desk, algorithm);
    let attached = attach(&SimulatorConnection::new(card), address);
    let input = desk.write("message", b"a message that is signed");
    for key in &keys {
        let public = desk.path(&format!("{}.pem", key.label));
        let output = desk.path("signature");
        let verify = ["dgst", "-sha256", "-verify", &public, "-signature", &output];

        let mechanism = ["--mechanism", "SHA256-RSA-PKCS"];
        ok("pkcs11-tool", &strs(&sign(key, key.pin(), &mechanism, &input, &output)));
        ok("openssl", &[&verify[..], &[&input]].concat());

        let mechanism = ["--mechanism", "SHA256-RSA-PKCS-PSS", "--mgf", "MGF1-SHA256", "--salt-len", "32"];
        ok("pkcs11-tool", &strs(&sign(key, key.pin(), &mechanism, &input, &output)));
        let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
        ok("openssl", &[&verify[..], &pss, &[&input]].concat());

        let hash = desk.path("hash");
        ok("openssl", &["dgst", "-sha256", "-binary", "-out", &hash, &input]);
        let mechanism = ["--mechanism", "RSA-PKCS-PSS", "--hash-algorithm", "SHA256", "--mgf", "MGF1-SHA256"];
        ok("pkcs11-tool", &strs(&sign(key, key.pin(), &mechanism, &hash, &output)));
        ok("openssl", &[&verify[..], &["-sigopt", "rsa_padding_mode:pss"], &[&input]].concat());
    }
    detach(attached);
}

#[test]
fn opensc_signs_with_both_elliptic_curve_keys_under_their_two_pins() {
    let Some(address) = inside("opensc_signs_with_both_elliptic_curve_keys_under_their_two_pins") else { return };
    signs_with_ecdsa(KeyAlgorithm::P256, address);
}

#[test]
fn opensc_signs_with_both_larger_elliptic_curve_keys() {
    let Some(address) = inside("opensc_signs_with_both_larger_elliptic_curve_keys") else { return };
    signs_with_ecdsa(KeyAlgorithm::P384, address);
}

fn signs_with_ecdsa(algorithm: KeyAlgorithm, address: std::net::SocketAddr) {
    let desk = Desk::new();
    let mut card = personalisation().finish().unwrap();
    let keys = pair(&mut card, &desk, algorithm);
    let attached = attach(&SimulatorConnection::new(card), address);
    let input = desk.write("message", b"a message that is signed");
    let hash = desk.path("hash");
    ok("openssl", &["dgst", "-sha256", "-binary", "-out", &hash, &input]);
    for key in &keys {
        let public = desk.path(&format!("{}.pem", key.label));
        let output = desk.path("signature");
        for (mechanism, signed) in [("ECDSA-SHA256", &input), ("ECDSA", &hash)] {
            ok("pkcs11-tool", &strs(&sign(key, key.pin(), &["--mechanism", mechanism], signed, &output)));
            ok("openssl", &["dgst", "-sha256", "-verify", &public, "-signature", &output, &input]);
        }
    }
    detach(attached);
}

#[test]
fn opensc_cannot_sign_with_the_other_pin_or_a_wrong_one() {
    let Some(address) = inside("opensc_cannot_sign_with_the_other_pin_or_a_wrong_one") else { return };
    let desk = Desk::new();
    let mut card = personalisation().finish().unwrap();
    let keys = pair(&mut card, &desk, KeyAlgorithm::P256);
    let card = SimulatorConnection::new(card);
    let attached = attach(&card, address);
    let hash = desk.write("hash", &[7; 32]);
    let output = desk.path("signature");
    for (key, pin) in [(&keys[0], "567890"), (&keys[1], "1234")] {
        fails("pkcs11-tool", &strs(&sign(key, pin, &["--mechanism", "ECDSA"], &hash, &output)));
        let left = card.with_card(|card| card.status().password(key.role.password()).unwrap().state);
        assert_eq!(left, PasswordState::Active { left: 2 });
    }
    detach(attached);
}

#[test]
fn opensc_changes_and_unblocks_pins() {
    let Some(address) = inside("opensc_changes_and_unblocks_pins") else { return };
    let desk = Desk::new();
    let mut card = personalisation().finish().unwrap();
    let keys = pair(&mut card, &desk, KeyAlgorithm::P256);
    let card = SimulatorConnection::new(card);
    let attached = attach(&card, address);
    let state = |password| card.with_card(|card| card.status().password(password).unwrap().state);
    let hash = desk.write("hash", &[7; 32]);
    let output = desk.path("signature");

    ok("pkcs15-tool", &["--change-pin", "--auth-id", "01", "--pin", "1234", "--new-pin", "43210"]);
    fails("pkcs11-tool", &strs(&sign(&keys[0], "1234", &["--mechanism", "ECDSA"], &hash, &output)));
    ok("pkcs11-tool", &strs(&sign(&keys[0], "43210", &["--mechanism", "ECDSA"], &hash, &output)));

    while state(PasswordReference::SignaturePin) != PasswordState::Blocked {
        fails("pkcs15-tool", &["--verify-pin", "--auth-id", "02", "--pin", "000000"]);
    }
    fails("pkcs15-tool", &["--unblock-pin", "--auth-id", "02", "--puk", "00000000", "--new-pin", "11111111"]);
    assert_eq!(state(PasswordReference::Puk), PasswordState::Active { left: 4 });
    ok("pkcs15-tool", &["--unblock-pin", "--auth-id", "02", "--puk", "12345678", "--new-pin", "11111111"]);
    ok("pkcs11-tool", &strs(&sign(&keys[1], "11111111", &["--mechanism", "ECDSA"], &hash, &output)));
    assert_eq!(state(PasswordReference::Puk), PasswordState::Active { left: 5 });
    detach(attached);
}

/// Of each model; and the very commands that fail sign when the card is active.
#[test]
fn opensc_lists_an_inactive_card_and_uses_no_key_of_it() {
    let Some(address) = inside("opensc_lists_an_inactive_card_and_uses_no_key_of_it") else { return };
    for model in TransportPinModel::ALL {
        let desk = Desk::new();
        let mut card = Personalisation::new("OBN2").inactive(model, personalised(model)).finish().unwrap();
        let keys = pair(&mut card, &desk, KeyAlgorithm::P256);
        let card = SimulatorConnection::new(card);
        let attached = attach(&card, address);
        let dump = ok("pkcs15-tool", &["-D"]);
        let hash = desk.write("hash", &[7; 32]);
        let output = desk.path("signature");
        let signing = |key: &Key, pin: &[u8]| {
            sign(key, std::str::from_utf8(pin).unwrap(), &["--mechanism", "ECDSA"], &hash, &output)
        };
        for (key, (_, new)) in keys.iter().zip(NEW) {
            assert!(dump.contains(&key.id), "{model:?}: {dump}");
            // Zero bytes nobody types.
            let typed = [new, transport(model)].into_iter().filter(|pin| !pin.contains(&0));
            for pin in typed {
                fails("pkcs11-tool", &strs(&signing(key, pin)));
            }
        }
        assert_eq!(card.with_card(|card| card.status().life_cycle), LifeCycle::Inactive, "{model:?}");
        card.with_card(|card| activation(model).into_iter().for_each(|command| drop(card.ok(command))));
        for (key, (_, new)) in keys.iter().zip(NEW) {
            ok("pkcs11-tool", &strs(&signing(key, new)));
            let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", &desk.path(&format!("{}.pem", key.label))];
            ok("openssl", &[&verify[..], &["-in", &hash, "-sigfile", &output]].concat());
        }
        detach(attached);
    }
}

#[test]
fn a_missing_peer_is_named_with_the_line_that_installs_it() {
    let script = peers::with_pcscd();
    let nothing = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("/bin/bash");
    let output = command.arg(script).arg("true").env("PATH", nothing.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert!(peers::text(&output).contains("apt-get install"), "{}", peers::text(&output));
}

#[test]
fn the_exit_status_is_the_command_s_and_nothing_is_left() {
    let script = peers::with_pcscd();
    let scratch = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(&script);
    let output = command.args(["sh", "-c", "exit 7"]).env("TMPDIR", scratch.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", peers::text(&output));
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}
