#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The old certificates are revoked while the order for new ones waits: the holder's program ends it, and says what is left.

mod support;

use support::{Desk, Said, ca::House};

const CARD: [&str; 2] = ["--token", "sim:card.state"];
const PINS: [&str; 4] = ["--pin-file", "pin", "--signature-pin-file", "pin2"];

/// A card whose certificates end in three weeks, and their serial numbers.
fn begin(desk: &Desk) -> (House<'_>, Vec<String>) {
    let house = House::open(desk);
    desk.write("pin", "1234");
    desk.write("pin2", "567890");
    desk.run(["simulator", "new", "card.state", "--house", "ca"]).ends_with(0);
    let due = house.operator(&["due", "ca", "--json"]).ends_with(0);
    let due: serde_json::Value = serde_json::from_str(&due.out).unwrap();
    let serials = due[0]["certificates"].as_array().unwrap().iter();
    let serials = serials.map(|one| one["serial"].as_str().unwrap().to_owned()).collect();
    (house, serials)
}

fn order_of(house: &House<'_>) -> serde_json::Value {
    let listed = house.operator(&["list", "ca", "--json"]).ends_with(0);
    let orders: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    orders[0].clone()
}

fn renew(desk: &Desk, how: &[&str]) -> Said {
    desk.run([&["renew", "--yes"], how, &CARD[..], &PINS].concat())
}

#[test]
fn who_waits_is_told_that_nothing_comes_and_which_keys_are_left() {
    let desk = Desk::new();
    let (house, serials) = begin(&desk);
    let options = house.options();
    renew(&desk, &options).ends_with(8);
    // On hold it waits on, and the operator sees why.
    house.operator(&["hold", "ca", &serials[1]]).ends_with(0);
    renew(&desk, &["--resume"]).ends_with(8);
    assert_eq!(
        (order_of(&house)["state"].as_str(), order_of(&house)["on_hold"].as_str()),
        (Some("pending"), Some("signature"))
    );
    house.operator(&["list", "ca"]).ends_with(0).says(&["pending", "the old signature certificate is on hold"]);
    house.operator(&["release", "ca", &serials[1]]).ends_with(0);
    assert!(order_of(&house)["on_hold"].is_null());

    house.operator(&["revoke", "ca", &serials[0], "--reason", "superseded"]).ends_with(0);
    let order = order_of(&house);
    assert_eq!((order["state"].as_str(), order["lapse"].as_str()), (Some("rejected"), Some("revoked")));
    house.operator(&["list", "ca"]).ends_with(0).says(&["rejected", "the old authentication certificate was revoked"]);
    let told = renew(&desk, &["--resume"]).ends_with(6);
    for words in [
        "revoked: the order is turned down",
        "The old pair was not touched. The authentication certificate was revoked on",
        "The new keys stay in slots 3, 4",
    ] {
        assert!(told.err.contains(words), "{words}: {}", told.err);
    }
    assert!(!told.err.contains("use it on") && !told.err.contains("unless"), "{}", told.err);
    // The journal is closed with it: there is nothing to resume, and no renewal is under way.
    let over = renew(&desk, &["--resume"]);
    assert!(over.code != 0 && over.code != 8, "{} {}", over.code, over.err);
    let journal = desk.files().into_iter().find(|file| file.extension().is_some_and(|end| end == "journal")).unwrap();
    let journal = std::fs::read_to_string(desk.file(journal.to_str().unwrap())).unwrap();
    assert!(journal.lines().last().unwrap().contains("revoked: the order is turned down"), "{journal}");
    let cleaned = desk.run([&["card", "clean"], &CARD[..], &PINS].concat());
    for key in ["authentication key in slot 3", "signature key in slot 4"] {
        assert!(cleaned.out.contains(key), "{key}: {}\n{}", cleaned.out, cleaned.err);
    }
}

#[test]
fn who_waits_by_plain_est_is_told_too() {
    let desk = Desk::new();
    let (mut house, serials) = begin(&desk);
    let pair = "profiles = [\"authentication\", \"signature\"]";
    house.change_policy(|policy| policy.replace(pair, "profiles = [\"authentication\"]"));
    let options = house.options();
    renew(&desk, &[&["--plain", "--service", "partner"], &options[..]].concat()).ends_with(8);
    house.operator(&["revoke", "ca", &serials[0]]).ends_with(0);
    let told = renew(&desk, &["--resume"]).ends_with(6);
    for words in [
        "revoked: the order is turned down",
        "The old certificate was not touched. The authentication certificate was revoked on",
        "The new key stays in slot 3",
    ] {
        assert!(told.err.contains(words), "{words}: {}", told.err);
    }
    assert!(!told.err.contains("use it on") && !told.err.contains("unless"), "{}", told.err);
}

/// The operator turns the order down, and the old pair is as good as before.
#[test]
fn who_is_refused_for_something_else_uses_the_old_pair_on() {
    let desk = Desk::new();
    let (house, _) = begin(&desk);
    renew(&desk, &house.options()).ends_with(8);
    house.operator(&["reject", "ca", &house.pending(), "--reason", "not paid"]).ends_with(0);
    let told = renew(&desk, &["--resume"]).ends_with(6);
    let words = "The old pair was not touched. It is not revoked: use it on until it ends.";
    assert!(told.err.contains("not paid") && told.err.contains(words), "{}", told.err);
}

/// Nothing is asked of a holder whose certificates cannot be renewed, and nothing is written.
#[test]
fn what_was_revoked_is_not_renewed_and_the_card_stays_as_it_is() {
    let desk = Desk::new();
    let (house, serials) = begin(&desk);
    desk.write("wrong", "55550000");
    desk.write("new", "55551111");
    let wrong = ["pin", "change", "signature", "--signature-pin-file", "wrong", "--new-pin-file", "new"];
    for _ in 0..2 {
        desk.run([&wrong[..], &CARD].concat()).ends_with(4);
    }
    let (options, card) = (house.options(), || std::fs::read(desk.file("card.state")).unwrap());
    let before = card();
    let doctor = || desk.run([&["doctor"], &CARD[..], &options].concat());
    doctor().ends_with(0).says(&["The signature certificate is not revoked (OCSP"]);
    // As long as it is not, the holder is asked.
    renew(&desk, &options).ends_with(4).says(&["Only one try is left"]);
    desk.run([&["renew", "--yes"], &CARD[..], &options].concat()).ends_with(2);

    house.operator(&["revoke", "ca", &serials[1], "--reason", "key-compromise"]).ends_with(0);
    let revoked = "signature certificate was revoked on";
    let without = desk.run([&["renew", "--yes"], &CARD[..], &options].concat()).ends_with(3);
    let with = renew(&desk, &options).ends_with(3);
    let spends = renew(&desk, &[&["--spend-last-try"], &options[..]].concat()).ends_with(3);
    for said in [&without, &with, &spends] {
        assert!(said.err.contains(revoked) && said.err.contains("keyCompromise"), "{}", said.err);
        assert!(said.err.contains("begin again with \"obnova first\""), "{}", said.err);
        assert!(!said.out.contains("one try") && !said.err.contains("last try"), "{} {}", said.out, said.err);
    }
    let said = doctor().ends_with(3);
    assert!(
        said.out.contains(revoked) && said.out.contains("authentication certificate is not revoked"),
        "{}",
        said.out
    );
    assert!(card() == before, "the card was written");
    renew(&desk, &["--resume"]).ends_with(3);
    assert_eq!(order_of(&house), serde_json::Value::Null, "nothing was ordered");
}

/// New keys or the same, by CMC or plain EST: what cannot come to its end is told while the card is as it was.
#[test]
fn nothing_is_made_where_a_password_is_missing_or_cannot_be_right() {
    let desk = Desk::new();
    let (mut house, serials) = begin(&desk);
    house.change_policy(|policy| policy.replace("same_key = false", "same_key = true"));
    let twins = include_str!("../../../policies/twins.toml").replace("same_key = false", "same_key = true");
    desk.write("twins.toml", &twins);
    let partner = include_str!("../../../policies/partner.toml").replace("same_key = false", "same_key = true");
    desk.write("est.toml", &partner.replace("protocol = \"cmc\"", "protocol = \"est\""));
    desk.write("short", "1");
    desk.write("long", "12345678901234567890");
    let card = || std::fs::read(desk.file("card.state")).unwrap();
    let (before, options) = (card(), house.options());
    let same_key = ["--policy", "twins.toml", "--same-key"];
    let est = ["--policy", "est.toml"];
    let est_same_key = ["--policy", "est.toml", "--same-key"];
    let ways = [&[][..], &same_key, &est, &est_same_key];
    let renew = |way: &[&str], pins: &[&str]| desk.run([&["renew", "--yes"], way, &CARD[..], pins, &options].concat());
    for way in ways {
        let all = PINS.len() - if way.contains(&"est.toml") { 2 } else { 0 };
        for at in (1..all).step_by(2) {
            for (given, code) in [(None, 2), (Some("short"), 4), (Some("long"), 4)] {
                let mut pins = PINS[..all].to_vec();
                match given {
                    Some(file) => pins[at] = file,
                    None => drop(pins.drain(at - 1..=at)),
                }
                let said = renew(way, &pins).ends_with(code);
                let named = if at == 1 { "authentication PIN" } else { "signature PIN" };
                assert!(said.err.to_lowercase().contains(&named.to_lowercase()), "{way:?} {pins:?}: {}", said.err);
                assert!(card() == before, "{way:?} {pins:?}: the card was touched");
                desk.run(["status"]).ends_with(0).says(&["No renewal was begun"]);
            }
        }
    }
    // Of what was revoked nothing is asked, by plain EST either.
    house.operator(&["revoke", "ca", &serials[0], "--reason", "superseded"]).ends_with(0);
    for way in ways {
        for pins in [&PINS[..], &[], &["--pin-file", "short"]] {
            let said = renew(way, pins).ends_with(3);
            assert!(said.err.contains("authentication certificate was revoked on"), "{way:?} {pins:?}: {}", said.err);
            assert!(!said.out.contains("PIN is needed"), "{}", said.out);
            assert!(card() == before, "{way:?} {pins:?}: the card was touched");
        }
    }
    assert_eq!(order_of(&house), serde_json::Value::Null, "nothing was ordered");
}
