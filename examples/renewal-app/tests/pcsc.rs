#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder renews a card in a reader; programs that nobody here wrote use it before and after.

mod support;

use std::net::SocketAddr;

use serde_json::Value;
use support::{
    Desk,
    ca::House,
    killing::{Target, rounds},
    peers::{InReader, Known, exported, inside, ok, run, until_no_card},
};

const TOKEN: [&str; 2] = ["--token", "pcsc:Virtual"];
const PINS: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];

#[test]
fn opensc_uses_the_pair_before_and_after_its_renewal() {
    if let Some(address) = inside("opensc_uses_the_pair_before_and_after_its_renewal") {
        renew(address, "rsa-2048", "p-256");
    }
}

#[test]
fn opensc_uses_a_pair_of_the_other_kinds_before_and_after_its_renewal() {
    if let Some(address) = inside("opensc_uses_a_pair_of_the_other_kinds_before_and_after_its_renewal") {
        renew(address, "p-256", "rsa-2048");
    }
}

fn renew(address: SocketAddr, authentication: &str, signature: &str) {
    let desk = Desk::new();
    let house = House::open(&desk);
    desk.write("pin", "1234");
    desk.write("pin2", "567890");
    let kinds = ["--authentication-key", authentication, "--signature-key", signature];
    desk.run([&["simulator", "new", "card.state", "--house", "ca"], &kinds[..]].concat()).ends_with(0);
    let in_reader = InReader::serve(&desk, "card.state", address);

    let old = [exported(&desk, TOKEN[1], 1), exported(&desk, TOKEN[1], 2)];
    opensc_uses(&desk, &old, ["1234", "567890"]);
    pins_are_changed_and_unblocked(&desk, &old);

    desk.run([&["doctor"], &TOKEN[..], &house.options()].concat()).ends_with(0).says(&["Virtual PCD"]);
    desk.run([&["renew", "--yes"], &TOKEN[..], &PINS, &house.options()].concat()).ends_with(8);
    // What the card was in and whoever served it may be gone meanwhile: it comes back from its file.
    drop(in_reader);
    until_no_card();
    desk.run([&["card", "list"], &TOKEN[..]].concat()).ends_with(5);
    house.approve();
    let _in_reader = InReader::serve(&desk, "card.state", address);
    desk.run([&["renew", "--resume"], &TOKEN[..], &PINS].concat()).ends_with(0).says(&["TLS login", "Renewed"]);

    let new = [exported(&desk, TOKEN[1], 3), exported(&desk, TOKEN[1], 4)];
    for known in &new {
        let certificate = known.certificate.to_str().unwrap();
        let ca = desk.file("ca");
        let (root, issuing) = (ca.join("root.pem"), ca.join("issuing.pem"));
        let chain = ["verify", "-CAfile", root.to_str().unwrap(), "-untrusted", issuing.to_str().unwrap()];
        ok("openssl", &[&chain[..], &[certificate]].concat());
    }
    opensc_uses(&desk, &new, ["1234", "567890"]);
    opensc_uses(&desk, &old, ["1234", "567890"]);
    pins_are_changed_and_unblocked(&desk, &new);

    let confirm = ["--confirm", "Authentication", "--confirm", "Signature", "--pin-file", "pin"];
    desk.run([&["card", "clean"], &TOKEN[..], &confirm].concat()).ends_with(0);
    assert!(new.iter().all(Known::is_listed));
    assert!(!old.iter().any(Known::is_listed));
}

fn opensc_uses(desk: &Desk, pair: &[Known; 2], pins: [&str; 2]) {
    for (slot, (known, pin)) in pair.iter().zip(pins).enumerate() {
        assert!(known.is_listed());
        assert!(known.signs(desk, &slot.to_string(), pin), "slot {slot}");
    }
}

/// By OpenSC, by us, and each sees what the other did.
fn pins_are_changed_and_unblocked(desk: &Desk, pair: &[Known; 2]) {
    ok("pkcs15-tool", &["--change-pin", "--auth-id", "02", "--pin", "567890", "--new-pin", "24680"]);
    assert!(!pair[1].signs(desk, "1", "567890"));
    assert!(pair[1].signs(desk, "1", "24680"));
    desk.write("old", "24680\n");
    desk.write("new", "86420\n");
    let change = ["pin", "change", "signature", "--signature-pin-file", "old", "--new-pin-file", "new"];
    desk.run([&change[..], &TOKEN].concat()).ends_with(0);
    assert!(pair[1].signs(desk, "1", "86420"));

    let show = || desk.run([&["card", "show"], &TOKEN[..]].concat()).ends_with(0);
    let block = |name: &str, id: &str| {
        while !show().out.contains(&format!("{name} PIN: blocked")) {
            assert!(!run("pkcs15-tool", &["--verify-pin", "--auth-id", id, "--pin", "000000"]).status.success());
        }
    };
    block("signature", "02");
    desk.write("puk", "12345678\n");
    desk.write("fresh", "735019\n");
    let unblock = ["pin", "unblock", "signature", "--puk-file", "puk", "--new-pin-file", "fresh"];
    desk.run([&unblock[..], &TOKEN].concat()).ends_with(0);
    assert!(pair[1].signs(desk, "1", "735019"));
    ok("pkcs15-tool", &["--change-pin", "--auth-id", "02", "--pin", "735019", "--new-pin", "567890"]);
    assert!(pair[1].signs(desk, "1", "567890"));

    block("authentication", "01");
    ok("pkcs15-tool", &["--unblock-pin", "--auth-id", "01", "--puk", "12345678", "--new-pin", "4321"]);
    assert!(!pair[0].signs(desk, "0", "1234"));
    assert!(pair[0].signs(desk, "0", "4321"));
    ok("pkcs15-tool", &["--change-pin", "--auth-id", "01", "--pin", "4321", "--new-pin", "1234"]);
    assert!(pair[0].signs(desk, "0", "1234"));
}

#[test]
fn the_scenario_passes_on_a_card_in_a_reader() {
    let Some(address) = inside("the_scenario_passes_on_a_card_in_a_reader") else { return };
    let desk = Desk::new();
    desk.run(["simulator", "new", "card.state", "--empty"]).ends_with(0);
    let _in_reader = InReader::serve(&desk, "card.state", address);
    let said = desk.run([&["scenario", "twins", "--json"], &TOKEN[..]].concat()).ends_with(0);
    said.says(&["NSS, which sees 2 certificates with their keys in the reader"]);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["ok"], true);
    assert!(report["apdus"].as_u64().unwrap() <= 70, "{report:#}");
    for slot in [3, 4] {
        assert!(exported(&desk, TOKEN[1], slot).is_listed());
    }
}

#[test]
fn a_reader_that_is_not_there_and_a_card_that_is_not_there_are_told() {
    let Some(_) = inside("a_reader_that_is_not_there_and_a_card_that_is_not_there_are_told") else { return };
    let desk = Desk::new();
    assert!(desk.run(["card", "list", "--token", "pcsc"]).ends_with(5).err.contains("insert the card"));
    desk.run(["card", "list", "--token", "pcsc:No such reader"]).ends_with(5);
    assert_eq!(desk.run(["doctor", "--token", "pcsc"]).code, 5);
}

#[test]
fn a_renewal_in_a_reader_comes_to_its_end_however_often_its_programs_are_killed() {
    const NAME: &str = "a_renewal_in_a_reader_comes_to_its_end_however_often_its_programs_are_killed";
    let Some(address) = inside(NAME) else { return };
    let desk = Desk::in_memory();
    let mut house = House::open(&desk);
    desk.write("pin", "1234");
    desk.write("pin2", "567890");
    let mut in_reader = None;
    let mut renew_card = |round| {
        drop(in_reader.take());
        until_no_card();
        let _ = std::fs::remove_file(desk.file("card.state"));
        let serial = format!("OBN3{round:07}");
        let kinds = ["--authentication-key", "p-256", "--signature-key", "p-256", "--serial", &serial];
        desk.run([&["simulator", "new", "card.state", "--house", "ca"], &kinds[..]].concat()).ends_with(0);
        in_reader = Some(InReader::serve(&desk, "card.state", address));
    };
    let open = || {
        let location: obnova_card::Location = TOKEN[1].parse().unwrap();
        obnova_card::ProfileToken::new(location.open_pcsc().unwrap().unwrap())
    };
    let mut target = Target {
        name: "profile over PC/SC",
        token: TOKEN[1],
        pins: ["1234", "567890"],
        renew_card: &mut renew_card,
        open: &mut || Box::new(open()),
        // What is in a reader cannot be copied.
        copy: &mut || Box::new(open()),
        journals_are_lost: true,
    };
    rounds(&desk, &mut house, &mut target, 6);
}
