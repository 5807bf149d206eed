#![allow(clippy::unwrap_used, clippy::expect_used)]
//! A holder ends certificates by hand: with the card, and without it.

mod support;

use std::path::Path;

use support::{Desk, ca::House, planted::Search};

/// Secrets that occur nowhere by chance.
const PINS: [&str; 3] = ["80214957", "73159264", "90417358"];
const REVOCATION_PASSWORD: &str = "Q7vkSvestkyW2xNaPudeT9";
const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PIN: [&str; 2] = ["--pin-file", "pin"];

/// A card with two certificates out of a first order, whose revocation password the holder has in a file.
fn set_up<'a>(desk: &'a Desk) -> House<'a> {
    let house = House::open(desk);
    for (file, secret) in ["pin", "pin2", "puk"].into_iter().zip(PINS) {
        desk.write(file, &format!("{secret}\n"));
    }
    desk.write("revocation", &format!("{REVOCATION_PASSWORD}\n"));
    desk.write("guess", "a guess of mine\n");
    let both = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
    let card = ["simulator", "new", "card.state", "--empty", "--puk-file", "puk"];
    desk.run([&card[..], &both].concat()).ends_with(0);
    let name = ["--name", "CN=Jana Nováková,C=CZ", "--email", "jana@example.cz"];
    let said = house.operator(&[&["password", "issue", "ca", "--user", "jana"], &name[..]].concat()).ends_with(0);
    let line = said.out.lines().find(|line| line.starts_with("one-time password")).unwrap();
    desk.write("once", line.split_whitespace().last().unwrap());
    let secrets = ["--one-time-password-file", "once", "--revocation-password-file", "revocation"];
    let first = |more: &[&str]| {
        let all = [&["first", "--user", "jana"], more, &CARD[..], &both, &secrets, &house.options()].concat();
        desk.run(all)
    };
    first(&["--yes"]).ends_with(8);
    house.approve();
    first(&["--resume", "--yes"]).ends_with(0);
    house
}

/// Serial numbers of the certificates that were issued, the authentication certificate's first.
fn serials(house: &House<'_>) -> [String; 2] {
    let list = house.operator(&["list", "ca", "--json"]).ends_with(0);
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    let certificates = list[0]["certificates"].as_array().unwrap();
    let of = |profile: &str| {
        let one = certificates.iter().find(|one| one["profile"] == profile).unwrap();
        one["serial"].as_str().unwrap().to_owned()
    };
    ["authentication", "signature"].map(of)
}

fn actors(house: &House<'_>) -> Vec<String> {
    let shown = house.operator(&["audit", "show", "ca", "--json"]).ends_with(0);
    let records: Vec<serde_json::Value> = serde_json::from_str(&shown.out).unwrap();
    let revoked = records.iter().filter(|record| record["event"] == "revoked");
    revoked.map(|record| record["actor"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_holder_ends_certificates_with_the_card_and_by_the_password_alone_where_that_is_enough() {
    let desk = Desk::new();
    let mut house = set_up(&desk);
    let [login, signature] = serials(&house);
    let revoke = |house: &House<'_>, serial: &str, password: &str, more: &[&str]| {
        let password = ["--revocation-password-file", password];
        desk.run([&["revoke", serial, "--yes"], more, &password, &house.options()].concat())
    };
    let with_card = [&CARD[..], &PIN].concat();

    // Nobody is there to say yes, nothing is said of the CA, and no number is one.
    let options = house.options();
    desk.run([&["revoke", &signature][..], &with_card, &options].concat()).ends_with(2);
    desk.run(["revoke", &signature, "--yes"]).ends_with(2);
    desk.run([&["revoke", "xyz", "--yes"][..], &options].concat()).ends_with(2);

    // Without the card only the password is there, and this CA wants more than that.
    let said = revoke(&house, &signature, "revocation", &["--without-card"]).ends_with(6);
    assert!(said.err.contains("password-alone"), "{}", said.err);
    // Its key signs: not with a wrong PIN.
    let both = [&with_card[..], &["--signature-pin-file", "pin2", "--why", "superseded"]].concat();
    let wrong = [&CARD[..], &["--pin-file", "pin2", "--signature-pin-file", "pin"]].concat();
    revoke(&house, &signature, "revocation", &wrong).ends_with(4);
    assert!(actors(&house).is_empty());
    let said = desk.run([&["revoke", &signature, "--yes"], &both[..], &house.options()].concat()).ends_with(0);
    said.says(&["never again", "Its own key", "is revoked", "OCSP", "superseded"]);
    let said = desk.run([&["revoke", &signature, "--yes"], &both[..], &house.options()].concat()).ends_with(0);
    said.says(&["already revoked", "Nothing was changed", "superseded"]);
    assert_eq!(actors(&house), ["holder, by the certificate's own key"]);

    house.change_policy(|policy| policy.replace("password_alone = false", "password_alone = true"));
    let said = revoke(&house, &login, "guess", &["--without-card"]).ends_with(6);
    assert!(said.err.contains("wrong-revocation-password"), "{}", said.err);
    let said = revoke(&house, &login, "revocation", &["--without-card", "--why", "key-compromise"]).ends_with(0);
    said.says(&["is revoked", "OCSP", "keyCompromise"]);
    assert_eq!(actors(&house), ["holder, by the certificate's own key", "holder, by password alone"]);
    let said = revoke(&house, &login, "revocation", &with_card).ends_with(0);
    said.says(&["already revoked"]);
    assert_eq!(actors(&house).len(), 2);

    drop(house);
    let secrets = Search::new([REVOCATION_PASSWORD]);
    for file in desk.files().into_iter().filter(|file| !file.ends_with("revocation")) {
        secrets.assert_absent(&file.display().to_string(), std::fs::read(desk.file(file.to_str().unwrap())).unwrap());
    }
    assert!(Path::new(&desk.file("ca.log")).exists());
}
